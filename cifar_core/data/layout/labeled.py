"""What a source says of its pictures, before it is known which of them make a set."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from cifar_core.data.contents import Columns, PartOfSet


class Label(NamedTuple):
    """What is known of a picture."""

    part: PartOfSet | None  # None if nothing says it
    label: str
    group: str = ""


@dataclass(kw_only=True)
class Labeled:
    """The pictures whose class is known, and why the others are left out."""

    pictures: dict[str, Label] = field(default_factory=dict)
    left_out: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    said: list[str] = field(default_factory=list)
    columns: Columns | None = None
    used: set[str] = field(default_factory=set)  # tables and lists that were read
    folders_of: dict[str, str] = field(default_factory=dict)  # part -> its folders

    def leave_out(self, why: str, names: Iterable[str]) -> None:
        """Take pictures out for a reason."""
        for name in names:
            self.pictures.pop(name, None)
            self.left_out[why].append(name)

    def classes(self, *parts: PartOfSet | None) -> set[str]:
        """Return the classes with pictures in any of these parts, or in all if none is named."""
        return {one.label for one in self.pictures.values() if not parts or one.part in parts}
