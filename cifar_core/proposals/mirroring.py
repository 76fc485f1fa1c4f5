"""Whether a class changes its meaning when its images are mirrored, as far as its name says."""

import re
from collections.abc import Iterable

NUMBERS = {"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"}
SIDES = {"left", "right", "leftwards", "rightwards", "clockwise", "counterclockwise"}
KINDS = {"digit", "number", "letter", "char", "character", "symbol", "sign", "upper", "lower"}


def one_sided(classes: Iterable[str]) -> list[str]:
    """Return the classes whose name is a number or a letter, or says left or right."""
    return [name for name in classes if is_one_sided(name)]


def is_one_sided(name: str) -> bool:
    """Whether a class's name is a number or a letter, or says left or right."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    words = re.findall(r"[^\W_]+", spaced.lower())
    if SIDES.intersection(words):
        return True
    rest = [word for word in words if word not in KINDS] or words
    return len(rest) == 1 and (
        rest[0].isnumeric() or rest[0] in NUMBERS or (len(rest[0]) == 1 and rest[0].isalpha())
    )
