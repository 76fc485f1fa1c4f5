"""The states of a run and the reasons for failing, each with a sentence and what to do next."""

from msgspec import Struct

from cifar_core.registry import Registry


class State(Struct, frozen=True, kw_only=True):
    """A state that a run can be in."""

    key: str  # saved in status.json; never renamed
    title: str
    summary: str
    action: str  # what the person may want to do next
    is_live: bool = False  # a process belongs to it
    is_final: bool = False  # left only when a person asks


STATES = Registry(
    "state",
    [
        State(
            key="draft",
            title="Draft",
            summary="Set up, but not started.",
            action="Start it.",
        ),
        State(
            key="queued",
            title="Queued",
            summary="Waiting for a free device.",
            action="Nothing to do: it starts automatically.",
        ),
        State(
            key="starting",
            title="Starting",
            summary="The program and the images are being loaded.",
            action="Wait a few seconds.",
            is_live=True,
        ),
        State(
            key="running",
            title="Running",
            summary="The network is being trained.",
            action="Watch its curves; you can close this page.",
            is_live=True,
        ),
        State(
            key="pausing",
            title="Pausing",
            summary="Saving a checkpoint and releasing the device.",
            action="Wait a few seconds.",
            is_live=True,
        ),
        State(
            key="paused",
            title="Paused",
            summary="Saved, and uses no device.",
            action="Resume it to continue.",
        ),
        State(
            key="stopping",
            title="Stopping",
            summary="Asked to stop.",
            action="Wait, or stop it immediately.",
            is_live=True,
        ),
        State(
            key="finished",
            title="Finished",
            summary="Ran to completion.",
            action="Look at the results.",
            is_final=True,
        ),
        State(
            key="stopped",
            title="Stopped",
            summary="Stopped as requested; its checkpoints are kept.",
            action="Resume it, or clone it with other settings.",
            is_final=True,
        ),
        State(
            key="failed",
            title="Failed",
            summary="Could not continue.",
            action="Read the log, then resume or clone it.",
            is_final=True,
        ),
    ],
)


class Failure(Struct, frozen=True, kw_only=True):
    """Why a run could not continue."""

    key: str  # saved in status.json; never renamed
    title: str
    summary: str
    action: str


FAILURES = Registry(
    "reason",
    [
        Failure(
            key="oom",
            title="Out of GPU memory",
            summary="The device ran out of memory.",
            action="Clone it with a smaller network.",
        ),
        Failure(
            key="host_memory",
            title="Out of memory",
            summary="The machine ran out of memory.",
            action="Close other programs, then resume it, or clone it with a smaller network.",
        ),
        Failure(
            key="diverged",
            title="Diverged",
            summary="The loss stopped being a number.",
            action="Clone it with a tenth of the learning rate.",
        ),
        Failure(
            key="disk",
            title="Disk full",
            summary="The disk was full.",
            action="Free some space, for example by deleting runs and then emptying the trash.",
        ),
        Failure(
            key="data",
            title="Data",
            summary="The images could not be used.",
            action="Fix the problem in the message on the Data page, then resume it.",
        ),
        Failure(
            key="weights",
            title="Pretrained weights",
            summary="The pretrained weights are not on this machine, or are damaged.",
            action="Get the file named in the message, then resume it.",
        ),
        Failure(
            key="device",
            title="Device",
            summary="The device could not be used.",
            action="Resume it when the device works, or clone it with another device.",
        ),
        Failure(
            key="settings",
            title="Settings",
            summary="The settings do not suit this machine or these images.",
            action="Clone it and change the settings named in the message.",
        ),
        Failure(
            key="checkpoint",
            title="Checkpoint",
            summary="Its checkpoints could not be used.",
            action="Clone it to train from the beginning.",
        ),
        Failure(
            key="bug",
            title="Error",
            summary="Internal error.",
            action="Please report the last lines of the log.",
        ),
        Failure(
            key="killed",
            title="Killed",
            summary="The training process was ended from outside.",
            action="Resume it to continue from its last checkpoint, if it has one.",
        ),
        Failure(
            key="crash_loop",
            title="Keeps crashing",
            summary="Two attempts in a row ended before they had saved anything.",
            action="Read the log, fix the cause, then resume it.",
        ),
        Failure(
            key="never_started",
            title="Never started",
            summary="The training process could not be started.",
            action="Read the log, then resume it.",
        ),
        Failure(
            key="damaged",
            title="Damaged folder",
            summary="The run's status.json is missing or cannot be read.",
            action="Resume it, or delete it.",
        ),
        Failure(
            key="queue_paused",
            title="Queue paused",
            summary="The queue is paused.",
            action="It starts once an admin resumes the queue.",
        ),
    ],
)
