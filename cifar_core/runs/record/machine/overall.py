"""How a run has used its machine on the whole: means of what it used up, peaks of what it held."""

from collections.abc import Mapping

import numpy as np

from cifar_core.devices.use.gpu_use import GPUUse
from cifar_core.reading.curves import Values
from cifar_core.reading.machine.samples import Samples
from cifar_core.runs.record.machine.rows import LEAST, MEANS, MachineRow


def overall(samples: Samples) -> MachineRow:
    """Return one row for all samples; an empty one without any."""
    if not len(samples):
        return MachineRow()
    gpus = [
        GPUUse(device=device, **figures(values, samples.seconds))
        for device, values in samples.gpus.items()
    ]
    return MachineRow(
        t=float(samples.time[-1]),
        seconds=float(samples.seconds.sum()),
        gpus=gpus,
        **figures(samples.figures, samples.seconds),
    )


def figures(values: Mapping[str, Values], seconds: Values) -> dict[str, float]:
    """Return the mean, the least or the most of each figure that is known, as rows keep them."""
    known = {name: np.isfinite(one) for name, one in values.items()}
    return {
        name: float(
            np.average(one[known[name]], weights=seconds[known[name]])
            if name in MEANS
            else (np.min if name in LEAST else np.max)(one[known[name]])
        )
        for name, one in values.items()
        if known[name].any()
    }
