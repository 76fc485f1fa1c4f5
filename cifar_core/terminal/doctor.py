"""doctor: checks everything that a run needs and says how to fix what is wrong."""

import importlib.metadata
import shutil
import sqlite3
import sys
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from cifar_core import data, devices
from cifar_core.background import processes
from cifar_core.devices.device import LEFT_OUT
from cifar_core.disk.os_errors import reason
from cifar_core.errors import CifarError
from cifar_core.installation import IS_CHECKOUT, PROGRAM, STORE_RULE
from cifar_core.runs.prepare import step_plans
from cifar_core.runs.store.store import Store
from cifar_core.terminal.output import add_json, add_store, progress, say, show, store_of

PACKAGES = (
    "torch",
    "torchvision",
    "torch-optimizer",
    "captum",
    "streamlit",
    "plotly",
    "pillow",
    "safetensors",
)
ENOUGH_GIGABYTES = 2.0


@dataclass(frozen=True, kw_only=True)
class Check:
    """The result of one check."""

    what: str
    fine: bool
    found: str
    remedy: str = ""


def add(commands: Any) -> None:
    """Add the command of this module."""
    parser = commands.add_parser("doctor", help="check the installation")
    add_store(parser)
    add_json(parser)
    parser.set_defaults(command=doctor)


def doctor(arguments: Namespace) -> int:
    """Print every check; the exit code is 1 if one failed."""
    store = store_of(arguments)
    with progress("Checking"):
        checks = [python(), *packages(), *gpus_and_cpus(store), *storage(store), images(store)]
    show([asdict(check) for check in checks], arguments.json)
    if not arguments.json:
        say(f"\nThe store is --store if given; else {STORE_RULE}.")
    return 0 if all(check.fine for check in checks) else 1


def python() -> Check:
    """Check the interpreter's version."""
    version = ".".join(map(str, sys.version_info[:3]))
    fine = sys.version_info >= (3, 11)
    return Check(
        what="Python", fine=fine, found=version, remedy="" if fine else "Install 3.11 or later."
    )


def packages() -> Iterator[Check]:
    """Check that every required package is installed."""
    for name in PACKAGES:
        try:
            yield Check(what=name, fine=True, found=importlib.metadata.version(name))
        except importlib.metadata.PackageNotFoundError:
            remedy = "make run" if IS_CHECKOUT else "Install cifar-lab again."
            yield Check(what=name, fine=False, found="missing", remedy=remedy)


def gpus_and_cpus(store: Store) -> Iterator[Check]:
    """List the devices on which a probe computed, and why it did not on the others."""
    # a running executor probes what is out of service itself, and lends the rest
    lends = store.root.is_dir() and processes.is_running(store.root)
    found = devices.current(store.root) if lends else devices.keep(store.root, devices.probed())
    for entry in found.devices:
        yield Check(what=f"device {entry.id}", fine=True, found=entry.name)
    for refused in found.refused:
        yield Check(what=f"device {refused.id}", fine=refused.trouble == LEFT_OUT,
                    found=refused.name, remedy=f"Not used: {refused.reason}.")  # fmt: skip


def storage(store: Store) -> Iterator[Check]:
    """Check that the store can be written and has room."""
    try:
        store.root.mkdir(parents=True, exist_ok=True)
        probe = store.root / ".probe"
        probe.touch()
        probe.unlink()
        yield Check(what="store", fine=True, found=str(store.root.resolve()))
    except OSError as error:
        remedy = "Choose a folder that you may write to with --store or $CIFAR_STORE."
        yield Check(what="store", fine=False, found=reason(error), remedy=remedy)
        return
    free = shutil.disk_usage(store.root).free / 1e9
    fine = free >= ENOUGH_GIGABYTES
    remedy = (
        "" if fine else "Free disk space: on the Runs page, delete runs and then empty the trash."
    )
    yield Check(what="free disk", fine=fine, found=f"{free:.1f} GB", remedy=remedy)
    yield index(store)
    kept = step_plans.count(store.root)
    yield Check(what="speed trials", fine=True, found=f"{kept} in {store.root / 'trials'}")


def index(store: Store) -> Check:
    """Check that the table of runs can be kept; without it no run is started."""
    path = store.index.path
    try:
        store.index.leases()
    except (OSError, sqlite3.DatabaseError) as error:
        remedy = "Let $CIFAR_INDEX name a folder on a local disk that you may write to."
        found = reason(error) if isinstance(error, OSError) else str(error)
        return Check(what="index", fine=False, found=f"{path}: {found}", remedy=remedy)
    return Check(what="index", fine=True, found=str(path))


def images(store: Store) -> Check:
    """Check which images a run trains on by default."""
    try:
        source = data.resolve("auto", store.root)
    except CifarError as error:
        return Check(what="images", fine=False, found=str(error), remedy="See the Data page.")
    remedy = f"For real images: {PROGRAM} data fetch" if source == "synthetic" else ""
    return Check(what="images", fine=True, found=source, remedy=remedy)
