"""Decides what becomes of a run when an attempt is over. A pure function of what was written."""

import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cifar_core.runs.control import Control
from cifar_core.runs.states import FAILURES, STATES

NO_ROOM_FOR_RESULT = 75  # exit code of a trainer whose last words the disk did not take
MOST_DEATHS = 2  # in a row without a new checkpoint; after that, trying again is a crash loop


@dataclass(frozen=True, kw_only=True)
class Ending:
    """The state that a run moves to, and the words for it."""

    state: str  # finished, stopped, paused, failed, or queued to try again
    message: str
    reason: str = ""
    action: str = ""
    deaths: int = 0
    suggestion: dict[str, Any] = field(default_factory=dict)  # settings to change in a clone
    needs: int = 0  # bytes that must be free on the disk before it can go on


def conclude(
    *,
    attempt: int,
    result: Mapping[str, Any],  # the trainer's last words; empty if it had none
    ended: Mapping[str, Any],  # the shim's; empty if it died too
    control: Control,
    settings: Mapping[str, Any],
    saved: bool,  # whether the attempt has committed a checkpoint
    deaths: int,  # attempts in a row before this one that died without saving
) -> Ending:
    """Return the run's next state after an attempt that is over for certain."""
    outcome = result.get("outcome", "")
    if outcome == "failed":
        return failed(result["reason"], result["message"], settings)
    if outcome == "paused" and result.get("reason") == "disk":
        return out_of_room(result["message"], int(result.get("needs", 0)), control)
    if not outcome and ended.get("code") == NO_ROOM_FOR_RESULT:
        return out_of_room("Paused: the disk is full.", 0, control)
    if outcome in ("finished", "stopped", "paused"):
        why = control.note if outcome == "stopped" else ""
        message = f"{result['message']} {why}".strip()
        return Ending(state=outcome, message=message, action=STATES[outcome].action, deaths=0)
    how = how_it_died(attempt, ended, outcome)
    was_launched = ended.get("launched", True)
    if control.is_stop:
        return Ending(state="stopped", message=f"{how} It was to stop.", action=STOPPED_ACTION)
    if control.request == "pause":
        return Ending(state="paused", message=f"{how} It was to pause.", action=STOPPED_ACTION)
    if outcome == "interrupted":  # the machine shuts down, say; the trainer saved itself
        return Ending(state="queued", message=f"{how} It goes on from there.")
    deaths = 0 if saved else deaths + was_launched
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


def out_of_room(message: str, needs: int, control: Control) -> Ending:
    """Return the ending of a run that waits for room, unless a person has asked for another."""
    if control.is_stop:
        return Ending(state="stopped", message=f"{message} It was to stop.", action=STOPPED_ACTION)
    if control.request == "pause":
        return Ending(state="paused", message=message, action=STATES["paused"].action)
    action = FAILURES["disk"].action
    return Ending(state="paused", reason="disk", message=message, action=action, needs=needs)


def failed(reason: str, message: str, settings: Mapping[str, Any], *, deaths: int = 0) -> Ending:
    """Return the ending of a run that cannot go on, with what to change in a clone."""
    suggestion = suggested(reason, settings)
    words = ", ".join(f"{key} {value:g}" for key, value in suggestion.items())
    return Ending(
        state="failed",
        reason=reason,
        message=message,
        action=f"Clone it with {words}." if words else FAILURES[reason].action,
        deaths=deaths,
        suggestion=suggestion,
    )


def suggested(reason: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the setting that would have avoided the failure, if one would."""
    if reason in ("oom", "host_memory"):
        return half_at_once(settings)
    if reason == "diverged" and "learning_rate" in settings:
        return {"learning_rate": float(f"{settings['learning_rate'] / 10:.3g}")}
    return {}


def half_at_once(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return how to compute half as many images at once; the batch itself stays what it was."""
    batch = settings.get("batch_size", 0)
    at_once = min(settings.get("micro_batch") or batch, batch)
    return {"micro_batch": at_once // 2} if at_once >= 4 else {}


def how_it_died(attempt: int, ended: Mapping[str, Any], outcome: str) -> str:
    """Say in a sentence how the attempt ended."""
    if outcome == "interrupted":
        return f"Attempt {attempt} was told to end by the system and saved a checkpoint."
    if not ended.get("launched", True):
        return f"Attempt {attempt} was never begun, as the program that was to start it had ended."
    if ended.get("error"):
        return f"Attempt {attempt} could not be started: {ended['error']}."
    if ended.get("oom_kills") and ended.get("signal") == signal.SIGKILL:
        return (
            f"Attempt {attempt} was ended by the system for want of memory, at "
            f"{ended.get('peak_megabytes', 0):,.0f} MB."
        )
    if ended.get("signal"):
        name = signal.Signals(ended["signal"]).name
        return f"Attempt {attempt} was ended by signal {ended['signal']} ({name})."
    if ended.get("code") is not None:
        return f"Attempt {attempt} ended with code {ended['code']} and without a last word."
    return f"Attempt {attempt} and its keeper were ended from outside, as by a restart."


def reason_of_death(ended: Mapping[str, Any]) -> str:
    """Return the failure that fits a death without last words."""
    if ended.get("error"):
        return "never_started"
    if ended.get("oom_kills") and ended.get("signal") == signal.SIGKILL:
        return "host_memory"
    return "killed"
