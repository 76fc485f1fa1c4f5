"""Where to compute: the devices on which a probe could, and why not on the others."""

from cifar_core.devices.cpu import choose_threads, cpus, usable_cores
from cifar_core.devices.device import Device, Inventory, Refused, without_gpu
from cifar_core.devices.kept import current, keep, known, probed

__all__ = [
    "Device",
    "Inventory",
    "Refused",
    "choose_threads",
    "cpus",
    "current",
    "keep",
    "known",
    "probed",
    "usable_cores",
    "without_gpu",
]
