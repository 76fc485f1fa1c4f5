"""tidy, pin, renumber: what the store deletes, what it keeps for good, and copies of runs."""

from argparse import Namespace
from typing import Any

from cifar_core.runs.record import marks
from cifar_core.runs.store import retention
from cifar_core.terminal.output import add_run, add_store, progress, store_of


def add(commands: Any) -> None:
    """Add the commands of this module."""
    tidy = commands.add_parser("tidy", help="delete files that are no longer needed")
    tidy.add_argument("--dry-run", action="store_true", help="only print what would be deleted")
    add_store(tidy)
    tidy.set_defaults(command=tidy_now)

    pin = commands.add_parser("pin", help="keep a run, or one of its checkpoints, for good")
    add_run(pin)
    pin.add_argument("--checkpoint", default="", help="keep only this one: best, last, or a name")
    pin.add_argument("--off", action="store_true", help="take the pin off")
    add_store(pin)
    pin.set_defaults(command=pin_it)

    number = commands.add_parser(
        "renumber", help="give a run whose folder was copied by hand a number of its own"
    )
    number.add_argument("run", help="id of the copy, which is the name of its folder")
    add_store(number)
    number.set_defaults(command=renumber)


def tidy_now(arguments: Namespace) -> int:
    """Print what each rule deletes, and delete it unless this is a dry run."""
    store = store_of(arguments)
    with progress("Looking through the store"):
        waste = retention.unneeded(store) if arguments.dry_run else retention.tidy(store)
    for rule in retention.RULES.values():
        sizes = [piece.size for piece in waste if piece.rule == rule.key]
        if sizes:
            print(f"{rule.title}: {len(sizes)}, {sum(sizes) / 1e6:,.1f} MB ({rule.summary})")
    verb = "would be freed" if arguments.dry_run else "freed"
    print(f"{sum(piece.size for piece in waste) / 1e6:,.1f} MB {verb}.")
    return 0


def pin_it(arguments: Namespace) -> int:
    """Pin a run or a checkpoint, or take the pin off."""
    run = store_of(arguments).run(arguments.run)
    if arguments.checkpoint:
        name = marks.pin_checkpoint(run, arguments.checkpoint, not arguments.off)
        print(f"Checkpoint {name} of run {run.id} is {'not kept' if arguments.off else 'kept'}.")
    else:
        marks.pin(run, not arguments.off)
        print(f"Run {run.id} is {'no longer pinned' if arguments.off else 'pinned'}.")
    return 0


def renumber(arguments: Namespace) -> int:
    """Give a run the next free number, and print its new id."""
    store = store_of(arguments)
    print(store.give_number(store.run(arguments.run)).id)
    return 0
