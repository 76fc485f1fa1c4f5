"""What a picker shows, as plain data: groups of cards, and the filters above them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Card:
    """One thing to choose. Its texts are shown as they are, never as Markdown."""

    key: str  # returned when it is chosen
    title: str
    badges: tuple[str, ...] = ()
    summary: str = ""  # one sentence
    facts: tuple[str, ...] = ()  # up to three
    hint: str = ""  # shown once the card is marked
    words: str = ""  # found by the search, but not shown
    passes: tuple[str, ...] = ()  # keys of the filters that let it through
    pictures: tuple[str, ...] = ()  # up to four, as data: addresses
    curve: tuple[float, ...] = ()  # drawn small, from left to right


@dataclass(frozen=True, kw_only=True)
class Group:
    """Cards under a heading. A card that an earlier group has is left out."""

    title: str
    cards: Sequence[Card]


@dataclass(frozen=True, kw_only=True)
class Filter:
    """A switch above the cards. Of one family, any that is on lets a card through."""

    key: str
    label: str
    family: str = ""
    on: bool = False  # when the picker opens
    help: str = ""


def payload(groups: Sequence[Group], filters: Sequence[Filter], chosen: str) -> dict[str, Any]:
    """Return what the browser draws: each card once, and only filters that divide the cards."""
    groups = distinct(groups)
    cards = [card for group in groups for card in group.cards]
    useful = [one for one in filters if 0 < passing(one, cards) < len(cards)]
    return {
        "groups": [
            {"title": group.title, "cards": [asdict(card) for card in group.cards]}
            for group in groups
        ],
        "filters": [{**asdict(one), "on": one.on and keeps(one, cards, chosen)} for one in useful],
        "chosen": chosen if any(card.key == chosen for card in cards) else "",
    }


def distinct(groups: Sequence[Group]) -> list[Group]:
    """Return the groups with each card in the first that has it; empty groups are left out."""
    seen: set[str] = set()
    kept = []
    for group in groups:
        fresh = [card for card in group.cards if card.key not in seen]
        seen |= {card.key for card in fresh}
        kept += [Group(title=group.title, cards=fresh)] if fresh else []
    return kept


def passing(one: Filter, cards: Sequence[Card]) -> int:
    """Count the cards that a filter lets through."""
    return sum(one.key in card.passes for card in cards)


def keeps(one: Filter, cards: Sequence[Card], chosen: str) -> bool:
    """Whether the card chosen so far, if any, would still be shown."""
    return all(one.key in card.passes for card in cards if card.key == chosen)
