"""What the executor does with a run that waits: it says for what, or that it is too late."""

from cifar_core.runs.record import control, status
from cifar_core.runs.record.run import Run

TOO_LATE = "The time at which it was to stop came while it waited."


def show_waiting(run: Run, reason: str, message: str, action: str) -> None:
    """Show why a run is not started, other than that its devices are in use."""
    now = run.status
    if now.message != message:
        status.move(run.path, ("queued",), "queued", reason=reason, message=message,
                    action=action, since=now.since)  # fmt: skip


def show_as_usual(run: Run) -> None:
    """Show that a run waits for a free device, if it waited for something else before."""
    now = run.status
    if now.reason:
        status.move(run.path, ("queued",), "queued", since=now.since)


def is_too_late(run: Run) -> bool:
    """Stop a waiting run if the time has come at which it was to stop; return True if so.

    It waits for its turn, or is paused until there is space on the disk.
    """
    if not control.read(run.path).is_late:
        return False
    status.move(run.path, ("queued", "paused"), "stopped", message=TOO_LATE)
    return True
