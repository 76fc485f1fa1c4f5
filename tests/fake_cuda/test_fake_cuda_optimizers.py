"""Every optimizer on a fake CUDA device, before and after a restored snapshot."""

from itertools import islice
from typing import Any

import pytest
from fake_device import fake_cuda
from fake_runs import elsewhere, minded, prepared, watched
from safetensors.torch import load, save
from torch import Tensor
from torch.utils._pytree import tree_leaves

from cifar_core.disk import files
from cifar_core.optim import OPTIMIZERS
from cifar_core.training.events import Tick
from cifar_core.training.snapshot import Snapshot
from cifar_core.training.trainer import Trainer

SETTINGS = {"model": "simple_cnn", "weight_decay": 0.01, "ema_epochs": 1.0}


def remembered(trainer: Trainer) -> list[Any]:
    """Return what the optimizer keeps of each weight: of tensors, all but the numbers."""
    memories = [trainer.optimizer.state[weight] for weight in trainer.trained]
    return [
        (name, str(v.device), v.dtype, v.shape, v.stride()) if isinstance(v, Tensor) else (name, v)
        for memory in memories
        for name in sorted(memory)
        for v in tree_leaves(memory[name])
    ]


def through_files(snapshot: Snapshot) -> Snapshot:
    """Return what is left of a snapshot in the formats of a checkpoint's files."""
    model, state = (load(save(tensors)) for tensors in (snapshot.model, snapshot.state))
    return Snapshot(model=model, state=state, meta=files.unchecked(files.as_text(snapshot.meta)))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_an_optimizer_goes_on_from_a_snapshot_as_it_was(optimizer):
    with fake_cuda() as watch:
        first, second = (
            watched(prepared(**SETTINGS, optimizer=optimizer).trainer, watch) for _ in range(2)
        )
        ticks = (event for event in first.run() if isinstance(event, Tick))
        before = minded(watch, islice(ticks, 1))
        second.restore(through_files(first.snapshot()))
        kept = remembered(second)
        assert kept == remembered(first)
        after = minded(watch, second.run())
    assert (before, after) == ({}, {})
    assert kept
    assert not elsewhere(second.model)
