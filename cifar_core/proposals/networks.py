"""Facts about every network that a page can show without loading torch.

They are in networks.json, which `make docs` writes from the registry of models.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from msgspec import Struct, convert

FILE = Path(__file__).with_name("networks.json")


class NetworkFacts(Struct, frozen=True, kw_only=True):
    """What is known about a network; its figures are for 10 classes and its usual size."""

    key: str
    title: str
    summary: str
    family: str
    parameters: int
    multiply_adds: int  # for one image forward
    pixels: int  # a side that it computes on
    weights: str = ""  # of a pretrained network: the key of its ImageNet weights
    # multiply-adds at the least sides in pixels at which its stem shrinks an image more
    larger: tuple[tuple[int, int], ...] = ()

    def multiply_adds_at(self, side: int, resolution: int = 0) -> float:
        """Return the multiply-adds for one image of `side` pixels, growing with its square.

        A pretrained network enlarges smaller images to `resolution`, if that is not 0.
        """
        least = resolution if self.weights and resolution else self.pixels
        computed = side if self.larger else max(side, least)
        known = [(self.pixels, self.multiply_adds), *self.larger]
        at, multiply_adds = max((one for one in known if one[0] <= computed), default=known[0])
        return multiply_adds * (computed / at) ** 2


@cache
def network_facts() -> Mapping[str, NetworkFacts]:
    """Return the facts by key, in the order of the registry."""
    rows = convert(json.loads(FILE.read_text("utf-8")), list[NetworkFacts])
    return {row.key: row for row in rows}


def written() -> str:
    """Return the text of networks.json, one line for each network; this loads torch."""
    from cifar_core.models import MODELS
    from cifar_core.models.measure import card
    from cifar_core.models.stems import BOUNDARIES

    lines = []
    for spec in MODELS.values():
        figures = card(spec)
        facts = {
            "key": spec.key, "title": spec.title, "summary": spec.summary, "family": spec.family,
            "parameters": figures.parameters, "multiply_adds": figures.multiply_adds,
            "pixels": figures.input_size, "weights": spec.weights,
            "larger": [(at, card(spec, side=at).multiply_adds) for at in BOUNDARIES if spec.stems],
        }  # fmt: skip
        lines.append(json.dumps(facts, ensure_ascii=False))
    return "[\n" + ",\n".join(lines) + "\n]\n"
