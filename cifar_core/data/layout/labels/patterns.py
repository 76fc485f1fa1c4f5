"""Takes the classes from the names of files by a pattern, and proposes one where names suggest it.

A pattern is a name with placeholders: {class}, {number} for digits, {part}, {group}, and {any} for
the rest. It is compared with the name without its ending, or with the folders too if it has a
slash.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache

from cifar_core.data.contents import PartOfSet
from cifar_core.data.layout import synonyms
from cifar_core.data.layout.labeled import Label, Labeled
from cifar_core.data.layout.listing import Listing
from cifar_core.data.sources.limits import shown
from cifar_core.errors import DataError

PLACES = {"class": ".+", "number": r"\d+", "part": ".+", "group": ".+", "any": ".*"}
PLACE = re.compile(r"\{(\w+)\}")
MOST_PLACES = 6  # more could take forever to compare
PROPOSED = (  # in this order
    *("{class}.{number}", "{class}_{number}", "{class}-{number}", "{class} ({number})"),
    *("{class} {number}", "{number}_{class}", "{number}-{class}", "{number}.{class}"),
    *("{class}_{number}_{any}", "{class}-{number}-{any}", "{number}_{class}_{any}"),
    *("{class}{number}", "{number}{class}", "{class}_{any}", "{class}-{any}"),
)
FITTING = 0.9  # share of the names that a proposal must fit
MEANINGLESS = frozenset(
    [
        "img",
        "image",
        "dsc",
        "dscn",
        "dscf",
        "pict",
        "picture",
        "photo",
        "pic",
        "p",
        "frame",
        "screenshot",
    ]
)
MOST_PER_CLASS = 0.5  # classes to names in a proposal: more would be numbers, not classes
UNFIT = "have names that do not fit the pattern"
ENDING = re.compile(r"\.(\w+|\*)$")


@lru_cache(maxsize=64)
def compiled(pattern: str) -> re.Pattern[str]:
    """Return a pattern as a regular expression; raises DataError if it cannot be one."""
    ending = ENDING.search(pattern)
    bare = pattern
    if ending and (ending[1] == "*" or ending[1].lower() in synonyms.PICTURES):
        bare = pattern[: ending.start()]
    names = PLACE.findall(bare)
    unknown = [name for name in names if name not in PLACES]
    repeated = [
        name for name, n in Counter(names).items() if n > 1 and name not in ("any", "number")
    ]
    if unknown or repeated or "class" not in names or len(names) > MOST_PLACES:
        raise DataError(
            f"The pattern '{shown(pattern)}' must hold {{class}} once, and may hold {{number}}, "
            "{part}, {group} and {any}. An example for cat_12.jpg is {class}_{number}."
        )
    pieces = PLACE.split(bare)  # text, name, text, name, ..., text
    expression = ""
    for text, name in zip(pieces[::2], [*pieces[1::2], ""], strict=True):
        place = PLACES.get(name, "")
        keep = f"(?P<{name}_>{place})" if name in ("class", "part", "group") else place
        expression += re.escape(text) + keep
    return re.compile(expression, re.IGNORECASE)


def name_for(pattern: str, name: str) -> str:
    """Return what of a picture's name a pattern is compared with."""
    whole = name if "/" in pattern else name.rpartition("/")[2]
    stem, dot, ending = whole.rpartition(".")
    return stem if dot and stem and ending.lower() in synonyms.PICTURES else whole


def by_pattern(pattern: str, listing: Listing, parts: Mapping[str, PartOfSet | None]) -> Labeled:
    """Label the pictures by a pattern; raises DataError if it is not one or no name fits."""
    labeled = Labeled()
    expression = compiled(pattern)
    unfit = []
    for name in listing.pictures:
        match = expression.fullmatch(name_for(pattern, name))
        found = match.groupdict() if match else {}
        part = synonyms.part_of(found["part_"]) if "part_" in found else parts.get(name)
        if not match or ("part_" in found and part is None):
            unfit.append(name)
        else:
            labeled.pictures[name] = Label(part, found["class_"], found.get("group_", ""))
    if not labeled.pictures:
        example = shown(next(iter(listing.pictures), ""))
        raise DataError(
            f"None of the {len(listing.pictures):,} pictures of {listing.path} fits the pattern "
            f"'{shown(pattern)}', for example {example} does not. Change the pattern, or leave it "
            "empty."
        )
    labeled.leave_out(UNFIT, unfit)
    labeled.said.append(
        f"The classes come from the names of the files, by the pattern {shown(pattern)}, which "
        f"{len(labeled.pictures):,} of {len(listing.pictures):,} fit."
    )
    return labeled


def proposed(names: Collection[str]) -> tuple[str, int, list[str]] | None:
    """Return a pattern that most names fit, how many do, and the classes; None if none does."""
    best: tuple[str, int, list[str]] | None = None
    for pattern in PROPOSED:
        labels = list(labels_by(pattern, names))
        classes = Counter(labels)
        fits = len(labels) >= FITTING * len(names) and sensible(classes)
        if fits and (best is None or len(labels) > best[1]):
            best = pattern, len(labels), sorted(classes)
    return best


def labels_by(pattern: str, names: Iterable[str]) -> Iterable[str]:
    """Yield the class of each name that fits a pattern."""
    expression = compiled(pattern)
    for name in names:
        if match := expression.fullmatch(name_for(pattern, name)):
            yield match["class_"]


def sensible(classes: Counter[str]) -> bool:
    """Return True if there are several classes, few for all the names, and none is a number."""
    words = all(any(map(str.isalpha, name)) for name in classes)
    means = not all(name.casefold().strip("_-. ") in MEANINGLESS for name in classes)
    few = len(classes) <= MOST_PER_CLASS * classes.total()
    return len(classes) > 1 and words and means and few
