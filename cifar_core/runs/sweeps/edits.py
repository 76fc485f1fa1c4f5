"""Changes the plan of a sweep or a search, also while its runs train.

An edit says what is to change, not what the result is to be: it is applied to the plan as it is
then, so that two people can edit at once, and applying it twice changes nothing more. Runs name
their cell by its place, so cells are only ever added at the end or marked as removed. The file is
replaced in one move; runs that are then missing or superfluous follow from it, so an edit that was
cut off is completed by the next one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cifar_core.background import processes
from cifar_core.errors import ConfigError, RunError
from cifar_core.numbers import counted
from cifar_core.people import ADMIN
from cifar_core.runs.record.queue.priorities import NORMAL, PRIORITIES
from cifar_core.runs.record.states import STATES
from cifar_core.runs.store import sweep_files
from cifar_core.runs.store.run_row import RunRow
from cifar_core.runs.store.store import Store
from cifar_core.runs.store.sweep_files import Cell, Sweep
from cifar_core.runs.sweeps import origins, sweeps
from cifar_core.runs.sweeps.hyperparameter_search import PRUNERS, SPENT, check_budget
from cifar_core.runs.sweeps.priority import may_give, prioritize
from cifar_core.settings.parameter_grid import MOST, Axis


@dataclass(frozen=True, kw_only=True)
class Edit:
    """What is to change of a sweep; an entry that is left out stays as it is."""

    name: str = ""
    priority: str = ""  # a key of PRIORITIES
    # of a grid
    add: Sequence[Axis] = ()  # values of settings that vary already, or of others
    remove: Sequence[int] = ()  # places of cells
    restore: Sequence[int] = ()  # places of removed cells
    add_seeds: Sequence[int] = ()
    drop_seeds: Sequence[int] = ()  # whose runs have not begun
    # of a search
    budget: int = 0  # runs
    space: Mapping[str, Mapping[str, Any]] | None = None  # the whole search space
    pruner: str = ""  # a key of PRUNERS

    @property
    def of_grid(self) -> bool:
        """Whether it changes what only a grid has."""
        return any((self.add, self.remove, self.restore, self.add_seeds, self.drop_seeds))

    @property
    def of_search(self) -> bool:
        """Whether it changes what only a search has."""
        return bool(self.budget or self.space is not None or self.pruner)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What an edit would change."""

    sweep: Sweep  # as it would be
    changed: bool
    new_runs: int  # that would be made and queued
    superfluous: list[RunRow]  # waiting runs that would leave the queue
    resumed: list[RunRow]  # runs that left the queue by an earlier edit and would return
    go_on: int  # live runs of removed settings, which train to their end

    @property
    def sentence(self) -> str:
        """The consequences in words."""
        if not self.changed:
            return "Nothing would change."
        more = self.new_runs + len(self.resumed)
        gone = len(self.superfluous)
        parts = [
            f"{counted(more, 'run')} {'is' if more == 1 else 'are'} added to the queue."
            if more else "",
            f"{counted(gone, 'waiting run')} {'leaves' if gone == 1 else 'leave'} the queue."
            if gone else "",
            f"{counted(self.go_on, 'run')} of removed settings "
            f"{'trains' if self.go_on == 1 else 'train'} to the end." if self.go_on else "",
        ]  # fmt: skip
        return " ".join(filter(None, parts)) or "No run is added or removed."


def outcome(store: Store, sweep: Sweep, edit: Edit) -> Outcome:
    """Return what an edit would change; ConfigError or RunError if it cannot be applied."""
    rows = sweeps.runs_of(store, sweep)
    new = edited(sweep, edit, rows)
    if set(new.places) - set(sweep.places) or new.search != sweep.search:
        origins.check_sweep(store, new, rows)
    wanted = {(place, seed) for place in new.places for seed in new.seeds}
    kept = [row for row in rows if new.search or (row.cell, row.seed) in wanted]
    others = [row for row in rows if row not in kept]
    return Outcome(
        sweep=new,
        changed=new != sweep,
        new_runs=0 if new.search else sweeps.missing(store, new),
        superfluous=[row for row in others if row.state == "queued"],
        resumed=[row for row in kept if is_back(row, sweep)],
        go_on=sum(STATES[row.state].is_live for row in others),
    )


def is_back(row: RunRow, before: Sweep) -> bool:
    """Whether a run that never began was no longer part of the sweep before an edit."""
    was_part = row.seed in before.seeds and not before.cells[row.cell].removed
    return not was_part and is_unbegun(row)


def apply(store: Store, sweep: Sweep, edit: Edit) -> Outcome:
    """Change a sweep's plan as it is by now, and let its runs follow.

    Raises AccessError for another person's sweep, and if its runs would overtake all others and
    the person is not an admin.
    """
    with sweeps.action(store, sweep, "edit", "edited") as line, sweeps.locked(store):
        now = sweeps.find(store, sweep.id)
        done = outcome(store, now, edit)
        if done.sweep.priority != now.priority and not may_give(store.by, done.sweep.priority):
            store.by.must(ADMIN, "let its runs start before those of others")
        line.skip = not done.changed
        if done.changed:
            sweep_files.save(store.root, done.sweep)
    follow(store, done)
    return done


def follow(store: Store, done: Outcome) -> None:
    """Make, queue and stop the runs that a changed plan asks for."""
    for row in done.superfluous:
        store.run(row.id).stop("now")
    if done.sweep.search:
        processes.ensure_running(store.root)
    else:
        sweeps.complete(store, done.sweep)
        for row in done.resumed:
            store.run(row.id).resume()
    prioritize(store, sweeps.runs_of(store, done.sweep), done.sweep.priority)


def edited(sweep: Sweep, edit: Edit, rows: Sequence[RunRow]) -> Sweep:
    """Return a sweep after an edit; `rows` are its runs."""
    if edit.of_search and not sweep.search:
        raise RunError(f"{sweep.id} is not a search, so it has no budget, ranges or pruner.")
    if edit.of_grid and sweep.search:
        raise RunError(
            f"{sweep.id} is a search, which trains every setting once. To train its best settings "
            "with several seeds, use the button on its page."
        )
    if edit.priority:
        PRIORITIES[edit.priority]
        priority = "" if edit.priority == NORMAL else edit.priority
        sweep = replace(sweep, priority=priority)
    if name := " ".join(edit.name.split())[:80]:
        sweep = replace(sweep, name=name)
    return searched(sweep, edit) if sweep.search else gridded(sweep, edit, rows)


def gridded(sweep: Sweep, edit: Edit, rows: Sequence[RunRow]) -> Sweep:
    """Return a grid with other cells and seeds."""
    cells = list(sweep.cells)
    for place in [*edit.remove, *edit.restore]:
        if not 0 <= place < len(cells):
            raise RunError(f"{sweep.id} has no setting {place + 1}; it has {len(cells)}.")
        cells[place] = replace(cells[place], removed=place in edit.remove)
    for axis in edit.add:
        cells = with_values(sweep.base, cells, axis)
    begun = {row.seed for row in rows if row.state != "queued" and not is_unbegun(row)}
    if lasting := sorted(begun & set(edit.drop_seeds)):
        words = ", ".join(map(str, lasting))
        raise RunError(
            f"Runs with seed {words} have begun already. Only seeds whose runs all still wait can "
            "be left out."
        )
    seeds = [seed for seed in dict.fromkeys([*sweep.seeds, *edit.add_seeds])
             if seed not in edit.drop_seeds]  # fmt: skip
    new = replace(sweep, cells=cells, seeds=seeds)
    if not new.places or not seeds:
        what = "setting" if not new.places else "seed"
        raise RunError(f"{sweep.id} would have no {what} left. Stop it instead.")
    if new.planned_runs > MOST and new.planned_runs > sweep.planned_runs:
        words = f"That makes {new.planned_runs:,} runs; the maximum is {MOST:,}."
        raise ConfigError({"": words})
    return new


def is_unbegun(row: RunRow) -> bool:
    """Whether a run left the queue before it began."""
    return row.state == "stopped" and not row.attempt


def with_values(base: Mapping[str, Any], cells: Sequence[Cell], axis: Axis) -> list[Cell]:
    """Return the cells with new ones at the end: each combination of the others with an entry.

    Of a setting that has not varied so far, the cells have the base's value. A removed cell that is
    asked for again returns to its place. ConfigError with everything that is wrong.
    """
    from cifar_core.config import TrainConfig

    config = TrainConfig.from_dict(base)
    if {name for entry in axis for name in entry} == {"optimizer"} and at_usual_rates(cells):
        (axis,) = sweeps.with_usual_rates([axis])
    names = {name for entry in axis for name in entry}
    if "seed" in names:
        raise ConfigError({"seed": "Seeds are not values of a setting here: add seeds instead."})
    alive = [cell.changes for cell in cells if not cell.removed]
    rests = [{k: v for k, v in changes.items() if k not in names} for changes in alive]
    entries = [{**rest, **entry} for rest in unique(rests) for entry in axis]
    fresh = sweeps.planned(config, [entries], [config.seed])
    places = {used(base, cell.changes): place for place, cell in enumerate(cells)}
    longer = list(cells)
    for cell in fresh:
        place = places.get(used(base, cell.changes))
        if place is None:
            longer.append(cell)
        else:
            longer[place] = replace(longer[place], removed=False)
    return longer


def at_usual_rates(cells: Sequence[Cell]) -> bool:
    """Whether every cell with an optimizer has the usual rate of that optimizer."""
    from cifar_core.optim import OPTIMIZERS

    changes = [cell.changes for cell in cells]
    return all("optimizer" in each and "learning_rate" in each for each in changes) and all(
        each["learning_rate"] == OPTIMIZERS[each["optimizer"]].usual_rate for each in changes
    )


def unique(entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return distinct entries, in order."""
    return list({repr(sorted(entry.items())): entry for entry in entries}.values())


def used(base: Mapping[str, Any], changes: Mapping[str, Any]) -> str:
    """Return what distinguishes a cell from others: the settings that are relevant in it."""
    from cifar_core.config import TrainConfig

    config = TrainConfig.from_dict({**base, **changes})
    return repr({f.name: getattr(config, f.name) for f in config.relevant()})


def searched(sweep: Sweep, edit: Edit) -> Sweep:
    """Return a search with another budget, space or pruner.

    One that had spent its budget goes on when that becomes larger; one that a person ended stays so
    until it is resumed.
    """
    search = dict(sweep.search)
    if edit.budget:
        check_budget(edit.budget, max(2, len(sweep.cells)))
        search["budget"] = edit.budget
        if search["ended"] == SPENT and edit.budget > len(sweep.cells):
            search["ended"] = ""
    if edit.space is not None:
        if not edit.space:
            raise ConfigError({"": "Name a setting to search, such as learning_rate=0.001..0.1."})
        search["space"] = dict(edit.space)
    if edit.pruner:
        PRUNERS[edit.pruner]
        search["pruner"] = edit.pruner
    return replace(sweep, search=search)


def next_seeds(sweep: Sweep, count: int) -> list[int]:
    """Return as many more seeds, following the highest one."""
    if not 1 <= count <= 100:
        raise RunError(f"The number of additional seeds is {count}, but it must be 1 to 100.")
    first = max(sweep.seeds) + 1
    return list(range(first, first + count))
