"""What is deleted by itself, and when: a table of rules, none of which touches what is wanted.

The best and the newest checkpoints, whatever is pinned, and anything of a pinned run stay. The
executor tidies once a day while it works; `python -m cifar_core tidy` does it now.
"""

import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cifar_core.disk import lock, logs
from cifar_core.people import ADMIN
from cifar_core.registry import Registry
from cifar_core.runs.prepare import feature_files
from cifar_core.runs.record import action_log, checkpoint_cleanup, checkpoints
from cifar_core.runs.record.run import Run
from cifar_core.runs.store.index import run_folders
from cifar_core.runs.store.store import Store, deleted_at, is_training

DAY = 24 * 3600.0
MARK = ".tidied"  # its time is that of the last daily pass
OF_A_CHECKPOINT = re.compile(r"(\d+-a\d+)-.+")


@dataclass(frozen=True, kw_only=True)
class Waste:
    """One thing that can go."""

    rule: str  # a key of RULES
    path: Path
    size: int  # bytes that are freed


@dataclass(frozen=True, kw_only=True)
class RetentionRule:
    """One line of the policy."""

    key: str
    title: str
    summary: str
    find: Callable[[Store, float], Iterator[Path]]  # at a time in unix seconds
    size: Callable[[Path], int] = lambda path: size_of(path)
    free: Callable[[Path], object] = lambda path: remove(path)


def old_trash(store: Store, now: float) -> Iterator[Path]:
    """Find deleted runs whose 30 days are over."""
    for run in run_folders(store.root / "trash").values():
        at = deleted_at(run)
        if at is not None and now - at > 30 * DAY and not run.is_pinned:
            yield run.path


def long_logs(store: Store, now: float) -> Iterator[Path]:
    """Find logs of which only the beginning and the end are worth keeping."""
    found = [*store.root.glob("runs/*/attempts/*/log.txt"), store.root / "executor.log"]
    yield from (path for path in found if logs.excess(path))


def drafts(store: Store, now: float) -> Iterator[Path]:
    """Find what killed writers left half done more than a day ago."""
    for pattern in ("runs/.draft-*", "runs/*/.*.tmp", "runs/*/attempts/*/.*.tmp", ".*.tmp"):
        yield from older(store.root.glob(pattern), now - DAY)
    for run in unpinned(store):
        if not is_training(run):
            yield from older(checkpoint_cleanup.leftovers(run.path), now - DAY)


def orphans(store: Store, now: float) -> Iterator[Path]:
    """Find answers and sanity cards of checkpoints that are gone."""
    for run in unpinned(store):
        there = {path.name for path in checkpoints.folders(run.path / "checkpoints")}
        for path in [*run.path.glob("predictions/*"), *run.path.glob("trust/*")]:
            of = OF_A_CHECKPOINT.fullmatch(path.name)
            if of and of[1] not in there and not is_worked_on(path.parent, of[1]):
                yield path


def is_worked_on(folder: Path, checkpoint: str) -> bool:
    """Tell whether a process computes something from a checkpoint."""
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


def unpinned(store: Store) -> Iterator[Run]:
    """Yield the runs that may be tidied."""
    yield from (run for run in run_folders(store.root / "runs").values() if not run.is_pinned)


def older(paths: Iterator[Path], than: float) -> Iterator[Path]:
    """Yield what was last changed before a time."""
    for path in paths:
        try:
            if path.lstat().st_mtime < than:
                yield path
        except FileNotFoundError:
            continue


def size_of(path: Path) -> int:
    """Return how many bytes a file or a folder takes."""
    if path.is_dir() and not path.is_symlink():
        return sum(one.lstat().st_size for one in path.rglob("*") if not one.is_dir())
    return path.lstat().st_size


def remove(path: Path) -> None:
    """Delete a file or a folder; one that is gone already is fine."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


RULES = Registry(
    "rule",
    [
        RetentionRule(
            key="trash", title="Trash", summary="deleted more than 30 days ago", find=old_trash
        ),
        RetentionRule(
            key="logs",
            title="Logs",
            summary="longer than 8 MB: the first and last MB stay",
            find=long_logs,
            size=logs.excess,
            free=logs.shorten,
        ),
        RetentionRule(
            key="drafts", title="Drafts", summary="left half done more than a day ago", find=drafts
        ),
        RetentionRule(
            key="orphans",
            title="Answers and cards",
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
    ],
)


def waste(store: Store, now: float | None = None) -> list[Waste]:
    """List what the rules would free; nothing is changed."""
    at = time.time() if now is None else now
    return [
        Waste(rule=rule.key, path=path, size=rule.size(path))
        for rule in RULES.values()
        for path in rule.find(store, at)
    ]


def tidy(store: Store, now: float | None = None) -> list[Waste]:
    """Free what the rules allow, and return what that was."""
    store.by.must(ADMIN, "tidy the store")
    found = waste(store, now)
    for one in found:
        RULES[one.rule].free(one.path)
    if found:
        freed = f"{sum(one.size for one in found) / 1e6:,.1f} MB"
        action_log.note(store.root, by=store.by.name, did="tidied", detail=freed)
    return found


def tidy_daily(store: Store) -> list[Waste]:
    """Tidy unless that was done within a day."""
    mark = store.root / MARK
    # either way: the clock may have been set back since
    if mark.exists() and abs(time.time() - mark.stat().st_mtime) < DAY:
        return []
    mark.touch()
    return tidy(store)
