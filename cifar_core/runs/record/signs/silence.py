"""When a trainer has been silent for longer than usual. That never ends a run."""

from pathlib import Path

from cifar_core.disk import server_clock
from cifar_core.runs.record import metrics
from cifar_core.runs.record.signs.interval import interval

USUAL = 40.0  # seconds without a sign, as in a long step or while images are loaded
MISSED = 4  # signs that may be missing


def silent_seconds(folder: Path) -> float | None:
    """Return the seconds since the latest sign of a run's latest attempt.

    None if that is no longer than usual, or if there has never been a sign.
    """
    numbers = metrics.attempt_numbers(folder)
    if not numbers:
        return None
    root = folder.parent.parent
    age = server_clock.age(metrics.attempt_folder(folder, numbers[-1]) / "lock", root)
    usual = max(USUAL, MISSED * interval(root))
    return age if age is not None and age > usual else None
