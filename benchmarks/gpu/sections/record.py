"""The record by the worker with live rows, seed after seed, and the author's script beside it."""

import time
from dataclasses import replace
from statistics import fmean

from benchmarks import in_process
from benchmarks.gpu.section import LIKE_CIFAR, Bench
from benchmarks.gpu.sections import airbench
from benchmarks.gpu.sections.airbench import Trial
from benchmarks.record import spread
from cifar_core.config import TrainConfig
from cifar_core.data.dataset import Dataset
from cifar_core.disk import files
from cifar_core.runs.record.records import AttemptStart
from cifar_core.training.step.compiling import forget_compiled

FEWEST = 10  # seeds for a verdict
POINTS, TIMES = 0.1, 1.1  # how much lower the mean may be than the script's, and times as long
PUBLISHED = 94.01  # percent that the script's author reports on the original files
FOR_SCRIPT = 0.55  # of the section's time, if the script is given: it also compiles
TINY = {"model": "speed_net_strided", "batch_size": 50, "epochs": 1}  # of a rehearsal


def run(bench: Bench) -> None:
    """Train with one seed after another, then start the script."""
    dataset = bench.dataset()
    config = bench.config("record_94", **bench.sized({}, TINY))
    ours = seeds(bench, config, bench.left * FOR_SCRIPT if bench.airbench else 0.0)
    bench.note("record_94, live rows on", written(ours), target="one seed", passed=bool(ours))
    if not bench.airbench:
        bench.skip("the author's script", "no file was given with --airbench")
        return
    theirs, last = airbench.trials(bench, bench.airbench, dataset, max(1, len(ours)))
    bench.note("the author's script", written(theirs) if theirs else last, target="one trial",
               passed=bool(theirs))  # fmt: skip
    if ours and theirs:
        compare(bench, ours, theirs, dataset)


def seeds(bench: Bench, config: TrainConfig, reserve: float) -> list[Trial]:
    """Train with each seed while more than `reserve` seconds are left; the first only warms up."""
    found, longest = [], 0.0
    for seed in range(bench.seeds + 1):
        if bench.left - longest < reserve:
            break
        start = time.monotonic()
        trial, setup = trained(bench, replace(config, seed=seed))
        longest = max(longest, time.monotonic() - start)
        print(f"seed {seed}: {trial}, {setup:.2f} s to set up", flush=True)
        if seed:
            found.append(trial)
    return found


def trained(bench: Bench, config: TrainConfig) -> tuple[Trial, float]:
    """Train once as a run does; return what came out, and the seconds before the first step.

    The trial lasts from there to the test's row. The whitening is before it, in the set-up.
    """
    begin = time.time()
    worker = in_process.attempt(config, bench.store, bench.device)
    worker.work()
    start = files.read(worker.folder / "start.json", AttemptStart)
    test = worker.run.metrics()[-1]
    trial = Trial(accuracy=test["test_accuracy"], seconds=test["t"] - start.at)
    worker.free_memory()
    forget_compiled()
    return trial, start.at - begin


def compare(bench: Bench, ours: list[Trial], theirs: list[Trial], dataset: Dataset) -> None:
    """Judge accuracy and time, if there are enough of both, and say what the images cost."""
    mean, script = (100 * fmean(trial.accuracy for trial in trials) for trials in (ours, theirs))
    times = fmean(t.seconds for t in ours) / fmean(t.seconds for t in theirs)
    is_like_cifar = len(dataset.train) >= LIKE_CIFAR
    judged = is_like_cifar and min(len(ours), len(theirs)) >= FEWEST
    if not judged:
        bench.skip("verdicts on the record", f"they need {FEWEST} trials of each and "
                   f"{LIKE_CIFAR:,} images to train on")  # fmt: skip
    bench.note(
        "record_94, accuracy against the script's",
        f"{mean - script:+.2f} points",
        target=f"at least -{POINTS}",
        passed=mean - script >= -POINTS if judged else None,
    )
    bench.note_time("record_94, time against the script's", f"{times:.2f} times",
                    target=f"at most {TIMES} times",
                    passed=times <= TIMES if judged else None)  # fmt: skip
    if is_like_cifar and dataset.kind != "cifar10":
        bench.note(
            "what these images cost the script, which are not the original files",
            f"{PUBLISHED - script:.2f} points, as {PUBLISHED} % are published: {script:.2f} %",
        )


def written(trials: list[Trial]) -> str:
    """Write mean and spread of some trials."""
    if not trials:
        return "no trial was over in time"
    accuracies, seconds = [100 * t.accuracy for t in trials], [t.seconds for t in trials]
    return f"{spread(accuracies, 2)} %, {spread(seconds, 2)} s, n = {len(trials)}"
