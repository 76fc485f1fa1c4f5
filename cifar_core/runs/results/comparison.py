"""Whether one run is really better than another: on the same images, and over seeds.

Two kinds of chance are kept apart. The images are a sample: McNemar's test on the predictions says
how two trained networks differ. The training is a sample too: another seed gives another network,
and only several seeds of each setting can show whether the setting is better.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from cifar_core.data.dataset import counts as counts_of_classes
from cifar_core.evaluation.confusion import confusion
from cifar_core.evaluation.scores import balanced_accuracy, class_scores
from cifar_core.numbers import percent
from cifar_core.runs.record.run import Run
from cifar_core.runs.results.predictions import Part, Predictions
from cifar_core.runs.results.side_by_side import by_setting
from cifar_core.statistics.class_shares import are_uneven, uneven_words
from cifar_core.statistics.over_seeds import SURE, holm, paired, spread
from cifar_core.statistics.over_seeds import verdict as verdict_over_seeds
from cifar_core.statistics.same_images import Counts, counted

IMAGES = {"train": "training", "val": "validation", "test": "test"}
THESE_TWO = (
    "This holds for these networks and images like these. Whether the setting is better needs more "
    "seeds: trained again with another seed, each network would predict differently."
)


@dataclass(frozen=True, kw_only=True)
class PairComparison:
    """Two runs' predictions for the same images; `counts` are from the side of the first."""

    first: Run
    second: Run
    counts: Counts
    corrected: float  # p-value after Holm's correction for all pairs that were compared
    pairs: int  # the number of those pairs
    # the first's balanced accuracy minus the second's, where the classes of the images are uneven
    balanced: float | None = None

    @property
    def is_disputed(self) -> bool:
        """Whether the balanced accuracy says the opposite of the accuracy."""
        return self.balanced is not None and self.balanced * self.counts.difference < 0

    @property
    def is_sure(self) -> bool:
        """Whether chance alone is an unlikely explanation of the difference."""
        return self.corrected < SURE

    def seen_from(self, run: Run) -> "PairComparison":
        """Return the same comparison with this run as the first."""
        if self.first.id == run.id:
            return self
        c = self.counts
        turned = Counts(both=c.both, only_first=c.only_second, only_second=c.only_first,
                        neither=c.neither)  # fmt: skip
        balanced = None if self.balanced is None else -self.balanced
        return replace(self, first=self.second, second=self.first, counts=turned, balanced=balanced)


def obstacle(first: Run, second: Run, part: Part) -> str:
    """Say why two runs cannot be compared on the same images; empty if they can."""
    data, other = first.environment.data, second.environment.data
    names = f"#{first.number} and #{second.number}"
    if (data.usual_fingerprint or data.source) != (other.usual_fingerprint or other.source):
        return (
            f"{names} cannot be compared image by image: they were trained on different images "
            f"({data.title or 'unknown'} and {other.title or 'unknown'})."
        )
    if part != "test" and held_back(first.settings) != held_back(second.settings):
        return (
            f"{names} cannot be compared on validation images, because they use different ones "
            f"({aside(first)}; {aside(second)}). Their test images are the same."
        )
    return ""


def held_back(settings: Mapping[str, Any]) -> tuple[object, object]:
    """Return those of a run's settings that decide which images are kept for validation."""
    return settings.get("val_fraction"), settings.get("split_seed")


def aside(run: Run) -> str:
    """Say which images a run keeps for validation."""
    share, seed = held_back(run.settings)
    return f"{100 * float(str(share or 0)):g} % with split seed {seed}"


def obstacles(runs: Sequence[Run], part: Part) -> list[str]:
    """Say why the first run cannot be compared with some of the others."""
    return [why for run in runs[1:] if (why := obstacle(runs[0], run, part))]


def compare_pairs(predictions: Sequence[Predictions]) -> list[PairComparison]:
    """Compare every two runs that classified the same images, corrected for the number of pairs.

    The correction is for all pairs, because the best run is picked after seeing them all.
    """
    pairs = [(a, b) for a, b in combinations(predictions, 2) if same_images(a, b)]
    counts = [counted(a.right, b.right) for a, b in pairs]
    corrected = holm([count.p_value for count in counts])
    return [
        PairComparison(
            first=a.run,
            second=b.run,
            counts=count,
            corrected=p,
            pairs=len(pairs),
            balanced=balanced_of(a) - balanced_of(b) if are_uneven(counts_of(a)) else None,
        )
        for (a, b), count, p in zip(pairs, counts, corrected, strict=True)
    ]


def same_images(first: Predictions, second: Predictions) -> bool:
    """Return True if two runs classified the same images, in the same order."""
    return not obstacle(first.run, second.run, first.part) and np.array_equal(
        first.indexes, second.indexes
    )


def against(base: Run, pairs: Sequence[PairComparison]) -> list[PairComparison]:
    """Return the comparisons of one run with the others, from its side."""
    return [pair.seen_from(base) for pair in pairs if base.id in (pair.first.id, pair.second.id)]


def compare_with(base: Run, predictions: Sequence[Predictions]) -> list[PairComparison]:
    """Compare one run with the others that classified the same images, from its side."""
    return against(base, compare_pairs(predictions))


def headline(base: Run, pairs: Sequence[PairComparison]) -> str:
    """Say in a sentence what a run's comparisons on the same images show."""
    if len(pairs) == 1:
        return pair_sentence(pairs[0])
    sure = [pair for pair in pairs if pair.is_sure]
    clear = [pair for pair in sure if not pair.is_disputed]
    better = [pair for pair in clear if pair.counts.difference > 0]
    worse = [pair for pair in clear if pair.counts.difference < 0]
    disputed = [pair for pair in sure if pair.is_disputed]
    even = [pair for pair in pairs if not pair.is_sure]
    phrases = [
        words.format(listed([pair.second for pair in found]))
        for words, found in (
            ("is better than {}", better),
            ("is worse than {}", worse),
            ("is ranked differently against {} by accuracy and by balanced accuracy", disputed),
            ("is not clearly different from {}", even),
        )
        if found
    ]
    return f"On these images #{base.number} {', '.join(phrases)}."


def pair_sentence(pair: PairComparison) -> str:
    """Say how two runs differ on the same images."""
    if pair.counts.difference < 0:
        pair = pair.seen_from(pair.second)
    first, second = f"#{pair.first.number}", f"#{pair.second.number}"
    low, high = (100 * end for end in pair.counts.interval)
    points = 100 * pair.counts.difference
    if pair.is_sure:
        better = "right more often" if pair.is_disputed else "better"
        but = f", but {second} has the higher balanced accuracy" if pair.is_disputed else ""
        return (
            f"{first} is {better} than {second} on these images, by {points:.2f} points "
            f"(95 % interval {low:.2f} to {high:.2f}){but}."
        )
    return (
        f"These images show no clear difference between {first} and {second}: {points:+.2f} points "
        f"(95 % interval {low:+.2f} to {high:+.2f})."
    )


def evidence(pair: PairComparison, part: Part) -> str:
    """Say on which counts the test of two runs rests."""
    counts = pair.counts
    return (
        f"Of {counts.total:,} {IMAGES[part]} images, {counts.only_first:,} are classified "
        f"correctly only by #{pair.first.number}, and {counts.only_second:,} only by "
        f"#{pair.second.number} (McNemar's test, {p_words(pair.corrected)})."
    )


def correction(pairs: Sequence[PairComparison]) -> str:
    """Say that the p-values are corrected, if there were several comparisons."""
    count = pairs[0].pairs if pairs else 0
    return f"p-values are corrected for all {count} pairs (Holm)." if count > 1 else ""


def p_words(p: float) -> str:
    """Write a p-value."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"


def listed(runs: Sequence[Run]) -> str:
    """Name runs by their numbers."""
    names = [f"#{run.number}" for run in runs]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def setting_of(runs: Sequence[Run]) -> str:
    """Name the setting that runs share."""
    return f"the setting of {listed(runs)}"


def over_seeds(runs: Sequence[Run]) -> list[str]:
    """Say what the seeds show about the settings of the runs, in validation accuracy.

    Empty if each setting was trained once.
    """
    groups = by_setting(runs)
    if len(groups) == 1:
        return [only_seeds(groups[0])]
    if all(len(group) == 1 for group in groups):
        return []
    sentences = [only_seeds(group) for group in groups if len(group) > 1]
    return sentences + (settings_over_seeds(groups) or [THESE_TWO])


def beyond(runs: Sequence[Run], pairs: Sequence[PairComparison]) -> list[str]:
    """Say what holds beyond these networks: over seeds, or that it is not known yet.

    Without a comparison there is no sentence about these networks only.
    """
    sentences = over_seeds(runs) or [THESE_TWO]
    return sentences if pairs else [words for words in sentences if words != THESE_TWO]


def settings_over_seeds(groups: Sequence[Sequence[Run]]) -> list[str]:
    """Compare every two settings that share at least two seeds, corrected for their number."""
    pairs = [
        (setting_of(a), setting_of(b), difference)
        for a, b in combinations(groups, 2)
        if (difference := paired(by_seed(a), by_seed(b))) and difference.interval
    ]
    corrected = holm([difference.p_value for _, _, difference in pairs])
    return [
        f"Over seeds: {verdict_over_seeds(a, b, difference, corrected=p)}"
        for (a, b, difference), p in zip(pairs, corrected, strict=True)
    ]


def by_seed(runs: Sequence[Run]) -> dict[int, float]:
    """Map the seeds of runs to their best validation accuracies."""
    return {
        int(run.settings.get("seed", 0)): float(best)
        for run in runs
        if (best := run.summary.best_val_accuracy) is not None
    }


def only_seeds(runs: Sequence[Run]) -> str:
    """Say how much difference the seed alone makes."""
    values = list(by_seed(runs).values())
    if len(values) < 2:
        return f"{listed(runs)} have the same settings and the same seed."
    accuracy = spread(values)
    return (
        f"{listed(runs)} differ only in the seed: {100 * accuracy.mean:.2f} \u00b1 "
        f"{100 * (accuracy.deviation or 0):.2f} % validation accuracy over {accuracy.count} seeds."
    )


def balanced_words(predictions: Sequence[Predictions], part: Part) -> str:
    """Return the balanced accuracies on the same images, if their classes are uneven; else "".

    The verdict is about accuracy, which uneven classes make nearly equal for very different runs.
    """
    counts = counts_of(predictions[0])
    if not are_uneven(counts):
        return ""
    named = [f"#{one.run.number} {percent(balanced_of(one))}" for one in predictions]
    return (
        f"{uneven_words(counts, IMAGES[part], None, None)} Balanced accuracy: {', '.join(named)}."
    )


def counts_of(predictions: Predictions) -> list[int]:
    """Return the number of images of each class."""
    return counts_of_classes(predictions.labels, predictions.classes)


def balanced_of(predictions: Predictions) -> float:
    """Return the balanced accuracy of a run's predictions, in [0, 1]."""
    classes = len(predictions.classes)
    matrix = confusion(predictions.predicted, predictions.labels, classes)
    return balanced_accuracy(class_scores(matrix))
