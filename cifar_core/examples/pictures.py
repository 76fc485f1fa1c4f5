"""Drawn pictures to ask a network about; `python -m benchmarks.examples` draws them again."""

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "pictures"


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A picture to try."""

    title: str  # what is drawn, such as "a ship at sea"
    path: Path  # a JPEG file


def pictures() -> list[Sample]:
    """List the pictures; their files are named in order, such as 01-a-ship-at-sea.jpg."""
    files = sorted(FOLDER.glob("*.jpg"))
    return [Sample(title=path.stem[3:].replace("-", " "), path=path) for path in files]
