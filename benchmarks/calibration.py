"""What a temperature that is fitted on a few validation images does to the test images.

python -m benchmarks.calibration RUN --store STORE: draws subsets of the run's validation images of
several sizes, fits a temperature on each by likelihood alone, with the prior, and as the program
does it, and compares the mean negative log-likelihood of the test images with the uncalibrated one.
The logits are also multiplied, which makes the network over- or underconfident, and reduced to a
few classes, which makes it more accurate. The predictions must be kept (`evaluate RUN` for both
splits).
"""

from argparse import ArgumentParser
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cifar_core.evaluation.softmax import log_softmax
from cifar_core.evaluation.temperature import fit, fit_temperature
from cifar_core.runs import Store
from cifar_core.runs.results.predictions import Predictions, kept

Values = NDArray[np.float64]
Set = tuple[Values, NDArray[np.int64]]  # logits, labels
SIZES = (2, 30, 40, 100, 300)
VARIANTS = [  # classes (all if none), factor
    ((), 1.0), ((), 2.0), ((), 3.0), ((), 0.6), ((1, 6, 8), 1.0), ((1, 6), 1.0), ((1, 6), 3.0),
]  # fmt: skip
TRIES = 200
GRID = np.exp(np.linspace(np.log(0.01), np.log(100), 401))  # temperatures


def reduced(made: Predictions, classes: tuple[int, ...], factor: float) -> Set:
    """Return the logits of some classes, multiplied, and the labels."""
    if not classes:
        return made.logits * factor, made.labels
    mine = np.isin(made.labels, classes)
    labels = np.searchsorted(classes, made.labels[mine])
    return made.logits[mine][:, list(classes)] * factor, labels


def mean_nll(logits: Values, labels: NDArray[np.int64], temperature: float) -> float:
    """Return the mean negative log-likelihood at a temperature."""
    return float(-log_softmax(logits, temperature)[np.arange(len(labels)), labels].mean())


def main() -> None:
    """Print a table in Markdown."""
    parser = ArgumentParser()
    parser.add_argument("run")
    parser.add_argument("--store", type=Path, required=True)
    arguments = parser.parse_args()
    run = Store(arguments.store).run(arguments.run)
    val, test = kept(run, "val"), kept(run, "test")
    assert val is not None, "Evaluate the validation images of this run first."
    assert test is not None, "Evaluate the test images of this run first."
    rng = np.random.default_rng(0)
    print("| logits | uncalibrated | images | likelihood alone | with the prior | as used | used |")
    print("|---|---|---|---|---|---|---|")
    for classes, factor in VARIANTS:
        logits, labels = reduced(val, classes, factor)
        there = reduced(test, classes, factor)
        curve = [mean_nll(*there, temperature) for temperature in GRID]
        plain = mean_nll(*there, 1.0)
        name = f"{len(classes) or 'all'} classes, times {factor:g}"
        for size in SIZES:
            found: list[tuple[float, float, float]] = []
            used = 0
            for _ in range(TRIES):
                some = rng.choice(len(labels), size, replace=False)
                fitted = fit(logits[some], labels[some])
                likeliest = fit_temperature(logits[some], labels[some], prior=0)
                found.append((likeliest, fitted.found, fitted.temperature))
                used += fitted.is_clear
            changes = np.interp(np.log(found), np.log(GRID), curve).mean(axis=0) - plain
            cells = " | ".join(f"{change:+.4f}" for change in changes)
            print(f"| {name} | {plain:.4f} | {size} | {cells} | {used / TRIES:.0%} |", flush=True)


if __name__ == "__main__":
    main()
