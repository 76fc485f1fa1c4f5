"""Facts about every network that a page can show without loading torch.

They are in networks.json, which `make docs` writes from the registry of models.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from msgspec import Struct, convert, to_builtins

FILE = Path(__file__).with_name("networks.json")


class NetworkFacts(Struct, frozen=True, kw_only=True):
    """What is known about a network; its figures are for 10 classes and its usual resolution."""

    key: str
    title: str
    summary: str
    family: str
    parameters: int
    multiply_adds: int  # for one image forward
    pixels: int  # a side that it computes on
    weights: str = ""  # of a pretrained network: the key of its ImageNet weights


@cache
def network_facts() -> Mapping[str, NetworkFacts]:
    """Return the facts by key, in the order of the registry."""
    rows = convert(json.loads(FILE.read_text("utf-8")), list[NetworkFacts])
    return {row.key: row for row in rows}


@cache
def facts_of(key: str) -> NetworkFacts:
    """Return the facts about any network; for one that is made on demand, this loads torch."""
    return network_facts().get(key) or measured(key)


def measured(key: str) -> NetworkFacts:
    """Return the facts about a network from its entry; raises UnknownKeyError."""
    from cifar_core.models import MODELS
    from cifar_core.models.measure import card

    spec = MODELS[key]
    figures = card(spec)
    return NetworkFacts(
        key=spec.key, title=spec.title, summary=spec.summary, family=spec.family,
        parameters=figures.parameters, multiply_adds=figures.multiply_adds,
        pixels=figures.input_size, weights=spec.weights,
    )  # fmt: skip


def written() -> str:
    """Return the text of networks.json, one line for each listed network; this loads torch."""
    from cifar_core.models import MODELS

    lines = [json.dumps(to_builtins(measured(key)), ensure_ascii=False) for key in MODELS]
    return "[\n" + ",\n".join(lines) + "\n]\n"
