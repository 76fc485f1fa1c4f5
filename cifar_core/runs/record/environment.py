"""environment.json: what a run was trained with, so that a result can be understood later."""

import platform
import subprocess
from collections.abc import Sequence
from importlib import metadata
from typing import TYPE_CHECKING

from cifar_core.background.processes import PACKAGE_ROOT
from cifar_core.data.sizing import USUAL, Sizing
from cifar_core.installation import VERSION
from cifar_core.runs.record.computed.how import DataRecord, StepRecord
from cifar_core.runs.record.gpu import facts
from cifar_core.runs.record.records import (
    AttemptPlan,
    Environment,
    UsedTeacher,
    UsedWeights,
)

if TYPE_CHECKING:
    from torch import nn

    from cifar_core.data.batches import Batches
    from cifar_core.data.dataset import Dataset
    from cifar_core.training.features import FeatureBatches
    from cifar_core.training.setup import Setup

    AnyBatches = Batches | FeatureBatches

PACKAGES = ("torch", "torchvision", "numpy", "safetensors", "pillow", "captum", "torch-optimizer")


def describe(
    plan: AttemptPlan,
    dataset: "Dataset",
    setup: "Setup",
    weights: UsedWeights | None = None,
    *,
    teachers: Sequence[UsedTeacher] = (),
    sizing: Sizing = USUAL,
    size_reason: str = "",
    attempt: int = 0,
) -> Environment:
    """Return the versions, machine, GPU, step plan, data and former networks of an attempt."""
    precision = setup.trainer.precision
    return Environment(
        **versions(),
        python=platform.python_version(),
        system=platform.platform(),
        machine=platform.node(),
        git_commit=git_commit(),
        attempt=attempt,
        place=plan.place,
        device=plan.device,
        device_name=plan.device_name,
        device_reason=plan.device_reason,
        devices=max(1, len(plan.devices)),
        threads=plan.threads,
        images_at_once=plan.micro_batch,
        precision=precision.key,
        precision_reason=precision.reason,
        gpu=facts.describe(plan.device),
        step_plan=StepRecord(**setup.trainer.plan.record()),
        parameters=sum(weight.numel() for weight in setup.trainer.model.parameters()),
        dropout=drops_features(setup.trainer.learner),
        data=DataRecord(
            title=dataset.title,
            kind=dataset.kind,
            source=dataset.source,
            note=dataset.note,
            fingerprint=dataset.fingerprint,
            classes=list(dataset.classes),
            train_images=setup.trainer.train_batches.images,
            val_images=setup.trainer.val_batches.images,
            test_images=setup.test.images,
            train_counts=class_counts(setup.trainer.train_batches, dataset),
            val_counts=class_counts(setup.trainer.val_batches, dataset),
            test_counts=class_counts(setup.test, dataset),
            side=sizing.side,
            stored=sizing.stored,
            fit=sizing.fit,
            size_reason=size_reason,
            fingerprint_at_32=dataset.fingerprint_at_32,
        ),
        weights=weights,
        teachers=list(teachers),
    )


def drops_features(network: "nn.Module") -> bool:
    """Return True if the trained part of a network has a dropout layer that drops anything."""
    from torch.nn.modules.dropout import _DropoutNd

    return any(isinstance(m, _DropoutNd) and m.p > 0 for m in network.modules())


def class_counts(batches: "AnyBatches", dataset: "Dataset") -> list[int]:
    """Return how many of the images belong to each class."""
    counts: list[int] = batches.labels.bincount(minlength=len(dataset.classes)).tolist()
    return counts


def versions() -> dict[str, str]:
    """Return the installed versions of PACKAGES, by their field names in `Environment`."""
    return {package.replace("-", "_"): version_of(package) for package in PACKAGES}


def essentials() -> dict[str, str]:
    """Return the versions that all machines of a run must share, by their names.

    That of torch is without how it was built, which differs between machines with and without a
    GPU. The commit is not among them: a shared checkout may be updated while runs wait.
    """
    return {
        "CIFAR Lab": VERSION,
        "torch": version_of("torch").split("+")[0],
    }


def version_of(package: str) -> str:
    """Return an installed package's version; empty if it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def git_commit() -> str:
    """Return the commit of this program; empty if it is not in a git checkout."""
    command = ["git", "-C", PACKAGE_ROOT, "rev-parse", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()
