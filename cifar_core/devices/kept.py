"""devices.json in the store: what the last probe found, for every process that asks later."""

import contextlib
import os
import platform
import time
from functools import cache
from importlib import metadata
from pathlib import Path

from msgspec.structs import replace

from cifar_core.devices import hints
from cifar_core.devices.cpu import cpus
from cifar_core.devices.device import Inventory, without_gpu
from cifar_core.devices.probing import Probing
from cifar_core.disk import files, lock

# which GPUs are visible, of NVIDIA and AMD
VISIBLE = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES")


def current(root: Path) -> Inventory:
    """Return the devices of this machine, after a probe of some seconds if none was made before."""
    return known(root) or keep(root, probed())


def known(root: Path) -> Inventory | None:
    """Return the devices as last probed on this machine; None if a probe is due.

    A machine without a trace of a GPU needs none.
    """
    if not hints.may_have_gpu():
        return without_gpu(cpus())
    kept = files.read_if_there(path_of(root), Inventory)
    return kept if kept and kept.machine == machine() and kept.devices else None


def probed() -> Inventory:
    """Probe the GPUs of this machine now, if it may have any."""
    return Probing().wait() if hints.may_have_gpu() else without_gpu(cpus())


def keep(root: Path, found: Inventory) -> Inventory:
    """Keep an inventory in the store, if it can be written, and return it."""
    if hints.may_have_gpu():
        found = found.after(known(root) or Inventory())
        found = replace(found, machine=machine(), at=time.time())
        with contextlib.suppress(OSError):  # such as a store that is only read, or not yet there
            files.write_json(path_of(root), found, durable=False)
    return found


def path_of(root: Path) -> Path:
    """Return the file of a store's inventory."""
    return root / "devices.json"


def machine() -> str:
    """Return what an inventory is true for: machine, boot, torch, and the GPUs made visible."""
    visible = [f"{name}={os.environ[name]}" for name in VISIBLE if name in os.environ]
    return " ".join([platform.node(), lock.boot_id(), torch_version(), *visible])


@cache
def torch_version() -> str:
    """Return the version of the installed torch; empty if there is none."""
    with contextlib.suppress(metadata.PackageNotFoundError):
        return metadata.version("torch")
    return ""
