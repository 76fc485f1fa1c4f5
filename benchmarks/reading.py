"""How often the reading of the curves is right: constructed curves of every kind, with noise.

python -m benchmarks.reading prints, for each kind, how often it is found, how far off its first
epoch is, and how often sound curves raise a false alarm.
"""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cifar_core.reading import KINDS, Finding, Reading, Situation, read
from cifar_core.reading.curves import Curves, Values, until

REPORTS = 40  # training reports an epoch, as the trainer writes
ALARMS = ("no_number", "dead_start", "divergence", "overfitting", "spikes", "rate_too_low",
          "underfitting", "too_short", "over_confidence", "gap", "cannot_tell")  # fmt: skip

Shape = Callable[[Values], Values]  # epochs done -> loss or accuracy


@dataclass(frozen=True, kw_only=True)
class Case:
    """A constructed run: what its curves would be without noise, and what should be said."""

    kind: str  # that must be found; empty for a sound run
    train: Shape
    val: Shape
    accuracy: Shape | None = None  # of validation; follows its loss if not given
    train_accuracy: Shape | None = None
    rate: Shape = lambda t: np.full_like(t, 0.1)
    epochs: int = 24
    onset: float | None = None  # epoch at which the finding should begin
    settings: Mapping[str, Any] = field(default_factory=dict)


def descent(start: float, end: float, pace: float) -> Shape:
    """Return an exponential fall from start to end, by a factor e every `pace` epochs."""
    return lambda t: end + (start - end) * np.exp(-t / pace)


def vee(low: float, at: float, fall: float, rise: float) -> Shape:
    """Return a fall towards an epoch and a straight rise from there."""
    return lambda t: np.where(
        t <= at, low + 1.6 * np.exp(-t / fall) - 1.6 * np.exp(-at / fall), low + rise * (t - at)
    )


def cosine(t: Values) -> Values:
    """Return a rate that falls to 0 along half a cosine."""
    return 0.05 * (1 + np.cos(np.pi * t / t.max()))


def drop(at: float) -> Shape:
    """Return a rate that falls to a tenth at an epoch."""
    return lambda t: np.where(t <= at, 0.1, 0.01)


def jumps(t: Values) -> Values:
    """Return three epochs at which the loss jumps."""
    return sum(np.where(np.abs(t - at) < 0.01, 1.2, 0.0) for at in (9, 13, 18))


CASES = [
    Case(kind="overfitting", train=descent(2.3, 0.02, 6), val=vee(0.9, 8, 3, 0.04), onset=8),
    Case(kind="overfitting", train=descent(2.3, 0.02, 8), val=vee(0.8, 12, 4, 0.05), onset=12),
    Case(
        kind="over_confidence",
        train=descent(2.3, 0.02, 6),
        val=vee(0.9, 8, 3, 0.04),
        accuracy=lambda t: 0.78 - 0.5 * np.exp(-t / 7),
        onset=8,
    ),
    Case(
        kind="divergence",
        train=lambda t: np.where(t < 6, 0.9 + 1.4 * np.exp(-t / 2), 2.35),
        val=lambda t: np.where(t < 6, 1.0 + 1.3 * np.exp(-t / 2), 2.35),
        onset=6,
        epochs=14,
    ),
    Case(kind="dead_start", train=lambda t: t * 0 + 2.303, val=lambda t: t * 0 + 2.303, onset=0),
    Case(
        kind="spikes",
        train=descent(2.3, 0.6, 4),
        val=lambda t: descent(2.3, 0.7, 4)(t) + jumps(t),
        onset=8,
    ),
    Case(
        kind="rate_too_low", train=lambda t: 2.3 - 0.02 * t, val=lambda t: 2.3 - 0.02 * t, onset=0
    ),
    Case(
        kind="rate_drop",
        train=lambda t: np.where(t <= 14, descent(2.3, 0.9, 3)(t), 0.6),
        val=lambda t: np.where(t <= 14, descent(2.3, 0.95, 3)(t), 0.75),
        rate=drop(14),
        onset=14,
    ),
    Case(
        kind="rate_drop_idle",
        train=descent(2.3, 0.8, 2),
        val=descent(2.3, 0.9, 2),
        rate=drop(14),
        onset=14,
    ),
    Case(
        kind="rate_end",
        train=lambda t: descent(2.3, 1.0, 3)(t) - 0.4 * np.clip(t - 14, 0, 8) / 8,
        val=lambda t: descent(2.3, 1.1, 3)(t) - 0.35 * np.clip(t - 14, 0, 8) / 8,
        rate=cosine,
        onset=12,
    ),
    Case(kind="underfitting", train=descent(2.3, 1.45, 2), val=descent(2.3, 1.47, 2)),
    Case(
        kind="too_short",
        train=lambda t: descent(2.3, 1.2, 2)(t) - 0.02 * t,
        val=lambda t: descent(2.3, 1.25, 2)(t) - 0.02 * t,
        onset=19,
    ),
    Case(
        kind="val_below_train",
        train=descent(2.4, 1.1, 4),
        val=descent(2.2, 0.8, 4),
        settings={"flip": True, "label_smoothing": 0.1},
    ),
    Case(
        kind="gap",
        train=descent(2.3, 0.05, 5),
        val=descent(2.3, 1.0, 3),
        train_accuracy=lambda t: 0.99 - 0.89 * np.exp(-t / 5),
    ),
    Case(kind="plateau", train=descent(2.3, 0.5, 5), val=descent(2.3, 0.9, 2)),
    Case(kind="fast_descent", train=descent(2.3, 0.6, 2), val=descent(2.3, 0.7, 2), onset=0),
    Case(
        kind="stopped_early",
        train=descent(2.3, 0.6, 4),
        val=descent(2.3, 0.7, 3),
        settings={"epochs": 60, "patience": 5},
    ),
    Case(kind="cannot_tell", train=descent(2.3, 0.9, 2), val=descent(2.3, 1.0, 2), epochs=3),
]
SOUND = [
    Case(kind="", train=descent(2.3, 0.55, 5), val=descent(2.3, 0.6, 3), rate=cosine),
    Case(kind="", train=descent(2.3, 0.30, 4), val=descent(2.3, 0.4, 3), rate=cosine),
    Case(kind="", train=descent(2.3, 0.3, 3), val=descent(2.3, 0.45, 2.5), epochs=40),
    Case(kind="", train=descent(2.3, 0.3, 1.5), val=descent(2.3, 0.45, 1.5), epochs=12),
    Case(kind="", train=descent(2.3, 0.5, 8), val=descent(2.3, 0.55, 8), rate=cosine, epochs=60),
]


def constructed(case: Case, seed: int, noise: float = 0.012) -> Curves:
    """Return the curves of a case with noise, that of single reports four times as large."""
    random = np.random.default_rng(seed)
    at = np.arange(1, REPORTS * case.epochs + 1) / REPORTS
    epoch = np.arange(1.0, case.epochs + 1)
    train = case.train(at) + 4 * noise * random.normal(size=len(at))
    val = case.val(epoch) + noise * random.normal(size=len(epoch))
    follows: Shape = lambda loss: np.clip(0.97 - 0.38 * loss, 0.1, 0.995)  # noqa: E731
    accuracy = case.accuracy(epoch) if case.accuracy else follows(case.val(epoch))
    shown = case.train_accuracy(at) if case.train_accuracy else follows(case.train(at))
    return Curves(
        step=at * 10 * REPORTS,
        step_epoch=at,
        train_loss=train,
        train_accuracy=np.clip(shown + 2 * noise * random.normal(size=len(at)), 0, 1),
        learning_rate=case.rate(at),
        epoch_step=epoch * 10 * REPORTS,
        epoch=epoch,
        val_loss=val,
        val_accuracy=np.clip(accuracy + noise / 2 * random.normal(size=len(epoch)), 0, 1),
        val_balanced_accuracy=np.full(len(epoch), np.nan),
        val_macro_f1=np.full(len(epoch), np.nan),
    )


def reading_of(case: Case, seed: int, noise: float = 0.012) -> Reading:
    """Return what is said of a constructed run that is over."""
    settings = settings_of(case)
    situation = Situation(settings=settings, val_images=5000, state="finished")
    return read(constructed(case, seed, noise), situation)


def settings_of(case: Case) -> dict[str, Any]:
    """Return the settings that such a run would have had."""
    schedule = "cosine" if case.rate is cosine else "constant"
    return {"learning_rate": 0.1, "epochs": case.epochs, "batch_size": 128,
            "schedule": schedule, **case.settings}  # fmt: skip


def watched(case: Case, seed: int, noise: float = 0.012) -> list[set[str]]:
    """Return the kinds that are said after each epoch while the run grows."""
    curves = constructed(case, seed, noise)
    situation = Situation(settings=settings_of(case), val_images=5000, state="running")
    readings = (read(until(curves, epoch), situation) for epoch in curves.epoch)
    return [{finding.kind for finding in reading.findings} for reading in readings]


def returns(said: list[set[str]], kind: str) -> int:
    """Return how often a kind came back after it had gone."""
    shown = [kind in kinds for kinds in said]
    comings = sum(now and not before for before, now in zip([False, *shown], shown, strict=False))
    return max(0, comings - 1)


def found(reading: Reading, kind: str) -> Finding | None:
    """Return the finding of a kind, if it was made."""
    return next((f for f in reading.findings if f.kind == kind), None)


def measure(seeds: int, noise: float) -> None:
    """Print how often each kind is found, and how often sound curves raise an alarm."""
    print(
        f"noise band {noise:g}, {seeds} seeds each\n"
        "\n| kind | found | off by at most |\n|---|--:|--:|"
    )
    for case in CASES:
        hits = [found(reading_of(case, seed, noise), case.kind) for seed in range(seeds)]
        starts = [
            abs(hit.span.start - case.onset) for hit in hits if hit and case.onset is not None
        ]
        off = f"{max(starts):.1f} epochs" if starts else ""
        print(f"| {KINDS[case.kind].title} | {sum(map(bool, hits))} of {seeds} | {off} |")
    alarms: dict[str, int] = {}
    for case in SOUND:
        for seed in range(seeds):
            for finding in reading_of(case, seed, noise).findings:
                alarms[finding.kind] = alarms.get(finding.kind, 0) + 1
    wrong = {kind: count for kind, count in alarms.items() if kind in ALARMS}
    print(f"\n{seeds * len(SOUND)} sound runs: {wrong or 'no false alarm'}")
    print(f"and they were said to have: {alarms}")

    said = [watched(case, seed, noise) for case in CASES + SOUND for seed in range(min(3, seeds))]
    back = {kind: sum(returns(each, kind) for each in said) for kind in KINDS}
    print(f"\nlive, {len(said)} runs, {sum(map(len, said))} epochs: came back after it had gone: "
          f"{ {kind: count for kind, count in back.items() if count} }")  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--noise", type=float, default=0.012)
    arguments = parser.parse_args()
    measure(arguments.seeds, arguments.noise)
