"""Which files are deleted automatically, and when: a table of rules.

The best and the newest checkpoints, pinned checkpoints and everything of pinned runs are kept. The
executor tidies once a day while it works; `python -m cifar_core tidy` does it at once.
"""

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cifar_core.data.uploads import limits
from cifar_core.disk import lock, logs, removal, space
from cifar_core.people import ADMIN
from cifar_core.registry import Registry
from cifar_core.runs.prepare import feature_files
from cifar_core.runs.record import checkpoint_cleanup
from cifar_core.runs.record.run import Run
from cifar_core.runs.store import image_sets
from cifar_core.runs.store.index import run_folders
from cifar_core.runs.store.store import Store
from cifar_core.runs.store.trash import deleted_at, is_training

DAY = 24 * 3600.0
MARK = ".tidied"  # changed at the last daily pass


@dataclass(frozen=True, kw_only=True)
class Unneeded:
    """A file or folder that can be deleted or shortened."""

    rule: str  # a key of RULES
    path: Path
    size: int  # bytes that this frees


@dataclass(frozen=True, kw_only=True)
class RetentionRule:
    """One rule: which files may go, how large they are, and how they are freed."""

    key: str
    title: str
    summary: str
    find: Callable[[Store, float], Iterator[Path]]  # at a time in unix seconds
    size: Callable[[Path], int] = lambda path: size_of(path)
    free: Callable[[Path], object] = lambda path: remove(path)


def old_trash(store: Store, now: float) -> Iterator[Path]:
    """Find runs that were deleted more than 30 days ago."""
    for run in run_folders(store.root / "trash").values():
        at = deleted_at(run)
        if at is not None and now - at > 30 * DAY and not run.is_pinned:
            yield run.path


def old_images(store: Store, now: float) -> Iterator[Path]:
    """Find files of sets of images that were removed more than 30 days ago."""
    yield from image_sets.old_trash(store, now, 30 * DAY)


def long_logs(store: Store, now: float) -> Iterator[Path]:
    """Find logs that are too long, of which only the beginning and the end are kept."""
    paths = [*store.root.glob("runs/*/attempts/*/log.txt"), store.root / "executor.log"]
    yield from (path for path in paths if logs.excess(path))


def drafts(store: Store, now: float) -> Iterator[Path]:
    """Find drafts, and half-deleted folders, that killed processes left more than a day ago."""
    gone = f"{removal.GONE}*"
    for pattern in ("runs/.draft-*", "runs/*/.*.tmp", "runs/*/attempts/*/.*.tmp", ".*.tmp",
                    f"trash/{gone}", f"features/{gone}", f"data/cache/{gone}",
                    f"data/trash/{gone}", f"data/sets/{gone}"):  # fmt: skip
        yield from older(store.root.glob(pattern), now - DAY)
    for run in unpinned(store):
        if not is_training(run):
            yield from older(checkpoint_cleanup.leftovers(run.path), now - DAY)


def orphans(store: Store, now: float) -> Iterator[Path]:
    """Find predictions and sanity cards of checkpoints that are gone."""
    for run in unpinned(store):
        lost = checkpoint_cleanup.without_checkpoint(run.path, "predictions/*", "trust/*")
        yield from (path for path, of in lost if not is_worked_on(path.parent, of))


def is_worked_on(folder: Path, checkpoint: str) -> bool:
    """Return True if a background job is using a checkpoint."""
    return any(lock.is_locked(path) for path in folder.glob(f"{checkpoint}-*.lock"))


def set_aside(store: Store, now: float) -> Iterator[Path]:
    """Find damaged files that were set aside more than 30 days ago."""
    yield from older(store.root.glob("damaged-*"), now - 30 * DAY)
    for run in unpinned(store):
        yield from older((run.path / "checkpoints").glob("damaged-*"), now - 30 * DAY)


def old_features(store: Store, now: float) -> Iterator[Path]:
    """Find kept features that no run has used for 90 days."""
    for folder in (store.root / "features").glob("*"):
        unused = now - feature_files.used_at(folder) > 90 * DAY
        if unused and not lock.is_locked(folder / "lock"):
            yield folder


def old_trials(store: Store, now: float) -> Iterator[Path]:
    """Find timings of training steps that are older than 180 days."""
    yield from older((store.root / "trials").glob("*.json"), now - 180 * DAY)


def left_uploads(store: Store, now: float) -> Iterator[Path]:
    """Find uploads that no one finished for 7 days."""
    yield from limits.left_behind(store.root, now)


def unpinned(store: Store) -> Iterator[Run]:
    """Yield the runs that are not pinned."""
    yield from (run for run in run_folders(store.root / "runs").values() if not run.is_pinned)


def older(paths: Iterator[Path], than: float) -> Iterator[Path]:
    """Yield the paths that were last changed before a time."""
    for path in paths:
        try:
            if path.lstat().st_mtime < than:
                yield path
        except FileNotFoundError:
            continue


def size_of(path: Path) -> int:
    """Return how many bytes deleting a file or a folder frees.

    A file that has another name elsewhere stays on the disk, as weights do that another run keeps.
    """
    whole = path.is_dir() and not path.is_symlink()
    paths = path.rglob("*") if whole else [path]
    found = [file.lstat() for file in paths if not whole or not file.is_dir()]
    names = Counter((state.st_dev, state.st_ino) for state in found)
    freed = {
        (state.st_dev, state.st_ino): state.st_size
        for state in found
        if names[state.st_dev, state.st_ino] >= state.st_nlink
    }
    return sum(freed.values())


def remove(path: Path) -> None:
    """Delete a file or a folder, if it still exists and may be deleted."""
    with contextlib.suppress(OSError):
        removal.discard(path)


RULES = Registry(
    "rule",
    [
        RetentionRule(
            key="trash", title="Trash", summary="deleted more than 30 days ago", find=old_trash
        ),
        RetentionRule(
            key="images",
            title="Removed images",
            summary="of sets removed more than 30 days ago",
            find=old_images,
        ),
        RetentionRule(
            key="logs",
            title="Logs",
            summary="longer than 8 MB: the first and last MB are kept",
            find=long_logs,
            size=logs.excess,
            free=logs.shorten,
        ),
        RetentionRule(
            key="drafts", title="Drafts", summary="left half done more than a day ago", find=drafts
        ),
        RetentionRule(
            key="orphans",
            title="Predictions and cards",
            summary="of checkpoints that are gone",
            find=orphans,
        ),
        RetentionRule(
            key="damaged",
            title="Damaged files",
            summary="set aside more than 30 days ago",
            find=set_aside,
        ),
        RetentionRule(
            key="features", title="Features", summary="not used for 90 days", find=old_features
        ),
        RetentionRule(
            key="trials", title="Timings of steps", summary="older than 180 days", find=old_trials
        ),
        RetentionRule(
            key="uploads",
            title="Uploads",
            summary="not finished for 7 days, or removed more than 30 days ago",
            find=left_uploads,
        ),
    ],
)


def unneeded(store: Store, now: float | None = None) -> list[Unneeded]:
    """List what the rules would free, without changing anything."""
    at = time.time() if now is None else now
    return [
        Unneeded(rule=rule.key, path=path, size=rule.size(path))
        for rule in RULES.values()
        for path in rule.find(store, at)
    ]


def tidy(store: Store, now: float | None = None) -> list[Unneeded]:
    """Free what the rules allow, and return a list of it."""
    with store.action("tidy the store", "tidied", needed=ADMIN) as line:
        space.release_reserve(store.root)
        removed = unneeded(store, now)
        for item in removed:
            RULES[item.rule].free(item.path)
        line.detail = f"{sum(item.size for item in removed) / 1e6:,.1f} MB"
        line.skip = not removed
    return removed


def tidy_daily(store: Store) -> list[Unneeded]:
    """Tidy unless that was done within the last day."""
    mark = store.root / MARK
    # in either direction: the clock may have been set back since
    if mark.exists() and abs(time.time() - mark.stat().st_mtime) < DAY:
        return []
    mark.touch()
    return tidy(store)
