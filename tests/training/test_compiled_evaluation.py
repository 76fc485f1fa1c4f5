from dataclasses import asdict, replace

import pytest
import torch

from cifar_core.config import TrainConfig
from cifar_core.training.events import EpochEvent
from cifar_core.training.setup import prepare
from cifar_core.training.step import compiled_evaluation, compiling, trial
from cifar_core.training.step.compiled_evaluation import filled
from cifar_core.training.step.precision import Precision
from cifar_core.training.step.step_plan import StepPlan, from_record
from cifar_core.training.step.trial import TrialTimes, resolve

PLAIN = StepPlan(
    memory_format="channels_last",
    precision=Precision(key="float32", reason="As requested.", device_type="cpu"),
    reason="measured; compiled, it is 2 times as fast.",
)
BOTH = replace(PLAIN, compiled=True, compiled_evaluation=True)


class Stub:
    """A compiler that changes nothing, and the numbers of images that were validated with it."""

    def __init__(self, works=True):
        self.works, self.sizes = works, []

    def __call__(self, network, **_):
        def forward(images):
            if not network.training:
                self.sizes.append(len(images))
                if not self.works:
                    raise RuntimeError("inductor: no kernel")
            return network(images)

        return forward


@pytest.fixture
def install(monkeypatch):
    def install(stub):
        for module in (compiling, compiled_evaluation):
            monkeypatch.setattr(module, "compiler", stub)
        return stub

    return install


def trainer(plan, **settings):
    """One that validates 59 images, at most 16 at once: in three batches of 15, and one of 14."""
    config = TrainConfig(
        model="simple_cnn", batch_size=16, micro_batch=16, epochs=2, val_fraction=0.21, **settings
    )
    return prepare(config, trial.random_images(16, 3), "cpu", plan=plan).trainer


def validated(one):
    """Train to the end; return what validation found, and the logits of its last time."""
    found = [asdict(event) for event in one.run() if isinstance(event, EpochEvent)]
    times = ("seconds", "cpu_seconds")
    return [{k: v for k, v in it.items() if k not in times} for it in found], one.validation.array()


@pytest.mark.parametrize(
    ("settings", "works"), [({}, True), ({"ema_epochs": 1.0}, True), ({}, False)]
)
def test_compiled_validation_finds_what_it_would_find_uncompiled(install, settings, works):
    plain, logits = validated(trainer(PLAIN, **settings))
    stub = install(Stub(works))
    one = trainer(BOTH, **settings)
    found, same_logits = validated(one)
    assert found == plain
    assert (logits == same_logits).all()
    assert set(stub.sizes) == {15}
    assert len(stub.sizes) == (8 if works else 1)
    assert one.model.training
    why = "; for validation it failed (inductor: no kernel)."
    assert one.plan == (BOTH if works else replace(
        BOTH, compiled_evaluation=False, reason=f"{PLAIN.reason[:-1]}{why}"))  # fmt: skip


def test_validation_is_not_compiled_where_a_training_step_cannot_be(install):
    install(lambda *_, **__: 1 / 0)
    one = trainer(BOTH)
    assert one.validated is one.result
    assert one.plan.sentence.endswith("not compiled: compiling failed (division by zero).")


def test_an_error_of_validation_that_comes_again_uncompiled_is_raised(install):
    install(Stub())
    one = trainer(BOTH)

    def lost(module, _):
        if not module.training:
            raise RuntimeError("CUDA error: the launch timed out")

    one.model.register_forward_pre_hook(lost)
    with pytest.raises(RuntimeError, match="timed out"):
        list(one.run())
    assert one.plan == BOTH


def test_a_batch_is_filled_in_its_own_memory_order():
    for images in (torch.rand(3, 4, 4, 3).permute(0, 3, 1, 2), torch.rand(3, 3, 4, 4)):
        full = filled(images, 5)
        assert full.stride() == images.stride()
        assert torch.equal(full[:3], images)
        assert not full[3:].any()
    assert filled(images, 3) is images


def test_training_and_validation_are_each_compiled_once(monkeypatch):
    """By torch's own compiler, as far as it works without a C++ compiler."""
    graphs = []

    def backend(graph, _):
        graphs.append(graph)
        return graph

    def compiler(network, **_):
        return torch.compile(network, dynamic=False, backend=backend, fullgraph=True)

    for module in (compiling, compiled_evaluation):
        monkeypatch.setattr(module, "compiler", compiler)
    one = trainer(BOTH)
    found, _ = validated(one)
    assert one.plan == BOTH
    assert len(graphs) == 2
    monkeypatch.undo()
    assert found == validated(trainer(PLAIN))[0]


@pytest.mark.parametrize(("epochs", "compiled"), [(1000, False), (100_000, True)])
def test_validation_is_compiled_if_all_of_it_takes_long_enough_to_repay_that(
    monkeypatch, epochs, compiled
):
    monkeypatch.setattr(trial, "measured", lambda *_, **__: pytest.fail("this was known already"))
    config = TrainConfig(
        startup="fast_run", precision="float32", memory_format="channels_last", val_fraction=0.1
    )
    key = "channels_last/float32"
    known = TrialTimes(
        formats={key: [0.01] * 5},
        compiling={key: [0.01] * 5, f"{key}/compiled": [0.005] * 5},
    )
    # ten steps an epoch: 0.1 s, and for a ninth as many images, forward only, 0.0037 s
    found, _ = resolve(config, "cpu", total_steps=10 * epochs, num_classes=4, times=known)
    assert found.compiled
    assert found.compiled_evaluation is compiled
    assert ("compiled, in validation too: " in found.sentence) is compiled
    assert from_record(found.record(), "cpu") == found
