"""Runs that are deleted, restored, deleted for good, or given another number.

Each is one move of a folder. Deleting needs no space on the disk: what it would write is left out
if it does not fit.
"""

import contextlib
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifar_core.disk import files, lock, removal, space
from cifar_core.errors import DiskFullError, RunError
from cifar_core.installation import PROGRAM
from cifar_core.numbers import counted
from cifar_core.people import ADMIN
from cifar_core.runs.record import action_log, status
from cifar_core.runs.record.records import About, Deleted
from cifar_core.runs.record.run import Run
from cifar_core.runs.store.ids import number_of, run_names
from cifar_core.runs.store.index import run_folders

if TYPE_CHECKING:
    from cifar_core.runs.store.store import Store

DAY = 24 * 3600
MARK = "deleted.json"  # says when a run in the trash was deleted


@dataclass(frozen=True, kw_only=True)
class Twins:
    """Folders with the same number, as after a run's folder was copied by hand."""

    number: int
    folders: tuple[Path, ...]  # sorted; of the list and of the trash

    @property
    def sentence(self) -> str:
        """What there is, and why it matters."""
        names = " and ".join(f"{path.parent.name}/{path.name}" for path in self.folders)
        return (
            f"{names} have the same number, {self.number}, as after a folder was copied by hand. "
            "Until one of them gets a number of its own, the number opens neither, and a sweep "
            "that they belong to counts both."
        )


def delete(store: "Store", run: Run) -> None:
    """Move a run to the trash; RunError if it is live, or the trash has one of that id."""
    trash = store.root / "trash"
    space.release_reserve(store.root)
    try:
        with Run(run.path, store.by).action("delete it", "deleted"), moving(run.path, trash):
            trash.mkdir(exist_ok=True)
            with lock.held(run.path / ".lock"):
                must_rest(run, "delete")
                (run.path / MARK).unlink(missing_ok=True)  # of an earlier deletion
                with contextlib.suppress(DiskFullError):
                    leave_queue(run, "Deleted while it waited.")
                run.path.rename(trash / run.id)
            with contextlib.suppress(DiskFullError):
                files.write_json(trash / run.id / MARK, Deleted(at=time.time()))
    except DiskFullError:
        if run.path.exists():
            raise  # otherwise only the line in the history did not fit


def restore(store: "Store", deleted: Run, *, renumber: bool = False) -> Run:
    """Take a run back from the trash; RunError if the list has one of that id.

    With `renumber` it gets the next free number and is a run of its own, as a copy should be.
    """
    with Run(deleted.path, store.by).action("restore it", "restored") as line:
        leave_queue(deleted, "Deleted while it waited.")
        if renumber:
            return move_to_next_number(store, deleted, line)
        target = store.root / "runs" / deleted.id
        with moving(deleted.path, target.parent):
            deleted.path.rename(target)
        (target / MARK).unlink(missing_ok=True)
    return Run(target, store.by)


def give_number(store: "Store", run: Run) -> Run:
    """Give a run, copied by hand, the next free number, as a run of its own; return it."""
    mine = Run(run.path, store.by)
    with mine.action("give it another number", "renumbered") as line:
        with lock.held(run.path / ".lock"):
            must_rest(run, "renumber")
        return move_to_next_number(store, mine, line)


def move_to_next_number(store: "Store", run: Run, line: action_log.Line) -> Run:
    """Move a run into the list under the next free number; it leaves its sweep."""

    def changed(about: About) -> Mapping[str, Any]:
        name = about.name or run.id
        return {"sweep": "", "cell": 0, "parent": run.id, "name": name, "example": ""}

    run.change_about(changed)
    renamed = store.adopt(run.path, run.id.partition("-")[2])
    (renamed.path / MARK).unlink(missing_ok=True)
    line.run, line.detail = renamed.id, f"was {run.id}"
    return renamed


def empty(store: "Store", older_than_days: float = 30) -> int:
    """Delete old, unpinned runs in the trash for good; return their number.

    Each loses its name before its first file, so that none can be restored by halves.
    """
    trash, count = store.root / "trash", 0
    limit = time.time() - older_than_days * DAY
    with store.action("empty the trash", "emptied the trash", needed=ADMIN) as line:
        space.release_reserve(store.root)
        try:
            for left in removal.leftovers(trash):  # of a process that was killed
                shutil.rmtree(left)
            for run in run_folders(trash).values():
                if (deleted_at(run) or 0.0) <= limit and not run.is_pinned:
                    removal.discard(run.path)
                    count += 1
        except OSError as error:
            raise RunError(
                f"The trash could not be emptied: {error.filename} could not be deleted "
                f"({error.strerror}). Check who owns it, then empty the trash again."
            ) from error
        line.detail = counted(count, "run")
    return count


def twins(root: Path) -> list[Twins]:
    """Return the runs that share a number, in the list and in the trash, lowest number first."""
    places = [(folder, id_) for folder in ("runs", "trash") for id_ in run_names(root / folder)]
    count = Counter(number_of(id_) for _, id_ in places)
    several: dict[int, list[Path]] = {n: [] for n in sorted(count) if count[n] > 1}
    for folder, id_ in places if several else ():
        if (number := number_of(id_)) in several:
            several[number].append(root / folder / id_)
    return [Twins(number=n, folders=tuple(sorted(paths))) for n, paths in several.items()]


def must_rest(run: Run, to: str) -> None:
    """Raise RunError if a run has a process, whatever its status says."""
    state = run.status
    if state.is_live or is_training(run):
        raise RunError(f"Run {run.id} is {state.state}. Stop it first, then {to} it.")


def leave_queue(run: Run, message: str) -> None:
    """Let a waiting run count as stopped. No executor may be about to start it."""
    if run.status.state == "queued":
        words = status.described("stopped", message=message)
        status.write(run.path, status.RunStatus(**words, attempt=run.status.attempt))


@contextlib.contextmanager
def moving(path: Path, folder: Path) -> Iterator[None]:
    """Move a run's folder in a `with` block; a RunError says why it cannot be moved."""
    if (folder / path.name).exists():
        raise RunError(
            f"There is a {path.name} in {folder.name}/ already, as after a backup was copied back. "
            f"Give one of them another number first: {PROGRAM} renumber {path.name}"
        )
    try:
        yield
    except DiskFullError:
        raise
    except OSError as error:
        raise RunError(
            f"{path.parent.name}/{path.name} could not be moved to {folder.name}/: "
            f"{error.strerror}. Check that it still exists and who owns it."
        ) from error


def deleted_at(run: Run) -> float | None:
    """Return when a run in the trash was deleted, in unix seconds; None if unknown."""
    return files.read(run.path / MARK, Deleted).at


def is_training(run: Run) -> bool:
    """Return True if any attempt's lock is held, whatever status.json says."""
    return any(lock.is_locked(path) for path in run.path.glob("attempts/*/lock"))
