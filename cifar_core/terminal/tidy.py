"""tidy and pin: what the store deletes by itself, and what it never does."""

from argparse import Namespace
from typing import Any

from cifar_core.runs.record import marks
from cifar_core.runs.store import retention
from cifar_core.terminal.output import add_store, store_of


def add(commands: Any) -> None:
    """Add the commands of this module."""
    tidy = commands.add_parser("tidy", help="free what nobody needs, as docs/runs.md says")
    tidy.add_argument("--dry-run", action="store_true", help="only say what would be freed")
    add_store(tidy)
    tidy.set_defaults(command=tidy_now)

    pin = commands.add_parser("pin", help="keep a run, or one of its checkpoints, for good")
    pin.add_argument("run", help="the run's number or id")
    pin.add_argument("--checkpoint", default="", help="best, last or a name; else the whole run")
    pin.add_argument("--off", action="store_true", help="no longer keep it")
    add_store(pin)
    pin.set_defaults(command=pin_it)


def tidy_now(given: Namespace) -> int:
    """Say for each rule what it frees, and free it unless this is a rehearsal."""
    store = store_of(given)
    found = retention.waste(store) if given.dry_run else retention.tidy(store)
    for rule in retention.RULES.values():
        mine = [one for one in found if one.rule == rule.key]
        if mine:
            size = sum(one.size for one in mine) / 1e6
            print(f"{rule.title}: {len(mine)}, {size:,.1f} MB ({rule.summary})")
    verb = "would be freed" if given.dry_run else "freed"
    print(f"{sum(one.size for one in found) / 1e6:,.1f} MB {verb}.")
    return 0


def pin_it(given: Namespace) -> int:
    """Pin a run or a checkpoint, or take the pin off."""
    run = store_of(given).run(given.run)
    if given.checkpoint:
        name = marks.pin_checkpoint(run, given.checkpoint, not given.off)
        print(f"Checkpoint {name} of run {run.id} is {'not kept' if given.off else 'kept'}.")
    else:
        marks.pin(run, not given.off)
        print(f"Run {run.id} is {'no longer pinned' if given.off else 'pinned'}.")
    return 0
