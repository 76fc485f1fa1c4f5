"""Which part of a set a file or an array holds, from its name."""

import re

from cifar_core.data.contents import PartOfSet

WORDS: dict[str, PartOfSet] = {
    **dict.fromkeys(("train", "training", "trn", "tr"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "validate", "dev", "eval"), "val"),
    **dict.fromkeys(("test", "testing", "tst", "te", "t10k"), "test"),
}


def words_of(name: str) -> list[str]:
    """Return the words of a name in small letters: "trainImages_2" is train, images, 2."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return [word.lower() for word in re.split(r"[^A-Za-z0-9]+", apart) if word]


def part_of(name: str) -> PartOfSet | None:
    """Return the part that a name says; None if it says none."""
    return next((WORDS[word] for word in words_of(name) if word in WORDS), None)
