"""Pretrained weights: which exist, whether they are on this machine, and how to get them."""

from cifar_core.weights.catalogue import WEIGHTS
from cifar_core.weights.fetch import fetch
from cifar_core.weights.importing import Imported, import_as_it_is, import_file
from cifar_core.weights.layout import Layout
from cifar_core.weights.loading import load
from cifar_core.weights.locations import (
    WeightsFile,
    examine,
    find,
    folder_of,
    forget_verified,
    how_to_get,
    missing,
    on_demand,
)
from cifar_core.weights.spec import WeightsSpec

__all__ = [
    "WEIGHTS",
    "Imported",
    "Layout",
    "WeightsFile",
    "WeightsSpec",
    "examine",
    "fetch",
    "find",
    "folder_of",
    "forget_verified",
    "how_to_get",
    "import_as_it_is",
    "import_file",
    "load",
    "missing",
    "on_demand",
]
