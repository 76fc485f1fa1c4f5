"""Yogi against torch-optimizer's, step for step."""

import pytest
import torch
import torch_optimizer
from torch import nn

from cifar_core.optim import blocks
from cifar_core.optim.yogi import Yogi

SHAPES = [(16, 3, 3, 3), (16,), (1, 1), (), (24, 16, 3, 3), (8, 4, 1, 1), (10, 37), (300,)]


def weights(seed=0, last=nn.Parameter):
    """Weights in plain, channels-last and transposed order; `last` makes the last one."""
    random = torch.Generator().manual_seed(seed)
    made = [nn.Parameter(torch.randn(shape, generator=random)) for shape in SHAPES]
    made[4] = nn.Parameter(made[4].detach().to(memory_format=torch.channels_last))
    made[6] = nn.Parameter(made[6].detach().t())
    return [*made, last(torch.randn(6, 8, generator=random))]


def gapped(tensor):
    return nn.Parameter(tensor[:, ::2])


def groups(params, decay):
    return [{"params": params[::2], "weight_decay": decay}, {"params": params[1::2]}]


def make(kind, params, decay, **settings):
    return kind(groups(params, decay), lr=0.01, **settings)


def train(optimizer, steps, start=0):
    """Take steps along gradients of many sizes; the third weight rests in every fifth step."""
    params = [p for group in optimizer.param_groups for p in group["params"]]
    for step in range(start, start + steps):
        random = torch.Generator().manual_seed(step)
        for i, weight in enumerate(params):
            noise = torch.randn(weight.shape, generator=random) * 10 ** (i % 4 - 2)
            weight.grad = None if i == 2 and step % 5 == 0 else noise.mul(1 + step % 3)
        optimizer.step()


@pytest.mark.parametrize("size", [64, 1000, 1 << 20])  # cut in many pieces, some, none
@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("last", [nn.Parameter, gapped])
@pytest.mark.parametrize("fused", [True, False])
def test_yogi_equals_torch_optimizers_but_for_rounding(monkeypatch, size, decay, last, fused):
    monkeypatch.setattr(blocks, "CPU_BLOCK", size)
    ours, theirs = weights(last=last), weights(last=last)
    mine, other = make(Yogi, ours, decay, fused=fused), make(torch_optimizer.Yogi, theirs, decay)
    for start in range(0, 200, 50):
        train(mine, 50, start)
        train(other, 50, start)
        for a, b in zip(ours, theirs, strict=True):
            torch.testing.assert_close(a, b, rtol=2e-5, atol=2e-6)
            assert mine.state[a].keys() == other.state[b].keys()
            assert mine.state[a]["step"] == other.state[b]["step"]
            torch.testing.assert_close(
                mine.state[a]["exp_avg_sq"], other.state[b]["exp_avg_sq"], rtol=1e-4, atol=1e-7
            )


def test_the_memory_of_torch_optimizers_yogi_is_taken_over():
    ours, theirs = weights(), weights()
    before, after = make(torch_optimizer.Yogi, ours, 0.1), make(Yogi, ours, 0.1)
    other = make(torch_optimizer.Yogi, theirs, 0.1)
    train(before, 20)
    train(other, 40)
    after.load_state_dict({**after.state_dict(), "state": before.state_dict()["state"]})
    train(after, 20, start=20)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=2e-5, atol=2e-6)


def test_a_memory_loaded_between_two_steps_is_the_one_that_is_used():
    ours = weights()
    optimizer = make(Yogi, ours, 0.0)
    train(optimizer, 3)
    kept = {k: {n: v.clone() if isinstance(v, torch.Tensor) else v for n, v in m.items()}
            for k, m in optimizer.state_dict()["state"].items()}  # fmt: skip
    start = [w.detach().clone() for w in ours]
    train(optimizer, 2, start=3)
    there = [w.detach().clone() for w in ours]
    with torch.no_grad():
        for weight, value in zip(ours, start, strict=True):
            weight.copy_(value)
    optimizer.load_state_dict({**optimizer.state_dict(), "state": kept})
    train(optimizer, 2, start=3)
    assert all(torch.equal(a, b) for a, b in zip(ours, there, strict=True))


def test_the_scratch_memory_is_no_larger_than_the_weights():
    ours = weights()
    optimizer = make(Yogi, ours, 0.0)
    train(optimizer, 1)
    held = [
        max(block.scratch.untyped_storage().nbytes() for block in blocks) // 4
        for blocks in optimizer.blocks.values()
    ]
    sizes = [
        sum(w.numel() for w in g["params"] if w.grad is not None) for g in optimizer.param_groups
    ]
    assert held == sizes
