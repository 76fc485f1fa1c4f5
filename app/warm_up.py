"""Loads torch before a page asks for it, so that the first visit to Train or Predict is short."""

import os
import subprocess
import sys
import time
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from threading import Thread

# they import none of this program, so that no thread can lock another
FIRST, LATER = "torch", "torchvision"
PAUSE = 30.0  # seconds before the second, which only the networks of torchvision need
SAMPLES, ENOUGH = 64, 0.25  # places of a library that are looked at, and the share in memory


@cache
def begin() -> None:
    """Start to load torch in the background, once in each server."""
    if any(name not in sys.modules for name in (FIRST, LATER)):
        Thread(target=load, name="load torch", daemon=True).start()


def load() -> None:
    """Load torch into this process.

    While a shared library is opened, Python runs no other thread, so the server would answer no
    one for as long as a cold disk takes. A child process therefore brings the libraries into
    memory first, unless they are there; at the lowest priority, as a page that needs torch now
    imports it by itself. A failure is left to that page, which says what is wrong.
    """
    if not in_memory(FIRST):
        imports = f"import os; os.nice(19); import {FIRST}, {LATER}"
        subprocess.run([sys.executable, "-c", imports], check=False, capture_output=True)
    import_module(FIRST)
    time.sleep(PAUSE)
    import_module(LATER)


def in_memory(package: str) -> bool:
    """Whether the system has much of a package's largest library in memory; False if unknown."""
    spec = find_spec(package)
    if spec is None or spec.origin is None or not hasattr(os, "RWF_NOWAIT"):
        return False
    libraries = Path(spec.origin).parent.rglob("lib*.so")
    largest = max(libraries, key=lambda path: path.stat().st_size, default=None)
    return largest is not None and share_in_memory(largest) > ENOUGH


def share_in_memory(file: Path) -> float:
    """Return the share of a file that can be read without waiting for the disk."""
    size, there = file.stat().st_size, 0
    with file.open("rb") as opened:
        for sample in range(SAMPLES):
            try:
                there += os.preadv(
                    opened.fileno(), [bytearray(1)], size * sample // SAMPLES, os.RWF_NOWAIT
                )
            except OSError:  # the disk would be waited for, or the system cannot say
                continue
    return there / SAMPLES
