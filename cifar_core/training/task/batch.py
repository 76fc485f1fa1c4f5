"""A batch as a training step uses it: the images that the network gets, and what they show."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Images and the classes that they show: one, or two of which each has a share."""

    images: Tensor  # [n, 3, S, S] in [0, 1], or kept features [n, D]
    labels: Tensor  # [n], int64
    others: Tensor | None = None  # [n], of the images that are mixed in; None if none are
    share: float = 1.0  # of `labels` in each image, 0 to 1; the rest is that of `others`
    # what the teachers' kept answers make of it: probabilities [n, K]; None if there are none
    taught: Tensor | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def main_labels(self) -> Tensor:
        """The class [n] that has the larger share of each image."""
        return self.labels if self.others is None or self.share >= 0.5 else self.others

    def without_first(self, count: int) -> "Batch":
        """Return all but the first images."""
        return list(self.split([count, len(self) - count]))[1]

    def split(self, sizes: Sequence[int]) -> Iterator["Batch"]:
        """Yield pieces of these sizes, which add up to the batch."""
        start = 0
        for size in sizes:
            part = slice(start, start + size)
            others, taught = (
                None if tensor is None else tensor[part] for tensor in (self.others, self.taught)
            )
            yield replace(
                self, images=self.images[part], labels=self.labels[part], others=others,
                taught=taught,
            )  # fmt: skip
            start += size
