"""The records in a run's small files; each of them is declared once, here.

Readers ignore other entries, and edits keep them. `status` and `control` declare their own.
"""

from typing import Annotated

from msgspec import Meta, Struct, field

from cifar_core.disk.checks import (
    Identity,
    LongText,
    Moment,
    Number,
    Text,
    Texts,
    Whole,
)
from cifar_core.runs.record.computed.how import DataRecord, StepRecord
from cifar_core.runs.record.control import Control
from cifar_core.runs.record.family.ancestors import ELSEWHERE, Ancestor, Start
from cifar_core.runs.record.figures.summary_record import Summary
from cifar_core.runs.record.gpu.facts import GPURecord
from cifar_core.runs.record.imported.curves_record import CurvesRecord
from cifar_core.runs.record.machine.balance import Balance
from cifar_core.runs.record.status import RunStatus


class Origin(Struct, frozen=True, kw_only=True):
    """Where an imported run comes from."""

    run: Text = ""  # its id in the other store or tool
    machine: Text = ""
    weights: Text = ""  # which checkpoints were exported
    exported_at: Moment = 0.0
    at: Moment = 0.0
    # of curves of another tool only
    tool: Text = ""  # a key of FORMATS
    name: Text = ""  # of the run there
    file: Text = ""  # the name of the file
    sha256: Text = ""  # of the file; empty if it was a folder


class About(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """about.json: names and marks that people gave a run, and what it belongs to."""

    name: Text = ""
    parent: Text = ""  # id of the run that it was cloned from
    kind: Text = ""  # a key of KINDS; empty for a training
    owner: Text = ""  # the person who made it; empty if that was before runs had owners
    sweep: Text = ""  # id of the sweep that it belongs to
    cell: Whole = 0  # index of its settings in that sweep
    priority: Text = ""  # a key of PRIORITIES; empty for a normal one
    created_at: Moment = 0.0
    tags: Texts = []
    note: LongText = ""  # Markdown
    starred: bool = False
    pinned: bool = False  # nothing of it is deleted automatically
    pinned_checkpoints: Texts = []  # their names; some may be gone already
    imported: Origin | None = None
    start: Start | None = None  # the checkpoint that it starts from; None: from the beginning
    teachers: list[Ancestor] = []  # the networks that it learns from besides the labels
    example: Text = ""  # which shipped example it is; empty for a run that somebody trained


class PlainSettings(Struct, frozen=True, kw_only=True):
    """config.json: the settings that a list of runs needs. `TrainConfig` declares all of them."""

    data: Text = ""
    model: Text = ""
    optimizer: Text = ""
    schedule: Text = ""
    learning_rate: Number = 0.0
    train_fraction: Number = 0.0
    val_fraction: Number = 0.0
    batch_size: Number = 0
    epochs: Number = 0
    seed: Number = 0


class UsedWeights(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The file of weights that a run started from; paths may not be valid text."""

    key: str = ""  # of published weights; empty for those of an own run
    path: str = ""
    sha256: str = ""
    origin: str = ""
    file: str = ""
    source: str = ""
    run: Text = ""  # the own run that they are of, and its checkpoint
    checkpoint: Text = ""
    taken: Whole = 0  # tensors that fitted, of how many
    of: Whole = 0
    left: Texts = []  # names of the tensors that stayed as initialized


class UsedTeacher(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A network that a run learned from; its copy is among the run's ancestors."""

    run: Text = ""  # its id
    name: Text = ""
    checkpoint: Text = ""
    epoch: Number = 0.0
    sha256: Text = ""  # of the file of its weights
    model: Text = ""
    side: Whole = 0  # pixels a side of the images that it was trained on

    @property
    def title(self) -> str:
        """The number and the name of the run; of one from another store the name alone."""
        number = "" if self.run.startswith(ELSEWHERE) else f"#{self.run.split('-')[0]} "
        return f"{number}{self.name or self.run}"


class Environment(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """environment.json: versions, device, threads and data of the latest attempt."""

    python: Text = ""
    system: Text = ""
    machine: Text = ""
    torch: Text = ""
    torchvision: Text = ""
    numpy: Text = ""
    safetensors: Text = ""
    pillow: Text = ""
    captum: Text = ""
    torch_optimizer: Text = field(name="torch-optimizer", default="")
    git_commit: Text = ""
    attempt: Whole = 0  # that wrote this; 0 in those of earlier versions
    place: Text = ""  # a key of PLACES; empty for the machine of the executor
    device: Text = ""
    device_name: Text = ""
    device_reason: Text = ""
    devices: Whole = 1  # how many computed together; a later attempt must have as many
    threads: Whole | None = None
    images_at_once: Whole = 0  # 0: the whole batch
    precision: Text = ""
    precision_reason: Text = ""
    gpu: GPURecord | None = None
    step_plan: StepRecord | None = None
    parameters: Whole | None = None
    dropout: bool = False  # whether the network drops features; False in earlier records
    data: DataRecord = DataRecord()
    weights: UsedWeights | None = None
    teachers: list[UsedTeacher] = []
    threads_now: Text = ""  # a later number of threads, in words; by earlier versions


class AttemptPlan(Struct, frozen=True, kw_only=True):
    """attempt.json: what the executor decided, for the shim and the trainer."""

    command: list[str] = []
    environment: dict[str, str] = {}
    executor: list[str] = []
    executor_lock: str = ""
    wake: str = ""
    place: Text = ""  # a key of PLACES; empty for this machine
    job: Text = ""  # the name by which its backend knows it
    slot: Text = ""  # id of the first device that it uses
    device: Text = ""  # its name in torch; empty if the machine that runs it chooses
    slots: list[Text] = []  # ids of all devices that it uses, one for each rank
    devices: list[Text] = []  # their names in torch
    device_name: Text = ""
    device_reason: Text = ""
    versions: dict[str, str] = {}  # that a machine elsewhere must have, by `essentials`
    threads: Whole = 0
    micro_batch: Whole = 0  # images at once; 0 to follow the settings
    at: Moment = 0.0


class AttemptStart(Struct, frozen=True, kw_only=True):
    """start.json: where an attempt starts. Its rows count once this file exists."""

    checkpoint: Text = ""  # its name; empty for the beginning
    step: Whole = 0
    from_attempt: Whole = 0  # whose rows it continues; 0 for none
    from_bytes: Whole = 0  # how many bytes of those rows count
    note: LongText = ""  # such as that a damaged checkpoint was skipped
    at: Moment = 0.0


class AttemptResult(Struct, frozen=True, kw_only=True):
    """result.json: how an attempt ended, as its trainer reports it.

    rank_failure.json: why a rank other than the first, which reports the rest, could not go on.
    """

    outcome: Text = ""  # finished, stopped, paused, failed, or interrupted by the system
    message: LongText = ""
    reason: Text = ""  # a key of FAILURES when failed, or "disk" when paused for lack of space
    needs: Whole = 0  # bytes that must be free on the disk before it can continue
    diverged_at: Whole = 0  # the step whose loss or gradient was not a number; 0 for none
    fits: Whole | None = None  # images at once that fit, if measured after memory ran out
    rank: Whole = 0  # which of its devices failed, counted from 0
    rows_bytes: Whole = 0  # length of its metrics.jsonl
    watched_bytes: Whole = 0  # length of its watched.jsonl; 0 in those of earlier versions
    at: Moment = 0.0


class AttemptEnd(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """end.json: how the executor concluded an attempt that is over."""

    message: LongText = ""
    state: Text = ""  # the run's next state
    at: Moment = 0.0
    micro_batch: Whole = 0  # images at once from then on; 0 for as before
    diverged_at: Whole = 0  # the step before which it continues at a tenth of the rate; 0 for none


class Notice(Struct, frozen=True, kw_only=True):
    """notice.json: what a trainer is waiting for."""

    message: LongText = ""


class ShimEnd(Struct, frozen=True, kw_only=True):
    """How the trainer ended, as its shim saw it."""

    code: Number | None = None
    signal: Whole | None = None
    oom_kills: Whole = 0
    peak_megabytes: Number = 0.0
    orphans: Whole = 0  # processes that the trainer left behind
    error: LongText = ""  # why the shim did not start
    said: LongText = ""  # a sentence of the backend on why it ended
    launched: bool = True  # False if no shim was ever started
    refused: bool = False  # whether its backend refused to start it, so that a retry is useless
    at: Moment = 0.0


class ShimRecord(Struct, frozen=True, kw_only=True):
    """shim.json: the processes of an attempt, and how the trainer ended."""

    shim: Identity | None = None
    trainer: Identity | None = None
    ended: ShimEnd | None = None


class Deleted(Struct, frozen=True, kw_only=True):
    """deleted.json: when a run was moved to the trash."""

    at: Moment | None = None


class Looks(Struct, frozen=True, kw_only=True):
    """looks.json: looks at the test results, each as `test_looks` writes it."""

    looks: Annotated[list[dict[str, object]], Meta(max_length=100_000)] = []


RECORDS: dict[str, type[Struct]] = {  # by file name
    "about.json": About,
    "config.json": PlainSettings,
    "status.json": RunStatus,
    "control.json": Control,
    "summary.json": Summary,
    "environment.json": Environment,
    "attempt.json": AttemptPlan,
    "start.json": AttemptStart,
    "result.json": AttemptResult,
    "rank_failure.json": AttemptResult,
    "balance.json": Balance,
    "end.json": AttemptEnd,
    "notice.json": Notice,
    "shim.json": ShimRecord,
    "deleted.json": Deleted,
    "looks.json": Looks,
    "curves.json": CurvesRecord,
}
