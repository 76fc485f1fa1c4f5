"""Where the curve of a run continues that of another: the mark in charts that draw both as one.

A run that was trained on has the rows of its parent before its own, so that every reader draws one
line. Its about.json says at which epoch its own begin.
"""

from dataclasses import dataclass

from cifar_core.runs.family.kept import ancestor_of
from cifar_core.runs.record.family.ancestors import CONTINUES, ELSEWHERE, Ancestor, Start
from cifar_core.runs.record.records import About
from cifar_core.runs.record.run import Run


@dataclass(frozen=True, kw_only=True)
class Join:
    """The moment at which a curve continues from that of another run."""

    epoch: float  # done by then, fractional
    name: str  # of the other run, as in #12; of a run from another store, the name it had there

    @property
    def label(self) -> str:
        """What a chart writes beside its mark."""
        return f"trained on from {self.name}"


def joins(run: Run) -> list[Join]:
    """Return where a run's curve continues from another run's, earliest first; usually nothing."""
    about = run.about
    is_from_here = about.imported is None  # else the numbers are those of another store
    found: list[Join] = []
    seen = {run.id}
    while (start := about.start) and start.how == CONTINUES and start.run not in seen:
        seen.add(start.run)
        if not found or start.epoch != found[-1].epoch:  # else nothing was trained between the two
            found.append(Join(epoch=start.epoch, name=name_of(start, is_from_here=is_from_here)))
        about = about_of(run, start, is_from_here=is_from_here)
    return found[::-1]


def name_of(start: Ancestor, *, is_from_here: bool) -> str:
    """Return the number of a run of this store, as in #12, and the name of a run of another."""
    number = start.run.split("-", 1)[0]
    is_from_here = is_from_here and not start.run.startswith(ELSEWHERE)
    return f"#{number}" if is_from_here and number.isdecimal() else start.name or start.run


def about_of(run: Run, start: Start, *, is_from_here: bool) -> About:
    """Return what is known of a run that another continues from: kept with it, or in the store."""
    kept = ancestor_of(run, start)
    if kept.path.is_dir() or not is_from_here:
        return kept.about
    return Run(run.path.parent / start.run, run.by).about
