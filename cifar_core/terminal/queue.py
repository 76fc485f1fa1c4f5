"""queue: lists what trains and what waits, moves a run, and pauses or resumes the queue."""

import time
from argparse import Namespace
from functools import partial
from typing import Any

from cifar_core import devices
from cifar_core.devices import Inventory
from cifar_core.errors import RunError
from cifar_core.installation import PROGRAM
from cifar_core.runs.listing.clusters import cluster_of, on_one_device_here, waits_there
from cifar_core.runs.listing.history import history_of, trainings
from cifar_core.runs.listing.queue_forecast import Forecast, forecast, is_known
from cifar_core.runs.listing.run_lengths import RunLengths, training_images
from cifar_core.runs.record.states import STATES
from cifar_core.runs.store.queue.order import put, queue_order
from cifar_core.runs.store.queue.pause import Pause
from cifar_core.runs.store.run_row import RunRow
from cifar_core.runs.store.store import Store
from cifar_core.terminal.output import add_json, add_run, add_store, say, show, store_of


def add(commands: Any) -> None:
    """Add the commands of this module."""
    parser = commands.add_parser("queue", help="list what trains and what waits, or change it")
    add_store(parser)
    add_json(parser)
    parser.set_defaults(command=list_queue)
    actions = parser.add_subparsers(metavar="ACTION")
    for name, command, about in [
        ("list", list_queue, "list what trains, and what waits with its likely start"),
        ("move", move, "let a waiting run start earlier or later"),
        ("pause", pause, "start no further run; those that train now continue"),
        ("resume", resume, "let waiting runs start again"),
    ]:
        action = actions.add_parser(name, help=about)
        if name == "move":
            add_run(action)
            action.add_argument("--to", type=int, required=True, metavar="N", help="its new place")
        if name == "pause":
            action.add_argument("--note", default="", help="why, for the others")
        add_store(action)
        if name == "list":
            add_json(action)
        action.set_defaults(command=command)


def list_queue(arguments: Namespace) -> int:
    """Print what trains and what waits, in its order."""
    store = store_of(arguments)
    rows = store.runs()
    running = sorted((row for row in rows if STATES[row.state].is_live), key=lambda row: row.number)
    waiting = queue_order(rows)
    found = devices.known(store.root) or Inventory()
    expected = forecast(running, waiting, found, lengths(store, rows, found))
    places = [*([None] * len(running)), *range(1, len(waiting) + 1)]
    make = plain_line if arguments.json else line
    show(
        [
            make(row, place, expected, paused=store.queue_pause.is_on)
            for row, place in zip([*running, *waiting], places, strict=True)
        ],
        arguments.json,
    )
    if store.queue_pause.is_on and not arguments.json:
        say(f"\n{pause_words(store.queue_pause)}")
    return 0


def lengths(store: Store, rows: list[RunRow], found: Inventory) -> RunLengths:
    """Return what says how long runs take, from the runs of this store."""
    gpu = any(not device.is_cpu for device in found.devices)
    past = partial(history_of, trainings(rows), gpu=gpu)
    return RunLengths(past, lambda source: training_images(source, store.root), gpu=gpu)


def plain_line(
    row: RunRow, place: int | None, expected: Forecast, *, paused: bool
) -> dict[str, Any]:
    """Return what is known of a run in the queue, in seconds; one that trains has no place."""
    takes, starts = expected.takes[row.id], expected.starts.get(row.id)
    known = starts is not None and is_known(starts) and not paused and not row.reason
    return {
        "place": place,
        "run": row.number,
        "name": row.name,
        "owner": row.owner,
        "state": row.state,
        "device": row.device or wanted_by(row),
        "seconds_left": round(takes, 1) if is_known(takes) else None,
        "starts_in": round(starts, 1) if starts is not None and known else None,
        "waits_for": waits_for(row),
        "unanswered_since": row.unanswered or None,
    }


def wanted_by(row: RunRow) -> str:
    """Return the cluster or the device that a waiting run asks for, and how many of it."""
    count = int(row.settings.get("devices", 1))
    where = cluster_of(row) or str(row.settings.get("device", "auto"))
    return f"{where} x{count}" if count > 1 else where


def waits_for(row: RunRow) -> str:
    """Return what a run waits for other than its turn, also in the queue of a cluster."""
    is_known = row.reason or not on_one_device_here(row)
    return row.message if waits_there(row) or (row.state == "queued" and is_known) else ""


def line(row: RunRow, place: int | None, expected: Forecast, *, paused: bool) -> dict[str, Any]:
    """Return a run's line for people."""
    plain = plain_line(row, place, expected, paused=paused)
    starts, left = plain["starts_in"], plain["seconds_left"]
    if row.unanswered:
        when = f"no answer since {clock(row.unanswered - time.time())}"
    elif place is None:
        when = row.state
    else:
        when = "" if starts is None else f"starts about {clock(starts)}" if starts else "soon"
    return {
        "place": place,
        "run": row.number,
        "name": row.name,
        "owner": row.owner,
        "device": plain["device"],
        "takes about": "" if left is None else in_words(left),
        "when": when if row.unanswered else plain["waits_for"] or when,
    }


def clock(seconds: float) -> str:
    """Write the time of day that is some seconds away; with the date if it is another day."""
    now, then = time.localtime(), time.localtime(time.time() + seconds)
    form = "%H:%M" if now[:3] == then[:3] else "%d %b %H:%M"
    return time.strftime(form, then)


def in_words(seconds: float) -> str:
    """Write a time in one unit."""
    for unit, name in ((3600, "h"), (60, "min")):
        if seconds >= unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} s"


def pause_words(paused: Pause) -> str:
    """Say who paused the queue, since when, and how it is resumed."""
    since = time.strftime("%Y-%m-%d %H:%M", time.localtime(paused.at))
    return (
        f"{paused.sentence} It has been paused since {since}; no further run starts until it is "
        f"resumed: {PROGRAM} queue resume"
    )


def move(arguments: Namespace) -> int:
    """Move a waiting run to a place, or as near as it may get, and print the place it has then."""
    store = store_of(arguments)
    run = store.run(arguments.run)
    if arguments.to < 1:
        raise RunError(f"The place is {arguments.to}, but it must be 1, for the next one, or more.")
    order = put(store, run, arguments.to - 1)
    if run.id not in order:
        state = run.status.state
        raise RunError(f"Run {run.id} is {state}. Only a run that waits has a place in the queue.")
    print(f"{run.id}: place {order.index(run.id) + 1} of {len(order)}")
    return 0


def pause(arguments: Namespace) -> int:
    """Pause the queue."""
    store = store_of(arguments)
    store.pause_queue(arguments.note)
    say(pause_words(store.queue_pause))
    return 0


def resume(arguments: Namespace) -> int:
    """Resume the queue."""
    store = store_of(arguments)
    was = store.queue_pause.is_on
    store.resume_queue()
    waiting = len(store.queue())
    wait = f"{waiting} {'run waits' if waiting == 1 else 'runs wait'}."
    print(f"The queue was resumed; {wait}" if was else f"The queue was not paused; {wait}")
    return 0
