"""Real want of memory: which reason it is given, and a run that goes on with half the images."""

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, nullcontext
from multiprocessing import get_context

import torch

from benchmarks.gpu import balloon, real_runs
from benchmarks.gpu.real_runs import told, trained
from benchmarks.gpu.section import Bench
from cifar_core.runs.record.failures import reason_of
from cifar_core.training.step.compiling import forget_compiled

TOO_MUCH = 2**50  # bytes, more than any device has
FOR_RUN, FOR_CONTEXT = 6000, 100  # megabytes that the balloon leaves
LARGEST, SMALLEST = 2**30, 2**20  # bytes of the pieces that fill the memory
HUNGRY = {"model": "resnet18", "batch_size": 4096}  # takes more than FOR_RUN
Failure = tuple[str, str]  # the reason that the program gives it, and its first line


def run(bench: Bench) -> None:
    """Ask for too much in several ways, then train beside a program that holds the memory."""
    device = bench.device
    if bench.rehearses:
        judge(bench, "an allocation that does not fit", failure_of(lambda: allocate(device)),
              expected="host_memory")  # fmt: skip
    else:
        with balloon.held(device, FOR_CONTEXT):
            judge(bench, "the start of a process on a full device", in_new_process(device))
        judge(bench, "an allocation that does not fit", failure_of(lambda: allocate(device)))
        for name, step in first_calls(device).items():
            with full(device):
                judge(bench, f"{name} on a full device", failure_of(step))
    halved(bench)


def judge(bench: Bench, name: str, failure: Failure, expected: str = "oom") -> None:
    """Note how a want of memory is called."""
    reason, text = failure
    bench.note(name, f"{reason or 'it worked'}: {text}".strip(": "), target=expected,
               passed=reason == expected if reason else None)  # fmt: skip


def failure_of(step: Callable[[], object]) -> Failure:
    """Return how a step fails; empty texts if it does not."""
    try:
        step()
    except Exception as error:
        first = str(error).strip().split("\n", 1)[0]
        return reason_of(error), f"{type(error).__name__}: {first}"
    return "", ""


def allocate(device: str, count: int = TOO_MUCH) -> None:
    """Ask a device for so many bytes."""
    torch.empty(count, dtype=torch.uint8, device=device)


def in_new_process(device: str) -> Failure:
    """Return how a process fails that opens a device; this one must not have done so."""
    with ProcessPoolExecutor(1, get_context("fork")) as pool:
        return pool.submit(open_device, device).result()


def open_device(device: str) -> Failure:
    """Return how it fails to put one byte on a device."""
    return failure_of(lambda: allocate(device, 1))


def first_calls(device: str) -> dict[str, Callable[[], object]]:
    """Return the calls with which a library reserves its memory, the images already there."""
    side = torch.ones(256, 256, device=device)
    images, filters = torch.ones(64, 64, 32, 32, device=device), torch.ones(64, 64, 3, 3).to(device)
    return {
        "the first matrix product": lambda: side @ side,
        "the first convolution": lambda: torch.conv2d(images, filters),
    }


@contextmanager
def full(device: str) -> Iterator[None]:
    """Hold all free memory of a device, in this process."""
    held, size = [], LARGEST
    while size >= SMALLEST:
        try:
            held.append(torch.empty(size, dtype=torch.uint8, device=device))
        except torch.OutOfMemoryError:
            size //= 2
    try:
        yield
    finally:
        held.clear()
        forget_compiled()


def halved(bench: Bench) -> None:
    """Train with a batch that does not fit at once; on a CPU, where nothing is held, it does."""
    settings = bench.sized(HUNGRY, {"batch_size": 32})
    config = bench.config(epochs=1, startup="fast_start", **settings)
    beside = nullcontext() if bench.rehearses else balloon.held(bench.device, FOR_RUN)
    with real_runs.open_store(bench) as store, beside:
        run = trained(bench, store, config, "hungry")
    at_once = run.environment.images_at_once
    bench.note(
        f"{config.model}, batch {config.batch_size}, beside a program that holds the memory",
        f"{told(run)}; {at_once or 'all'} images at once in the end",
        target="finished, with fewer images at once",
        passed=run.status.state == "finished" and (bench.rehearses or at_once > 0),
    )
