"""Loads torch before a page asks for it, so that the first visit to Train or Predict is short."""

import subprocess
import sys
from functools import cache
from importlib import import_module
from threading import Thread

PACKAGES = ("torch", "torchvision")  # they import none of this program: no thread can lock another


@cache
def begin() -> None:
    """Start to load torch in the background, once in each server."""
    if any(name not in sys.modules for name in PACKAGES):
        Thread(target=load, name="load torch", daemon=True).start()


def load() -> None:
    """Load torch into this process.

    While a shared library is opened, Python runs no other thread, so the server would answer no
    one for as long as a cold disk takes. A child process therefore brings the libraries into
    memory first. A failure is left to the page that needs torch, which says what is wrong.
    """
    imports = f"import {', '.join(PACKAGES)}"
    subprocess.run([sys.executable, "-c", imports], check=False, capture_output=True)
    for name in PACKAGES:
        import_module(name)
