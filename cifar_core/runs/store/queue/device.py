"""Another device for a run that waits, as when the one that it asks for stays busy."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from cifar_core import devices
from cifar_core.background import processes
from cifar_core.devices.device import Inventory, kind_of
from cifar_core.disk import files, lock
from cifar_core.errors import DeviceError, RunError
from cifar_core.runs.backends.local import LOCAL
from cifar_core.runs.record import metrics, status
from cifar_core.runs.record.action_log import Line
from cifar_core.runs.record.run import Run

if TYPE_CHECKING:
    from cifar_core.runs.store.store import Store

AUTO = "auto"


def give_device(store: "Store", run: Run, device: str) -> None:
    """Let a waiting run ask for another device of this machine, or for "auto".

    One that was to go to a cluster stays here.
    A run that has begun may only go to another device of the same kind, because its numbers would
    change in the middle. Raises RunError if it does not wait, DeviceError for an unknown device.
    """
    found = devices.known(store.root) or Inventory()
    with run.action("give it another device", "gave it a device", device) as line:
        must_be_there(device, found)

        def must_fit() -> None:
            must_suit(run, device, found)
            must_be_enough(run, device)

        refused = "Only a run that waits in the queue can be given another device."
        change_place(run, line, {"device": device, "run_on": LOCAL}, must_fit, refused)
        processes.wake(store.root)


def change_place(
    run: Run, line: Line, wanted: dict[str, str], must_fit: Callable[[], None], refused: str
) -> None:
    """Change where a waiting run is to compute; it keeps its place in the queue.

    `must_fit` raises an error if the run cannot go there; `refused` is the second sentence of the
    RunError for a run that does not wait. A run that asks for that already is left as it is.
    """
    with lock.held(run.path / ".lock"):
        state = status.read(run.path).state
        if state != "queued":
            raise RunError(f"Run {run.id} is {state}. {refused}")
        must_fit()
        before = {"device": AUTO, "run_on": LOCAL, **run.settings}
        line.skip = all(before[name] == value for name, value in wanted.items())
        if not line.skip:
            files.edit(run.path / "config.json", dict, lambda _: wanted)
    if not line.skip and before["run_on"] != wanted["run_on"]:
        # why it waited at the other place is no longer true
        status.move(run.path, ("queued",), "queued", since=run.status.since)


def must_be_there(device: str, found: Inventory) -> None:
    """Raise DeviceError unless a run could ask for the device."""
    if device != AUTO and device not in found.names:
        raise DeviceError(
            f"There is no device called '{device}' on this machine. It has: "
            f"{', '.join(found.names) or 'none that is known yet'}. Choose one of these, or 'auto'."
        )


def must_be_enough(run: Run, device: str) -> None:
    """Raise RunError if a run that shares its batches among several devices is given one."""
    count = int(run.settings.get("devices", 1))
    if count > 1 and ":" in device:
        raise RunError(
            f"Run {run.id} computes on {count} devices at once, and '{device}' is one. Choose "
            "'auto'."
        )


def must_suit(run: Run, device: str, found: Inventory) -> None:
    """Raise RunError if a run has begun on a device of another kind."""
    begun_on = run.environment.device if metrics.attempt_numbers(run.path) else ""
    if not begun_on or not found.devices:
        return
    kind = kind_of(found.candidates(AUTO)[0].id if device == AUTO else device)
    if kind_of(begun_on) != kind:
        raise RunError(
            f"Run {run.id} has begun on {begun_on}, and its numbers would change in the middle on "
            f"{device}. Choose a device of the same kind, or clone it."
        )
