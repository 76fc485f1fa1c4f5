"""The optimizers that leave norms on the device, against those that read them, step for step."""

import pytest
import torch
import torch_optimizer
from torch import nn

from cifar_core.optim.adafactor import Adafactor
from cifar_core.optim.layerwise import Lamb, Lars, NovoGrad

WITH_BETAS = {"lr": 0.01, "betas": (0.9, 0.99)}
PAIRS = {
    "adafactor": (Adafactor, torch.optim.Adafactor, {"lr": 0.03}),
    "lamb": (Lamb, torch_optimizer.Lamb, WITH_BETAS),
    "lars": (Lars, torch_optimizer.LARS, {"lr": 0.1, "momentum": 0.9}),
    "lars without momentum": (Lars, torch_optimizer.LARS, {"lr": 0.1, "momentum": 0.0}),
    "novograd": (NovoGrad, torch_optimizer.NovoGrad, WITH_BETAS),
}
SHAPES = [(8, 3, 3, 3), (6, 5), (7,), (4, 4)]  # the last weight is 0 at first
RESTING = 1  # index of a weight whose gradient is 0 at first


def weights():
    random = torch.Generator().manual_seed(0)
    made = [nn.Parameter(torch.randn(shape, generator=random)) for shape in SHAPES]
    made[0] = nn.Parameter(made[0].detach().to(memory_format=torch.channels_last))
    made[-1] = nn.Parameter(torch.zeros(SHAPES[-1]))
    return made


def groups(params, decay):
    return [{"params": params[::2], "weight_decay": decay},
            {"params": params[1::2], "weight_decay": 2 * decay}]  # fmt: skip


def train(optimizer, steps, start=0):
    params = [p for group in optimizer.param_groups for p in group["params"]]
    params.sort(key=lambda p: SHAPES.index(tuple(p.shape)))
    for step in range(start, start + steps):
        random = torch.Generator().manual_seed(step)
        for i, weight in enumerate(params):
            noise = torch.randn(weight.shape, generator=random) * 10 ** (1 - i)
            weight.grad = torch.zeros_like(weight) if i == RESTING and step < 3 else noise
        optimizer.step()


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("pair", PAIRS)
def test_the_weights_are_those_of_the_library_but_for_rounding(pair, decay):
    kind, other_kind, settings = PAIRS[pair]
    ours, theirs = weights(), weights()
    mine, other = (
        kind(groups(ours, decay), **settings),
        other_kind(groups(theirs, decay), **settings),
    )
    for start in range(0, 40, 2):
        train(mine, 2, start)
        train(other, 2, start)
        for a, b in zip(ours, theirs, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("pair", PAIRS)
def test_a_state_of_the_library_is_taken_over(pair):
    kind, other_kind, settings = PAIRS[pair]
    ours, theirs = weights(), weights()
    before, after = other_kind(groups(ours, 0.1), **settings), kind(groups(ours, 0.1), **settings)
    other = other_kind(groups(theirs, 0.1), **settings)
    train(before, 10)
    train(other, 20)
    after.load_state_dict({**after.state_dict(), "state": before.state_dict()["state"]})
    train(after, 10, start=10)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)
