"""Choosing a network: every architecture as a card, with its cost and what it reached here."""

import os
from collections.abc import Mapping

from app import theme
from app.session import inventory, store
from app.shared.picker.cards import Card, Filter, Group
from app.shared.picker.dialog import pick
from app.shared.picker.history import History, history
from cifar_core import weights
from cifar_core.numbers import NARROW
from cifar_core.proposals import cost
from cifar_core.proposals.networks import NetworkFacts, network_facts
from cifar_core.proposals.rules import RULES

LATELY = 3  # networks under "Used lately"
UNITS = ((3600, "h"), (60, "min"), (1, "s"))
HELD_OUT = 0.1  # of the images, as an epoch does not show them
NOTE = "Times without \u2248 were measured in runs of this store."
FITS = (
    "Networks of which an epoch, or the features of a frozen one, take at most 15 minutes here, "
    "and whose training takes at most half of the memory for its weights."
)


def choose_network(
    key: str, *, source: str = "", images: int = 0, proposed: str = "", chosen: str = ""
) -> None:
    """Open a dialog to choose a network; `picked(key)` returns its key afterwards.

    `source` and `images` are those of the data set, resolved, and its training images; `proposed`
    is the network of a proposal and `chosen` the one that is chosen now.
    """
    groups = network_groups(source, images, proposed)
    families = dict.fromkeys(facts.family for facts in network_facts().values())
    filters = [
        Filter(key="fits", label="Fits this machine", family="", on=True, help=FITS),
        Filter(key="pretrained", label="Pretrained", family="start"),
        Filter(key="scratch", label="From scratch", family="start"),
        *(Filter(key=family, label=family, family="family") for family in families
          if not family.startswith("Pretrained")),
    ]  # fmt: skip
    pick(
        key, "Choose a network", groups, filters=filters, chosen=chosen, note=NOTE,
        search="Name, family or purpose, such as \u201ctransformer\u201d or \u201csmall\u201d",
    )  # fmt: skip


def network_groups(source: str, images: int, proposed: str) -> list[Group]:
    """Return the cards of all networks: used lately, for these images, all others."""
    facts = network_facts()
    gpu = any(not device.is_cpu for device in inventory().devices)
    trained = round(images * (1 - HELD_OUT))
    past = history(source, trained, gpu=gpu)
    a_second = cost.speed(past.measured, gpu=gpu)
    memory = memory_megabytes()
    here = {key for key in weights.WEIGHTS if weights.find(key, store().root)}
    costs = {
        key: past.costs.get(key) or cost.estimated(one, trained, a_second)
        for key, one in facts.items()
    }
    cards = {
        key: network_card(one, costs[key], past, here, known=bool(images),
                          proposed=key == proposed, memory=memory)
        for key, one in facts.items()
    }  # fmt: skip
    return [
        Group(title="Used lately", cards=in_order(cards, past.lately, LATELY)),
        Group(title="For these images", cards=in_order(cards, alternatives(proposed))),
        Group(title="All", cards=list(cards.values())),
    ]


def network_card(
    facts: NetworkFacts,
    price: cost.Cost,
    past: History,
    here: set[str],
    *,
    known: bool,
    proposed: bool,
    memory: float,
) -> Card:
    """Return the card of a network; times need a known number of images."""
    badges = ["proposed for these images"] if proposed else []
    if facts.weights:
        megabytes = weights.WEIGHTS[facts.weights].megabytes
        badges += ["weights here" if facts.weights in here else f"{megabytes:,.0f} MB to fetch"]
    best = past.best.get(facts.key)
    passes = ["pretrained" if facts.weights else "scratch", facts.family]
    if not known or cost.fits(facts, price, memory):
        passes.append("fits")
    return Card(
        key=facts.key,
        title=facts.title,
        badges=tuple(badges),
        summary=facts.summary,
        facts=(
            f"{theme.magnitude(facts.parameters)} weights",
            *([time_of(price)] if known else []),
            f"{theme.percent(best)} here" if best is not None else "not tried",
        ),
        hint=f"{facts.family}, {theme.magnitude(facts.multiply_adds)} multiply-adds per image at "
        f"{facts.pixels} pixels",
        words=facts.key,
        passes=tuple(passes),
    )


def time_of(price: cost.Cost) -> str:
    """Write how long an epoch takes, or the features of a frozen network."""
    time = theme.duration(price.seconds) if price.measured else about(price.seconds)
    return f"features {time}" if price.once else f"{time} an epoch"


def about(seconds: float) -> str:
    """Write an estimate in one unit, as exactly as it is known."""
    unit, name = unit_of(seconds)
    return f"\u2248 {rounded(seconds) / unit:.0f}{NARROW}{name}"


def rounded(seconds: float) -> float:
    """Round an estimate to whole seconds, minutes or hours; at least a second."""
    unit, _ = unit_of(seconds)
    return max(1.0, float(round(seconds / unit) * unit))


def unit_of(seconds: float) -> tuple[int, str]:
    """Return the unit in which an estimate is written, in seconds, and its sign."""
    return next((unit, name) for unit, name in UNITS if seconds >= 1.5 * unit or unit == 1)


def in_order(cards: Mapping[str, Card], keys: list[str], most: int = 100) -> list[Card]:
    """Return the first cards of a list of keys; unknown ones, as of imported runs, are left out."""
    return [cards[key] for key in keys if key in cards][:most]


def alternatives(proposed: str) -> list[str]:
    """Return the proposed network, and those that the same rules would take in its place."""
    rules = [rule.networks for rule in RULES if proposed in rule.networks]
    others = [network for networks in rules for network in networks]
    return list(dict.fromkeys([proposed, *others])) if proposed else []


def memory_megabytes() -> float:
    """Return the memory of the device that trains: the first GPU's, or the machine's."""
    first = next(iter(inventory().devices), None)
    if first is not None and first.memory_megabytes and not first.is_cpu:
        return float(first.memory_megabytes)
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e6
