"""Sweeps: groups of runs that differ in a few settings, each setting with the same seeds.

A sweep is a small file, `sweeps/<number>-<slug>.json`, that says what was planned. Which runs
there are, and what came out, is read from the runs themselves: each names its sweep and its cell.
"""

import contextlib
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifar_core.errors import ConfigError, RunError
from cifar_core.grid import MOST, Axis, combinations, in_words
from cifar_core.people import OPERATOR
from cifar_core.registry import did_you_mean
from cifar_core.runs import files, lock
from cifar_core.runs.rows import RunRow
from cifar_core.runs.run import RESUMABLE
from cifar_core.runs.states import STATES
from cifar_core.runs.store import Run, Store, slug

if TYPE_CHECKING:
    from cifar_core.config import TrainConfig

SCHEMA = 1


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One combination of settings, to be trained with each seed."""

    title: str  # what it sets, in words
    changes: dict[str, Any]  # setting -> value, on top of the sweep's base


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """What was planned; its runs say what became of it."""

    id: str  # such as "3-optimizers"
    name: str
    created_at: float  # unix seconds
    base: dict[str, Any]  # plain settings
    cells: list[Cell]
    seeds: list[int]
    token: str = ""  # names the click that made it, so that a second one makes nothing
    search: dict[str, Any] = field(default_factory=dict)  # how cells are chosen; empty for a grid

    @property
    def number(self) -> int:
        """The part of the id that nothing else has."""
        return int(self.id.split("-", 1)[0])

    @property
    def varied(self) -> list[str]:
        """The settings that differ between its cells, in order."""
        return list(dict.fromkeys(name for cell in self.cells for name in cell.changes))


def planned(base: "TrainConfig", axes: Sequence[Axis], seeds: Sequence[int]) -> list[Cell]:
    """Return the cells of a grid that mean different things; raises with all that is wrong.

    An optimizer that varies alone takes each time the rate that is usual for it.
    """
    from cifar_core.config import TrainConfig

    cells: dict[str, Cell] = {}
    problems: dict[str, str] = {}
    for changes in combinations(with_usual_rates(axes)):
        title = in_words(TrainConfig, changes) or "as it is"
        try:
            config = TrainConfig.from_dict({**base.to_dict(), **changes})
        except ConfigError as error:
            problems |= {f"{title}: {name}": why for name, why in told(title, error).items()}
            continue
        used = {f.name: getattr(config, f.name) for f in config.relevant()}
        cells.setdefault(repr(used), Cell(title=title, changes=changes))
    if not problems and len(cells) * len(seeds) > MOST:
        problems[""] = f"These are {len(cells) * len(seeds):,} runs, but {MOST:,} is the most."
    if problems:
        raise ConfigError(problems)
    return list(cells.values())


def seeds_apart(axes: Sequence[Axis], seed: int) -> tuple[list[Axis], list[int]]:
    """Take the seeds out of what varies, since every cell is trained with all of them."""
    others = [axis for axis in axes if any(set(entry) != {"seed"} for entry in axis)]
    seeds = [entry["seed"] for axis in axes if axis not in others for entry in axis]
    return others, list(dict.fromkeys(seeds)) or [seed]


def told(title: str, error: ConfigError) -> dict[str, str]:
    """Return what is wrong with a cell, each sentence with the cell's title in front."""
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
) -> Sweep:
    """Plan a sweep, make all its runs and queue them; the same token gives the same sweep."""
    cells = planned(base, axes, seeds)
    sweep = begin(store, base, cells, seeds, name=name, token=token)
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
) -> Sweep:
    """Write down what is planned, unless the token's sweep is there already."""
    from cifar_core import data

    # once for all of its runs, also those that are added another day
    base = replace(base, data=data.resolve(base.data, store.root))
    folder(store).mkdir(parents=True, exist_ok=True)
    with lock.held(folder(store) / ".lock"):
        known = listed(store)
        if same := [sweep for sweep in known if token and sweep.token == token]:
            return same[0]
        number = max([sweep.number for sweep in known], default=0) + 1
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
        )
        save(store, sweep)
    return sweep


def complete(store: Store, sweep: Sweep) -> list[Run]:
    """Make the runs that are planned and missing, and queue whatever is only set up; idempotent.

    The first seed of every cell comes first, so that all cells can soon be compared.
    """
    from cifar_core.config import TrainConfig

    made = []
    with lock.held(folder(store) / ".lock"):
        there = {
            (row.cell, row.seed): row for row in [*runs_of(store, sweep), *deleted(store, sweep)]
        }
        for seed in sweep.seeds:
            for place, cell in enumerate(sweep.cells):
                if (place, seed) in there:
                    continue
                config = TrainConfig.from_dict({**sweep.base, **cell.changes, "seed": seed})
                marks = {"sweep": sweep.id, "cell": place}
                made.append(store.create(config, name=f"{cell.title}, seed {seed}", marks=marks))
    for row in runs_of(store, sweep):
        if row.state == "draft":
            store.submit(store.run(row.id))
    return made


def missing(store: Store, sweep: Sweep) -> int:
    """Count the planned runs that were never made, as after a power cut, or deleted for good."""
    there = {(row.cell, row.seed) for row in [*runs_of(store, sweep), *deleted(store, sweep)]}
    planned_runs = {(place, seed) for place in range(len(sweep.cells)) for seed in sweep.seeds}
    return len(planned_runs - there)


def add_seeds(store: Store, sweep: Sweep, count: int) -> Sweep:
    """Train every cell with so many further seeds, the next ones after the highest."""
    if not 1 <= count <= 100:
        raise RunError(f"{count} further seeds were asked for. Choose 1 to 100.")
    with lock.held(folder(store) / ".lock"):
        now = find(store, sweep.id)
        first = max(now.seeds) + 1
        longer = replace(now, seeds=[*now.seeds, *range(first, first + count)])
        save(store, longer)
    complete(store, longer)
    return longer


def cancel(store: Store, sweep: Sweep, *, running: bool = False) -> int:
    """Take its waiting runs out of the queue; with `running`, stop those under way too.

    Returns how many were stopped or asked to.
    """
    count = 0
    for row in runs_of(store, sweep):
        if row.state == "queued" or (running and STATES[row.state].is_live):
            store.run(row.id).stop("now")
            count += 1
    return count


def go_on(store: Store, sweep: Sweep) -> int:
    """Put its stopped, paused and failed runs back into the queue; return how many."""
    rows = [row for row in runs_of(store, sweep) if row.state in RESUMABLE]
    for row in sorted(rows, key=lambda row: row.number):
        store.run(row.id).resume()
    return len(rows)


def runs_of(store: Store, sweep: Sweep) -> list[RunRow]:
    """List its runs that are not in the trash, oldest first."""
    return [row for row in reversed(store.runs()) if row.sweep == sweep.id]


def deleted(store: Store, sweep: Sweep) -> list[RunRow]:
    """List its runs in the trash."""
    return [row for row in store.trash() if row.sweep == sweep.id]


def listed(store: Store) -> list[Sweep]:
    """List the sweeps, newest first; a file that cannot be read is passed over."""
    found = []
    for path in folder(store).glob("[0-9]*.json"):
        with contextlib.suppress(RunError):
            found.append(read(path))
    return sorted(found, key=lambda sweep: sweep.number, reverse=True)


def find(store: Store, ref: str | int) -> Sweep:
    """Return the sweep of a number or an id, or say which one may have been meant."""
    ref = str(ref).strip().lstrip("#")
    known = listed(store)
    for sweep in known:
        if ref == sweep.id or (ref.isdecimal() and sweep.number == int(ref)):
            return sweep
    hint = did_you_mean(ref, [sweep.id for sweep in known])
    there = f"There are {len(known)}." if known else "There are none yet."
    raise RunError(f"There is no sweep '{ref}'. {hint}{there}")


def read(path: Path) -> Sweep:
    """Read what `save` wrote."""
    values = files.read_json(path)
    names = {f.name for f in fields(Sweep)} - {"id", "cells"}
    try:
        cells = [Cell(**cell) for cell in values["cells"]]
        return Sweep(id=path.stem, cells=cells, **{k: v for k, v in values.items() if k in names})
    except (KeyError, TypeError) as error:
        raise RunError(f"The file {path} is damaged. Its runs are still in the list.") from error


def save(store: Store, sweep: Sweep) -> None:
    """Replace the sweep's file in one move."""
    store.by.must(OPERATOR, "make or change sweeps")
    values = asdict(sweep)
    path = folder(store) / f"{values.pop('id')}.json"
    files.write_json(path, {"schema": SCHEMA, **values})


def folder(store: Store) -> Path:
    """Return where a store keeps its sweeps."""
    return store.root / "sweeps"
