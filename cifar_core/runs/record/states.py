"""The states of a run and the reasons for failing, each with a sentence and what to do next."""

from msgspec import Struct

from cifar_core.registry import Registry


class State(Struct, frozen=True, kw_only=True):
    """Where a run can stand."""

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
            summary="Waits for a free device.",
            action="Nothing to do: it starts by itself.",
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
            action="Watch its curves; this page may be closed.",
            is_live=True,
        ),
        State(
            key="pausing",
            title="Pausing",
            summary="Saves a checkpoint and lets the device go.",
            action="Wait a few seconds.",
            is_live=True,
        ),
        State(
            key="paused",
            title="Paused",
            summary="Saved; holds no device.",
            action="Resume it to go on exactly where it was.",
        ),
        State(
            key="stopping",
            title="Stopping",
            summary="Was asked to stop.",
            action="Wait, or stop it at once.",
            is_live=True,
        ),
        State(
            key="finished",
            title="Finished",
            summary="Trained to its end.",
            action="Look at the result, or explain its predictions.",
            is_final=True,
        ),
        State(
            key="stopped",
            title="Stopped",
            summary="Stopped as asked; what it has learnt is kept.",
            action="Resume it, or clone it with other settings.",
            is_final=True,
        ),
        State(
            key="failed",
            title="Failed",
            summary="Could not go on.",
            action="Read the log, then resume or clone it.",
            is_final=True,
        ),
    ],
)


class Failure(Struct, frozen=True, kw_only=True):
    """Why a run could not go on."""

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
            summary="The device's memory was too small for a batch.",
            action="Clone it with a smaller network.",
        ),
        Failure(
            key="host_memory",
            title="Out of memory",
            summary="The machine's memory ran out and the system ended the training.",
            action="Close other programs, then resume, or clone it with a smaller network.",
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
            summary="There was no space left to save to.",
            action="Free some space, for example by emptying the trash.",
        ),
        Failure(
            key="data",
            title="Data",
            summary="The images could not be used.",
            action="Mend what the message names on the Data page, then resume.",
        ),
        Failure(
            key="weights",
            title="Pretrained weights",
            summary="The weights that it begins from are not on this machine, or are damaged.",
            action="Get the file that the message names, then resume.",
        ),
        Failure(
            key="device",
            title="Device",
            summary="The device that it asks for is not there.",
            action="Clone it with the device set to 'auto'.",
        ),
        Failure(
            key="settings",
            title="Settings",
            summary="The settings do not fit this machine or these images.",
            action="Clone it and change what the message names.",
        ),
        Failure(
            key="checkpoint",
            title="Checkpoint",
            summary="What was saved does not fit this program.",
            action="Clone it to train anew.",
        ),
        Failure(
            key="bug",
            title="Error",
            summary="The program made a mistake.",
            action="The log's last lines say where; please report them.",
        ),
        Failure(
            key="killed",
            title="Killed",
            summary="The training process was ended from outside.",
            action="Resume it: it goes on from its last checkpoint.",
        ),
        Failure(
            key="crash_loop",
            title="Keeps dying",
            summary="Two attempts in a row ended before they could save anything.",
            action="Read the log, mend the cause, then resume.",
        ),
        Failure(
            key="never_started",
            title="Never started",
            summary="The training process could not be started.",
            action="Read the log, then resume.",
        ),
        Failure(
            key="damaged",
            title="Damaged folder",
            summary="The run's status.json is missing or cannot be read.",
            action="Resume it from its last checkpoint, or delete it.",
        ),
    ],
)
