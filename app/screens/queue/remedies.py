"""What fixes a failed run: resuming it, a clone with other settings, or the page with its cause."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from app.session import store
from cifar_core.errors import RunError
from cifar_core.runs import TRAINING, Run, RunStatus

RESUME, CLONE, PAGE = "resume", "clone", "page"


@dataclass(frozen=True, kw_only=True)
class Remedy:
    """What a click does about a failure."""

    kind: str  # RESUME or CLONE, which queue a run at once, or PAGE, which leads to a page
    label: str
    icon: str
    page: str = ""  # of PAGE
    query: dict[str, str | int] = field(default_factory=dict)


def remedies(run: Run, status: RunStatus) -> list[Remedy]:
    """Return what may be done about a failed run, the most promising first."""
    if status.suggestion:
        words = ", ".join(f"{key} {plain(value)}" for key, value in status.suggestion.items())
        return [clone(f"Clone with {words}")]
    found = BY_REASON.get(status.reason, lambda run: [resume(), log(run)])(run)
    return [one for one in found if run.kind == TRAINING or not is_clone(one)]


def is_clone(remedy: Remedy) -> bool:
    """Whether a remedy makes a training of the run."""
    return remedy.kind == CLONE or remedy.page == "train"


def plain(value: object) -> str:
    """Write a suggested value."""
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def resume() -> Remedy:
    """Queue the run again, from its newest checkpoint."""
    return Remedy(kind=RESUME, label="Resume", icon="play_arrow")


def clone(label: str) -> Remedy:
    """Queue a new run with its settings and what the failure suggests."""
    return Remedy(kind=CLONE, label=label, icon="content_copy")


def to_page(label: str, icon: str, page: str, **query: str | int) -> Remedy:
    """Open the page on which the cause is fixed."""
    return Remedy(kind=PAGE, label=label, icon=icon, page=page, query=query)


def log(run: Run) -> Remedy:
    """Open the run's log."""
    return to_page("Read the log", "article", "run", id=run.number, tab="files")


def change(run: Run) -> Remedy:
    """Open the Train page with the run's settings."""
    return to_page("Change its settings", "tune", "train", clone=run.number)


BY_REASON: dict[str, Callable[[Run], list[Remedy]]] = {
    "oom": lambda run: [change(run)],
    "host_memory": lambda run: [resume(), change(run)],
    "diverged": lambda run: [change(run)],
    "disk": lambda run: [resume()],
    "data": lambda run: [to_page("Go to the images", "dataset", "data"), resume()],
    "weights": lambda run: [
        to_page("Get the weights", "download", "train", clone=run.number), resume(),
    ],
    "device": lambda run: [resume(), change(run)],
    "settings": lambda run: [change(run)],
    "checkpoint": lambda run: [clone("Train from the beginning")],
    "damaged": lambda run: [resume()],
    "killed": lambda run: [resume()],
    "bug": lambda run: [log(run), resume()],
}  # fmt: skip


def take(run: Run, kind: str) -> str:
    """Do what a remedy says, for a run that is still failed; return what was done."""
    status = run.status
    if status.state != "failed":
        raise RunError(f"Run {run.id} is {status.state} by now, so nothing was done.")
    if kind == RESUME:
        run.resume()
        return f"#{run.number} is in the queue again."
    later = [row for row in store().runs() if row.parent == run.id]
    if any(row.created_at > status.since for row in later):
        raise RunError(f"Run {run.id} was cloned already, so nothing was done.")
    made = cloned(run, dict(status.suggestion))
    return f"#{made.number} was made from #{run.number} and is in the queue."


def cloned(run: Run, changes: dict[str, Any]) -> Run:
    """Return a new run in the queue, with the settings of a failed one and these changes."""
    made = store().create(replace(run.config, **changes), parent=run.id, kind=run.kind)
    store().submit(made)
    return made
