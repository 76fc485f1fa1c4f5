"""Another place for a run that waits: a cluster, or this machine again."""

from typing import TYPE_CHECKING

from cifar_core import devices
from cifar_core.background import processes
from cifar_core.devices.device import Inventory, kind_of
from cifar_core.errors import RunError
from cifar_core.runs.backends import settings
from cifar_core.runs.backends.local import LOCAL
from cifar_core.runs.backends.offered import clusters_in, places
from cifar_core.runs.record import metrics
from cifar_core.runs.record.run import Run
from cifar_core.runs.store.queue.device import AUTO, change_place

if TYPE_CHECKING:
    from cifar_core.runs.store.store import Store


def send_to(store: "Store", run: Run, place: str) -> None:
    """Let a waiting run go to a cluster, or with LOCAL to this machine; its device is "auto" then.

    A run that has begun may only go where it gets a device of the same kind, because its numbers
    would change in the middle. Raises RunError if it does not wait, or if the place is not set up.
    """
    found = settings.read(store.root)
    titles = places(found)
    with run.action("send it elsewhere", "sent a run to", place) as line:
        if place not in titles:
            raise RunError(
                f"'{place}' is not set up in this store. Runs can go to: {', '.join(titles)}. "
                "Choose one of these, or ask an admin to set it up."
            )
        here = devices.known(store.root) or Inventory()
        is_there = run.settings.get("run_on", LOCAL) == place  # then its device stays
        change_place(
            run,
            line,
            {"run_on": place} if is_there else {"run_on": place, "device": AUTO},
            lambda: must_suit(run, place, found, here),
            "Only a run that waits in the store's own queue can be sent elsewhere.",
        )
        processes.wake(store.root)


def must_suit(run: Run, place: str, found: settings.BackendSettings, here: Inventory) -> None:
    """Raise RunError if a run has begun on a device of a kind that it would not get at a place."""
    begun_on = run.environment.device if metrics.attempt_numbers(run.path) else ""
    if not begun_on:
        return
    if place == LOCAL:
        kinds = {kind_of(device.id) for device in here.devices[:1]}
    else:
        kinds = {"cuda" if clusters_in(found)[place].gpus else "cpu"}
    if kinds and kind_of(begun_on) not in kinds:
        raise RunError(
            f"Run {run.id} has begun on {begun_on}, and its numbers would change in the middle on "
            f"{' or '.join(kinds)}. Send it where it gets a device of the same kind, or clone it."
        )
