"""The divergences after which a run continued, as the end.json of each failed attempt has them.

Every decision counts for all later attempts, so that a run that is killed meanwhile goes on alike.
"""

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from cifar_core.disk import files
from cifar_core.runs.record import metrics
from cifar_core.runs.record.records import AttemptEnd, AttemptStart

SLOWER = 10  # by which the learning rate is divided after each divergence


class Divergence(Struct, frozen=True):
    """An attempt whose loss stopped being a number, and after which the run continued."""

    attempt: int
    step: int  # whose loss or gradient was not a number


def divergences(folder: Path) -> list[Divergence]:
    """Return the divergences after which the run in a folder continued, first to last."""
    ends = {
        n: files.read(metrics.attempt_folder(folder, n) / "end.json", AttemptEnd)
        for n in metrics.attempt_numbers(folder)
    }
    return [Divergence(n, end.diverged_at) for n, end in ends.items() if end.diverged_at]


def slower(share: float, found: Sequence[Divergence], *, since: int = 0) -> float:
    """Return a share of the rate after the divergences of attempts from number `since` on."""
    for one in found:
        share = share / SLOWER if one.attempt >= since else share
    return share


def rate_shares(folder: Path) -> dict[int, float]:
    """Return the shares of the planned rate that a run used, by the step after which each began."""
    found = divergences(folder)
    if not found:
        return {0: 1.0}
    shares = {}
    for part in metrics.MetricsReader(folder).lineage():
        path = metrics.attempt_folder(folder, part.attempt) / "start.json"
        before = [one for one in found if one.attempt < part.attempt]
        shares[files.read(path, AttemptStart).step] = slower(1.0, before)
    return shares
