import copy

import torch
from torch import nn

from cifar_core.config import TrainConfig
from cifar_core.models import MODELS
from cifar_core.optim import OPTIMIZERS, decay_groups
from cifar_core.optim.muon import orthogonalized
from cifar_core.training.freezing import weight_groups

CONFIG = TrainConfig(optimizer="muon", momentum=0.9, adamw_share=0.25)


def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 6, 3), nn.Conv2d(6, 6, 3), nn.Conv2d(6, 6, 3), nn.Flatten(), nn.Linear(24, 5)
    )


def muon(model, rate=0.1, decay=0.0):
    return OPTIMIZERS["muon"].build(decay_groups(model, decay), rate, CONFIG, True)


def give_gradients(model, step):
    for weight in model.parameters():
        generator = torch.Generator().manual_seed(step)
        weight.grad = torch.randn(weight.shape, generator=generator)


def test_orthogonalizing_keeps_the_directions_and_evens_out_the_singular_values():
    given = torch.randn(3, 6, 20, generator=torch.Generator().manual_seed(0))
    u, before, v = torch.linalg.svd(given, full_matrices=False)
    found = orthogonalized(given)
    diagonal = u.mT @ found @ v.mT
    after = diagonal.diagonal(dim1=1, dim2=2)
    assert before.max() / before.min() > 2
    assert after.min() > 0.65
    assert after.max() < 1.25
    torch.testing.assert_close(diagonal, torch.diag_embed(after), atol=1e-4, rtol=0)
    torch.testing.assert_close(orthogonalized(given.mT), found.mT)


def test_a_matrix_moves_as_under_torchs_muon():
    ours, theirs = (nn.Sequential(nn.Linear(9, 6, bias=False), nn.Linear(6, 2)) for _ in range(2))
    theirs.load_state_dict(ours.state_dict())
    optimizer = muon(ours, rate=0.1, decay=0.2)
    reference = torch.optim.Muon([theirs[0].weight], lr=0.1, weight_decay=0.2, momentum=0.9)
    before = ours[0].weight.detach().clone()
    for step in range(4):
        give_gradients(ours, step)
        theirs[0].weight.grad = ours[0].weight.grad.clone()
        optimizer.step()
        reference.step()
    assert (ours[0].weight - before).abs().max() > 0.1
    # torch computes in bfloat16
    torch.testing.assert_close(ours[0].weight, theirs[0].weight, atol=0.01, rtol=0)


def test_a_filter_bank_moves_like_its_matrix_whatever_the_memory_order():
    model = network()
    other = copy.deepcopy(model).to(memory_format=torch.channels_last)
    before = model[1].weight.detach().clone()
    optimizers = muon(model), muon(other)
    for it, optimizer in zip((model, other), optimizers, strict=True):
        give_gradients(it, 0)
        optimizer.step()
    moved = (before - model[1].weight.detach()).flatten(1) / 0.1
    expected = orthogonalized(model[1].weight.grad.flatten(1)[None])[0]
    torch.testing.assert_close(moved, expected, atol=1e-4, rtol=0)
    for ours, theirs in zip(model.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)


def test_biases_and_the_last_layer_move_as_under_adamw_at_its_share_of_the_rate():
    model = network()
    other = copy.deepcopy(model)
    rest = [w for w in other.parameters() if w.ndim == 1] + [other[4].weight]
    reference = torch.optim.AdamW(
        [{"params": rest[:-1], "weight_decay": 0.0}, {"params": rest[-1:], "weight_decay": 0.5}],
        lr=0.1 * 0.25,
        betas=(0.9, 0.99),
    )
    optimizer = muon(model, decay=0.5)
    for step in range(3):
        for it, optim in ((model, optimizer), (other, reference)):
            give_gradients(it, step)
            optim.step()
    ours = [w for w in model.parameters() if w.ndim == 1] + [model[4].weight]
    assert all(torch.allclose(a, b) for a, b in zip(ours, rest, strict=True))
    assert not torch.equal(model[0].weight, other[0].weight)


def test_the_schedule_reaches_both_parts_of_muon():
    groups = muon(network()).param_groups
    assert [(g["orthogonal"], g["lr"], g["share"]) for g in groups] == [
        (True, 0.1, 1.0),
        (False, 0.025, 0.25),
        (False, 0.025, 0.25),
    ]


def test_the_weights_that_make_the_logits_are_left_to_adamw_in_every_network():
    wrong = []
    for key, spec in MODELS.items():
        config = TrainConfig(model=key, plan="full", optimizer="muon")
        with torch.device("meta"):
            model = spec.build(7)
        optimizer = OPTIMIZERS["muon"].build(weight_groups(model, config), 0.1, config, False)
        rest = [w for g in optimizer.param_groups if not g["orthogonal"] for w in g["params"]]
        if [w.shape[0] for w in rest if w.ndim in (2, 4)] != [7]:
            wrong.append(key)
    assert wrong == []
