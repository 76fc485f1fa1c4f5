"""How the machine was used, as arrays, and at which steps of the training."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cifar_core.reading.curves import Curves, Values

FIGURES = ("cpu", "cpu_allowed", "cpu_busy", "cpu_all", "memory", "memory_used", "memory_limit",
           "swapped", "disk_free")  # fmt: skip
OF_A_GPU = ("utilization", "memory_used", "memory_total", "memory_others", "temperature", "power",
            "power_limit", "clock", "highest_clock", "hot", "capped")  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Samples:
    """M samples in the order in which they were taken, one array [M] per figure; NaN: not known.

    The names and units of the figures are those of the rows.
    """

    time: Values  # [M] unix seconds, at the end of what a sample covers
    seconds: Values  # [M] that it covers
    figures: Mapping[str, Values]
    gpus: Mapping[str, Mapping[str, Values]] = field(default_factory=dict)  # by device

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.time)


@dataclass(frozen=True, kw_only=True)
class Placed:
    """The samples that were taken while the network was trained, and where in the training."""

    samples: Samples
    step: Values  # [M]
    epoch: Values  # [M]
    age: Values  # [M] seconds since the attempt's first step was due; infinite if not known

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.step)

    def where(self, chosen: Any) -> "Placed":
        """Return the chosen samples; `chosen` is a mask [M] or a slice."""
        return Placed(
            samples=taken(self.samples, chosen),
            step=self.step[chosen],
            epoch=self.epoch[chosen],
            age=self.age[chosen],
        )


def samples(rows: Iterable[Any]) -> Samples:
    """Sort rows, which have the figures as attributes, into arrays."""
    kept = list(rows)
    devices = dict.fromkeys(gpu.device for row in kept for gpu in row.gpus)
    by_device = [{gpu.device: gpu for gpu in row.gpus} for row in kept]
    return Samples(
        time=column(kept, "t"),
        seconds=column(kept, "seconds"),
        figures={name: column(kept, name) for name in FIGURES},
        gpus={
            device: {name: column([row.get(device) for row in by_device], name)
                     for name in OF_A_GPU}
            for device in devices
        },
    )  # fmt: skip


def column(rows: Sequence[Any], name: str) -> Values:
    """Return one figure of the rows, NaN where it is not known."""
    values = [getattr(row, name, None) for row in rows]
    return np.array([np.nan if value is None else value for value in values], dtype=float)


def joined(first: Samples, second: Samples) -> Samples:
    """Append later samples to earlier ones."""
    absent = [{name: np.full(len(part), np.nan) for name in OF_A_GPU} for part in (first, second)]
    return Samples(
        time=np.concatenate([first.time, second.time]),
        seconds=np.concatenate([first.seconds, second.seconds]),
        figures={name: np.concatenate([first.figures[name], second.figures[name]])
                 for name in FIGURES},
        gpus={
            device: {
                name: np.concatenate([
                    first.gpus.get(device, absent[0])[name],
                    second.gpus.get(device, absent[1])[name],
                ])
                for name in OF_A_GPU
            }
            for device in {**first.gpus, **second.gpus}
        },
    )  # fmt: skip


def taken(all_: Samples, chosen: Any) -> Samples:
    """Return some of the samples; `chosen` is a mask [M] or a slice."""
    return Samples(
        time=all_.time[chosen],
        seconds=all_.seconds[chosen],
        figures={name: values[chosen] for name, values in all_.figures.items()},
        gpus={
            device: {name: values[chosen] for name, values in figures.items()}
            for device, figures in all_.gpus.items()
        },
    )


def placed(all_: Samples, curves: Curves, starts: Sequence[float]) -> Placed:
    """Return the samples taken in training, at the steps that the rows of the metrics give.

    `starts` are the unix seconds at which attempts began to train. A sample counts if the next row
    is a training report of the same attempt: so startup, validation and test are left out, and so
    are steps that a later attempt has taken again.
    """
    times = np.concatenate([curves.step_time, curves.epoch_time])
    trains = np.arange(len(times)) < len(curves.step_time)
    step = np.concatenate([curves.step, curves.epoch_step])
    epoch = np.concatenate([curves.step_epoch, curves.epoch])
    order = np.argsort(times, kind="stable")
    order = order[np.isfinite(times[order])]
    times, trains, step, epoch = times[order], trains[order], step[order], epoch[order]
    begun = np.sort(np.array([start for start in starts if start > 0], dtype=float))
    after = np.searchsorted(times, all_.time, side="left")
    chosen = after < len(times)
    next_ = np.minimum(after, max(0, len(times) - 1))
    if len(times):
        attempt = np.searchsorted(begun, all_.time, side="left")
        chosen &= trains[next_] & (attempt == np.searchsorted(begun, times[next_], side="right"))
        chosen &= (attempt > 0) | (len(begun) == 0)
    kept = taken(all_, chosen)
    since = np.concatenate([[-np.inf], begun])[np.searchsorted(begun, kept.time, side="left")]
    return Placed(
        samples=kept,
        step=np.interp(kept.time, times, step) if len(kept) else kept.time,
        epoch=np.interp(kept.time, times, epoch) if len(kept) else kept.time,
        age=kept.time - since,
    )
