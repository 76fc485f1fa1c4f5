"""Main memory: how much is in use, and how much there is for this process's control groups."""

import psutil

from cifar_core.devices.use import control_groups


def main_memory() -> tuple[int, int]:
    """Return the bytes in use and all bytes, of whichever leaves least: machine or control group.

    Files that the system keeps in memory only because it is free do not count as used.
    """
    machine = psutil.virtual_memory()
    groups = map(control_groups.memory, control_groups.groups())
    limits = [(machine.total - machine.available, machine.total), *filter(None, groups)]
    return min(limits, key=lambda limit: limit[1] - limit[0])
