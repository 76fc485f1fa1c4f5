"""What hints at a GPU without asking a driver, which may hang: only then is a probe worth it."""

import os
import platform
import shutil
from pathlib import Path

DEV = Path("/dev")
# the drivers of NVIDIA (of desktop and Jetson), of Windows below WSL2, and of AMD
HINTS = ("nvidia*", "nvhost*", "nvmap", "dxg", "kfd")


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
    kinds = {"NVIDIA GPU": "nvidia[0-9]*", "AMD GPU": "kfd"}
    return [("cuda", name) for name, pattern in kinds.items() if any(DEV.glob(pattern))]
