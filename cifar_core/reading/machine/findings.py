"""What held a run up on its machine, or will: each in one sentence with its numbers."""

import math
from collections.abc import Callable, Iterator

import numpy as np

from cifar_core.numbers import NARROW, percent
from cifar_core.reading.machine.samples import Placed
from cifar_core.reading.machine.stretch import Stretch, lasting, long, recent, slope
from cifar_core.reading.spec import Finding, Reason, Situation, Trial

IDLE = 40.0  # percent of the time that a GPU computes
HOT = 0.1  # share of the time with lower clocks
OTHERS = 0.05  # share of a GPU's memory
HALF = 0.5  # of the time
BUSY, TAKEN, GOT = 0.95, 0.25, 0.85  # shares of the cores, of them for others, and of the threads
SWAPPED, SWAPS = 1e6, 0.2  # bytes a second, in a share of the time
RISE = 0.02  # share of all memory
ROOM = 0.8  # share of a GPU's memory up to which a larger batch is advised
LARGEST_BATCH = 2048  # up to which twice the batch is advised
GB = 1e9


def machine_findings(placed: Placed, situation: Situation) -> list[Finding]:
    """Return every finding about the machine that the samples of a run show at this moment."""
    found = [find(stretch) for find in TRENDS if (stretch := long(placed, situation))]
    if stretch := recent(placed, situation):
        found += [find(stretch) for find in (cpu_shared, swapping)]
        for find_gpu in (gpu_hot, gpu_idle, gpu_shared):
            found.append(worst(find_gpu, stretch))
    return [finding for finding in found if finding]


def worst(find: Callable[[Stretch, str], Finding | None], stretch: Stretch) -> Finding | None:
    """Return the finding about the first GPU that it applies to."""
    return next((f for gpu in stretch.placed.samples.gpus if (f := find(stretch, gpu))), None)


def finding(
    stretch: Stretch, kind: str, sentence: str, *evidence: Reason, trials: tuple[Trial, ...] = ()
) -> Finding:
    """Return a finding about a stretch; figures of a machine have no noise to be compared with."""
    return Finding(
        kind=kind,
        sentence=sentence,
        span=stretch.span,
        evidence=evidence,
        strength=math.inf,
        trials=trials,
    )


def gpu_idle(stretch: Stretch, gpu: str) -> Finding | None:
    """Report a GPU that computes for less than half of the time."""
    computed = stretch.mean("utilization", gpu)
    if not computed <= IDLE:
        return None
    cores = stretch.mean("cpu")
    return finding(
        stretch,
        "gpu_idle",
        f"The GPU ({gpu}) computed for {computed:.0f}{NARROW}% of the time over {stretch.words}; "
        "for the rest it waited for the CPU, which prepares the images and hands out the work.",
        Reason(what=f"time in which {gpu} computed", value=f"{computed:.0f}{NARROW}%",
               against=f"at most {IDLE:.0f}{NARROW}%"),
        *([Reason(what="cores that the run kept busy", value=f"{cores:.1f}")]
          if np.isfinite(cores) else []),
        trials=tuple(busier(stretch, gpu)),
    )  # fmt: skip


def busier(stretch: Stretch, gpu: str) -> Iterator[Trial]:
    """Return changes of the run's settings that give a GPU more to do at a time."""
    settings = stretch.situation.settings
    if settings.get("startup") == "fast_start":
        yield Trial(
            label="Try faster steps first",
            why="A short trial before the first step finds the fastest way to compute one.",
            changes={"startup": "automatic"},
        )
    if settings.get("micro_batch"):
        yield Trial(
            label="Whole batches at once",
            why="Pieces of a batch give the GPU less to do at a time.",
            changes={"micro_batch": 0},
        )
    batch = int(settings.get("batch_size", 0))
    full = stretch.last("memory_used", gpu) > ROOM * stretch.last("memory_total", gpu)
    if 0 < batch <= LARGEST_BATCH / 2 and not full:
        yield Trial(
            label=f"Batch of {2 * batch}",
            why="A larger batch gives the GPU more to do for each time that it waits. The rate "
            "may have to be raised with it.",
            changes={"batch_size": 2 * batch},
        )


def gpu_hot(stretch: Stretch, gpu: str) -> Finding | None:
    """Report a GPU that heat slows down."""
    share = stretch.mean("hot", gpu)
    if not share >= HOT:
        return None
    warmest = stretch.most("temperature", gpu)
    degrees = f"; it reached {warmest:.0f}{NARROW}°C" if np.isfinite(warmest) else ""
    return finding(
        stretch,
        "gpu_hot",
        f"Heat lowered the clocks of the GPU ({gpu}) for {percent(share, 0)} of the time over "
        f"{stretch.words}{degrees}.",
        Reason(what="time with clocks lowered by heat", value=percent(share, 0),
               against=f"at least {percent(HOT, 0)}"),
    )  # fmt: skip


def gpu_shared(stretch: Stretch, gpu: str) -> Finding | None:
    """Report other programs that compute on a GPU of the run."""
    held, total = stretch.figure("memory_others", gpu), stretch.last("memory_total", gpu)
    if not stretch.share(held >= OTHERS * total) >= HALF:
        return None
    most = stretch.most("memory_others", gpu)
    return finding(
        stretch,
        "gpu_shared",
        f"Other programs use the GPU ({gpu}) too: they held up to {most / GB:.1f} of its "
        f"{gigabytes(total)} of memory over {stretch.words}.",
        Reason(what="memory of the GPU that other programs held", value=gigabytes(most),
               against=f"at least {gigabytes(OTHERS * total)} in half of the time"),
    )  # fmt: skip


def is_on_gpu(situation: Situation) -> bool:
    """Whether a run computes on NVIDIA GPUs, each of which one thread keeps busy."""
    return situation.device.startswith("cuda")


def cpu_shared(stretch: Stretch) -> Finding | None:
    """Report other programs that take the cores which the run could use."""
    busy, all_, own = (stretch.mean(name) for name in ("cpu_busy", "cpu_all", "cpu"))
    situation = stretch.situation
    of_one = min(situation.threads, 1) if is_on_gpu(situation) else situation.threads
    wanted = min(of_one * situation.devices, stretch.mean("cpu_allowed"))
    taken = busy - own
    if not (busy >= BUSY * all_ and taken >= TAKEN * all_ and own < GOT * wanted):
        return None
    return finding(
        stretch,
        "cpu_shared",
        f"Other programs kept {taken:.1f} of the machine's {all_:.0f} cores busy over "
        f"{stretch.words}, other runs included, and no core was free: the run got {own:.1f} cores "
        f"where it could use {wanted:.0f}.",
        Reason(what="cores of the machine that were busy", value=f"{busy:.1f}",
               against=f"at least {BUSY * all_:.1f}"),
        Reason(what="of them for other programs", value=f"{taken:.1f}",
               against=f"at least {TAKEN * all_:.1f}"),
        Reason(what="cores that the run got", value=f"{own:.2f}",
               against=f"less than {GOT * wanted:.2f}"),
    )  # fmt: skip


def swapping(stretch: Stretch) -> Finding | None:
    """Report a machine that moves memory to its disk and back."""
    rate = stretch.figure("swapped")
    share = stretch.share(rate > SWAPPED)
    if share < SWAPS:
        return None
    used, limit = stretch.last("memory_used"), stretch.last("memory_limit")
    full = f", with {used / GB:.1f} of {gigabytes(limit)} in use" if used > 0 else ""
    return finding(
        stretch,
        "swapping",
        f"The machine moved memory to its disk and back in {percent(share, 0)} of the time over "
        f"{stretch.words}, {stretch.mean('swapped') / 1e6:.0f}{NARROW}MB a second on "
        f"average{full}. That slows everything down.",
        Reason(what="time in which more than 1 MB a second was swapped", value=percent(share, 0),
               against=f"at least {percent(SWAPS, 0)}"),
        trials=smaller(stretch.situation),
    )  # fmt: skip


def smaller(situation: Situation) -> tuple[Trial, ...]:
    """Return a change that needs less memory; it trains the same batch in pieces."""
    settings = situation.settings
    at_once = int(settings.get("micro_batch") or settings.get("batch_size", 0)) // 2
    if at_once < 1:
        return ()
    return (
        Trial(
            label=f"{at_once} images at once",
            why="Pieces of a batch need less memory; their gradients are added up.",
            changes={"micro_batch": at_once},
        ),
    )


def memory_grows(stretch: Stretch) -> Finding | None:
    """Report a run that will have taken all memory before it ends."""
    pace, quarters = slope(stretch.figure("memory"), stretch.placed.samples.time)
    limit = stretch.last("memory_limit")
    left, rise = limit - stretch.last("memory_used"), float(quarters[-1] - quarters[0])
    if not (pace > 0 and (np.diff(quarters) > 0).all() and rise >= RISE * limit):
        return None
    seconds = left / pace
    if not seconds < stretch.remaining:
        return None
    return finding(
        stretch,
        "memory_grows",
        f"The run holds ever more memory, {quarters[0] / GB:.1f} to {gigabytes(quarters[-1])} "
        f"over {stretch.words}. At this pace all {gigabytes(limit)} will be taken in about "
        f"{lasting(seconds)}, before its planned end.",
        Reason(what="growth an hour", value=gigabytes(3600 * pace)),
        Reason(what="memory that is free", value=gigabytes(left)),
        Reason(what="time until that is taken", value=lasting(seconds),
               against=f"the planned end is in {lasting(stretch.remaining)}"),
        trials=smaller(stretch.situation),
    )  # fmt: skip


def disk_fills(stretch: Stretch) -> Finding | None:
    """Report a disk that will be full before the run ends."""
    pace, quarters = slope(stretch.figure("disk_free"), stretch.placed.samples.time)
    left = stretch.last("disk_free")
    if not (pace < 0 and (np.diff(quarters) < 0).all()):
        return None
    seconds = left / -pace
    if not seconds < stretch.remaining:
        return None
    return finding(
        stretch,
        "disk_fills",
        f"The disk with the runs fills up: {gigabytes(left)} are free, and at the pace of "
        f"{stretch.words} they will be taken in about {lasting(seconds)}, before the planned end.",
        Reason(what="written an hour", value=gigabytes(-3600 * pace)),
        Reason(what="time until the disk is full", value=lasting(seconds),
               against=f"the planned end is in {lasting(stretch.remaining)}"),
    )  # fmt: skip


TRENDS = (memory_grows, disk_fills)


def gigabytes(count: float) -> str:
    """Write bytes in units of a thousand million."""
    return f"{count / GB:.1f}{NARROW}GB"
