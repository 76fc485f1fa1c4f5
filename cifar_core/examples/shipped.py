"""The shipped runs: one zip each in runs/, in the form in which any run is exported.

`python -m benchmarks.examples` trains them again and writes the zips.
"""

from dataclasses import dataclass
from pathlib import Path

from cifar_core.registry import Registry

FOLDER = Path(__file__).parent / "runs"


@dataclass(frozen=True, kw_only=True)
class Example:
    """A shipped run."""

    key: str  # in about.json; never renamed
    title: str  # the name that the run begins with
    summary: str
    number: int  # one of the store's reserved numbers

    @property
    def path(self) -> Path:
        """The zip."""
        return FOLDER / f"{self.key}.zip"


EXAMPLES = Registry(
    "example",
    [
        Example(
            key="photographs",
            title="Example: photographs",
            summary="Knows ten kinds of things in photographs; the one to ask about a picture.",
            number=9001,
        ),
        Example(
            key="shapes",
            title="Example: shapes",
            summary="Tells ten shapes apart, which the program draws.",
            number=9002,
        ),
        Example(
            key="fewer_shapes",
            title="Example: shapes, a quarter of the images",
            summary="The same with a quarter of the training images, to be compared.",
            number=9003,
        ),
    ],
)
