"""The gradients of some steps, compiled and in pieces, beside those of the plain way."""

import torch
from torch import Tensor

from benchmarks.gpu import on_device
from benchmarks.gpu.section import Bench
from benchmarks.gpu.sections.ways import Way, way
from cifar_core.training.step.trial import random_images

STEPS = 6  # CUDA graphs are recorded in the second and replayed from the third
MOST = 0.05  # of the gradient's length: a rounding error can move a maximum to another pixel


def run(bench: Bench) -> None:
    """Compare ways that must come to the same; a rehearsal only pretends to compile."""
    on_device.forbid_tf32()
    if bench.rehearses:
        torch.compiler.set_stance("force_eager")
    whole = way(bench, "simple_cnn", bench.sized(128, 16), "channels_last", "float32")
    for name, one in (("compiled", whole), ("compiled, in pieces", whole.in_pieces())):
        expected, _ = gradients(one)
        found, failure = gradients(one.compiled())
        if failure:
            bench.note(f"gradients {name}", failure, target="it compiles", passed=False)
        else:
            compare(bench, name, found, expected)


def gradients(one: Way) -> tuple[list[Tensor], str]:
    """Return the gradient of each step as one vector on the CPU, and why it was not compiled."""
    trainer = one.trainer(random_images(one.config.batch_size, 10))
    step, found = one.step_of(trainer), []
    for _ in range(STEPS):
        step()
        parts = [w.grad.detach().flatten() for w in trainer.trained if w.grad is not None]
        found.append(torch.cat(parts).float().cpu())
    return found, trainer.plan.reason if trainer.plan.compiled != one.plan.compiled else ""


def compare(bench: Bench, name: str, found: list[Tensor], expected: list[Tensor]) -> None:
    """Note how far apart the gradients are at most, as a share of their length."""
    pairs = zip(found, expected, strict=True)
    worst = max(float((a - b).norm() / b.norm()) for a, b in pairs)
    bench.note(
        f"gradients {name}, against not compiled",
        f"{worst:.1e} of their length apart in the worst of {STEPS} steps",
        target=f"at most {MOST}",
        passed=worst <= MOST,
    )
