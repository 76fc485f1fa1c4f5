"""The store: all runs of one folder; makes, finds, queues and deletes them."""

import contextlib
import dataclasses
import re
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from cifar_core.background import processes
from cifar_core.disk import files, lock, removal, space
from cifar_core.installation import default_store
from cifar_core.people import OPERATOR, Person, Role, local_user
from cifar_core.runs.record import action_log, status
from cifar_core.runs.record.records import About
from cifar_core.runs.record.run import Run
from cifar_core.runs.record.run_kinds import TRAINING
from cifar_core.runs.store import looks, naming, sweep_files, trash
from cifar_core.runs.store.ids import find, number_of, run_names
from cifar_core.runs.store.index import Index, run_folders
from cifar_core.runs.store.queue import order, pause
from cifar_core.runs.store.queue.pause import Pause
from cifar_core.runs.store.run_row import RunRow, read_row
from cifar_core.runs.store.trash import Twins

if TYPE_CHECKING:
    from cifar_core.config import TrainConfig

__all__ = ["Run", "RunRow", "Store"]

SCHEMA = 1  # of config.json
RESERVED = range(9001, 9010)  # numbers of the shipped examples; no other run gets one


@dataclass(frozen=True)
class Store:
    """A folder of runs. Holds no data, so any number of processes may use the same one.

    It acts on behalf of `by`, as far as that person's role allows.
    """

    root: Path
    by: Person = field(default_factory=local_user, compare=False)

    def __post_init__(self) -> None:
        # the processes that it starts have another current folder
        object.__setattr__(self, "root", self.root.absolute())

    @staticmethod
    def default(by: Person | None = None) -> "Store":
        """Return the store that is used when none is named."""
        return Store(default_store(), by or local_user())

    @property
    def index(self) -> Index:
        """The table that makes listing fast."""
        return Index(self.root)

    def create(
        self,
        config: "TrainConfig",
        *,
        name: str = "",
        parent: str = "",
        kind: str = TRAINING,
        marks: Mapping[str, Any] | None = None,
        fill: Callable[[Path], Mapping[str, Any]] = lambda _: {},
    ) -> Run:
        """Make the folder of a new run, a draft, with the next free number.

        Without a name it gets the one that `proposed_name` returns. `marks` are further entries of
        about.json, such as the sweep that it belongs to. `fill` puts further files into the folder
        before it counts as a run, and returns the marks that go with them.
        """
        with self.action("make runs", "made") as line:
            run = self._made(config, name, parent, kind, marks or {}, fill)
            line.run = run.id
        return run

    def _made(
        self,
        config: "TrainConfig",
        name: str,
        parent: str,
        kind: str,
        marks: Mapping[str, Any],
        fill: Callable[[Path], Mapping[str, Any]],
    ) -> Run:
        """Make the folder of a run."""
        from cifar_core import data

        # 'auto' and relative paths may mean something else later, or in another process
        config = dataclasses.replace(config, data=data.resolve(config.data, self.root, self.by))
        name = " ".join(name.split())[:80]
        (self.root / "runs").mkdir(parents=True, exist_ok=True)
        with lock.held(self.root / ".store.lock"):
            number = self._next_number()
            run = Run(self.root / "runs" / f"{number}-{slug(name or config.model)}", self.by)
            draft = run.path.with_name(f".draft-{run.id}")
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir()
            room = space.needed(space.SMALL_FILES, draft, "a new run")
            with removal.unless_complete(draft), room:
                files.write_json(draft / "config.json", {"schema": SCHEMA, **config.to_dict()})
                name = name or self._named(config, self.index.rows())
                about = About(name=name, parent=parent, kind=kind, owner=self.by.name,
                              created_at=time.time())  # fmt: skip
                about = replace(about, **{**marks, **fill(draft)})
                config.check_teachers(len(about.teachers))
                files.write_json(draft / "about.json", about)
                status.write(draft, status.RunStatus(**status.described("draft")))
                self._name(draft, run, number)
            space.keep_reserve(self.root)
        return run

    def proposed_name(self, config: "TrainConfig") -> str:
        """Return the name of a new run with these settings, unless a person gives it another."""
        from cifar_core import data

        source = data.resolve(config.data, self.root, self.by)
        return self._named(dataclasses.replace(config, data=source), self.seen())

    def adopt(self, folder: Path, name: str, *, reserved: int = 0) -> Run:
        """Move a complete run folder into the store, with the next free number.

        A `reserved` number is used if no run has it. The caller does it inside an `action`.
        """
        with lock.held(self.root / ".store.lock"):
            is_free = reserved and reserved not in self._numbers()
            number = reserved if is_free else self._next_number()
            run = Run(self.root / "runs" / f"{number}-{slug(name)}", self.by)
            if number == reserved:
                folder.rename(run.path)
            else:
                self._name(folder, run, number)
        return run

    def submit(self, run: Run) -> None:
        """Put a draft into the queue and make sure that an executor is running; idempotent."""
        with Run(run.path, self.by).action("start it", "started") as line:
            line.skip = not run.enqueue(("draft",))

    def runs(self) -> list[RunRow]:
        """List the runs that are not in the trash, newest first.

        If any of them is waiting or live, or a search may propose more, this also makes sure that
        an executor is running.
        """
        rows = self.index.rows()
        waiting = any(status.is_under_way(row.state, row.reason) for row in rows)
        if waiting or any(sweep.is_active for sweep in sweep_files.listed(self.root)):
            self.look_after()
        return rows

    def seen(self) -> list[RunRow]:
        """List the runs as `runs` does, but only once within a block of `looks.shared`: to show."""
        return looks.rows(self.root, self.runs)

    def look_after(self) -> None:
        """Restart the executor if it has died; cheap enough for a page that polls one run."""
        processes.look_after(self.root)

    def trash(self) -> list[RunRow]:
        """List the deleted runs that can still be restored, newest first."""
        rows = [read_row(run) for run in run_folders(self.root / "trash").values()]
        return sorted(rows, key=lambda row: row.number, reverse=True)

    def trash_size(self) -> int:
        """Return the number of deleted runs, without reading them."""
        return len(run_names(self.root / "trash"))

    def twins(self) -> list[Twins]:
        """List the runs that share a number, as after a folder was copied by hand."""
        return trash.twins(self.root)

    def run(self, ref: str | int) -> Run:
        """Find a run by its number or id."""
        folder = self.root / "runs"
        return Run(folder / find(str(ref), run_names(folder), "run"), self.by)

    def queue(self) -> list[RunRow]:
        """List the runs that wait for a device, next one first."""
        return order.queue_order(self.index.rows())

    def move_up(self, run: Run) -> None:
        """Let a waiting run start one place earlier, before a run that the person may move."""
        order.shift(self, run, -1)

    def move_down(self, run: Run) -> None:
        """Let a waiting run start one place later."""
        order.shift(self, run, +1)

    def to_front(self, run: Run) -> None:
        """Let a waiting run start as early as it may."""
        order.to_front(self, run)

    def reorder(self, ids: Sequence[str], seen: Sequence[str], moved: str = "") -> list[str]:
        """Bring the queue into another order, as `order.reorder` says."""
        return order.reorder(self, ids, seen, moved)

    @property
    def queue_pause(self) -> Pause:
        """Whether the queue is paused, by whom and why."""
        return pause.read(self.root)

    def pause_queue(self, note: str = "") -> None:
        """Let no further run start until the queue is resumed; for admins."""
        pause.pause(self, note)

    def resume_queue(self) -> None:
        """Let waiting runs start again; for admins."""
        pause.resume(self)

    def delete(self, run: Run) -> None:
        """Move a run to the trash, from where it can be restored; works on a full disk too."""
        trash.delete(self, run)

    def restore(self, run: Run | str | int, *, renumber: bool = False) -> Run:
        """Take a run back from the trash, under the next free number if `renumber` is set."""
        ref = run.id if isinstance(run, Run) else str(run)
        folder = self.root / "trash"
        deleted = Run(folder / find(ref, run_names(folder), "deleted run"))
        return trash.restore(self, deleted, renumber=renumber)

    def give_number(self, run: Run) -> Run:
        """Give a run whose folder was copied by hand the next free number; return it."""
        return trash.give_number(self, run)

    def empty_trash(self, older_than_days: float = 30) -> int:
        """Delete old, unpinned runs in the trash for good; return their number."""
        return trash.empty(self, older_than_days)

    def action(
        self, request: str, did: str, detail: str = "", *, needed: Role = OPERATOR, owner: str = ""
    ) -> action_log.Change:
        """Change the store in a `with` block, as `action_log.action` says."""
        return action_log.action(
            self.root, self.by, request, did, needed=needed, owner=owner, detail=detail
        )

    def shutdown_executor(self) -> None:
        """Stop the executor. Training continues; any request starts another executor."""
        processes.shut_down(self.root)

    def _named(self, config: "TrainConfig", rows: Sequence[RunRow]) -> str:
        """Return a name for a run whose images are resolved; `rows` are all runs, newest first."""
        from cifar_core import data

        twins = [
            naming.Twin(name=row.name, settings=row.settings)
            for row in reversed(rows)
            if (row.kind, row.model) == (TRAINING, config.model)
            if row.settings.get("data") == config.data and not row.example
        ]
        return naming.proposed(config, data.title_of(config.data, self.root), twins)

    def _name(self, draft: Path, run: Run, number: int) -> None:
        """Move a complete folder to `run`. The caller holds the store's lock."""
        draft.rename(run.path)
        files.write_atomic(self.root / ".last_number", str(number))

    def _numbers(self) -> set[int]:
        """Return the numbers of all folders."""
        return {number_of(id_) for name in ("runs", "trash") for id_ in run_names(self.root / name)}

    def _next_number(self) -> int:
        """Return one more than any number ever used. The caller holds the store's lock."""
        used = [0, *(self._numbers() - set(RESERVED))]
        # without this file, only the folders show which numbers are used
        with contextlib.suppress(FileNotFoundError, ValueError):
            used.append(int((self.root / ".last_number").read_text(encoding="utf-8")))
        number = max(used) + 1
        return RESERVED.stop if number in RESERVED else number


def slug(text: str) -> str:
    """Turn a name into a part of a folder's name: lower-case letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40].strip("-") or "run"
