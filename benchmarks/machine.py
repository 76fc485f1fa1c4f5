"""Says on what a measurement was made."""

import platform

import torch

from cifar_core import devices


def line() -> str:
    """Return processor, device, threads and versions in one line."""
    where = devices.probed().devices[0]
    return (
        f"{where.name} ({where.id}), {torch.get_num_threads()} thread(s), "
        f"Python {platform.python_version()}, torch {torch.__version__}"
    )
