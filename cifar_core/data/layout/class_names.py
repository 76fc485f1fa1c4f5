"""Makes the names of classes one: capitals, order, and words instead of numbers."""

import re
from collections import defaultdict
from collections.abc import Collection

from cifar_core.data.contents import PartOfSet
from cifar_core.data.layout import synonyms
from cifar_core.data.layout.labeled import Labeled
from cifar_core.data.layout.labels.tables import names_in, stem
from cifar_core.data.layout.listing import CONTROLS, Listing
from cifar_core.data.sources.limits import shown

LISTS = re.compile(r"class|label|categor|names|synset|species|to_name|index")
NUMBER = re.compile(r"\d+")


def in_order(labels: Collection[str]) -> tuple[str, ...]:
    """Return names of classes alphabetically; numerically if all of them are whole numbers."""
    if all(label.isascii() and label.isdigit() for label in labels):
        return tuple(sorted(labels, key=lambda label: (int(label), label)))
    return tuple(sorted(labels))


def unify(labeled: Labeled) -> None:
    """Take names that differ in capitals between the parts as one class, where that is certain."""
    spelled: dict[str, dict[str, set[PartOfSet | None]]] = defaultdict(lambda: defaultdict(set))
    for one in labeled.pictures.values():
        spelled[synonyms.word_of(one.label)][one.label].add(one.part)
    renamed: dict[str, str] = {}
    for spellings in spelled.values():
        if len(spellings) == 1:
            continue
        parts = [part for found in spellings.values() for part in found]
        if len(parts) == len(set(parts)):  # no part has two of them
            kept = min(spellings, key=lambda name: ("train" not in spellings[name], name))
            renamed |= {name: kept for name in spellings if name != kept}
    if not renamed:
        return
    rename(labeled, renamed)
    pairs = [f"{shown(old)} and {shown(new)}" for old, new in sorted(renamed.items())]
    more = f" and {len(pairs) - 3:,} more" if len(pairs) > 3 else ""
    labeled.said.append(
        f"Names that differ only in capitals are one class: {', '.join(pairs[:3])}{more}."
    )


def rename(labeled: Labeled, names: dict[str, str]) -> None:
    """Give classes other names."""
    for name, one in labeled.pictures.items():
        if one.label in names:
            labeled.pictures[name] = one._replace(label=names[one.label])


def readable(label: str) -> str:
    """Return the name of a class with a question mark for each control character."""
    return label if label.isprintable() else label.translate(CONTROLS)


def make_readable(labeled: Labeled) -> None:
    """Take control characters out of the names of classes, which no page could show."""
    rename(labeled, {label: readable(label) for label in labeled.classes()})


def spell_out(labeled: Labeled, listing: Listing) -> None:
    """Replace numbers, or codes, by the names that a list of classes in the source has for them."""
    labels = labeled.classes()
    for name in sorted(listing.tables, key=lambda name: (name.count("/"), name)):
        listed = synonyms.ending_of(name) in ("txt", "json") and LISTS.search(stem(name).casefold())
        if not listed or name in labeled.used:
            continue
        names = meaning(labels, names_in(name, listing.tables[name]))
        if names:
            rename(labeled, names)
            labeled.used.add(name)
            labeled.said.append(f"The names of the classes come from {shown(name)}.")
            return


def meaning(labels: Collection[str], names: list[str] | dict[str, str]) -> dict[str, str]:
    """Return the name of each class in a list or mapping; {} if it does not fit all of them."""
    if isinstance(names, list):
        if not labels or not all(NUMBER.fullmatch(label) for label in labels):
            return {}
        numbers = sorted(map(int, labels))
        start = 0 if numbers[0] == 0 else 1
        if numbers[-1] - start >= len(names):
            return {}
        if start and numbers[-1] != len(names):  # it could count from 0 too
            return {}
        found = {label: names[int(label) - start] for label in labels}
    else:
        found = {label: names.get(label, "") for label in labels}
    fits = all(found.values()) and len(set(found.values())) == len(found)
    return found if fits and found != {label: label for label in labels} else {}
