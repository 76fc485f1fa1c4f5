"""Measures the largest batch that fits into memory, with real steps in a process of its own.

If the batch size is to stay, it measures the largest pieces of it that can be computed at once.
"""

import gc
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifar_core import devices
from cifar_core.background import child, processes
from cifar_core.devices import turns
from cifar_core.errors import CifarError
from cifar_core.runs.prepare import image_size, memory, teacher_networks
from cifar_core.runs.prepare.batch_search import piece, search
from cifar_core.runs.prepare.teacher_networks import Taught
from cifar_core.runs.record.failures import MEMORY, reason_of

if TYPE_CHECKING:
    from cifar_core.config import TrainConfig
    from cifar_core.data.dataset import Dataset
    from cifar_core.training.task.teachers import Teacher

STEPS = 2  # per batch: the first one makes room for the optimizer's memory
SEARCH_SECONDS = 20.0  # no further batch is tried after that
LONGEST_SECONDS = 240
GPU_SHARE = 0.92  # of the free memory: the rest is lost to fragmentation


@dataclass(frozen=True, kw_only=True)
class LargestBatch:
    """The largest batch, or piece of a batch, that fits on this machine now."""

    largest: int  # images; 0 if not even the smallest batch fits
    tried: int  # the largest one with which real steps were taken
    megabytes_per_image: float
    at_most: int  # all training images, the setting's own limit, or the whole batch
    limit_megabytes: float  # the memory that training may use
    device: str
    devices: int = 1  # among which the batch is divided

    def micro_batch(self, batch: int) -> int:
        """Return the most images at once with which a batch fits; 0 if it fits as a whole.

        With several devices, it is the number on each of them.
        """
        if not 0 < self.largest < batch:
            return 0
        return piece(batch // self.devices, self.largest // self.devices)

    def sentence(self, batch: int) -> str:
        """Say what was measured, and what it means for a batch size."""
        if not self.largest:
            return "Not even the smallest batch fits into memory now. Choose a smaller network."
        if self.largest >= self.at_most:
            return f"Any batch fits, up to {self.at_most:,} images."
        words = f"The largest batch that fits now is {self.largest:,}"
        if small := self.micro_batch(batch):
            where = "" if self.devices == 1 else " on each device"
            return (
                f"{words}: {batch:,} images fit if at most {small:,} are computed at once{where}."
            )
        return f"{words}; {batch:,} fits."

    @property
    def at_once_sentence(self) -> str:
        """How many images can be computed at once, in words."""
        if self.largest:
            return f"At most {self.largest:,} at once fit now"
        return "Not even the smallest batch fits now"

    @property
    def basis(self) -> str:
        """How the limit was measured, in words."""
        tried = self.tried == self.largest
        how = "tried" if tried else f"extrapolated from batches of up to {self.tried:,}"
        grown = f"{self.megabytes_per_image:.3g} MB per image, " if self.megabytes_per_image else ""
        place = self.device
        if self.devices > 1:
            place += f", one of {self.devices} devices, which alone computed its part of each batch"
        return f"{grown}{self.limit_megabytes:,.0f} MB usable on {place}; {how}"


def measure(config: "TrainConfig", store: Path, teachers: Sequence[Taught] = ()) -> LargestBatch:
    """Search on a device that is free; BusyError if none is.

    `teachers` are the checkpoints that the run would learn from.
    """
    places = devices.current(store).candidates(config.device)
    with turns.measuring(store, places) as turn:
        config = replace(config, device=turn.device.id)
        return in_child(config, store, teachers=teachers, keep=turn.keep)


def in_child(
    config: "TrainConfig",
    store: Path,
    *,
    in_pieces: bool = False,
    teachers: Sequence[Taught] = (),
    keep: Sequence[int] = (),
) -> LargestBatch:
    """Search in a child process, whose memory is released when it ends.

    `in_pieces` asks how many images at once fit, with the batch size of the settings. `keep` holds
    the device, unless this process already does.
    """
    environment = processes.trainer_environment(devices.choose_threads(config.threads))
    measured = child.call(
        answer,
        {
            "config": config.to_dict(),
            "store": str(store),
            "in_pieces": in_pieces,
            "teachers": teacher_networks.as_words(teachers),
        },
        environment=environment,
        keep=keep,
        seconds=LONGEST_SECONDS,
        too_long="A few steps took minutes, so the largest batch was not found. "
        "Choose a smaller network.",
    )
    return LargestBatch(**measured)


def trial(
    config: "TrainConfig",
    store: Path,
    *,
    in_pieces: bool = False,
    taught: Sequence[Taught] = (),
) -> LargestBatch:
    """Search here; limits this process to the memory that the machine can spare."""
    from cifar_core.training.freezing import keeps_features
    from cifar_core.training.place import compute_on
    from cifar_core.training.task.teachers import asked_each_time

    if keeps_features(config):
        raise CifarError("Only the head is trained, on kept features: a batch of any size fits.")
    chosen, _ = devices.current(store).choose(config.device)
    compute_on(chosen.torch_name, devices.choose_threads(config.threads))
    config, dataset = image_size.for_measuring(config, store, chosen.torch_name)
    teachers = teacher_networks.opened(taught, dataset.classes)
    config, asked = asked_each_time(config, teachers)
    parts = 1 if in_pieces else config.devices  # of a batch, of which one device gets one
    config = config.of_one_device()
    on_gpu = chosen.id.startswith("cuda")
    if on_gpu:
        limit = GPU_SHARE * gpu_megabytes(chosen.torch_name)
    else:
        limit = memory.limit_megabytes() / parts  # the processes of a run share main memory
        memory.forbid_more_than(limit)
    batch_limit = search(
        lambda images: peak_of(sized(config, images, in_pieces), dataset, chosen.torch_name, asked),
        limit_megabytes=limit,
        at_most=config.batch_size if in_pieces else most_images(config, dataset) // parts,
        seconds=SEARCH_SECONDS,
    )
    found = asdict(batch_limit)
    of_all = {name: parts * found[name] for name in ("largest", "tried", "at_most")}
    return LargestBatch(**{**found, **of_all}, device=chosen.torch_name, devices=parts)


def sized(config: "TrainConfig", images: int, in_pieces: bool) -> "TrainConfig":
    """Return settings that compute this many images at once."""
    if in_pieces:
        whole = config.batch_size - config.batch_size % images  # so that no piece is smaller
        return replace(config, batch_size=whole, micro_batch=images)
    return replace(config, batch_size=images, micro_batch=0)


def most_images(config: "TrainConfig", dataset: "Dataset") -> int:
    """Return the largest batch that the setting and the number of training images allow."""
    from cifar_core.data.split import split_of
    from cifar_core.settings import rule_of

    train, _ = split_of(dataset.train, config)
    setting = next(field for field in fields(config) if field.name == "batch_size")
    return min(len(train), int(rule_of(setting).high))


def peak_of(
    config: "TrainConfig",
    dataset: "Dataset",
    torch_device: str,
    teachers: "Sequence[Teacher]" = (),
) -> float | None:
    """Return the megabytes that a few steps take, None if that much memory is refused."""
    refused = False
    try:
        peak = take_steps(config, dataset, torch_device, teachers)
    except Exception as error:
        if reason_of(error) not in MEMORY:
            raise
        refused = True  # the memory of the steps is released with the error, after this block
    gc.collect()
    return None if refused else peak


def take_steps(
    config: "TrainConfig",
    dataset: "Dataset",
    torch_device: str,
    teachers: "Sequence[Teacher]" = (),
) -> float:
    """Train a few steps of a new network; return the peak in megabytes."""
    import torch

    from cifar_core.training.events import Tick
    from cifar_core.training.setup import prepare

    on_gpu = torch_device.startswith("cuda")
    if on_gpu:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(torch_device)
    trainer = prepare(everything_learns(config), dataset, torch_device, teachers=teachers).trainer
    steps = 0
    for event in trainer.run():
        steps += isinstance(event, Tick)
        if steps == min(STEPS, trainer.steps_per_epoch):
            break
    if on_gpu:
        return torch.cuda.max_memory_allocated(torch_device) / 1e6
    return memory.peak_megabytes()


def everything_learns(config: "TrainConfig") -> "TrainConfig":
    """Return the settings without frozen first epochs, which take less memory than later ones."""
    return replace(config, plan="full") if config.plan == "gradual" else config


def gpu_megabytes(torch_device: str) -> float:
    """Return the megabytes that are free on a GPU now."""
    import torch

    return torch.cuda.mem_get_info(torch_device)[0] / 1e6


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Answer a request of `in_child`."""
    from cifar_core.config import TrainConfig

    config, store = TrainConfig.from_dict(request["config"]), Path(request["store"])
    taught = teacher_networks.from_words(request["teachers"])
    return asdict(trial(config, store, in_pieces=request["in_pieces"], taught=taught))
