"""How a training step is computed: memory order, number format, and whether it is compiled."""

from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import torch
from torch import Tensor, nn

from cifar_core.config import TrainConfig
from cifar_core.config.machine_settings import MEMORY_FORMATS
from cifar_core.models import MODELS
from cifar_core.models.measure import card
from cifar_core.training.freezing import keeps_features
from cifar_core.training.step.precision import Precision, choose_precision

LEAST_STEPS = 300  # of a run; a trial takes the time of up to thirty
# images at once in a trial on a CPU: with fewer, the other memory order can seem faster
LEAST_IMAGES = 32
ENOUGH_WORK, TOO_MUCH_WORK = 4 * 10**9, 4 * 10**10  # multiply-adds of a batch forward, on a CPU
TIMED = ("cpu", "cuda")  # the kinds of devices that trials are made on
TRIED_FASTER = "A short trial on this device found it faster."


@dataclass(frozen=True, kw_only=True)
class StepPlan:
    """What is decided before the trainer is built. Resuming takes the plan that was recorded."""

    memory_format: str  # "channels_last" or "contiguous"
    precision: Precision
    compiled: bool = False
    reason: str = "by rule."  # goes on after a colon

    @property
    def key(self) -> str:
        """The name under which measured times are kept."""
        parts = [self.memory_format, self.precision.key, *(["compiled"] if self.compiled else [])]
        return "/".join(parts)

    @property
    def sentence(self) -> str:
        """What is done and why, for a person."""
        order = MEMORY_FORMATS[self.memory_format].title
        compiled = "compiled" if self.compiled else "not compiled"
        return f"{order}, {self.precision.key}, {compiled}: {self.reason}"

    def place(self, network: nn.Module, device: str) -> nn.Module:
        """Move a network to the device, into the planned memory order."""
        if self.memory_format == "channels_last":
            return network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        network.register_forward_pre_hook(one_plane_after_another)
        return network.to(device)

    def uncompiled(self, cause: str) -> Self:
        """Return the plan for when compiling has failed."""
        return replace(self, compiled=False, reason=f"compiling failed ({cause.rstrip('. ')}).")

    def record(self) -> dict[str, Any]:
        """Return plain values for environment.json."""
        return {**asdict(self), "precision": self.precision.key, "sentence": self.sentence,
                "precision_reason": self.precision.reason}  # fmt: skip


def one_plane_after_another(_: nn.Module, images: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Reorder a batch, which comes with its channels last: convolutions follow their input."""
    return tuple(each.contiguous() for each in images)


def from_record(record: dict[str, Any], device: str) -> StepPlan:
    """Return the plan that `record` was made of, on a device of the same kind."""
    precision = Precision(
        key=record["precision"],
        reason=record["precision_reason"],
        device_type=device.split(":")[0],
    )
    return StepPlan(
        memory_format=record["memory_format"],
        precision=precision,
        compiled=record["compiled"],
        reason=record["reason"],
    )


def by_rule(config: TrainConfig, device: str) -> StepPlan:
    """Return the plan that needs no trial, which is also the one to beat in a trial."""
    auto = config.memory_format == "auto"
    precision = choose_precision(config.precision, device, exact=keeps_features(config))
    return StepPlan(
        memory_format="channels_last" if auto else config.memory_format, precision=precision
    )


def alternatives(config: TrainConfig, default: StepPlan) -> list[StepPlan]:
    """Return the default and what else the settings allow, the simpler ones first."""
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
    """Tell whether compiling is considered at all: on a CPU only if asked for."""
    return config.startup == "fast_run" or (
        config.startup == "automatic" and device.startswith("cuda")
    )


def why_by_rule(config: TrainConfig, device: str, total_steps: int) -> str:
    """Say why a run of so many steps needs no trial; empty if it gets one."""
    if config.startup == "fast_start":
        return "by rule, as a fast start tries nothing out."
    if config.deterministic:
        return "by rule, as a deterministic run tries nothing out."
    if keeps_features(config):
        return "by rule, as the features are computed once and a head alone is quick."
    if device.split(":")[0] not in TIMED:
        return "by rule, as trials are made on CPUs and NVIDIA GPUs."
    if "auto" not in (config.memory_format, config.precision) and not may_compile(config, device):
        return "as asked for."
    if config.startup == "automatic" and total_steps < LEAST_STEPS:
        return "by rule, as the run is too short for a trial."
    if device == "cpu" and images_at_once(config, device) * work_of(config) > TOO_MUCH_WORK:
        return "by rule, as trying several ways would take minutes with this network on a CPU."
    return ""


def images_at_once(config: TrainConfig, device: str) -> int:
    """Return the trial's batch size: the run's, or on a CPU fewer if the network is large."""
    if device != "cpu":
        return config.batch_size
    return min(config.batch_size, max(LEAST_IMAGES, ENOUGH_WORK // work_of(config)))


def work_of(config: TrainConfig) -> int:
    """Return the multiply-adds of one image on its way forward."""
    spec = MODELS[config.model]
    return card(spec, 10, config.computes_on if "resolution" in spec.uses else 0).multiply_adds
