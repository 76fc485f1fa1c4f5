"""What a busy neighbour costs: the usual loop and this program's trainer, images per second.

One process spins on one core; beside it train, one after the other and again,

- the usual loop: torch's defaults, two threads, the same network, batch and optimizer;
- this program's trainer with one thread, which is what 0 (automatic) means on two cores;
- this program's trainer with two threads and the governor, which should fall to one.

python -m benchmarks.shared_machine [--seconds 12] [--rounds 3] [--model simple_cnn] [--quiet]
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from benchmarks import machine
from cifar_core.background import processes
from cifar_core.runs.store.store import Store

ROOT = Path(__file__).resolve().parents[1]
BATCH = 128
USUAL, ONE, GOVERNED = "usual loop, 2 threads", "trainer, 1 thread", "trainer, 2 threads, governor"
UNGOVERNED = "trainer, 2 threads, no governor"
THREADS = {USUAL: 2, ONE: 1, UNGOVERNED: 2, GOVERNED: 2}
SPIN = "import os\nparent = os.getppid()\nwhile os.getppid() == parent: sum(range(100_000))"
OURS = ("OMP_WAIT_POLICY", "OMP_NUM_THREADS", *processes.ALLOCATOR)  # not for the usual loop


def usual_loop(model: str, seconds: float) -> float:
    """Train as a plain script does; return images per second by the clock."""
    import torch
    import torch.nn.functional as F

    from cifar_core.config import TrainConfig

    torch.manual_seed(0)
    network = TrainConfig(model=model).build_model(10)
    optimizer = torch.optim.SGD(network.parameters(), 0.05, momentum=0.9, nesterov=True)
    images, labels = torch.rand(BATCH, 3, 32, 32), torch.randint(10, (BATCH,))
    steps, start = -3, time.perf_counter()  # three to warm up
    while steps < 1 or time.perf_counter() - start < seconds:
        optimizer.zero_grad()
        F.cross_entropy(network(images), labels).backward()
        optimizer.step()
        steps += 1
        if steps == 0:
            start = time.perf_counter()
    return steps * BATCH / (time.perf_counter() - start)


def trainer(model: str, seconds: float, threads: int, *, governed: bool) -> float:
    """Train as a run does, its data included; return images per second by the clock."""
    import torch

    from cifar_core import data
    from cifar_core.config import TrainConfig
    from cifar_core.runs.engine.thread_governor import Governor
    from cifar_core.runs.engine.threads import ThreadKeeper
    from cifar_core.training.events import Tick
    from cifar_core.training.setup import prepare

    torch.set_num_threads(threads)
    root = Store.default().root
    config = TrainConfig(data="synthetic", model=model, batch_size=BATCH, device="cpu", epochs=1000,
                         precision="float32")  # fmt: skip
    loop = prepare(config, data.load(data.resolve(config.data, root), root), "cpu").trainer
    keeper = ThreadKeeper(
        Governor(threads, os.cpu_count() or 2),
        BATCH,
        lambda governor: print(f"    threads: {governor.words}", file=sys.stderr),
    )
    steps, spent, last = -3, 0.0, time.perf_counter()
    for event in loop.run():
        if not isinstance(event, Tick):
            continue
        now = time.perf_counter()
        if governed:
            keeper.see(event)
        if event.phase == "train" and event.done > 1:
            steps += 1
            spent += now - last if steps > 0 else 0.0
        last = now
        if spent > seconds and steps > 0:
            break
    return steps * BATCH / spent


def child(kind: str, model: str, seconds: float) -> None:
    """Measure one kind here and print its images per second."""
    if kind == USUAL:
        rate = usual_loop(model, seconds)
    else:
        rate = trainer(model, seconds, THREADS[kind], governed=kind == GOVERNED)
    print(rate)


def measured(kind: str, model: str, seconds: float) -> float:
    """Measure one kind in a process with the environment that it would have."""
    environment = {key: value for key, value in os.environ.items() if key not in OURS}
    if kind != USUAL:
        environment |= processes.trainer_environment(THREADS[kind])
    command = [sys.executable, "-m", "benchmarks.shared_machine", "--child", kind]
    command += ["--model", model, "--seconds", str(seconds)]
    done = subprocess.run(
        command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    )
    return float(done.stdout.splitlines()[-1])


@contextmanager
def neighbour(*, busy: bool) -> Iterator[None]:
    """Keep one core busy with another program, if asked to."""
    if not busy:
        yield
        return
    spinning = subprocess.Popen([sys.executable, "-c", SPIN])
    try:
        yield
    finally:
        spinning.kill()
        spinning.wait()


def main() -> int:
    """Measure every kind in turn, so often, and print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=12.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model", default="simple_cnn")
    parser.add_argument("--quiet", action="store_true", help="without the busy neighbour")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.child, arguments.model, arguments.seconds)
        return 0
    print(f"{machine.line()}\nload before: {os.getloadavg()[0]:.2f}, {arguments.model}, "
          f"batch {BATCH}, float32, busy neighbour: {not arguments.quiet}\n")  # fmt: skip
    rates: dict[str, list[float]] = {kind: [] for kind in THREADS}
    with neighbour(busy=not arguments.quiet):
        for _ in range(arguments.rounds):
            for kind, found in rates.items():
                found.append(measured(kind, arguments.model, arguments.seconds))
    print(
        "| kind | images/s by the clock, median (all) | times the usual loop | times one thread |"
    )
    print("|---|---|---|---|")
    usual, one = median(rates[USUAL]), median(rates[ONE])
    for kind, found in rates.items():
        middle, each = median(found), ", ".join(f"{rate:,.0f}" for rate in found)
        print(f"| {kind} | {middle:,.0f} ({each}) | {middle / usual:.2f} | {middle / one:.2f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
