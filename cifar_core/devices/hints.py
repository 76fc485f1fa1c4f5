"""What hints at a GPU without asking a driver, which may hang: only then is a probe worth it."""

import os
import platform
import shutil
from pathlib import Path

DEV, PCI = Path("/dev"), Path("/sys/bus/pci/devices")
# the drivers of NVIDIA (of desktop and Jetson), of Windows below WSL2, and of AMD
HINTS = ("nvidia*", "nvhost*", "nvmap", "dxg", "kfd")
NVIDIA_VENDOR, DISPLAY_CLASS = "0x10de", "0x03"  # as the kernel writes them


def may_have_gpu() -> bool:
    """Return True if a probe may find a GPU: a Mac's, or one whose driver left a trace."""
    if platform.system() == "Darwin":
        return platform.machine() == "arm64"
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):  # all are hidden
        return False
    return any(any(DEV.glob(pattern)) for pattern in HINTS) or bool(shutil.which("nvidia-smi"))


def unlisted() -> list[tuple[str, str]]:
    """Return torch's name and ours for each kind of GPU that left a trace of its own."""
    if platform.system() == "Darwin":
        return [("mps", "Apple GPU")]
    # at boot, the device files of a driver may come later than the program
    traces = ("nvidia[0-9]*", "nvmap")
    nvidia = any(any(DEV.glob(trace)) for trace in traces) or on_bus(NVIDIA_VENDOR)
    found = {"NVIDIA GPU": nvidia, "AMD GPU": (DEV / "kfd").exists()}
    return [("cuda", name) for name, is_there in found.items() if is_there]


def on_bus(vendor: str) -> bool:
    """Return True if the PCI bus has a display or 3D controller of a vendor."""
    try:
        return any(
            (slot / "vendor").read_text("ascii").strip() == vendor
            and (slot / "class").read_text("ascii").startswith(DISPLAY_CLASS)
            for slot in PCI.glob("*")
        )
    except OSError:
        return False
