"""Exchanges the functions with which torchvision downloads and unpacks, for as long as is needed.

torchvision's classes import them by name, so that they are exchanged in each of its modules.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

ROOM = "torchvision.datasets"


def modules() -> list[ModuleType]:
    """Return the modules of torchvision's data sets."""
    import torchvision.datasets

    assert torchvision.datasets
    return [module for name, module in list(sys.modules.items()) if name.startswith(f"{ROOM}.")]


@contextmanager
def exchanged(**functions: Callable[..., Any]) -> Iterator[None]:
    """Let torchvision call other functions instead of its own of these names."""
    before = [
        (module, name, getattr(module, name))
        for module in modules() for name in functions if hasattr(module, name)
    ]  # fmt: skip
    try:
        for module, name, _ in before:
            setattr(module, name, functions[name])
        yield
    finally:
        for module, name, theirs in before:
            setattr(module, name, theirs)
