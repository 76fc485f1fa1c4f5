import errno
from pathlib import Path

import pytest
import torch

from cifar_core.errors import (
    CheckpointError,
    ConfigError,
    DataError,
    DeviceError,
    TrainingDivergedError,
)
from cifar_core.runs.engine.ending import conclude
from cifar_core.runs.record.control import Control
from cifar_core.runs.record.failures import message_of, reason_of
from cifar_core.runs.record.records import AttemptResult, ShimEnd

KILLED = ShimEnd(signal=9)
OUT_OF_MEMORY = ShimEnd(signal=9, oom_kills=1, peak_megabytes=23456.0)


def test_a_run_that_was_pruned_says_why():
    told = Control(request="now", reason="pruned", note="Pruned: it is behind the other runs.")
    ending = conclude(
        attempt=1,
        result=AttemptResult(outcome="stopped", message="Stopped at epoch 3, as requested."),
        ended=ShimEnd(),
        control=told,
        settings={},
        saved=True,
        deaths=0,
    )
    assert ending.state == "stopped"
    assert (
        ending.message == "Stopped at epoch 3, as requested. Pruned: it is behind the other runs."
    )


def end(
    *, result=None, ended=KILLED, request="", saved=False, deaths=0, smaller=0, last_words="",
    **settings,
):  # fmt: skip
    return conclude(
        attempt=1,
        result=AttemptResult(**(result or {})),
        ended=ended,
        control=Control(request=request),
        settings=settings,
        saved=saved,
        deaths=deaths,
        smaller=smaller,
        last_words=last_words,
    )


@pytest.mark.parametrize("outcome", ["finished", "stopped", "paused"])
def test_the_trainers_own_word_counts_whatever_the_shim_saw(outcome):
    ending = end(result={"outcome": outcome, "message": "As it says."}, ended=KILLED)
    assert (ending.state, ending.message) == (outcome, "As it says.")


@pytest.mark.parametrize("request_", ["epoch", "now", "kill"])
def test_a_run_that_dies_while_it_is_being_stopped_is_stopped(request_):
    assert end(request=request_).state == "stopped"


def test_a_run_that_dies_while_it_is_being_paused_is_paused():
    assert end(request="pause").state == "paused"


def test_a_first_death_is_tried_again_and_a_second_without_a_checkpoint_is_not():
    first = end()
    assert (first.state, first.deaths) == ("queued", 1)
    second = end(deaths=first.deaths)
    assert (second.state, second.reason) == ("failed", "crash_loop")


def test_a_checkpoint_since_the_last_death_makes_it_a_first_one_again():
    ending = end(deaths=1, saved=True)
    assert (ending.state, ending.deaths) == ("queued", 0)


def test_being_told_to_end_by_the_system_is_no_death():
    ending = end(result={"outcome": "interrupted", "message": ""}, deaths=1)
    assert (ending.state, ending.deaths) == ("queued", 0)


def test_want_of_memory_is_told_from_other_kills():
    assert "memory ran out, at 23,456 MB" in end(ended=OUT_OF_MEMORY).message
    assert end(ended=OUT_OF_MEMORY, deaths=1).reason == "host_memory"
    assert "signal 9 (SIGKILL)" in end(ended=KILLED).message


def test_a_restart_of_the_machine_is_named():
    assert "as by a restart" in end(ended=ShimEnd()).message


@pytest.mark.parametrize("reason", ["oom", "host_memory"])
def test_a_batch_that_does_not_fit_is_to_be_computed_in_halves(reason):
    failed = {"outcome": "failed", "reason": reason, "message": "Out of memory."}
    ending = end(result=failed, batch_size=512)
    assert ending.suggestion == {"micro_batch": 256}
    assert ending.action == "Clone it with micro_batch 256."
    again = end(result=failed, batch_size=512, micro_batch=256)
    assert again.suggestion == {"micro_batch": 128}
    assert end(result=failed, batch_size=512, micro_batch=2).suggestion == {}


@pytest.mark.parametrize(
    ("fits", "suggestion", "action"),
    [
        (40, {"micro_batch": 32}, "Clone it with micro_batch 32."),
        (63, {"micro_batch": 32}, "Clone it with micro_batch 32."),
        (64, {}, "The memory is free again: resume it."),
        (1, {}, "Clone it with a smaller network."),
        (0, {}, "Clone it with a smaller network."),
    ],
)
def test_what_was_measured_to_fit_is_what_a_clone_is_given(fits, suggestion, action):
    failed = {"outcome": "failed", "reason": "oom", "message": "Out of memory.", "fits": fits}
    ending = end(result=failed, batch_size=64, micro_batch=8)
    assert (ending.suggestion, ending.action) == (suggestion, action)


def test_a_run_that_the_system_ended_for_memory_is_to_be_computed_in_halves():
    assert end(ended=OUT_OF_MEMORY, deaths=1, batch_size=64).suggestion == {"micro_batch": 32}


LOST = {"outcome": "failed", "reason": "device", "message": "CUDA error: unknown error"}


def test_a_checkpoint_since_the_last_failure_of_a_device_makes_it_a_first_one_again():
    assert end(result=LOST, deaths=2).state == "failed"
    assert (end(result=LOST, deaths=2, saved=True).state, end(result=LOST).deaths) == ("queued", 1)


def test_the_last_words_tell_a_crash_of_the_device_from_other_deaths():
    words = "epoch 3\nterminate called\n  what():  CUDA error: unspecified launch failure\n"
    crashed = end(ended=ShimEnd(signal=6), last_words=words)
    assert (crashed.state, crashed.reason) == ("queued", "device")
    assert crashed.device_failure == "what():  CUDA error: unspecified launch failure"
    assert end(ended=ShimEnd(signal=6), last_words="epoch 3\n").device_failure == ""
    assert end(ended=ShimEnd(code=3), last_words=words).device_failure == ""
    assert end(ended=OUT_OF_MEMORY, last_words=words).device_failure == ""
    # whoever asked for the end may have sent the signal
    assert end(ended=ShimEnd(signal=9), last_words=words, request="kill").device_failure == ""


class OutOfMemoryError(RuntimeError):
    """Has the name of torch's."""


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TrainingDivergedError("x"), "diverged"),
        (DataError("x"), "data"),
        (DeviceError("x"), "device"),
        (CheckpointError("x"), "checkpoint"),
        (ConfigError({"a": "x"}), "settings"),
        (OutOfMemoryError("x"), "oom"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "host_memory"),
        (MemoryError(), "host_memory"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk"),
        (RuntimeError("I/O error: No space left on device (os error 28)"), "disk"),
        (OSError(errno.EACCES, "denied"), "bug"),
        (ZeroDivisionError("division by zero"), "bug"),
    ],
)
def test_every_exception_has_its_reason_and_a_sentence(error, reason, tmp_path):
    assert reason_of(error) == reason
    assert message_of(error, reason, tmp_path)


def test_a_full_disk_says_how_much_is_free(tmp_path):
    error = OSError(errno.ENOSPC, "No space left on device")
    assert "MB are free" in message_of(error, "disk", tmp_path)


def test_torchs_own_errors_of_memory_are_recognised():
    with pytest.raises(RuntimeError) as error:
        torch.empty(2**50, dtype=torch.uint8)
    assert reason_of(error.value) == "host_memory"
    assert reason_of(torch.OutOfMemoryError("CUDA out of memory.")) == "oom"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no disk that is always full")
def test_a_disk_that_is_really_full_is_recognised():
    with pytest.raises(OSError) as error, Path("/dev/full").open("wb", buffering=0) as file:  # noqa: PT011
        file.write(b"x")
    assert reason_of(error.value) == "disk"


def test_want_of_memory_names_how_many_images_it_was_for(tmp_path):
    words = message_of(OutOfMemoryError("CUDA out of memory."), "oom", tmp_path, 64)
    assert words.startswith("The memory was too small for 64 images at once (")
    assert "CUDA out of memory" in words


LACKED = {"outcome": "failed", "reason": "oom", "message": "The memory was too small."}


@pytest.mark.parametrize(("result", "ended"), [(LACKED, KILLED), (None, OUT_OF_MEMORY)])
def test_want_of_memory_is_tried_again_in_smaller_pieces(result, ended):
    ending = end(result=result, ended=ended, batch_size=512, smaller=256)
    assert (ending.state, ending.micro_batch) == ("queued", 256)
    assert "tried again with 256 at once; the batch stays 512" in ending.message


def test_want_of_memory_fails_when_nothing_smaller_is_to_be_tried():
    ending = end(result=LACKED, batch_size=512)
    assert (ending.state, ending.reason, ending.micro_batch) == ("failed", "oom", 0)
    assert ending.suggestion == {"micro_batch": 256}


@pytest.mark.parametrize("request_", ["now", "kill", "pause"])
def test_what_was_asked_to_end_is_not_tried_again_in_smaller_pieces(request_):
    assert end(result=LACKED, request=request_, batch_size=512, smaller=256).state == "failed"
    assert end(ended=OUT_OF_MEMORY, request=request_, batch_size=512, smaller=256).state in (
        "stopped",
        "paused",
    )


def test_a_failure_for_another_reason_is_not_tried_in_smaller_pieces():
    bug = {"outcome": "failed", "reason": "bug", "message": "KeyError"}
    assert end(result=bug, batch_size=512, smaller=256).state == "failed"
