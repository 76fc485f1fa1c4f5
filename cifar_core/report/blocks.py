"""The parts of a report: plain blocks that are independent of the file format.

Every text is plain: each format escapes it, so that a name can never be markup.
"""

from dataclasses import dataclass, field

import numpy as np

from cifar_core import numbers
from cifar_core.reading.curves import Values


@dataclass(frozen=True, kw_only=True)
class Heading:
    """A title; level 1 is the report's own."""

    text: str
    level: int


@dataclass(frozen=True, kw_only=True)
class Text:
    """Paragraphs, with empty lines between them."""

    text: str
    source: str = ""  # its origin, a phrase
    edited: bool = False  # a person wrote it instead of the program

    @property
    def paragraphs(self) -> list[str]:
        """The paragraphs, each in one line."""
        parts = self.text.replace("\r\n", "\n").split("\n\n")
        return [" ".join(part.split()) for part in parts if part.strip()]


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows below a line of titles; without titles, the first column names the rows."""

    rows: tuple[tuple[str, ...], ...]
    titles: tuple[str, ...] = ()
    source: str = ""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a chart."""

    name: str
    x: Values  # [P] epochs done, fractional
    y: Values  # [P]
    color: int  # a place in palette.LIGHT and DARK
    dash: str = "solid"  # one of palette.DASHES
    marked: bool = False  # with a dot at each point
    faint: bool = False  # behind the others


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One pair of axes."""

    title: str
    lines: tuple[Line, ...]
    is_share: bool = False  # the values are shares in [0, 1], shown in percent


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A moment that every panel of a chart marks by a line; the first panel has its label."""

    x: float  # epochs done, fractional
    label: str


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Panels side by side, over the same epochs."""

    key: str  # usable as a file name
    title: str
    panels: tuple[Panel, ...]
    marks: tuple[Mark, ...] = ()


Block = Heading | Text | Table | Chart


@dataclass(frozen=True, kw_only=True)
class Document:
    """A whole report."""

    title: str
    blocks: tuple[Block, ...]
    records: tuple[dict[str, object], ...] = field(default=())  # one row for each run, for CSV

    @property
    def charts(self) -> list[Chart]:
        """Its charts, in order."""
        return [block for block in self.blocks if isinstance(block, Chart)]


def rounded(values: Values) -> list[float | None]:
    """Return numbers with five digits for JSON; None if they are not finite."""
    return [float(f"{v:.5g}") if np.isfinite(v) else None for v in values.tolist()]


def percent(share: float | None, digits: int = 2) -> str:
    """Return a share in [0, 1] in percent; empty for None."""
    return "" if share is None else numbers.percent(share, digits)


EDITED = "edited by hand"


def note_of(block: Text | Table) -> str:
    """Return the origin of a block in a few words, and whether a person changed it."""
    edited = isinstance(block, Text) and block.edited
    return "; ".join(filter(None, [block.source, EDITED if edited else ""]))
