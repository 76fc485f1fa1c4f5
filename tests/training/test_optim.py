from pathlib import Path

import pytest
import torch
from torch import nn

from cifar_core.config import TrainConfig
from cifar_core.optim import OPTIMIZERS, decay_groups
from cifar_core.optim.table import markdown
from cifar_core.training.freezing import weight_groups

CONFIG = TrainConfig()


def build(key, model, rate=0.01, weight_decay=0.0, fused=True):
    return OPTIMIZERS[key].build(decay_groups(model, weight_decay), rate, CONFIG, fused)


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.LayerNorm(8), nn.Tanh(), nn.Linear(8, 1))


def losses(key, model, steps):
    optimizer = build(key, model, rate=OPTIMIZERS[key].usual_rate)
    inputs = torch.randn(64, 4, generator=torch.Generator().manual_seed(1))
    wanted = inputs.prod(dim=1, keepdim=True)
    found = []
    for _ in range(steps):
        loss = (model(inputs) - wanted).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        found.append(loss.item())
    return found


@pytest.mark.parametrize("key", OPTIMIZERS)
def test_every_optimizer_learns_at_its_usual_rate(key):
    history = losses(key, network(), 200)
    assert history[-1] < 0.75 * history[0]


@pytest.mark.parametrize("key", OPTIMIZERS)
def test_no_optimizer_keeps_the_memory_of_a_gradient(key):
    """A CUDA graph writes the next gradient into it."""
    model = network()
    optimizer = build(key, model)
    for _ in range(3):
        for weight in model.parameters():
            weight.grad = torch.full_like(weight, 0.01)
        optimizer.step()
        gradients = {weight.grad.data_ptr() for weight in model.parameters()}
        kept = [tensor for state in optimizer.state.values() for tensor in state.values()
                if isinstance(tensor, torch.Tensor)]  # fmt: skip
        assert not [tensor for tensor in kept if tensor.data_ptr() in gradients]


@pytest.mark.parametrize("key", OPTIMIZERS)
def test_every_optimizer_is_told_in_a_sentence_with_its_paper(key):
    spec = OPTIMIZERS[key]
    assert spec.summary.endswith(".")
    assert spec.paper.startswith("https://")


@pytest.mark.parametrize("key", OPTIMIZERS)
def test_every_optimizer_decays_weights_and_leaves_norms_and_biases_alone(key):
    ends = []
    for decay in (0.0, 0.1):
        model = network()
        optimizer = build(key, model, rate=OPTIMIZERS[key].usual_rate, weight_decay=decay)
        for weight in model.parameters():
            weight.grad = torch.full_like(weight, 0.01)
        optimizer.step()
        ends.append([w.detach().clone() for w in model.parameters()])
    assert [torch.equal(a, b) for a, b in zip(*ends, strict=True)] == [
        weight.ndim < 2 for weight in network().parameters()
    ]


def test_ranger_goes_half_of_the_way_back_at_every_sixth_step():
    fast, slow = network(), network()
    mine = build("ranger", fast)
    radam = torch.optim.RAdam(
        decay_groups(slow, 0.0), lr=0.01, betas=(0.9, 0.999), decoupled_weight_decay=True
    )
    start = [w.detach().clone() for w in slow.parameters()]
    for _ in range(6):
        for model, optimizer in ((fast, mine), (slow, radam)):
            for weight in model.parameters():
                weight.grad = torch.ones_like(weight)
            optimizer.step()
    for weight, other, first in zip(fast.parameters(), slow.parameters(), start, strict=True):
        torch.testing.assert_close(weight.detach(), (first + other.detach()) / 2)


def test_norms_and_biases_are_not_decayed():
    decayed, kept = decay_groups(network(), 0.1)
    assert [tuple(p.shape) for p in decayed["params"]] == [(8, 4), (1, 8)]
    assert (decayed["weight_decay"], kept["weight_decay"]) == (0.1, 0.0)
    assert {tuple(p.shape) for p in kept["params"]} == {(8,), (1,)}


def test_norms_and_biases_decay_where_that_is_asked_for():
    decayed, others = decay_groups(network(), 0.1, biases=True)
    assert (decayed["weight_decay"], others["weight_decay"]) == (0.1, 0.1)
    asked, usual = (
        weight_groups(network(), TrainConfig(weight_decay=0.1, decay_biases=decays))[1]
        for decays in (True, False)
    )
    assert (asked["weight_decay"], usual["weight_decay"]) == (0.1, 0.0)


def test_frozen_weights_are_left_out():
    model = network()
    model[0].requires_grad_(False)
    assert sum(len(group["params"]) for group in decay_groups(model, 0.1)) == 4


def test_weight_decay_without_a_gradient_shrinks_adamw_weights_by_rate_times_decay():
    model = nn.Linear(3, 1, bias=False)
    before = model.weight.detach().clone()
    optimizer = build("adamw", model, rate=0.1, weight_decay=0.5)
    model.weight.grad = torch.zeros_like(model.weight)
    optimizer.step()
    torch.testing.assert_close(model.weight.detach(), before * (1 - 0.1 * 0.5))


def test_yogi_takes_the_step_of_its_paper():
    model = nn.Linear(2, 1, bias=False)
    with torch.no_grad():
        model.weight.fill_(1.0)
    optimizer = build("yogi", model, rate=0.1)
    gradient = torch.tensor([[0.5, -2.0]])
    start = 1e-6  # torch-optimizer's initial accumulator for both moments
    first, second = start, start
    weight = torch.ones(1, 2)
    for step in (1, 2):
        model.weight.grad = gradient.clone()
        optimizer.step()
        first = 0.9 * first + 0.1 * gradient
        square = gradient.square()
        second = second - 0.001 * torch.sign(second - square) * square
        rate = 0.1 / (1 - 0.9**step)
        scale = (second / (1 - 0.999**step)).sqrt() + 1e-3
        weight = weight - rate * first / scale
    torch.testing.assert_close(model.weight.detach(), weight)


def test_the_page_of_optimizers_is_up_to_date():
    page = Path(__file__).parents[2] / "docs" / "optimizers.md"
    assert page.read_text("utf-8") == markdown()
