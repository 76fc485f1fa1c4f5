"""How far the learning-rate finder can be trusted: its spread over seeds, and what it costs.

python -m benchmarks.lr_finder --data PATH --out FILE [--tasks plain:sgd,bn:adam] [--seeds 8]

For each network and optimizer, a grid of rates is trained for a fixed small budget (the truth),
and the finder searches once per seed, each with new weights and another order of the batches.
Results are appended to FILE; what is there is not computed again. `--report` only prints, and
with `--refit` reads the recorded races anew, as another rule for their answer needs no new ones.
Spread is the standard deviation of log10 of the suggestion over the seeds. Regret is how many
points of test accuracy the suggested rate lacks against the best rate of the grid, read from the
grid's mean accuracies, on straight lines between the rates.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks import machine
from cifar_core import data
from cifar_core.background import processes
from cifar_core.config import TrainConfig
from cifar_core.data.dataset import Dataset, Images
from cifar_core.models import MODELS
from cifar_core.models.resnet9 import LOGIT_SCALE, Shortcut, conv_block
from cifar_core.models.spec import ModelSpec
from cifar_core.optim import OPTIMIZERS
from cifar_core.rate_search.events import Bracket, RacePoint, RangeTestPoint, Suggestion
from cifar_core.rate_search.parabola import vertex
from cifar_core.rate_search.rules import opinions
from cifar_core.rate_search.search import RateSearch
from cifar_core.runs.prepare import pretrained
from cifar_core.runs.prepare.kept_features import keep_features
from cifar_core.runs.store.store import Store
from cifar_core.training.evaluate import evaluate
from cifar_core.training.setup import Setup, prepare

MEASURING = "CIFAR_BENCH_CHILD"
TRAIN, TEST = 14_000, 5_000  # 1,000 of the first are aside in the search, 140 validate
GRID_STEP = 1 / 3  # decades
TRUTH_SEEDS = 2
UNTRAINED = float(np.log(10))  # loss of ten classes about which nothing is known
BASE: dict[str, Any] = {
    "batch_size": 64,
    "epochs": 2,  # 430 steps of one cycle
    "val_fraction": 0.01,
    "crop_padding": 0,
    "flip": False,
    "precision": "float32",
    "threads": 1,
    "device": "cpu",
}
HEAD = {"model": "mobilenet_v2_imagenet", "plan": "head", "cached_views": 1, "resolution": 96}
GRIDS = {"sgd": (-2.67, 0.01), "adam": (-3.67, -1.33), "yogi": (-3.0, -0.66)}  # log10
HEAD_GRIDS = {"sgd": (-2.67, 1.0), "adam": (-3.67, -0.66), "yogi": (-3.0, 0.34)}


class Plain(nn.Module):
    """A small network without any normalisation, after the finder's reference protocol."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 32, 5, stride=2, padding=2), nn.ReLU(),
            nn.Conv2d(32, 64, 3, stride=2, padding=1), nn.ReLU(),
            nn.Conv2d(64, 64, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(),
            nn.Linear(1024, 64), nn.ReLU(), nn.Linear(64, num_classes),
        )  # fmt: skip

    def forward(self, images: Tensor) -> Tensor:
        """Map images [N, 3, 32, 32] in [0, 1] to logits [N, K]."""
        logits: Tensor = self.body(images * 4 - 2)
        return logits


class Normalised(nn.Module):
    """Three strided convolutions with batch norm."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *strided(3, 32), *strided(32, 64), *strided(64, 128),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, num_classes),
        )  # fmt: skip

    def forward(self, images: Tensor) -> Tensor:
        """Map images [N, 3, 32, 32] in [0, 1] to logits [N, K]."""
        logits: Tensor = self.body(images * 4 - 2)
        return logits


class SlimResNet9(nn.Module):
    """The lab's ResNet-9 at an eighth of its width, so that a core can train it many times."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv_block(3, 8), conv_block(8, 16), nn.MaxPool2d(2), Shortcut(16),
            conv_block(16, 32), nn.MaxPool2d(2),
            conv_block(32, 64), nn.MaxPool2d(2), Shortcut(64), nn.AdaptiveMaxPool2d(1),
            nn.Flatten(),
        )  # fmt: skip
        self.head = nn.Linear(64, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Map images [N, 3, 32, 32] in [0, 1] to logits [N, K]."""
        logits: Tensor = self.head(self.body(images * 4 - 2)) * LOGIT_SCALE
        return logits


def strided(channels_in: int, channels_out: int) -> list[nn.Module]:
    """Halve the resolution, normalise and activate."""
    conv = nn.Conv2d(channels_in, channels_out, 3, stride=2, padding=1, bias=False)
    return [conv, nn.BatchNorm2d(channels_out), nn.ReLU()]


def add_networks() -> None:
    """Let the lab know the networks of this benchmark, in this process."""
    for key, build in (("plain", Plain), ("bn", Normalised), ("resnet9_slim", SlimResNet9)):
        MODELS._specs[key] = ModelSpec(
            key=key, title=key, summary="", family="Convolutional", build=at_32(build),
            cam_layer="body",
        )  # fmt: skip


def at_32(build: Callable[[int], nn.Module]) -> Callable[..., nn.Module]:
    """Return the builder of a network that takes images of 32 pixels only."""
    return lambda num_classes, side: build(num_classes)


def settings(network: str, optimizer: str, seed: int, rate: float) -> TrainConfig:
    """Return one training of a task."""
    values = {**BASE, "optimizer": optimizer, "seed": seed, "learning_rate": rate}
    if optimizer in ("adam", "yogi"):
        values["weight_decay"] = 0.0
    return TrainConfig(**values, **(HEAD if network == "head" else {"model": network}))


def grid(network: str, optimizer: str) -> list[float]:
    """Return the rates whose accuracy is measured, around any that the finder may suggest."""
    usual = np.log10(OPTIMIZERS[optimizer].usual_rate)
    low, high = (HEAD_GRIDS if network == "head" else GRIDS).get(
        optimizer, (usual - 1.4, usual + 1)
    )
    return [float(f"{10**x:.4g}") for x in np.arange(low, high + 1e-6, GRID_STEP)]


def ready(config: TrainConfig, dataset: Dataset, store: Path) -> tuple[Setup, Any]:
    """Return the run's trainer, its features computed, and its test images."""
    tensors, _ = pretrained.load(config, store)
    setup = prepare(config, dataset, "cpu", tensors)
    ticks = keep_features(setup, dataset.fingerprint, store, lambda _: None)
    while True:
        try:
            next(ticks)
        except StopIteration as end:
            return setup, end.value or setup.test


def accuracy_of(config: TrainConfig, dataset: Dataset, store: Path) -> float:
    """Train to the end and return the test accuracy, 0 to 1; a tenth if it diverges."""
    setup, test = ready(config, dataset, store)
    try:
        for _ in setup.trainer.run():
            pass
    except ArithmeticError:
        return 0.1
    ticks = evaluate(setup.trainer.learner, test, setup.trainer.precision, phase="test")
    while True:
        try:
            next(ticks)
        except StopIteration as end:
            accuracy: float = end.value.accuracy
            return accuracy


def searched(config: TrainConfig, dataset: Dataset, store: Path) -> dict[str, Any]:
    """Search once and return what came out, and what the other rules say."""
    setup, _ = ready(config, dataset, store)
    sweep: list[RangeTestPoint] = []
    race: list[list[Any]] = []
    start_loss = UNTRAINED
    for event in RateSearch(setup, dataset).run():
        if isinstance(event, RangeTestPoint):
            sweep.append(event)
        elif isinstance(event, Bracket):
            start_loss = event.start_loss
        elif isinstance(event, RacePoint):
            race.append([event.rate, event.step, event.loss])
        elif isinstance(event, Suggestion):
            found = event
    rules = opinions([p.rate for p in sweep], [p.train_loss for p in sweep])
    values = {name: getattr(found, name) for name in KEPT}
    return {**values, "rules": rules, "race": race, "start_loss": start_loss}


KEPT = ("rate", "low", "high", "plateau_low", "plateau_high", "divisor", "advice", "steps",
        "epochs", "usual_rate")  # fmt: skip


def refitted(row: dict[str, Any]) -> dict[str, Any]:
    """Return a search with the answer that the present rule reads from its race."""
    last = max(step for _, step, _ in row["race"])
    ends = sorted((rate, loss) for rate, step, loss in row["race"] if step == last and loss)
    x, losses = np.log10([rate for rate, _ in ends]), np.array([loss for _, loss in ends])
    rate = 10 ** vertex(x, losses, row.get("start_loss", UNTRAINED)) / row["divisor"]
    return {**row, "rate": float(f"{rate:.3g}")}


def jobs(tasks: list[str], seeds: int) -> Iterator[tuple[str, str, str, int, float]]:
    """Yield what there is to compute, so that every part of the whole comes early."""
    pairs = [tuple(task.split(":")) for task in tasks]
    for seed in range(max(seeds, TRUTH_SEEDS)):
        for network, optimizer in pairs:
            if seed < seeds:
                yield "search", network, optimizer, seed, OPTIMIZERS[optimizer].usual_rate
        for network, optimizer in pairs:
            if seed < TRUTH_SEEDS:
                for rate in grid(network, optimizer):
                    yield "truth", network, optimizer, seed, rate


def compute(arguments: argparse.Namespace) -> None:
    """Work through the jobs that are not in the file yet."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    store = Path(arguments.store)
    dataset = smaller(data.load(data.resolve(arguments.data, store), store))
    if arguments.weights:
        pretrained.import_weights(Path(arguments.weights), store, HEAD["model"])
    out = Path(arguments.out)
    done = {key_of(row) for row in rows_of(out)}
    for kind, network, optimizer, seed, rate in jobs(arguments.tasks.split(","), arguments.seeds):
        if (kind, network, optimizer, seed, rate) in done:
            continue
        start = time.process_time()
        config = settings(network, optimizer, seed, rate)
        try:
            row = (
                searched(config, dataset, store)
                if kind == "search"
                else {"accuracy": accuracy_of(config, dataset, store)}
            )
        except Exception as error:  # a diverged training is a result too
            row = {"accuracy": 0.1, "error": str(error)}
        row |= {"kind": kind, "network": network, "optimizer": optimizer, "seed": seed,
                "given": rate, "cpu_seconds": round(time.process_time() - start, 2)}  # fmt: skip
        with out.open("a") as file:
            file.write(json.dumps(row) + "\n")


def key_of(row: dict[str, Any]) -> tuple[str, str, str, int, float]:
    """Return what a row is the result of."""
    return row["kind"], row["network"], row["optimizer"], row["seed"], row["given"]


def rows_of(path: Path) -> list[dict[str, Any]]:
    """Return what has been computed."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def smaller(dataset: Dataset) -> Dataset:
    """Return the protocol's images, drawn once."""
    return replace(
        dataset,
        train=drawn(dataset.train, TRAIN),
        test=drawn(dataset.test, TEST),
        fingerprint=f"{dataset.fingerprint}-{TRAIN}",
    )


def drawn(images: Images, count: int) -> Images:
    """Return so many images, the same ones each time."""
    part = np.sort(np.random.default_rng(0).permutation(len(images))[:count])
    return Images(pixels=images.pixels[part], labels=images.labels[part])


def report(rows: list[dict[str, Any]]) -> None:
    """Print spread and regret of each task, and of the other rules on the same sweeps."""
    print(f"{machine.line()}\n")
    print("| network, optimizer | n | suggestion | spread | regret mean, worst | best of grid "
          "| steps, epochs | usual rate | steepest | min/10 | valley |\n|"
          + 11 * "---|")  # fmt: skip
    tasks = dict.fromkeys((row["network"], row["optimizer"]) for row in rows)
    everything: dict[str, list[float]] = defaultdict(list)
    for task in tasks:
        mine = [row for row in rows if (row["network"], row["optimizer"]) == task]
        found = [row for row in mine if row["kind"] == "search" and "rate" in row]
        truth = mean_truth([row for row in mine if row["kind"] == "truth"])
        if found and truth:
            print(line(task, found, truth, everything), flush=True)
    for name, regrets in everything.items():
        print(f"{name}: regret mean {np.mean(regrets):.2f}, worst {np.max(regrets):.2f} points, "
              f"n = {len(regrets)}")  # fmt: skip


def mean_truth(rows: list[dict[str, Any]]) -> dict[float, float]:
    """Return the mean accuracy of each rate of the grid, in per cent."""
    by_rate: dict[float, list[float]] = defaultdict(list)
    for row in rows:
        by_rate[row["given"]].append(100 * row["accuracy"])
    return {rate: float(np.mean(values)) for rate, values in sorted(by_rate.items())}


def line(
    task: tuple[str, str],
    found: list[dict[str, Any]],
    truth: dict[float, float],
    everything: dict[str, list[float]],
) -> str:
    """Return one row of the table, and collect its regrets."""
    x, best = np.log10(list(truth)), max(truth.values())

    def regret(rate: float) -> float:
        return best - float(np.interp(np.log10(rate), x, list(truth.values())))

    def other(rule: str) -> str:
        rates = [row["rules"][rule] for row in found if row["rules"][rule]]
        regrets = [regret(rate) for rate in rates]
        everything[rule] += regrets
        return f"{np.std(np.log10(rates), ddof=1):.2f}, {np.mean(regrets):.1f}, {max(regrets):.1f}"

    rates = [row["rate"] for row in found]
    regrets = [regret(rate) for rate in rates]
    everything["search"] += regrets
    usual = regret(found[0]["usual_rate"])
    everything["usual rate"] += [usual]
    cells = [
        f"{task[0]}, {task[1]}",
        f"{len(found)}",
        f"{10 ** np.median(np.log10(rates)):.3g} ({min(rates):.3g} to {max(rates):.3g})",
        f"{np.std(np.log10(rates), ddof=1):.3f}" if len(rates) > 1 else "-",
        f"{np.mean(regrets):.2f}, {max(regrets):.2f}",
        f"{best:.1f} % at {max(truth, key=lambda rate: truth[rate]):.3g}",
        f"{np.mean([r['steps'] for r in found]):.0f}, {np.mean([r['epochs'] for r in found]):.2f}",
        f"{usual:.2f}",
        *([other(rule) for rule in ("steepest", "minimum", "valley")] if len(found) > 1 else []),
    ]
    return f"| {' | '.join(cells)} |"


def main() -> int:
    """Measure in a child that has the allocator settings that every run gets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="auto")
    parser.add_argument("--store", default=str(Store.default().root))
    parser.add_argument("--weights", help="a file of MobileNetV2's weights, for the task 'head'")
    parser.add_argument("--tasks", default="plain:sgd,plain:adam,bn:sgd,bn:adam,bn:yogi")
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--out", default="lr_finder.jsonl")
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--refit", action="store_true")
    arguments = parser.parse_args()
    if arguments.report:
        rows = rows_of(Path(arguments.out))
        report([refitted(r) if arguments.refit and "race" in r else r for r in rows])
        return 0
    if MEASURING not in os.environ:
        env = {**os.environ, **processes.trainer_environment(threads=1), MEASURING: "1"}
        root = Path(__file__).resolve().parents[1]
        command = [sys.executable, "-m", "benchmarks.lr_finder", *sys.argv[1:]]
        return subprocess.run(command, env=env, cwd=root, check=False).returncode
    add_networks()
    compute(arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main())
