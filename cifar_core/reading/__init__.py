"""Reads a run's curves in words: what happened when, how clearly, and what to try next."""

from collections.abc import Callable

from cifar_core.evaluation import measures
from cifar_core.numbers import counted, percent
from cifar_core.reading import (
    advice,
    doubts,
    endings,
    generalization,
    guessing,
    pace,
    rates,
    trouble,
    uneven,
)
from cifar_core.reading.curves import Curves, until
from cifar_core.reading.facts import CurveFacts
from cifar_core.reading.finding_kinds import KINDS, PHASES
from cifar_core.reading.machine.findings import machine_findings
from cifar_core.reading.machine.samples import Placed
from cifar_core.reading.phases import phases
from cifar_core.reading.spec import (
    ACCURACY,
    LOSS,
    MACHINE,
    RATE,
    EpochSpan,
    Finding,
    FindingKind,
    Phase,
    Reading,
    Reason,
    Situation,
    Trial,
)

__all__ = [
    "ACCURACY",
    "KINDS",
    "LOSS",
    "MACHINE",
    "PHASES",
    "RATE",
    "EpochSpan",
    "Finding",
    "FindingKind",
    "Phase",
    "Reading",
    "Reason",
    "Situation",
    "Trial",
    "overfits",
    "read",
]

MOST = 8  # findings; the least important ones are left out
FINDERS: tuple[Callable[[CurveFacts], Finding | None], ...] = (
    *(trouble.no_number, trouble.slowed_down, trouble.divergence, trouble.spikes),
    *(guessing.dead_start, guessing.val_at_chance, uneven.majority, uneven.uneven),
    *(
        generalization.overfitting,
        generalization.over_confidence,
        generalization.underfitting,
        generalization.gap,
        generalization.val_below_train,
    ),
    *(rates.rate_end, rates.rate_too_low, endings.too_short, endings.stopped_early),
    *(pace.fast_descent, pace.rise_and_fall, pace.plateau),
)


def read(curves: Curves, situation: Situation, machine: Placed | None = None) -> Reading:
    """Describe what the curves of a run show so far; only the past counts, so it works live.

    `machine` is how it used its machine while it trained, if that is to be read, too.
    """
    facts = CurveFacts(curves, situation)
    if not len(curves.step):
        return Reading(headline=NOTHING, findings=(), phases=(), final=situation.over)
    findings = everything(facts) if situation.over else lasting(facts)
    findings += machine_findings(machine, situation) if machine else []
    order = list(KINDS)
    kept = sorted(findings, key=lambda finding: order.index(finding.kind))[:MOST]
    kept = advice.consistent(kept, situation.settings)
    return Reading(
        headline=headline(facts, kept),
        findings=tuple(sorted(kept, key=lambda finding: finding.span.start)),
        phases=phases(facts),
        final=situation.over,
    )


def everything(facts: CurveFacts) -> list[Finding]:
    """Return every finding that the curves show at this moment."""
    findings = [finding for find in FINDERS if (finding := find(facts)) is not None]
    if any(finding.kind == "majority" for finding in findings):  # which says more
        findings = [f for f in findings if f.kind not in ("dead_start", "val_at_chance")]
    findings += rates.rate_drops(facts)
    quiet = not {finding.kind for finding in findings} & {"gap", "plateau", "overfitting"}
    return findings + doubts.cannot_tell(facts, quiet=quiet)


def lasting(facts: CurveFacts) -> list[Finding]:
    """Return the findings of a running run on which three of its last four epochs agree.

    So one odd epoch neither adds nor removes a sentence. Findings that cannot pass are shown at
    once.
    """
    now = everything(facts)
    past = [
        everything(CurveFacts(until(facts.curves, epoch), facts.situation))
        for epoch in facts.curves.epoch[-WINDOW:-1][::-1]
    ]
    kept = [finding for finding in now if finding.kind in AT_ONCE]
    for kind in KINDS:
        seen = [[f for f in findings if f.kind == kind] for findings in (now, *past)]
        if kind not in AT_ONCE and sum(map(bool, seen)) >= AGREE:
            kept += next(filter(None, seen))
    return kept


def overfits(curves: Curves, situation: Situation) -> bool:
    """Return True if the last epoch shows overfitting, and three of the last four do."""
    seen = [
        generalization.onset(CurveFacts(until(curves, epoch), situation)) is not None
        for epoch in curves.epoch[-WINDOW:]
    ]
    return any(seen[-1:]) and sum(seen) >= AGREE


WINDOW, AGREE = 4, 3  # epochs that are read, and how many of them must agree
AT_ONCE = ("no_number", "slowed_down", "dead_start", "divergence", "fast_descent", "stopped_early",
           "cannot_tell")  # fmt: skip
NOTHING = "Nothing has been measured yet."
OPENINGS = {  # kind -> the first words of the headline
    "no_number": "The loss stopped being a number",
    "dead_start": "It has not begun to learn",
    "divergence": "The training loss diverged",
    "majority": "It answers with the largest class",
    "val_at_chance": "Validation stays at guessing",
    "gap": "It is much better on its training images than on others",
    "overfitting": "It overfits from epoch {start:.0f} on",
    "rate_too_low": "It learns slowly: the training loss falls in nearly a straight line",
    "underfitting": "It underfits: training has come to rest at a low accuracy",
    "too_short": "Validation was still getting better",
    "spikes": "The loss is unsteady",
    "plateau": "It has leveled off",
}
FAR = "The training loss is far above guessing"


def headline(facts: CurveFacts, findings: list[Finding]) -> str:
    """Return the most important finding in one sentence, with the best result so far."""
    first = next((f for f in findings if f.kind in OPENINGS and opens(f, facts)), None)
    opening = OPENINGS[first.kind].format(start=first.span.start) if first else calm(facts)
    if first and first.kind == "dead_start" and guessing.is_far(facts):
        opening = FAR
    if facts.situation.state == "failed" and not facts.situation.diverged:
        done = f"It failed after {facts.count} of {counted(facts.situation.epochs, 'epoch')}"
        opening = f"{done}. {opening}" if first else done
    best = facts.curves.best
    if best is None:
        return f"{opening}."
    measure = facts.situation.measure
    value, epoch = getattr(facts.curves, measure.row_name)[best], facts.curves.epoch[best]
    so_far = "" if facts.situation.over else " so far"
    guess = facts.situation.guessing_accuracy
    beside = f"; always naming the largest class gives {percent(guess)}"
    is_beside = facts.situation.uneven and measure.key == measures.ACCURACY
    return (
        f"{opening}; the best validation {measure.words}{so_far} is {measure.written(value)}, at "
        f"epoch {epoch:.0f}{beside if is_beside else ''}."
    )


def opens(finding: Finding, facts: CurveFacts) -> bool:
    """Return True if a finding is about the present state of the run, not about its past."""
    return finding.kind not in ("plateau", "spikes") or finding.span.end >= facts.count


def calm(facts: CurveFacts) -> str:
    """Return the headline of a run without trouble."""
    if facts.count < doubts.ENOUGH:
        done = counted(facts.done, "epoch", ".2g")
        if facts.situation.over:
            return f"{done} {'is' if facts.done == 1 else 'are'} too little to say much"
        return f"After {done} it is too early to say much"
    if facts.situation.state == "stopped" and not facts.as_planned:
        return f"It was stopped after {facts.count} of {counted(facts.situation.epochs, 'epoch')}"
    return f"No trouble is visible{'' if facts.situation.over else ' so far'}"
