"""Decides what becomes of a run when an attempt is over. A pure function of what was written."""

import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cifar_core.disk.checks import Scalar
from cifar_core.runs.prepare.batch_search import piece
from cifar_core.runs.record.control import Control
from cifar_core.runs.record.failures import FEWEST_AT_ONCE, MEMORY, NO_ROOM_FOR_RESULT
from cifar_core.runs.record.records import AttemptResult, ShimEnd
from cifar_core.runs.record.states import FAILURES, STATES

MOST_DEATHS = 2  # in a row without a new checkpoint; after that, trying again is a crash loop


@dataclass(frozen=True, kw_only=True)
class Ending:
    """The state that a run moves to, and the words for it."""

    state: str  # finished, stopped, paused, failed, or queued to try again
    message: str
    reason: str = ""
    action: str = ""
    deaths: int = 0
    suggestion: dict[str, Scalar] = field(default_factory=dict)  # settings to change in a clone
    needs: int = 0  # bytes that must be free on the disk before it can go on
    micro_batch: int = 0  # images at once from now on; 0 as before


def conclude(
    *,
    attempt: int,
    result: AttemptResult,  # the trainer's last words; empty if it had none
    ended: ShimEnd,  # the shim's; empty if it died too
    control: Control,
    settings: Mapping[str, Any],
    saved: bool,  # whether the attempt has committed a checkpoint
    deaths: int,  # attempts in a row before this one that died without saving
    smaller: int = 0,  # images at once to try next if memory was too small; 0 to give up
) -> Ending:
    """Return the run's next state after an attempt that is over for certain."""
    outcome = result.outcome
    smaller = 0 if control.request else smaller
    if outcome == "failed":
        if result.reason in MEMORY and smaller:
            return in_smaller_pieces(result.message, smaller, settings)
        return failed(result.reason, result.message, settings, fits=result.fits)
    if outcome == "paused" and result.reason == "disk":
        return out_of_room(result.message, result.needs, control)
    if not outcome and ended.code == NO_ROOM_FOR_RESULT:
        return out_of_room("Paused: the disk is full.", 0, control)
    if outcome in ("finished", "stopped", "paused"):
        why = control.note if outcome == "stopped" else ""
        message = f"{result.message} {why}".strip()
        return Ending(state=outcome, message=message, action=STATES[outcome].action, deaths=0)
    how = how_it_died(attempt, ended, outcome)
    if control.is_stop:
        return Ending(state="stopped", message=f"{how} It was to stop.", action=STOPPED_ACTION)
    if control.request == "pause":
        return Ending(state="paused", message=f"{how} It was to pause.", action=STOPPED_ACTION)
    if outcome == "interrupted":  # the machine shuts down, say; the trainer saved itself
        return Ending(state="queued", message=f"{how} It goes on from there.")
    if reason_of_death(ended) in MEMORY and smaller:
        return in_smaller_pieces(how, smaller, settings)
    deaths = 0 if saved else deaths + ended.launched
    if deaths >= MOST_DEATHS:
        reason = reason_of_death(ended)
        reason = "crash_loop" if reason == "killed" else reason
        words = f"{MOST_DEATHS} attempts in a row ended before they saved anything. {how}"
        return failed(reason, words, settings, deaths=deaths)
    return Ending(
        state="queued",
        message=f"{how} It is tried again from its last checkpoint.",
        action=STATES["queued"].action,
        deaths=deaths,
    )


STOPPED_ACTION = STATES["stopped"].action


def in_smaller_pieces(message: str, at_once: int, settings: Mapping[str, Any]) -> Ending:
    """Return the ending of an attempt that lacked memory and is tried again with less."""
    then = (
        f"It is tried again with {at_once:,} at once; the batch stays {settings['batch_size']:,}."
    )
    action = STATES["queued"].action
    return Ending(state="queued", message=f"{message} {then}", action=action, micro_batch=at_once)


def out_of_room(message: str, needs: int, control: Control) -> Ending:
    """Return the ending of a run that waits for room, unless a person has asked for another."""
    if control.is_stop:
        return Ending(state="stopped", message=f"{message} It was to stop.", action=STOPPED_ACTION)
    if control.request == "pause":
        return Ending(state="paused", message=message, action=STATES["paused"].action)
    action = FAILURES["disk"].action
    return Ending(state="paused", reason="disk", message=message, action=action, needs=needs)


def failed(
    reason: str,
    message: str,
    settings: Mapping[str, Any],
    *,
    deaths: int = 0,
    fits: int | None = None,
) -> Ending:
    """Return the ending of a run that cannot go on, with what to change in a clone.

    `fits` is how many images at once have been measured to fit; None if that is not known.
    """
    suggestion = suggested(reason, settings, fits)
    action = FAILURES[reason].action
    if suggestion:
        words = ", ".join(f"{key} {value:g}" for key, value in suggestion.items())
        action = f"Clone it with {words}."
    elif is_free_again(settings, fits):
        action = "The memory is free again: resume it."
    return Ending(
        state="failed",
        reason=reason,
        message=message,
        action=action,
        deaths=deaths,
        suggestion=suggestion,
    )


def suggested(reason: str, settings: Mapping[str, Any], fits: int | None) -> dict[str, Scalar]:
    """Return the setting that would have avoided the failure, if one would."""
    if reason in MEMORY:
        return half_at_once(settings) if fits is None else in_pieces(settings, fits)
    if reason == "diverged" and "learning_rate" in settings:
        return {"learning_rate": float(f"{settings['learning_rate'] / 10:.3g}")}
    return {}


def half_at_once(settings: Mapping[str, Any]) -> dict[str, Scalar]:
    """Return how to compute half as many images at once; the batch itself stays what it was."""
    batch = settings.get("batch_size", 0)
    half = min(settings.get("micro_batch") or batch, batch) // 2
    return {"micro_batch": half} if half >= FEWEST_AT_ONCE else {}


def is_free_again(settings: Mapping[str, Any], fits: int | None) -> bool:
    """Tell whether the whole batch was measured to fit: something else had taken the memory."""
    return fits is not None and fits >= settings["batch_size"]


def in_pieces(settings: Mapping[str, Any], fits: int) -> dict[str, Scalar]:
    """Return how to compute the batch in pieces that fit; nothing if none does or it is whole."""
    if is_free_again(settings, fits) or fits < FEWEST_AT_ONCE:
        return {}
    return {"micro_batch": piece(settings["batch_size"], fits)}


def how_it_died(attempt: int, ended: ShimEnd, outcome: str) -> str:
    """Say in a sentence how the attempt ended."""
    if outcome == "interrupted":
        return f"Attempt {attempt} was told to end by the system and saved a checkpoint."
    if not ended.launched:
        return f"Attempt {attempt} was never begun, as the program that was to start it had ended."
    if ended.error:
        return f"Attempt {attempt} could not be started: {ended.error}."
    if ended.oom_kills and ended.signal == signal.SIGKILL:
        return (
            f"Attempt {attempt} was ended by the system for want of memory, at "
            f"{ended.peak_megabytes:,.0f} MB."
        )
    if ended.signal:
        name = signal.Signals(ended.signal).name
        return f"Attempt {attempt} was ended by signal {ended.signal} ({name})."
    if ended.code is not None:
        return f"Attempt {attempt} ended with code {ended.code} and without a last word."
    return f"Attempt {attempt} and its keeper were ended from outside, as by a restart."


def reason_of_death(ended: ShimEnd) -> str:
    """Return the failure that fits a death without last words."""
    if ended.error:
        return "never_started"
    if ended.oom_kills and ended.signal == signal.SIGKILL:
        return "host_memory"
    return "killed"
