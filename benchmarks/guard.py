"""A short version of the benchmarks, compared with the committed figures: make bench.

python -m benchmarks.guard [--save]

Every figure is a ratio of two things measured in turn in one run, larger is better; seconds would
say more about the machine than about the program. Processors with and without fast short formats
gain differently, so that each kind has its own figures in benchmarks/baseline.json; `--save`
writes those of this machine. Exits with 1 if a ratio has fallen below its share of the baseline.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmarks import batches, end_to_end, machine, optimizers

BASELINE = Path(__file__).with_name("baseline.json")
LEAST_SHARE = 0.75  # of the baseline; a shared machine moves these ratios by a tenth or so


@dataclass(frozen=True, kw_only=True)
class Check:
    """One ratio."""

    title: str
    measure: Callable[[], float]


def batches_ratio(name: str) -> float:
    """Return how many times as many images a CPU second yields as with PIL and a DataLoader."""
    images = end_to_end.noise().train
    return batches.compare(images.pixels, images.labels, *batches.SETS[name])[2]


def loop_ratio(network: str) -> float:
    """Return how many times as many images a CPU second trains as the plain script."""
    return end_to_end.measure(network, rounds=3)[2]


def yogi_ratio(network: str) -> float:
    """Return how many of our Yogi's steps one of torch-optimizer's takes."""
    rounds = optimizers.measure(network, ["yogi", optimizers.OLD_YOGI])
    return statistics.median(optimizers.times(rounds, optimizers.OLD_YOGI, "yogi"))


CHECKS = {
    check.title: check
    for check in [
        Check(
            title="batches: crop and mirror, against PIL and a DataLoader",
            measure=lambda: batches_ratio("crop, mirror"),
        ),
        Check(
            title="batches: with colour and cutout, against PIL and a DataLoader",
            measure=lambda: batches_ratio("all of these"),
        ),
        Check(
            title="simple CNN: training loop, against a plain script",
            measure=lambda: loop_ratio("simple_cnn"),
        ),
        Check(
            title="ResNet-18: training loop, against a plain script",
            measure=lambda: loop_ratio("resnet18"),
        ),
        Check(
            title="Yogi on ResNet-18, against torch-optimizer's",
            measure=lambda: yogi_ratio("resnet18"),
        ),
    ]
}


def processor() -> str:
    """Name this kind of processor by what it multiplies fast."""
    if torch.cpu._is_amx_tile_supported():
        return "AMX"
    if torch.cpu._is_avx512_bf16_supported():
        return "AVX512_BF16"
    return torch.backends.cpu.get_cpu_capability()


def verdict(found: float, before: float | None) -> tuple[str, bool]:
    """Say how a ratio compares with the baseline, and whether that is good enough."""
    if before is None:
        return "no baseline yet", True
    good = found >= LEAST_SHARE * before
    return ("as good" if good else f"slower: below {LEAST_SHARE:.0%} of the baseline"), good


def table(found: Mapping[str, float], baseline: Mapping[str, float]) -> tuple[str, bool]:
    """Return the figures as a Markdown table, and whether all of them are good enough."""
    lines = ["| what | ratio | baseline | |", "|---|---|---|---|"]
    all_good = True
    for key, ratio in found.items():
        before = baseline.get(key)
        words, good = verdict(ratio, before)
        all_good = all_good and good
        shown = f"{before:.2f}" if before is not None else ""
        lines.append(f"| {key} | {ratio:.2f} | {shown} | {words} |")
    return "\n".join(lines), all_good


def main() -> int:
    """Measure, print and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--save", action="store_true", help="keep these figures as the baseline")
    save = parser.parse_args().save
    torch.set_num_threads(1)
    baselines: dict[str, dict[str, float]] = json.loads(BASELINE.read_text("utf-8"))
    kind = processor()
    print(f"{machine.line()}, processor kind {kind}\n", flush=True)
    found = {key: check.measure() for key, check in CHECKS.items()}
    text, good = table(found, baselines.get(kind, {}))
    print(text)
    if save:
        baselines[kind] = {key: round(ratio, 2) for key, ratio in found.items()}
        BASELINE.write_text(json.dumps(baselines, indent=2, sort_keys=True) + "\n", "utf-8")
        return 0
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
