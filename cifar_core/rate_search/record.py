"""The rows that a rate search wrote, sorted for drawing. No torch."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cifar_core.rate_search.range_test import smoothed


@dataclass(kw_only=True)
class Candidate:
    """One rate of the race, with its results so far."""

    rate: float
    alive: bool = True
    first: float | None = None  # loss in nats after the first lap
    final: float | None = None  # and after the cool-down
    error: float | None = None  # 95 % half-width of the final loss, see set_errors
    losses: list[float] | None = None  # of each image


@dataclass(kw_only=True)
class Record:
    """A rate search so far."""

    rates: list[float] = field(default_factory=list)  # of the range test
    losses: list[float | None] = field(default_factory=list)  # on the probe, after each step
    train_losses: list[float] = field(default_factory=list)  # of each step's batch, before it
    bracket: dict[str, Any] | None = None
    candidates: list[Candidate] = field(default_factory=list)  # ascending
    suggestion: dict[str, Any] | None = None

    @property
    def smooth(self) -> list[float]:
        """Return the smoothed losses of the range test."""
        kept = np.array([loss for loss in self.losses if loss is not None], float)
        return list(smoothed(kept)) if len(kept) else []


def record(rows: Iterable[Mapping[str, Any]]) -> Record:
    """Sort a rate search's rows."""
    result, racers = Record(), dict[float, Candidate]()
    for row in rows:
        if row["kind"] == "sweep":
            result.rates.append(row["rate"])
            result.losses.append(row.get("loss"))
            result.train_losses.append(row["train_loss"])
        elif row["kind"] == "bracket":
            result.bracket = dict(row)
        elif row["kind"] == "suggestion":
            result.suggestion = dict(row)
        elif row["kind"] == "race":
            take(racers.setdefault(row["rate"], Candidate(rate=row["rate"])), row)
    result.candidates = [racers[rate] for rate in sorted(racers)]
    set_errors([candidate for candidate in result.candidates if candidate.losses])
    return result


def take(candidate: Candidate, row: Mapping[str, Any]) -> None:
    """Add a row of the race to its candidate."""
    candidate.alive = row["alive"]
    if row.get("losses"):
        candidate.final, candidate.losses = row["loss"], row["losses"]
    elif row["alive"]:
        candidate.first = row["loss"]


def set_errors(finalists: list[Candidate]) -> None:
    """Set the error of each finalist's loss, without the part that all of them share.

    Some images are hard for every candidate; that does not show which one is better.
    """
    if len(finalists) < 2:
        return
    losses = np.array([candidate.losses for candidate in finalists])  # [R, N]
    own = losses - losses.mean(axis=0)
    scale = np.sqrt(len(finalists) / (len(finalists) - 1) / losses.shape[1])
    for candidate, spread in zip(finalists, own.std(axis=1), strict=True):
        candidate.error = float(1.96 * scale * spread)
