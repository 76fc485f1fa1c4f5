"""Sweeps: runs that were made together and differ in a few settings, with the same seeds.

A sweep is a small file, `sweeps/<number>-<slug>.json`, that holds the plan. Which runs exist, and
their results, is read from the runs themselves: each names its sweep and its cell.
"""

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cifar_core.disk import lock
from cifar_core.errors import ConfigError, RunError
from cifar_core.registry import did_you_mean
from cifar_core.runs.family.teachers import check_plan
from cifar_core.runs.record import action_log
from cifar_core.runs.record.run import RESUMABLE
from cifar_core.runs.record.states import STATES
from cifar_core.runs.store import naming, sweep_files
from cifar_core.runs.store.run_row import RunRow
from cifar_core.runs.store.store import Run, Store, slug
from cifar_core.runs.store.sweep_files import Cell, Sweep
from cifar_core.runs.sweeps import origins
from cifar_core.settings.parameter_grid import MOST, Axis, combinations, in_words

if TYPE_CHECKING:
    from cifar_core.config import TrainConfig


def planned(base: "TrainConfig", axes: Sequence[Axis], seeds: Sequence[int]) -> list[Cell]:
    """Return the distinct cells of a grid; ConfigError with everything that is wrong.

    If optimizers vary and the rate does not, each optimizer gets its usual rate.
    """
    from cifar_core.config import TrainConfig

    cells: dict[str, Cell] = {}
    problems: dict[str, str] = {}
    unchanged = base.to_dict()
    for changes in combinations(with_usual_rates(axes)):
        title = in_words(TrainConfig, changes) or "unchanged"
        try:
            config = TrainConfig.from_dict({**unchanged, **changes})
        except ConfigError as error:
            problems |= {f"{title}: {name}": why for name, why in with_title(title, error).items()}
            continue
        used = {f.name: getattr(config, f.name) for f in config.relevant()}
        cells.setdefault(repr(used), Cell(title=title, changes=changes))
    if not problems and len(cells) * len(seeds) > MOST:
        problems[""] = f"That makes {len(cells) * len(seeds):,} runs; the maximum is {MOST:,}."
    if problems:
        raise ConfigError(problems)
    return list(cells.values())


def seeds_apart(axes: Sequence[Axis], seed: int) -> tuple[list[Axis], list[int]]:
    """Separate the seeds from what varies, since every cell is trained with all of them."""
    others = [axis for axis in axes if any(set(entry) != {"seed"} for entry in axis)]
    seeds = [entry["seed"] for axis in axes if axis not in others for entry in axis]
    return others, list(dict.fromkeys(seeds)) or [seed]


def with_title(title: str, error: ConfigError) -> dict[str, str]:
    """Return what is wrong with a cell, each sentence preceded by the cell's title."""
    return {name: f"{title}: {why}" for name, why in error.problems.items()}


def with_usual_rates(axes: Sequence[Axis]) -> list[Axis]:
    """Give each optimizer its usual rate where optimizers vary and the rate does not."""
    from cifar_core.optim import OPTIMIZERS

    names = {name for axis in axes for entry in axis for name in entry}
    if "optimizer" not in names or "learning_rate" in names:
        return list(axes)
    return [
        [
            {**entry, "learning_rate": OPTIMIZERS[entry["optimizer"]].usual_rate}
            if "optimizer" in entry else entry
            for entry in axis
        ]
        for axis in axes
    ]  # fmt: skip


def create(
    store: Store,
    base: "TrainConfig",
    axes: Sequence[Axis],
    seeds: Sequence[int],
    *,
    name: str = "",
    token: str = "",
    start: origins.Source | None = None,
    teachers: Sequence[origins.Source] = (),
) -> Sweep:
    """Plan a sweep, create all its runs and queue them; the same token gives the same sweep.

    All runs start from the weights of `start`, a run and its checkpoint, and learn from `teachers`.
    """
    cells = planned(base, axes, seeds)
    sweep = begin(store, base, cells, seeds, name=name, token=token, start=start, teachers=teachers)
    complete(store, sweep)
    return sweep


def begin(
    store: Store,
    base: "TrainConfig",
    cells: list[Cell],
    seeds: Sequence[int],
    *,
    name: str = "",
    token: str = "",
    search: dict[str, Any] | None = None,
    start: origins.Source | None = None,
    teachers: Sequence[origins.Source] = (),
) -> Sweep:
    """Save the plan, unless a sweep with the token exists already."""
    from cifar_core import data

    check_plan(base, [cell.changes for cell in cells], (search or {}).get("space", {}), teachers)
    if start:
        origins.check(base, cells, start)
    # once for all of its runs, including those that are added later
    base = replace(base, data=data.resolve(base.data, store.root, store.by))
    with store.action("make sweeps", "made") as line, locked(store):
        existing = listed(store)
        if same := [sweep for sweep in existing if token and sweep.token == token]:
            line.skip = True
            return same[0]
        rows = [*store.index.rows(), *store.trash()]
        number = sweep_files.next_number(store.root, [row.sweep for row in rows])
        name = " ".join(name.split())[:80] or f"Sweep {number}"
        sweep = Sweep(
            id=f"{number}-{slug(name)}",
            name=name,
            created_at=time.time(),
            base=base.to_dict(),
            cells=cells,
            seeds=list(seeds),
            token=token,
            search=search or {},
            owner=store.by.name,
            start=origins.described(start) if start else {},
            teachers=[origins.described(teacher) for teacher in teachers],
        )
        sweep_files.save(store.root, sweep)
        line.detail = words(sweep)
    return sweep


def complete(store: Store, sweep: Sweep) -> list[Run]:
    """Create the planned runs that are missing, and queue every draft; idempotent.

    The first seed of every cell comes first, so that all cells can be compared early.
    """
    from cifar_core import data
    from cifar_core.config import TrainConfig

    created: list[Run] = []
    with (
        action(store, sweep, "queue the missing runs of", "queued the runs of") as line,
        locked(store),
    ):
        # also if an admin or the driver of a search creates them
        owner = {"owner": name} if (name := owner_of(store, sweep)) else {}
        marks = {"sweep": sweep.id, "priority": sweep.priority, **owner}
        there = [*runs_of(store, sweep), *deleted(store, sweep)]
        existing = {(row.cell, row.seed): row for row in there}
        for seed in sweep.seeds:
            for index in sweep.places:
                if (index, seed) in existing:
                    continue
                cell = sweep.cells[index]
                config = TrainConfig.from_dict({**sweep.base, **cell.changes, "seed": seed})
                name = naming.of_cell(config, data.title_of(config.data, store.root), cell.changes)
                folders = [store.root / "runs" / row.id for row in there]
                fill = origins.filler(store, sweep, [*map(Run, folders), *created])
                of_cell = {**marks, "cell": index}
                created.append(store.create(config, name=name, marks=of_cell, fill=fill))
        line.skip = not created
    for row in runs_of(store, sweep):
        if row.state == "draft":
            store.submit(store.run(row.id))
    return created


def missing(store: Store, sweep: Sweep, rows: Sequence[RunRow] | None = None) -> int:
    """Count the planned runs that were never created, or were deleted permanently.

    `rows` are its runs, if they have been listed already.
    """
    there = runs_of(store, sweep) if rows is None else rows
    wanted = {(index, seed) for index in sweep.places for seed in sweep.seeds}
    if not (wanted := wanted - {(row.cell, row.seed) for row in there}):
        return 0
    return len(wanted - {(row.cell, row.seed) for row in deleted(store, sweep)})


def cancel(store: Store, sweep: Sweep, *, running: bool = False) -> int:
    """Stop its queued runs and, with `running`, its live runs too.

    Returns how many were stopped or asked to stop.
    """
    wanted = [
        row for row in runs_of(store, sweep)
        if row.state == "queued" or (running and STATES[row.state].is_live)
    ]  # fmt: skip
    with action(store, sweep, "stop the runs of", "stopped the runs of") as line:
        line.skip = not wanted
        for row in wanted:
            store.run(row.id).stop("now")
    return len(wanted)


def go_on(store: Store, sweep: Sweep) -> int:
    """Resume its stopped, paused and failed runs; return how many."""
    rows = [row for row in runs_of(store, sweep) if row.state in RESUMABLE]
    with action(store, sweep, "resume the runs of", "resumed the runs of") as line:
        line.skip = not rows
        for row in sorted(rows, key=lambda row: row.number):
            store.run(row.id).resume()
    return len(rows)


def is_decided(store: Store, sweep: Sweep, rows: Sequence[RunRow]) -> bool:
    """Whether a sweep or a search has nothing left to do; `rows` are its runs."""
    if sweep.is_active or not rows or not all(STATES[row.state].is_final for row in rows):
        return False
    return bool(sweep.search) or not missing(store, sweep, rows)


def runs_of(store: Store, sweep: Sweep) -> list[RunRow]:
    """List its runs that are not in the trash, oldest first."""
    return among(store.runs(), sweep)


def among(rows: Sequence[RunRow], sweep: Sweep) -> list[RunRow]:
    """Return the runs of a sweep among all runs, which are newest first; its oldest come first."""
    return [row for row in reversed(rows) if row.sweep == sweep.id]


def deleted(store: Store, sweep: Sweep) -> list[RunRow]:
    """List its runs in the trash."""
    return [row for row in store.trash() if row.sweep == sweep.id]


def listed(store: Store) -> list[Sweep]:
    """List the sweeps, newest first; a file that cannot be read is skipped."""
    return sweep_files.listed(store.root)


def find(store: Store, ref: str | int) -> Sweep:
    """Return the sweep with a number or id; RunError suggests the closest id, or says of what is
    there that it is damaged."""
    ref = str(ref).strip().lstrip("#")
    existing = listed(store)
    for sweep in existing:
        if ref == sweep.id or (ref.isdecimal() and sweep.number == int(ref)):
            return sweep
    sweep_files.refuse_damaged(store.root, ref)
    hint = did_you_mean(ref, [sweep.id for sweep in existing])
    count = f"There are {len(existing)}." if existing else "There are none yet."
    raise RunError(f"There is no sweep '{ref}'. {hint}{count}")


def owner_of(store: Store, sweep: Sweep) -> str:
    """Return who made a sweep; for files that do not say it, who made its first run."""
    if named := sweep.owner or str(sweep.search.get("owner", "")):
        return named
    runs = [*runs_of(store, sweep), *deleted(store, sweep)]
    return min(runs, key=lambda row: row.number).owner if runs else ""


def action(store: Store, sweep: Sweep, request: str, did: str) -> action_log.Change:
    """Change a sweep in a `with` block, as `action_log.action` says; it belongs to its owner."""
    owner = owner_of(store, sweep)
    return store.action(f"{request} {words(sweep)}", did, words(sweep), owner=owner)


def words(sweep: Sweep) -> str:
    """Name a sweep or a search, as in sweep 3."""
    return f"{'search' if sweep.search else 'sweep'} {sweep.number}"


def locked(store: Store) -> AbstractContextManager[None]:
    """Hold the lock of the store's sweeps."""
    sweep_files.folder(store.root).mkdir(parents=True, exist_ok=True)
    return lock.held(sweep_files.folder(store.root) / ".lock")
