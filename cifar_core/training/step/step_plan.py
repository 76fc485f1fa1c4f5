"""How a training step is computed: memory order, number format, and whether it is compiled."""

from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import torch
from torch import Tensor, nn

from cifar_core.config import TrainConfig
from cifar_core.config.machine_settings import MEMORY_FORMATS
from cifar_core.training.freezing import keeps_features
from cifar_core.training.step.precision import Precision, choose_precision

LEAST_STEPS = 300  # of a run; a trial takes as long as up to thirty steps
# images at once in a trial on a CPU: with fewer, the wrong memory order can seem faster
LEAST_IMAGES = 32
ENOUGH_WORK, TOO_MUCH_WORK = 4 * 10**9, 4 * 10**10  # multiply-adds of a batch forward, on a CPU
FORWARD_PASSES = 3  # that a step costs, as backward each layer multiplies twice
TIMED = ("cpu", "cuda")  # the kinds of devices with trials
ONE_DEVICE = "compiling is for one device."
TRIED_FASTER = "A short trial on this device found it faster."


@dataclass(frozen=True, kw_only=True)
class StepPlan:
    """The choices made before the trainer is built. A resumed run uses the recorded plan."""

    memory_format: str  # "channels_last" or "contiguous"
    precision: Precision
    compiled: bool = False
    compiled_evaluation: bool = False  # the network that is validated, which is compiled by itself
    reason: str = "by rule."  # continues a sentence after a colon

    @property
    def key(self) -> str:
        """The name under which measured times are kept."""
        parts = [self.memory_format, self.precision.key, *(["compiled"] if self.compiled else [])]
        return "/".join(parts)

    @property
    def sentence(self) -> str:
        """The plan and the reason, for the user."""
        order = MEMORY_FORMATS[self.memory_format].title
        compiled = "compiled" if self.compiled else "not compiled"
        compiled += ", in validation too" if self.compiled_evaluation else ""
        return f"{order}, {self.precision.key}, {compiled}: {self.reason}"

    def place(self, network: nn.Module, device: str) -> nn.Module:
        """Move a network to the device, into the planned memory order."""
        if self.memory_format == "channels_last":
            return network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        network.register_forward_pre_hook(make_contiguous)
        return network.to(device)

    def uncompiled(self, cause: str) -> Self:
        """Return the plan for when compiling has failed."""
        reason = f"compiling failed ({cause.rstrip('. ')})."
        return replace(self, compiled=False, compiled_evaluation=False, reason=reason)

    def evaluated_uncompiled(self, cause: str) -> Self:
        """Return the plan for when compiling the network that is validated has failed."""
        reason = f"{self.reason.rstrip('. ')}; for validation it failed ({cause.rstrip('. ')})."
        return replace(self, compiled_evaluation=False, reason=reason)

    def shared(self, devices: int) -> Self:
        """Return the plan for this many devices that share each batch: uncompiled on several."""
        if devices == 1 or not self.compiled:
            return self
        reason = f"{self.reason.rstrip('. ')}; {ONE_DEVICE}"
        return replace(self, compiled=False, compiled_evaluation=False, reason=reason)

    def record(self) -> dict[str, Any]:
        """Return plain values for environment.json."""
        return {**asdict(self), "precision": self.precision.key, "sentence": self.sentence,
                "precision_reason": self.precision.reason}  # fmt: skip


def make_contiguous(_: nn.Module, images: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Reorder a batch from channels-last order, because convolutions keep their input's order."""
    return tuple(batch.contiguous() for batch in images)


def from_record(record: dict[str, Any], device: str) -> StepPlan:
    """Return the plan in a record, for a device of the same kind."""
    precision = Precision(
        key=record["precision"],
        reason=record["precision_reason"],
        device_type=device.split(":")[0],
    )
    return StepPlan(
        memory_format=record["memory_format"],
        precision=precision,
        compiled=record["compiled"],
        compiled_evaluation=record.get("compiled_evaluation", False),
        reason=record["reason"],
    )


def by_rule(config: TrainConfig, device: str) -> StepPlan:
    """Return the plan that needs no trial; in a trial it is the default."""
    auto = config.memory_format == "auto"
    precision = choose_precision(config.precision, device, exact=keeps_features(config))
    return StepPlan(
        memory_format="channels_last" if auto else config.memory_format, precision=precision
    )


def alternatives(config: TrainConfig, default: StepPlan) -> list[StepPlan]:
    """Return the default and the other plans that the settings allow, the simpler ones first."""
    formats, precisions = [default.memory_format], [default.precision]
    if config.memory_format == "auto":
        formats.append("contiguous")
    if config.precision == "auto" and default.precision.key != "float32":
        precisions.append(replace(default.precision, key="float32", reason=TRIED_FASTER))
    return [
        replace(default, memory_format=order, precision=precision)
        for precision in precisions
        for order in formats
    ]


def may_compile(config: TrainConfig, device: str) -> bool:
    """Return True if compiling is considered: on a CPU only with `startup` "fast_run".

    Never on several devices, all of which would have to compile, or none.
    """
    return config.devices == 1 and (
        config.startup == "fast_run"
        or (config.startup == "automatic" and device.startswith("cuda"))
    )


def why_by_rule(config: TrainConfig, device: str, total_steps: int, taught: int = 0) -> str:
    """Return why a run of `total_steps` steps needs no trial; empty if it gets one.

    `taught` are the multiply-adds of its teachers for an image, in each step.
    """
    if config.startup == "fast_start":
        return "by rule, because a fast start makes no trial."
    if config.deterministic:
        return "by rule, because a deterministic run makes no trial."
    if keeps_features(config):
        return "by rule, because the features are computed once and the head alone is quick."
    if device.split(":")[0] not in TIMED:
        return "by rule, because trials are made only on CPUs and NVIDIA GPUs."
    if "auto" not in (config.memory_format, config.precision) and not may_compile(config, device):
        return "as requested."
    if config.startup == "automatic" and total_steps < LEAST_STEPS:
        return "by rule, because the run is too short for a trial."
    work = work_of(config, taught)
    if device == "cpu" and images_at_once(config, device, taught) * work > TOO_MUCH_WORK:
        return "by rule, because a trial of this network would take minutes on a CPU."
    return ""


def images_at_once(config: TrainConfig, device: str, taught: int = 0) -> int:
    """Return the trial's batch size: the run's, or on a CPU fewer if the network is large.

    Of several devices, it is what one of them gets.
    """
    each = config.batch_size // config.devices
    if device != "cpu":
        return each
    return min(each, max(LEAST_IMAGES, ENOUGH_WORK // work_of(config, taught)))


def work_of(config: TrainConfig, taught: int = 0) -> int:
    """Return the multiply-adds of the forward pass of one image, as if a step were three of them.

    Those of teachers, which need no backward pass, count a third.
    """
    return config.card().multiply_adds + taught // FORWARD_PASSES
