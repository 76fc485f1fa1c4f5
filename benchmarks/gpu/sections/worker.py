"""Runs as everybody starts them: executor, shim and trainer; and one whose trainer is killed."""

import torch

from benchmarks.gpu import real_runs
from benchmarks.gpu.real_runs import is_over, numbers_of, submit, told, trained, wait, weights_of
from benchmarks.gpu.section import Bench
from cifar_core.runs.backends.local import Local
from cifar_core.runs.record import metrics
from cifar_core.runs.record.run import Run
from cifar_core.runs.store.store import Store

EPOCHS, KILLED_AFTER = 6, 1.3  # of the run that is killed, in the middle of its second epoch
IMAGES = 10_000  # of that run, at most


def run(bench: Bench) -> None:
    """Train the lab's CNN, and compare a killed run with an undisturbed one."""
    with real_runs.open_store(bench) as store:
        lab = trained(bench, store, bench.config("lab_cnn", epochs=2), "lab")
        bench.note("lab_cnn, two epochs, by executor and trainer", told(lab), target="finished",
                   passed=lab.status.state == "finished")  # fmt: skip
        resume(bench, store)


def resume(bench: Bench, store: Store) -> None:
    """Kill a trainer with SIGKILL and compare what its run came to with an undisturbed run."""
    config = bench.config(
        model=bench.sized("resnet18", "simple_cnn"),
        deterministic=True,  # whose rows are due after equal steps
        epochs=EPOCHS,
        train_fraction=min(1.0, IMAGES / len(bench.dataset().train)),
        batch_size=bench.sized(128, 8),
        ema_epochs=1.0,
    )
    whole = trained(bench, store, config, "whole")
    bench.note(f"{config.model}, deterministic", told(whole), target="finished",
               passed=whole.status.state == "finished")  # fmt: skip
    killed = submit(store, config, "killed")
    step = kill(bench, killed)
    wait(bench, killed, is_over)
    attempts = len(metrics.attempt_numbers(killed.path))
    same_rows = numbers_of(killed) == numbers_of(whole)
    ours, theirs = weights_of(killed), weights_of(whole)
    same_weights = ours.keys() == theirs.keys() and all(
        torch.equal(ours[name], theirs[name]) for name in theirs
    )
    bench.note(
        "killed with SIGKILL and resumed, against undisturbed",
        f"killed at step {step:,}, {attempts} attempts, {told(killed)}; rows "
        f"{'equal' if same_rows else 'differ'}, weights {'equal' if same_weights else 'differ'}",
        target="two attempts; rows and weights equal bit for bit",
        passed=attempts == 2 and same_rows and same_weights,
    )


def is_half_done(run: Run) -> bool:
    """Return True if a run is in the middle of the epoch in which it is to be killed, or over."""
    steps = [row["epoch"] for row in run.metrics() if row["kind"] == "step"]
    return is_over(run) or max(steps, default=0) > KILLED_AFTER


def kill(bench: Bench, run: Run) -> int:
    """Kill a run's trainer in the middle of an epoch; return the last step that it had written."""
    wait(bench, run, is_half_done)
    folder = metrics.attempt_folder(run.path, 1)
    Local().end("", folder, hard=True)
    return int(run.metrics()[-1]["step"])
