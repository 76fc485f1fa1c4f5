"""What computes here: device, versions, images; and whether the program finds the device usable."""

import os
import platform
import time

import torch

from benchmarks.gpu import on_device
from benchmarks.gpu.section import Bench
from cifar_core import data
from cifar_core.runs.record import environment


def run(bench: Bench) -> None:
    """Note the machine, and decode the images for all sections."""
    usable, sentence = on_device.found(bench.device)
    bench.note("device", sentence, target="it computes", passed=usable)
    versions = environment.versions()
    bench.note("commit", environment.git_commit() or "not in a git checkout")
    bench.note("date", time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()))
    bench.note("Python, system, CPU cores", f"{platform.python_version()}, {platform.platform()}, "
               f"{len(os.sched_getaffinity(0))}")  # fmt: skip
    bench.note("packages", ", ".join(f"{name} {text}" for name, text in versions.items() if text))
    bench.note("CUDA, cuDNN", f"{torch.version.cuda}, {torch.backends.cudnn.version()}")
    start = time.perf_counter()
    images = data.load(data.resolve(bench.data, bench.store), bench.store)
    seconds = time.perf_counter() - start
    bench.note("images", f"{images.title}: {len(images.train):,} to train on, "
               f"{len(images.test):,} to test; opened in {seconds:.1f} s. "
               f"{images.note}")  # fmt: skip
