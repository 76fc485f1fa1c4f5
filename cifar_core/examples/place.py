"""Puts the shipped runs into a store: once into an empty one, and again when a person asks."""

import shutil
import time
from contextlib import suppress

from cifar_core.disk import files, lock
from cifar_core.errors import CifarError
from cifar_core.examples.shipped import EXAMPLES, Example
from cifar_core.people import ADMIN, Person
from cifar_core.runs import Run, Store
from cifar_core.runs.exchange.import_run import check_files, settle_state
from cifar_core.runs.exchange.unpack import unpack
from cifar_core.runs.record.records import About
from cifar_core.runs.store.index import run_folders

MARK = ".examples"  # in a store that has had them
PROGRAM = Person(name="", role=ADMIN, is_local=True)  # nobody, so that any operator may delete them


def put_in_place(store: Store) -> None:
    """Put the shipped runs into a store that has never had a run, and never again after that.

    Where they cannot be written, the store stays as it is.
    """
    with suppress(CifarError, OSError):
        if is_settled(store):
            return
        store.root.mkdir(parents=True, exist_ok=True)
        with lock.held(store.root / ".examples.lock"):  # another server may be about to do the same
            if not is_settled(store):
                for example in missing(store):
                    put(store, example)
                files.write_atomic(store.root / MARK, "")


def restore(store: Store) -> list[Run]:
    """Bring back the shipped runs that were deleted, and return them."""
    with store.action("bring back the examples", "brought back the examples") as line:
        with lock.held(store.root / ".examples.lock"):
            trashed = placed(store, "trash")
            back = [store.restore(run) for run in trashed.values()]
            back += [put(store, example) for example in missing(store)]
            files.write_atomic(store.root / MARK, "")
        line.skip = not back
    return back


def is_settled(store: Store) -> bool:
    """Whether a store has had the shipped runs, or a run of anybody's."""
    if (store.root / MARK).exists() or (store.root / ".last_number").exists():
        return True
    folders = [
        *run_folders(store.root / "runs").values(),
        *run_folders(store.root / "trash").values(),
    ]
    return any(not run.about.example for run in folders)


def missing(store: Store) -> list[Example]:
    """Return the shipped runs that are neither in the list nor in the trash."""
    there = placed(store, "runs").keys() | placed(store, "trash").keys()
    return [example for key, example in EXAMPLES.items() if key not in there]


def placed(store: Store, folder: str) -> dict[str, Run]:
    """Return the shipped runs in a folder of a store, by key."""
    runs = run_folders(store.root / folder).values()
    return {key: run for run in runs if (key := run.about.example) in EXAMPLES}


def put(store: Store, example: Example) -> Run:
    """Put one of the shipped runs into a store.

    Its settings are not checked, which would need torch: they are this program's own.
    """
    draft = store.root / "runs" / f".draft-example-{time.time_ns()}"
    draft.mkdir(parents=True)
    try:
        unpack(example.path, draft)
        check_files(draft)
        files.edit(draft / "about.json", About, lambda _: {"owner": "", "example": example.key})
        settle_state(draft)
        return Store(store.root, PROGRAM).adopt(draft, example.title, reserved=example.number)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
