"""The rows that a search wrote, sorted for drawing. No torch."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cifar_core.rate_search.sweep import smoothed


@dataclass(kw_only=True)
class Candidate:
    """One rate of the race, as far as it has come."""

    rate: float
    alive: bool = True
    first: float | None = None  # loss in nats after the first lap
    final: float | None = None  # and after the cool-down
    error: float | None = None  # 95 % half-width of the latter, against the other candidates
    losses: list[float] | None = None  # of each image


@dataclass(kw_only=True)
class Record:
    """A search so far."""

    rates: list[float] = field(default_factory=list)  # of the sweep
    losses: list[float | None] = field(default_factory=list)  # on the probe, after each step
    train_losses: list[float] = field(default_factory=list)  # of each step's batch, before it
    bracket: dict[str, Any] | None = None
    candidates: list[Candidate] = field(default_factory=list)  # ascending
    suggestion: dict[str, Any] | None = None

    @property
    def smooth(self) -> list[float]:
        """Return the smoothed losses of the sweep."""
        kept = np.array([loss for loss in self.losses if loss is not None], float)
        return list(smoothed(kept)) if len(kept) else []


def record(rows: Iterable[Mapping[str, Any]]) -> Record:
    """Sort a search's rows."""
    found, racers = Record(), dict[float, Candidate]()
    for row in rows:
        if row["kind"] == "sweep":
            found.rates.append(row["rate"])
            found.losses.append(row.get("loss"))
            found.train_losses.append(row["train_loss"])
        elif row["kind"] == "bracket":
            found.bracket = dict(row)
        elif row["kind"] == "suggestion":
            found.suggestion = dict(row)
        elif row["kind"] == "race":
            take(racers.setdefault(row["rate"], Candidate(rate=row["rate"])), row)
    found.candidates = [racers[rate] for rate in sorted(racers)]
    set_errors([one for one in found.candidates if one.losses])
    return found


def take(candidate: Candidate, row: Mapping[str, Any]) -> None:
    """Take in what a row says about a candidate."""
    candidate.alive = row["alive"]
    if row.get("losses"):
        candidate.final, candidate.losses = row["loss"], row["losses"]
    elif row["alive"]:
        candidate.first = row["loss"]


def set_errors(finalists: list[Candidate]) -> None:
    """Give each finalist the error of its loss once what all have in common is taken away.

    Some images are hard for every candidate; that says nothing about which one is better.
    """
    if len(finalists) < 2:
        return
    losses = np.array([one.losses for one in finalists])  # [R, N]
    own = losses - losses.mean(axis=0)
    scale = np.sqrt(len(finalists) / (len(finalists) - 1) / losses.shape[1])
    for one, spread in zip(finalists, own.std(axis=1), strict=True):
        one.error = float(1.96 * scale * spread)
