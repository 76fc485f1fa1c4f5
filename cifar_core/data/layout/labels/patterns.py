"""Takes the classes from the names of files by a pattern, and proposes one where names suggest it.

A pattern is a name with placeholders: {class}, {number} for digits, {part}, {group}, and {any} for
the rest. It is compared with the name without its ending, or with the folders too if it has a
slash.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
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
FEWEST = 4  # names of a class, on average: with fewer they would be numbers or dates, not classes
SEPARATORS = re.compile(r"([-_. ()]+)")
DATED = re.compile(r"(?<!\d)(19|20)\d\d[-_.]?(0[1-9]|1[0-2])([-_.]?([0-2]\d|3[01]))?(?!\d)")
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
    """Return a pattern that most names fit, how many do, and the classes; None if none does.

    Common patterns come first, then one for any place in names that are divided alike. Classes
    that differ in a number alone, such as cam0 and cam1, are the last choice.
    """
    found = []
    for patterns in (PROPOSED, by_place(names)):
        for pattern in patterns:
            labels = list(labels_by(pattern, names))
            classes = Counter(labels)
            if len(labels) >= FITTING * len(names) and sensible(classes):
                found.append((pattern, len(labels), sorted(classes)))
        found.sort(key=lambda one: (differ_in_numbers(one[2]), -one[1]))
        if found and not differ_in_numbers(found[0][2]):
            break
    return found[0] if found else None


def by_place(names: Collection[str]) -> list[str]:
    """Return patterns for the places in names that could hold the class, the likeliest first.

    Names are cut at separators; those of the most frequent form count. A place holds the class if
    its words are few. Where {any} around it would find other classes, what is equal in all names
    is written out, and numbers are {number}.
    """
    cut = [SEPARATORS.split(name_for("", name)) for name in names if "{" not in name]
    if not cut:
        return []
    form, _ = Counter(tuple(pieces[1::2]) for pieces in cut).most_common(1)[0]
    columns = list(zip(*(p[::2] for p in cut if tuple(p[1::2]) == form), strict=True))
    likely = sorted(
        (len(set(column)), place) for place, column in enumerate(columns)
        if sensible(Counter(column))
        and not all(map(synonyms.part_of, set(column)))
        and not differ_in_numbers(set(column))
    )  # fmt: skip
    whole = ["".join(pieces) for pieces in cut if tuple(pieces[1::2]) == form]
    patterns = []
    for _, place in likely:
        for pattern in (short_form(form, place), long_form(columns, form, place)):
            simple = len(PLACE.findall(pattern)) <= MOST_PLACES
            if simple and tuple(labels_by(pattern, whole)) == columns[place]:
                patterns.append(pattern)
                break
    return patterns


def short_form(form: Sequence[str], place: int) -> str:
    """Return the pattern with {class} at a place, and {any} before and after it."""
    before = "{any}" + form[place - 1] if place else ""
    return before + "{class}" + (form[place] + "{any}" if place < len(form) else "")


def long_form(columns: Sequence[Sequence[str]], form: Sequence[str], place: int) -> str:
    """Return the pattern with {class} at a place, and all others as closely as they are alike."""
    pattern = ""
    for i, column in enumerate(columns):
        alike = column[0] if len(set(column)) == 1 else "{any}"
        word = "{number}" if all(map(str.isdecimal, column)) else alike
        pattern += ("{class}" if i == place else word) + "".join(form[i : i + 1])
    return pattern


def differ_in_numbers(classes: Iterable[str]) -> bool:
    """Return True for classes such as cam0 and cam1."""
    return len({re.sub(r"\d+", "", name) for name in classes}) == 1


def labels_by(pattern: str, names: Iterable[str]) -> Iterable[str]:
    """Yield the class of each name that fits a pattern."""
    expression = compiled(pattern)
    for name in names:
        if match := expression.fullmatch(name_for(pattern, name)):
            yield match["class_"]


def sensible(classes: Counter[str]) -> bool:
    """Return True if there are several classes, few for all the names, and all are words."""
    words = all(any(map(str.isalpha, name)) and not DATED.search(name) for name in classes)
    means = not all(name.casefold().strip("_-. ") in MEANINGLESS for name in classes)
    few = len(classes) * FEWEST <= classes.total()
    return len(classes) > 1 and words and means and few
