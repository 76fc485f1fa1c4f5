"""Which part of a set a file or an array holds, from its name."""

import re

from cifar_core.data.contents import PartOfSet
from cifar_core.data.layout.synonyms import PART_OF_WORD, tokens

MNISTS = re.compile("t10k", re.IGNORECASE)  # its name for the test images, ten thousand


def words_of(name: str) -> list[str]:
    """Return the words of a name in small letters: "trainImages_2" is train, images, 2."""
    return tokens(MNISTS.sub("test", name))


def part_of(name: str) -> PartOfSet | None:
    """Return the part that a name says; None if it says none."""
    return next((PART_OF_WORD[word] for word in words_of(name) if word in PART_OF_WORD), None)
