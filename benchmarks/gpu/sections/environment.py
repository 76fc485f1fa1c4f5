"""What computes here: device, versions, images; and whether a probe could compute on the device."""

import os
import platform
import time

from benchmarks.gpu.section import Bench
from cifar_core import devices
from cifar_core.disk import files
from cifar_core.errors import CifarError
from cifar_core.runs.record import environment
from cifar_core.runs.record.gpu import facts


def run(bench: Bench) -> None:
    """Probe the device, note the machine, and decode the images for all sections."""
    inventory = devices.keep(bench.store, devices.probed())  # the executor asks for it later
    usable, sentence = choice(inventory, bench.device)
    bench.note("device", sentence, target="a probe could compute on it", passed=usable)
    if usable and (gpu := facts.describe(bench.device)):
        words = [f"{name.replace('_', ' ')} {value}" for name, value in files.plain_of(gpu).items()]
        bench.note("GPU", ", ".join(words))
    packages = environment.versions().items()
    bench.note("packages", ", ".join(f"{name} {version}" for name, version in packages if version))
    system = [platform.python_version(), platform.platform(), str(len(os.sched_getaffinity(0)))]
    bench.note("Python, system, CPU cores", ", ".join(system))
    bench.note("commit", environment.git_commit() or "not in a git checkout")
    bench.note("date", time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()))
    images = bench.dataset()
    counts = f"{len(images.train):,} to train on, {len(images.test):,} to test"
    bench.note("images", f"{images.title}: {counts}. {images.note}")


def choice(inventory: devices.Inventory, wanted: str) -> tuple[bool, str]:
    """Return whether a device can be used, and the sentence that says so or why not."""
    try:
        return True, inventory.choose(wanted)[1]
    except CifarError as error:
        return False, str(error)
