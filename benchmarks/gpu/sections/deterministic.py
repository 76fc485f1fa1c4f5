"""Two equal deterministic trainers beside each other."""

import warnings

import torch
from torch import Tensor

from benchmarks.gpu.section import Bench
from cifar_core.training.setup import prepare
from cifar_core.training.step.trial import endless, random_images

NETWORKS = ("simple_cnn_dropout", "resnet9", "speed_net", "vig_nano", "vit_small", "mobilenet_v2")
STEPS, BATCH = 6, 64


def run(bench: Bench) -> None:
    """Train each network twice and compare the weights."""
    for network in bench.sized(NETWORKS, NETWORKS[:1]):
        if bench.left < 5:
            bench.skip(f"two runs of {network}", "no time was left")
            continue
        ends, said = zip(*(trained(bench, network) for _ in range(2)), strict=True)
        same = all(torch.equal(a, b) for a, b in zip(*ends, strict=True))
        warned = "; ".join(sorted(set().union(*said)))
        value = "equal" if same else "weights differ"
        bench.note(f"two runs of {network}, {STEPS} steps", f"{value}. {warned}".strip(),
                   target="equal bit for bit", passed=same)  # fmt: skip


def trained(bench: Bench, network: str) -> tuple[list[Tensor], set[str]]:
    """Return the weights after some steps, and what torch says it has no such operator for."""
    size = bench.sized(BATCH, 8)
    config = bench.config(
        model=network, deterministic=True, batch_size=size, epochs=1, color_jitter=0.2, cutout=8
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        trainer = prepare(config, random_images(size, 10), bench.device).trainer
        steps = endless(trainer)
        for _ in range(STEPS):
            next(steps)
        weights = [weight.detach().cpu() for weight in trainer.model.parameters()]
    texts = {str(warning.message).split(".")[0] for warning in caught}
    return weights, {text for text in texts if "determinis" in text}
