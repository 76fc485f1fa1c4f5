"""Follows the request of a person, or of a search, to a live attempt, with rising force."""

import time
from typing import TYPE_CHECKING

from cifar_core.runs.backends.backend import NoAnswerError
from cifar_core.runs.backends.backends import Missing
from cifar_core.runs.backends.local import LOCAL
from cifar_core.runs.engine.live_attempts import (
    ASK,
    KILL,
    TERMINATE,
    LiveAttempt,
    force_of,
    words_for,
)
from cifar_core.runs.record import control

if TYPE_CHECKING:
    from cifar_core.runs.engine.supervisor import Supervisor

DEAF_SECONDS = 60.0  # in which a backend that did not answer is not asked to end anything


def notice(live: LiveAttempt) -> None:
    """Read the latest request to an attempt."""
    latest = control.read(live.run.path)
    if latest.sequence != live.sequence:
        live.sequence, live.requested_at, live.shown = latest.sequence, time.monotonic(), ""
        live.asked, live.ask_again_at, live.refusal = (ASK, True), 0.0, ""
    live.request = latest.request


def is_taken_back(chief: "Supervisor", live: LiveAttempt) -> bool:
    """Return True if an attempt that waits in a cluster's queue need not be waited for.

    Ray keeps a job that it should stop until the job's turn has come; its shim then finds
    that the attempt was given up, and ends at once. So does the shim of a cluster that is no
    longer set up and can therefore not be asked.
    """
    is_in_a_queue = live.job.found == "waits" or isinstance(live.backend, Missing)
    waits = live.is_elsewhere and not live.has_begun and is_in_a_queue
    is_asked = bool(live.request) and live.asked[0] >= TERMINATE and not live.refusal
    return waits and is_asked and time.monotonic() - live.requested_at >= chief.grace_seconds


def follow(chief: "Supervisor", live: LiveAttempt) -> None:
    """Make an attempt end as requested, and show that."""
    grace = chief.grace_seconds
    force = force_of(live.request, time.monotonic() - live.requested_at, grace)
    make_end(chief, live, force)
    state = "pausing" if live.request == "pause" else "stopping"
    about = words_for(live.request, force, grace)
    if live.is_elsewhere and not live.has_begun:
        about = {"message": f"Being taken back from {live.backend.title}.", "deadline": 0.0}
    if live.refusal:
        again = f"It is asked again every {chief.pace(live.backend):g} s."
        about = {**about, "message": f"{about['message']} {live.refusal} {again}"}
    chief.show(live, state, f"{live.request} {force} {live.refusal}", about)


def make_end(chief: "Supervisor", live: LiveAttempt, force: int) -> None:
    """Have the backend end an attempt, if asking the trainer does not suffice.

    One that has not begun reads no requests, so it is canceled at once.
    """
    is_waiting = live.is_elsewhere and not live.has_begun
    wanted = (max(force, TERMINATE) if is_waiting else force, live.has_begun)
    is_repeated = wanted == live.asked
    now = time.monotonic()
    if wanted[0] == ASK or (is_repeated and now < live.ask_again_at):
        return
    if is_repeated and wanted[0] < KILL and not live.refusal:
        return  # it was asked to, once
    live.asked, live.ask_again_at = wanted, now + chief.pace(live.backend)
    if now < chief.deaf_until.get(live.backend.key, 0.0):
        live.refusal = f"{live.backend.title} did not answer a moment ago."
        return
    try:
        live.backend.end(live.name, live.folder, hard=wanted[0] == KILL)
    except NoAnswerError as error:  # which has taken seconds, so the others are not asked as well
        chief.deaf_until[live.backend.key] = time.monotonic() + DEAF_SECONDS
        live.refusal = f"{live.backend.title} could not be asked to end it: {said(error)}"
    except OSError as error:
        live.refusal = f"{live.backend.title} could not be asked to end it: {said(error)}"
    else:
        live.refusal = ""
        if live.backend.key != LOCAL:
            chief.ask_soon(live.backend)


def said(error: OSError) -> str:
    """Return an error as a sentence."""
    words = str(error).strip().rstrip(".")
    return f"{words}."
