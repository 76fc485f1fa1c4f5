"""The same few validation images after every epoch, and what each class was taken for.

Both are read from the logits that a validation computes anyway. The images are chosen by the run's
seed, from random numbers of their own, so that watching changes nothing that is trained.
"""

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from cifar_core.data.augmentation.augment import stream
from cifar_core.evaluation.confusion import confusion, errors_only
from cifar_core.training.evaluate import KeptLogits

IMAGES = 16
SECOND = 2  # the validation after which the unsure half is chosen
UNSURE = 0.1  # share of the validation images, the least sure, of which that half is chosen
MOST_CLASSES = 20  # of a run whose counts are kept for every pair of classes
PAIRS = 20  # of the classes of other runs, those confused most often
WATCH = 6  # its stream of random numbers, separate from those of order and augmentation


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What was seen of one validation."""

    epoch: int
    images: NDArray[np.int64]  # places among the validation images, up to IMAGES
    labels: NDArray[np.int64]  # of these images
    predicted: NDArray[np.int64]  # for these images
    counts: NDArray[np.int64]  # [K, K] of all validation images: true class, predicted class

    def row(self, places: NDArray[np.int64]) -> dict[str, Any]:
        """Return plain values for one JSON line.

        `places` [N] are the indexes of the validation images among the dataset's training images.
        """
        named = {
            "images": places[self.images],
            "labels": self.labels,
            "predicted": self.predicted,
        }
        return {"epoch": self.epoch, **{k: v.tolist() for k, v in named.items()}, **self._counted()}

    def _counted(self) -> dict[str, Any]:
        if len(self.counts) <= MOST_CLASSES:
            return {"counts": self.counts.flatten().tolist()}
        mistakes = errors_only(self.counts).flatten()
        worst = np.argsort(-mistakes, kind="stable")[:PAIRS]
        return {
            "pairs": [
                [*map(int, divmod(place, len(self.counts))), int(mistakes[place])]
                for place in worst.tolist()
                if mistakes[place]
            ]
        }


@dataclass(kw_only=True)
class Watch:
    """Looks at the logits of every validation of a run."""

    labels: Tensor  # [N] of the validation images, on the device
    classes: int
    seed: int
    second: int = SECOND
    chosen: list[int] = field(default_factory=list)  # places of the images, in their final order
    seen: Seen | None = None  # of the last validation that was looked at

    @cached_property
    def truth(self) -> NDArray[np.int64]:
        """The labels [N], read from the device once."""
        labels: NDArray[np.int64] = self.labels.cpu().numpy()
        return labels

    def look(self, kept: KeptLogits, epoch: int) -> None:
        """Look at the validation that ended an epoch; from the second on, all images are chosen."""
        assert kept.answers is not None
        answers: NDArray[np.int64] = kept.answers.cpu().numpy()
        most = min(IMAGES, len(self.truth))
        if not self.chosen:
            self.choose(self.shuffled(), IMAGES // 2)
        if epoch >= self.second and len(self.chosen) < most:
            assert kept.margins is not None
            shuffled = self.shuffled()
            margins = kept.margins.cpu().numpy()[shuffled]  # in bfloat16, many are equal
            surest_last = shuffled[np.argsort(margins, kind="stable")]
            count = max(round(UNSURE * len(surest_last)), IMAGES)
            self.choose(surest_last[:count], most - len(self.chosen))
        images = np.array(self.chosen, np.int64)
        self.seen = Seen(
            epoch=epoch,
            images=images,
            labels=self.truth[images],
            predicted=answers[images],
            counts=confusion(answers, self.truth, self.classes),
        )

    def shuffled(self) -> NDArray[np.int64]:
        """Return the places of all validation images in the run's own order."""
        return stream(self.seed, 0, WATCH).permutation(len(self.truth))

    def choose(self, order: NDArray[np.int64], count: int) -> None:
        """Choose images in an order, one of each class before a second one of any class."""
        turns: Counter[int] = Counter()
        ranked = []
        for place in order[~np.isin(order, self.chosen)].tolist():
            label = int(self.truth[place])
            turns[label] += 1
            ranked.append((turns[label], place))
        ranked.sort(key=lambda each: each[0])  # stable: within a turn, the order stays
        self.chosen += [place for _, place in ranked[:count]]
