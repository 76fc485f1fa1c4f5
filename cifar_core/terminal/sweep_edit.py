"""sweeps edit: changes the plan of a sweep or a search, also while its runs train."""

from argparse import Namespace
from typing import Any

from cifar_core.errors import RunError
from cifar_core.runs.record.queue.priorities import PRIORITIES
from cifar_core.runs.store.sweep_files import Sweep
from cifar_core.runs.sweeps import edits, search_space, sweeps
from cifar_core.runs.sweeps.edits import Edit
from cifar_core.runs.sweeps.hyperparameter_search import PRUNERS
from cifar_core.settings.parameter_grid import axis_of
from cifar_core.terminal.output import add_store, store_of


def add(actions: Any) -> None:
    """Add the action of this module."""
    parser = actions.add_parser("edit", help="add or remove values, seeds and runs, or rename it")
    parser.add_argument("sweep", help="number or id of the sweep")
    parser.add_argument("--name", default="", help="another name")
    parser.add_argument(
        "--priority", default="", choices=list(PRIORITIES), help="its place in the queue"
    )
    parser.add_argument(
        "--add-values", action="append", default=[], metavar="KEY=VALUES",
        help="more values of a setting, such as learning_rate=0.03",
    )  # fmt: skip
    for name, about in (("remove", "leave a setting out"), ("restore", "take it in again")):
        parser.add_argument(
            f"--{name}", action="append", default=[], metavar="TITLE",
            help=f"{about}; part of its title, as `sweeps show` prints it",
        )  # fmt: skip
    parser.add_argument("--seeds", type=int, help="number of seeds, all of them together")
    parser.add_argument("--runs", type=int, default=0, help="number of runs of a search")
    parser.add_argument(
        "--over", action="append", metavar="KEY=RANGE",
        help="the whole search space of a search from now on",
    )  # fmt: skip
    parser.add_argument("--prune", default="", choices=list(PRUNERS), help="pruner of a search")
    parser.add_argument("--dry-run", action="store_true", help="only print what would change")
    add_store(parser)
    parser.set_defaults(command=edit)


def edit(arguments: Namespace) -> int:
    """Apply an edit and print what follows from it."""
    store = store_of(arguments)
    sweep = sweeps.find(store, arguments.sweep)
    wanted = edit_of(arguments, sweep)
    if arguments.dry_run:
        print(edits.outcome(store, sweep, wanted).sentence)
    else:
        print(edits.apply(store, sweep, wanted).sentence)
    return 0


def edit_of(arguments: Namespace, sweep: Sweep) -> Edit:
    """Return what was typed as an edit."""
    from cifar_core.config import TrainConfig

    further = 0 if arguments.seeds is None else arguments.seeds - len(sweep.seeds)
    if arguments.seeds is not None and arguments.seeds < 1:
        raise RunError(f"--seeds is {arguments.seeds}, but a sweep needs at least 1.")
    return Edit(
        name=arguments.name,
        priority=arguments.priority,
        add=[axis_of(TrainConfig, text) for text in arguments.add_values],
        remove=[place for text in arguments.remove for place in named(sweep, text)],
        restore=[place for text in arguments.restore for place in named(sweep, text)],
        add_seeds=edits.next_seeds(sweep, further) if further > 0 else [],
        drop_seeds=sweep.seeds[arguments.seeds :] if further < 0 else [],
        budget=arguments.runs,
        space=search_space.space_of(arguments.over) if arguments.over else None,
        pruner=arguments.prune,
    )


def named(sweep: Sweep, text: str) -> list[int]:
    """Return the places of the cells whose title has a text; RunError if none has."""
    places = [i for i, cell in enumerate(sweep.cells) if text.lower() in cell.title.lower()]
    if not places:
        titles = "; ".join(cell.title for cell in sweep.cells[:20])
        raise RunError(f"No setting of {sweep.id} has '{text}' in its title. There are: {titles}.")
    return places
