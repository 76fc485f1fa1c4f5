"""Whether one run is really better than another: on the same images, and over seeds.

Two kinds of chance are kept apart. The images are a sample: McNemar's test on the answers says
what two trained networks differ by. The training is a sample too: another seed gives another
network, and only several seeds of each setting can say whether the setting is better.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from cifar_core.runs.record.run import Run
from cifar_core.runs.results.predictions import Part, Predictions
from cifar_core.runs.results.side_by_side import by_setting
from cifar_core.statistics.over_seeds import SURE, holm, paired, spread
from cifar_core.statistics.over_seeds import verdict as verdict_over_seeds
from cifar_core.statistics.same_images import Counts, counted

IMAGES = {"train": "training", "val": "validation", "test": "test"}
THESE_TWO = (
    "That is about these networks and images like these. Whether the setting is better needs more "
    "seeds: trained again with another one, each would answer otherwise."
)


@dataclass(frozen=True, kw_only=True)
class Duel:
    """Two runs' answers to the same images; the first is the one that is asked about."""

    first: Run
    second: Run
    counts: Counts
    corrected: float  # p-value after Holm's correction for all pairs that were compared
    pairs: int  # how many those were

    @property
    def is_sure(self) -> bool:
        """Whether chance alone would hardly make such a difference."""
        return self.corrected < SURE

    def seen_from(self, run: Run) -> "Duel":
        """Return the same with this run as the first."""
        if self.first.id == run.id:
            return self
        c = self.counts
        turned = Counts(both=c.both, only_first=c.only_second, only_second=c.only_first,
                        neither=c.neither)  # fmt: skip
        return Duel(first=self.second, second=self.first, counts=turned,
                    corrected=self.corrected, pairs=self.pairs)  # fmt: skip


def obstacle(first: Run, second: Run, part: Part) -> str:
    """Say why two runs have no answers to the same images; nothing if they have."""
    one, two = first.environment.data, second.environment.data
    names = f"#{first.number} and #{second.number}"
    if (one.fingerprint or one.source) != (two.fingerprint or two.source):
        return (
            f"{names} cannot be compared image by image: they learnt from different images "
            f"({one.title or 'unknown'} and {two.title or 'unknown'})."
        )
    if part != "test" and held_back(first) != held_back(second):
        return (
            f"{names} cannot be compared on validation images: they hold different ones back "
            f"({aside(first)}; {aside(second)}). Their test images are the same."
        )
    return ""


def held_back(run: Run) -> tuple[object, object]:
    """Return what decides which images are kept for validation."""
    return run.settings.get("val_fraction"), run.settings.get("split_seed")


def aside(run: Run) -> str:
    """Say which images a run keeps for validation."""
    share, seed = held_back(run)
    return f"{100 * float(str(share or 0)):g} % with split seed {seed}"


def obstacles(runs: Sequence[Run], part: Part) -> list[str]:
    """Say what stands between the first run and the others."""
    return [why for run in runs[1:] if (why := obstacle(runs[0], run, part))]


def duels(answers: Sequence[Predictions]) -> list[Duel]:
    """Compare every two runs that answered the same images, corrected for being so many.

    All pairs are corrected for, because the best is picked after looking at all.
    """
    pairs = [(a, b) for a, b in combinations(answers, 2) if same_images(a, b)]
    counts = [counted(a.right, b.right) for a, b in pairs]
    corrected = holm([found.p_value for found in counts])
    return [
        Duel(first=a.run, second=b.run, counts=found, corrected=p, pairs=len(pairs))
        for (a, b), found, p in zip(pairs, counts, corrected, strict=True)
    ]


def same_images(first: Predictions, second: Predictions) -> bool:
    """Tell whether two runs answered the same images, in the same order."""
    return not obstacle(first.run, second.run, first.part) and np.array_equal(
        first.places, second.places
    )


def against(base: Run, found: Sequence[Duel]) -> list[Duel]:
    """Return the comparisons of one run with the others, from its side."""
    mine = [duel for duel in found if base.id in (duel.first.id, duel.second.id)]
    return [duel.seen_from(base) for duel in mine]


def duels_of(base: Run, answers: Sequence[Predictions]) -> list[Duel]:
    """Compare one run with the others that answered the same images, from its side."""
    return against(base, duels(answers))


def headline(base: Run, found: Sequence[Duel]) -> str:
    """Say in a sentence what a run's comparisons on the same images show."""
    if len(found) == 1:
        return one_duel(found[0])
    better = [duel.second for duel in found if duel.is_sure and duel.counts.difference > 0]
    worse = [duel.second for duel in found if duel.is_sure and duel.counts.difference < 0]
    even = [duel.second for duel in found if not duel.is_sure]
    said = [
        f"{words} {listed(runs)}"
        for words, runs in (
            ("is better than", better),
            ("is worse than", worse),
            ("cannot be told from", even),
        )
        if runs
    ]
    return f"On these images #{base.number} {', '.join(said)}."


def one_duel(duel: Duel) -> str:
    """Say what two runs differ by on the same images."""
    if duel.counts.difference < 0:
        duel = duel.seen_from(duel.second)
    first, second = f"#{duel.first.number}", f"#{duel.second.number}"
    low, high = (100 * end for end in duel.counts.interval)
    points = 100 * duel.counts.difference
    if duel.is_sure:
        return (
            f"{first} is better than {second} on these images, by {points:.2f} points "
            f"(95 % interval {low:.2f} to {high:.2f})."
        )
    return (
        f"These images cannot tell {first} from {second}: {points:+.2f} points "
        f"(95 % interval {low:+.2f} to {high:+.2f})."
    )


def evidence(duel: Duel, part: Part) -> str:
    """Say what the test of two runs rests on."""
    counts = duel.counts
    return (
        f"Of {counts.total:,} {IMAGES[part]} images, {counts.only_first:,} only "
        f"#{duel.first.number} gets right and {counts.only_second:,} only #{duel.second.number} "
        f"(McNemar's test, {p_words(duel.corrected)})."
    )


def correction(found: Sequence[Duel]) -> str:
    """Say that there were several comparisons, if so."""
    pairs = found[0].pairs if found else 0
    return f"p-values are corrected for all {pairs} pairs (Holm)." if pairs > 1 else ""


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

    Nothing if each setting was trained once.
    """
    groups = by_setting(runs)
    if len(groups) == 1:
        return [only_seeds(groups[0])]
    if all(len(group) == 1 for group in groups):
        return []
    told = [only_seeds(group) for group in groups if len(group) > 1]
    return told + (settings_over_seeds(groups) or [THESE_TWO])


def beyond(runs: Sequence[Run], found: Sequence[Duel]) -> list[str]:
    """Say what holds beyond these networks: over seeds, or that nobody can know yet.

    Without a comparison there is nothing that could be about these networks only.
    """
    said = over_seeds(runs) or [THESE_TWO]
    return said if found else [sentence for sentence in said if sentence != THESE_TWO]


def settings_over_seeds(groups: Sequence[Sequence[Run]]) -> list[str]:
    """Compare every two settings that share two seeds or more, corrected for being several."""
    pairs = [
        (setting_of(a), setting_of(b), found)
        for a, b in combinations(groups, 2)
        if (found := paired(by_seed(a), by_seed(b))) and found.interval
    ]
    corrected = holm([found.p_value for _, _, found in pairs])
    return [
        f"Over seeds: {verdict_over_seeds(a, b, found, corrected=p)}"
        for (a, b, found), p in zip(pairs, corrected, strict=True)
    ]


def by_seed(runs: Sequence[Run]) -> dict[int, float]:
    """Map the seeds of runs to their best validation accuracies."""
    return {
        int(run.settings.get("seed", 0)): float(best)
        for run in runs
        if (best := run.summary.best_val_accuracy) is not None
    }


def only_seeds(runs: Sequence[Run]) -> str:
    """Say how much the seed alone makes of a difference."""
    values = list(by_seed(runs).values())
    if len(values) < 2:
        return f"{listed(runs)} have the same settings and the same seed."
    found = spread(values)
    return (
        f"{listed(runs)} differ in nothing but the seed: {100 * found.mean:.2f} "
        f"\u00b1 {100 * (found.deviation or 0):.2f} % validation accuracy over {found.count} seeds."
    )
