"""The GPUs that NVIDIA's management library lists, whether or not torch can use them."""

import os
from typing import Any

from cifar_core.devices.nvml import library
from cifar_core.devices.records import Listing, NvidiaGPU


def listing() -> Listing:
    """Ask the driver; empty without the library, a driver or a GPU. A broken driver may hang."""
    nvml = library()
    if nvml is None:
        return Listing()
    try:
        gpus = [gpu for index in range(nvml.nvmlDeviceGetCount()) for gpu in parts(nvml, index)]
        return Listing(driver=text(nvml.nvmlSystemGetDriverVersion()), gpus=visible(gpus))
    except nvml.NVMLError:
        return Listing()


def parts(nvml: Any, index: int) -> list[NvidiaGPU]:
    """List a GPU and the parts that it is divided into."""
    try:
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
        whole = described(nvml, handle, index)
    except nvml.NVMLError:  # such as one that has fallen off the bus
        return [NvidiaGPU(index=index, name="NVIDIA GPU")]
    found = [whole]
    try:
        for part in range(nvml.nvmlDeviceGetMaxMigDeviceCount(handle)):
            part_handle = nvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, part)
            found.append(described(nvml, part_handle, index))
    except nvml.NVMLError:  # not divided, or no further part
        pass
    return found


def described(nvml: Any, handle: Any, index: int) -> NvidiaGPU:
    """Return a GPU's name and UUID."""
    name, uuid = text(nvml.nvmlDeviceGetName(handle)), text(nvml.nvmlDeviceGetUUID(handle))
    return NvidiaGPU(index=index, name=name, uuid=uuid)


def text(value: str | bytes) -> str:
    """Return a text of the library, whose older versions return bytes."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def visible(gpus: list[NvidiaGPU]) -> list[NvidiaGPU]:
    """Return the GPUs that CUDA_VISIBLE_DEVICES leaves, in its order, as CUDA numbers them.

    It names indices, UUIDs or beginnings of UUIDs, and counts up to the first that names none.
    """
    wholes = [gpu for gpu in gpus if not gpu.uuid.startswith("MIG-")]
    wanted = os.environ.get("CUDA_VISIBLE_DEVICES")
    if wanted is None:
        return wholes
    chosen: list[NvidiaGPU] = []
    for word in (part.strip() for part in wanted.split(",")):
        if word.isdecimal():
            meant = [gpu for gpu in wholes if gpu.index == int(word)]
        else:
            meant = [gpu for gpu in gpus if word and gpu.uuid.startswith(word)]
        if len(meant) != 1:
            break
        if meant[0] in chosen:  # named twice: CUDA then shows none at all
            return []
        chosen += meant
    return chosen
