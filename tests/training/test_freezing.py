"""Frozen means frozen: whatever a plan does not train is the same to the bit afterwards."""

from functools import cache

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from cifar_core.config import TrainConfig
from cifar_core.config.transfer_plans import TRANSFER_PLANS
from cifar_core.data.batches import Batches
from cifar_core.models import MODELS
from cifar_core.optim import OPTIMIZERS
from cifar_core.training.events import EpochEvent, StepEvent, Tick
from cifar_core.training.freezing import diagram, freeze, is_under, trained_prefixes
from cifar_core.training.trainer import Trainer

PRETRAINED = [key for key, spec in MODELS.items() if spec.weights]
SMALL = "mobilenet_v2_imagenet"  # has batch norm and a dropout before its head
SETTINGS = {"resolution": 32, "epochs": 2, "batch_size": 8, "precision": "float32",
            "learning_rate": 0.05}  # fmt: skip


def state(model):
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def changed(before, model):
    """The names of what is no longer what it was, to the bit."""
    return {name for name, now in model.state_dict().items() if not torch.equal(before[name], now)}


def pictures(seed, count):
    random = np.random.default_rng(seed)
    labels = random.integers(0, 3, count)
    noise = random.integers(0, 60, (count, 32, 32, 3))
    return (noise + 60 * labels[:, None, None, None]).astype(np.uint8), labels


@cache
def start(key):
    """Random weights in place of pretrained ones."""
    torch.manual_seed(9)
    spec = MODELS[key]
    tensors = spec.build(3, resolution=32).state_dict()
    return {name: t for name, t in tensors.items() if not is_under(name, (spec.head,))}


def trainer(key=SMALL, **settings):
    config = TrainConfig(model=key, **{**SETTINGS, **settings})
    train = Batches(*pictures(0, 24), batch_size=config.batch_size, shuffle=True, drop_last=True)
    val = Batches(*pictures(1, 10), batch_size=10)
    weights = start(key) if MODELS[key].weights else None
    return Trainer(config, train=train, val=val, num_classes=3, device="cpu", weights=weights)


@pytest.mark.parametrize("key", PRETRAINED)
def test_a_step_of_every_network_leaves_what_is_frozen_as_it_was(key):
    spec = MODELS[key]
    torch.manual_seed(0)
    model, images = spec.build(3, resolution=32), torch.rand(4, 3, 32, 32)
    for part in ("last stage", "head"):
        freeze(model, spec, part)
        before, trained = state(model), trained_prefixes(spec, part)
        weights = [p for p in model.parameters() if p.requires_grad]
        optimizer = torch.optim.SGD(weights, lr=0.1)
        F.cross_entropy(model(images), torch.tensor([0, 1, 2, 0])).backward()
        optimizer.step()
        moved = changed(before, model)
        assert {f"{spec.head}.weight", f"{spec.head}.bias"} <= moved
        assert [name for name in moved if not is_under(name, trained)] == []
        learned = {name for name, p in model.named_parameters() if p.requires_grad}
        assert learned == {name for name, _ in model.named_parameters() if is_under(name, trained)}


@pytest.mark.parametrize("key", [SMALL, "resnet18_imagenet", "densenet121_imagenet"])
@pytest.mark.parametrize("plan", ["head", "last_stage"])
def test_a_run_leaves_what_its_plan_freezes_as_it_was(key, plan):
    it = trainer(key, plan=plan, epochs=1)
    before, trained = state(it.model), trained_prefixes(it.spec, TRANSFER_PLANS[plan].trains)
    list(it.run())
    moved = changed(before, it.model)
    assert moved
    assert [name for name in moved if not is_under(name, trained)] == []


def test_full_fine_tuning_moves_everything_and_the_statistics_too():
    it = trainer(plan="full", weight_decay=0.01, epochs=1)
    before = state(it.model)
    list(it.run())
    assert changed(before, it.model) == set(before)


def test_a_gradual_run_trains_the_head_alone_and_then_everything():
    it = trainer(plan="gradual", head_epochs=1, epochs=2)
    before = state(it.model)
    running = it.run()
    for event in running:
        if isinstance(event, EpochEvent):
            break
    moved = changed(before, it.model)
    assert moved == {f"{it.spec.head}.weight", f"{it.spec.head}.bias"}
    middle = state(it.model)
    list(running)
    assert len(changed(middle, it.model)) > len(moved)
    assert "body.features.0.1.running_mean" in changed(middle, it.model)


def test_the_biases_of_the_whitening_are_trained_for_their_epochs_only():
    it = trainer("speed_net_strided", whitening_epochs=1, epochs=2)
    before, bias = state(it.model), "body.whitening.bias"
    running = it.run()
    for event in running:
        if isinstance(event, EpochEvent):
            break
    assert bias in changed(before, it.model)
    middle = state(it.model)
    list(running)
    assert bias not in changed(middle, it.model)
    assert "body.head.weight" in changed(middle, it.model)
    assert bias not in trainer("speed_net_strided").model.state_dict()


def test_a_frozen_dropout_does_not_draw():
    it = trainer(plan="head")
    freeze(it.model, it.spec, "head")
    images = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(it.model(images), it.model(images))
        freeze(it.model, it.spec, "last stage")
        assert not torch.equal(it.model(images), it.model(images))


def test_the_backbone_moves_at_its_share_of_the_rate():
    plain = {"momentum": 0.0, "nesterov": False, "weight_decay": 0.0, "schedule": "constant",
             "plan": "full", "learning_rate": 0.01}  # fmt: skip
    names = [f"{MODELS[SMALL].head}.weight", "body.features.18.0.weight"]
    steps = []
    for share in (1.0, 0.1):
        it = trainer(**plain, backbone_rate=share)
        before = state(it.model)
        next(it.run())  # one step
        steps.append([(it.model.state_dict()[n] - before[n]).norm().item() for n in names])
    assert steps[1][0] == pytest.approx(steps[0][0], rel=1e-3)
    assert steps[1][1] == pytest.approx(0.1 * steps[0][1], rel=1e-3)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_can_begin_with_a_frozen_backbone(optimizer):
    rate = OPTIMIZERS[optimizer].usual_rate / 10
    it = trainer(plan="gradual", head_epochs=1, optimizer=optimizer, learning_rate=rate)
    assert [e.epoch for e in it.run() if isinstance(e, EpochEvent)] == [1, 2]


@pytest.mark.parametrize("plan", TRANSFER_PLANS)
@pytest.mark.parametrize("stop_after", [2, 5, 8])  # mid-epoch, in validation, in the second epoch
def test_a_transfer_run_resumed_from_a_snapshot_ends_bit_for_bit_where_the_other_does(
    plan, stop_after
):
    settings = {"plan": plan, "head_epochs": 1, "optimizer": "adamw", "learning_rate": 0.01}
    whole = trainer(**settings)
    said = [e for e in whole.run() if not isinstance(e, Tick)]
    first, items = trainer(**settings), []
    for item in first.run():
        items.append(item)
        if len(items) == stop_after:
            break
    snapshot, second = first.snapshot(), trainer(**settings)
    second.restore(snapshot)
    later = [e for e in second.run() if not isinstance(e, Tick)]
    resumed = [e for e in items if not isinstance(e, Tick)] + later
    assert [e.loss for e in resumed if isinstance(e, StepEvent)] == [
        e.loss for e in said if isinstance(e, StepEvent)
    ]
    assert changed(state(whole.model), second.model) == set()


@pytest.mark.parametrize(
    ("plan", "trained", "from_epoch"),
    [
        ("head", [0, 0, 0, 0, 0, 1], [0, 0, 0, 0, 0, 1]),
        ("last_stage", [0, 0, 0, 0, 1, 1], [0, 0, 0, 0, 1, 1]),
        ("full", [1] * 6, [1] * 6),
        ("gradual", [1] * 6, [3, 3, 3, 3, 3, 1]),
    ],
)
def test_the_diagram_tells_what_is_trained_and_from_when(plan, trained, from_epoch):
    config = TrainConfig(model="resnet18_imagenet", plan=plan, head_epochs=2)
    with torch.device("meta"):
        model = config.build_model(10)
    rows = diagram(model, config)
    assert [row.title for row in rows] == ["Stem", *(f"Stage {i}" for i in range(1, 5)), "Head"]
    assert [bool(row.trained) for row in rows] == [bool(t) for t in trained]
    assert [row.from_epoch for row in rows] == from_epoch
    assert sum(row.parameters for row in rows) == sum(p.numel() for p in model.parameters())
    assert rows[-1].parameters == 5130
