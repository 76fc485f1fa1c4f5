"""Decides the next state of a run when an attempt is over, as a pure function of its records."""

import signal
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from cifar_core.devices.wordings import is_device_failure
from cifar_core.disk import space
from cifar_core.disk.checks import Scalar
from cifar_core.runs.engine import halving
from cifar_core.runs.engine.several import images_of_one
from cifar_core.runs.prepare.batch_search import piece
from cifar_core.runs.record.control import Control
from cifar_core.runs.record.divergences.decisions import SLOWER
from cifar_core.runs.record.failures import FEWEST_AT_ONCE, MEMORY, NO_ROOM_FOR_RESULT
from cifar_core.runs.record.records import AttemptResult, ShimEnd
from cifar_core.runs.record.states import FAILURES, STATES

MOST_DEATHS = 2  # in a row without a new checkpoint; further attempts would be a crash loop
MOST_DEVICE_FAILURES = 3  # likewise; a device may fail without the run's fault


@dataclass(frozen=True, kw_only=True)
class Ending:
    """The next state of a run, and the sentences about it."""

    state: str  # finished, stopped, paused, failed, or queued to try again
    message: str
    reason: str = ""
    action: str = ""
    deaths: int = 0
    suggestion: dict[str, Scalar] = field(default_factory=dict)  # settings to change in a clone
    needs: int = 0  # bytes that must be free on the disk before it can continue
    micro_batch: int = 0  # images at once from now on; 0 for as before
    diverged_at: int = 0  # step before which it continues at a tenth of the rate; 0 for none
    device_failure: str = ""  # what was seen of it


def conclude(
    *,
    attempt: int,
    result: AttemptResult,  # the trainer's; empty if it wrote none
    ended: ShimEnd,  # the shim's; empty if it wrote none
    control: Control,
    settings: Mapping[str, Any],
    saved: bool,  # whether the attempt has committed a checkpoint
    deaths: int,  # attempts in a row before this one that died without saving
    smaller: int = 0,  # images at once to try next if memory was too small; 0 to give up
    diverged_before: int = 0,  # how often the run has continued after a divergence
    last_words: str = "",  # the end of its log
) -> Ending:
    """Return the run's next state after an attempt that is over for certain."""
    outcome = result.outcome
    smaller = 0 if control.request else smaller
    if seen := device_failure(result, ended, "" if control.request else last_words):
        return on_failed_device(seen, control, settings, 0 if saved else deaths + 1)
    if outcome == "failed":
        if result.reason in MEMORY and smaller:
            return in_smaller_pieces(result.message, smaller, settings)
        may_go_on = diverged_before < settings.get("retries_diverged", 0)
        if result.diverged_at and may_go_on and not control.request:
            return at_a_lower_rate(result.diverged_at)
        return failed(result.reason, result.message, settings, fits=result.fits,
                      diverged_before=diverged_before)  # fmt: skip
    if outcome == "paused" and result.reason == "disk":
        return out_of_space(result.message, result.needs, control)
    if not outcome and ended.code == NO_ROOM_FOR_RESULT:
        return out_of_space("It could not save because the disk is full.", 0, control)
    if outcome in ("finished", "stopped", "paused"):
        why = control.note if outcome == "stopped" else ""
        message = f"{result.message} {why}".strip()
        return Ending(state=outcome, message=message, action=STATES[outcome].action, deaths=0)
    how = how_it_died(attempt, ended, outcome)
    if ending := as_requested(how, control):
        return ending
    if outcome == "interrupted":  # such as by a shutdown; the trainer has saved its state
        return Ending(state="queued", message=f"{how} It continues from there.")
    if reason_of_death(ended) in MEMORY and smaller:
        return in_smaller_pieces(how, smaller, settings)
    if ended.refused:
        return failed("never_started", how, settings)
    deaths = 0 if saved else deaths + ended.launched
    if deaths >= MOST_DEATHS:
        reason = reason_of_death(ended)
        reason = "crash_loop" if reason == "killed" else reason
        words = f"{MOST_DEATHS} attempts in a row ended before they had saved anything. {how}"
        return failed(reason, words, settings, deaths=deaths)
    return Ending(
        state="queued",
        message=f"{how} It is tried again, from its last checkpoint if it has one.",
        action=STATES["queued"].action,
        deaths=deaths,
    )


def device_failure(result: AttemptResult, ended: ShimEnd, last_words: str) -> str:
    """Return what was seen of the failure of a device that ended an attempt; empty for none."""
    if result.outcome == "failed" and result.reason == "device":
        return result.message
    if result.outcome or not ended.signal or ended.oom_kills:
        return ""
    seen = [line.strip() for line in last_words.splitlines() if is_device_failure(line)]
    return seen[-1] if seen else ""


def on_failed_device(
    seen: str, control: Control, settings: Mapping[str, Any], deaths: int
) -> Ending:
    """Return the ending of a run whose device failed: it is tried again, but not for ever."""
    message = f"The device failed ({seen.rstrip('.')})."
    if requested := as_requested(message, control):
        return replace(requested, device_failure=seen)
    if deaths >= MOST_DEVICE_FAILURES:
        words = f"{message} {deaths} attempts in a row ended before they had saved anything."
        return replace(failed("device", words, settings, deaths=deaths), device_failure=seen)
    then = "It continues from its last checkpoint, if it has one, on a device that works."
    return Ending(
        state="queued",
        reason="device",
        message=f"{message} {then}",
        action=STATES["queued"].action,
        deaths=deaths,
        device_failure=seen,
    )


def as_requested(message: str, control: Control) -> Ending | None:
    """Return the ending of a run that was asked to stop or pause; None if it was not."""
    if not control.request:
        return None
    state, word = ("stopped", "stop") if control.is_stop else ("paused", "pause")
    words = f"{message} A {word} had been requested."
    return Ending(state=state, message=words, action=STATES["stopped"].action)


def in_smaller_pieces(message: str, at_once: int, settings: Mapping[str, Any]) -> Ending:
    """Return the ending of an attempt that ran out of memory, to try again with fewer images."""
    where = " on each device" if settings.get("devices", 1) > 1 else ""
    then = (
        f"It is tried again with {at_once:,} at once{where}; the batch stays "
        f"{settings['batch_size']:,}."
    )
    action = STATES["queued"].action
    return Ending(state="queued", message=f"{message} {then}", action=action, micro_batch=at_once)


def at_a_lower_rate(step: int) -> Ending:
    """Return the ending of an attempt that diverged at a step, to go on more slowly."""
    return Ending(
        state="queued",
        message=f"The loss or its gradient stopped being a number at step {step:,}. It continues "
        "at a tenth of the learning rate, from its last good checkpoint if it has one.",
        action=STATES["queued"].action,
        diverged_at=step,
    )


def out_of_space(message: str, needs: int, control: Control) -> Ending:
    """Return the ending of a run that waits for disk space, unless a person asked for another."""
    if ending := as_requested(message, control):
        return ending
    action = FAILURES["disk"].action
    free = space.megabytes(max(needs, space.TO_START))
    message = f"{message} It continues automatically when {free} are free."
    return Ending(state="paused", reason="disk", message=message, action=action, needs=needs)


def failed(
    reason: str,
    message: str,
    settings: Mapping[str, Any],
    *,
    deaths: int = 0,
    fits: int | None = None,
    diverged_before: int = 0,
) -> Ending:
    """Return the ending of a run that cannot continue, with the settings to change in a clone.

    `fits` is how many images at once were measured to fit; None if that was not measured,
    `diverged_before` how often the rate has been lowered since the settings were chosen.
    """
    suggestion = suggested(reason, settings, fits, diverged_before)
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


def suggested(
    reason: str, settings: Mapping[str, Any], fits: int | None, diverged_before: int
) -> dict[str, Scalar]:
    """Return the setting that would have avoided the failure, if one would."""
    if reason in MEMORY:
        return half_at_once(settings) if fits is None else in_pieces(settings, fits)
    if reason == "diverged" and "learning_rate" in settings:
        rate = settings["learning_rate"] / SLOWER ** (diverged_before + 1)
        return {"learning_rate": float(f"{rate:.3g}")}
    return {}


def half_at_once(settings: Mapping[str, Any]) -> dict[str, Scalar]:
    """Return how to compute half as many images at once; the batch itself stays the same."""
    half = halving.at_once(dict(settings)) // 2
    return {"micro_batch": half} if half >= FEWEST_AT_ONCE else {}


def is_free_again(settings: Mapping[str, Any], fits: int | None) -> bool:
    """Return True if the whole batch was measured to fit: another program had taken the memory."""
    return fits is not None and fits >= images_of_one(settings)


def in_pieces(settings: Mapping[str, Any], fits: int) -> dict[str, Scalar]:
    """Return how to compute the batch in pieces that fit; empty if none or the whole batch fits."""
    if is_free_again(settings, fits) or fits < FEWEST_AT_ONCE:
        return {}
    return {"micro_batch": piece(images_of_one(settings), fits)}


def how_it_died(attempt: int, ended: ShimEnd, outcome: str) -> str:
    """Return how the attempt ended, and what its backend says of that."""
    return f"{seen_death(attempt, ended, outcome)} {ended.said}".strip()


def seen_death(attempt: int, ended: ShimEnd, outcome: str) -> str:
    """Return a sentence on how the attempt ended, as its shim saw it."""
    if outcome == "interrupted":
        return f"Attempt {attempt} was interrupted by the system and saved its state."
    if not ended.launched:
        why = ended.error or "the program that should have started it had ended"
        return f"Attempt {attempt} never began: {why}."
    if ended.error:
        return f"Attempt {attempt} could not be started: {ended.error.rstrip('.')}."
    if ended.oom_kills and ended.signal == signal.SIGKILL:
        return (
            f"Attempt {attempt} was ended by the system because memory ran out, at "
            f"{ended.peak_megabytes:,.0f} MB."
        )
    if ended.signal:
        name = signal.Signals(ended.signal).name
        return f"Attempt {attempt} was ended by signal {ended.signal} ({name})."
    if ended.code is not None:
        return f"Attempt {attempt} ended with code {ended.code} and wrote no result."
    return f"Attempt {attempt} and its shim were ended from outside, as by a restart."


def reason_of_death(ended: ShimEnd) -> str:
    """Return the reason of failure for a death without a result."""
    if ended.error:
        return "never_started"
    if ended.oom_kills and ended.signal == signal.SIGKILL:
        return "host_memory"
    return "killed"
