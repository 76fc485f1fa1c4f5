"""Decides how a run's steps are computed, and keeps the measurements for later runs.

trials/<model>-<digest>.json
    what was measured, with which settings, and the sentence of the last decision
"""

import dataclasses
import hashlib
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import asdict

from cifar_core.data.dataset import SIZE
from cifar_core.disk import files
from cifar_core.runs.prepare import image_size
from cifar_core.runs.record.records import AttemptPlan, Environment
from cifar_core.settings import rule_of

if TYPE_CHECKING:
    from cifar_core.config import TrainConfig
    from cifar_core.data.dataset import Dataset
    from cifar_core.training.step.step_plan import StepPlan
    from cifar_core.training.task.teachers import Teacher

Say = Callable[[str], None]
UPCOMING = "A trial of a few seconds at the start finds the fastest way to compute a step here."


def decide(
    config: "TrainConfig",
    dataset: "Dataset",
    attempt: AttemptPlan,
    store: Path,
    *,
    before: Environment | None = None,
    teachers: "Sequence[Teacher]" = (),
    say: Say = lambda _: None,
) -> "StepPlan":
    """Return the plan with which the run began, or the one that rules and trials choose.

    `attempt` gives the device, its name and the threads; `before` is the run's environment.json so
    far, None for a run that has not begun; `teachers` are those that it learns from.
    """
    from cifar_core.training.setup import steps_of
    from cifar_core.training.step.trial import TrialTimes, resolve
    from cifar_core.training.task.teachers import asked_each_time

    if plan := recorded(before or Environment(), attempt.device):
        return plan
    config, teachers = asked_each_time(config, teachers)
    asked = [dict(teacher.built) for teacher in teachers]
    path = path_of(config, attempt.device_name, attempt.threads, store, asked)
    kept = files.read_json(path)
    times = TrialTimes(formats=kept.get("formats", {}), compiling=kept.get("compiling", {}))
    start = time.monotonic()
    plan, races = resolve(
        config,
        attempt.device,
        total_steps=steps_of(config, dataset),
        num_classes=len(dataset.classes),
        times=times,
        teachers=teachers,
    )
    if races != times:
        say(f"A trial of the ways to compute a step took {time.monotonic() - start:.1f} s.")
    if races != TrialTimes():
        path.parent.mkdir(parents=True, exist_ok=True)
        values = {
            **identity_of(config, attempt.device_name, attempt.threads, asked),
            **dataclasses.asdict(races),
            "sentence": plan.sentence,
        }
        if values != kept:
            files.write_json(path, values)
    return plan


def recorded(before: Environment, device: str) -> "StepPlan | None":
    """Return the plan with which a run began, None if it has not begun.

    Also None on another kind of device, or one without hardware for the number format.
    """
    from cifar_core.training.step.precision import multiplies
    from cifar_core.training.step.step_plan import from_record

    same_kind = before.device.split(":")[0] == device.split(":")[0]
    if not same_kind or not multiplies(before.precision, device):
        return None
    if before.step_plan:
        return from_record(asdict(before.step_plan), device)
    # before step plans existed, every run was channels-last and uncompiled
    return from_record(
        {
            "memory_format": "channels_last",
            "precision": before.precision,
            "precision_reason": before.precision_reason,
            "compiled": False,
            "reason": "as this run began.",
        },
        device,
    )


def expected(config: "TrainConfig", dataset: "Dataset", attempt: AttemptPlan, root: Path) -> str:
    """Say before a run how its steps will be computed, without using the device.

    Of a run with teachers, which are not opened here, only what needs no trial is known.
    """
    from cifar_core.training.freezing import keeps_answers
    from cifar_core.training.setup import steps_of
    from cifar_core.training.step.step_plan import why_by_rule

    side = image_size.decided(config, root, attempt.device).sizing.side
    config = dataclasses.replace(config, image_size=side)
    if reason := why_by_rule(config, attempt.device, steps_of(config, dataset)):
        return f"The way to compute a step is chosen {reason}"
    if config.distill_share and not keeps_answers(config):
        return UPCOMING
    kept = files.read_json(path_of(config, attempt.device_name, attempt.threads, root))
    return str(kept.get("sentence") or UPCOMING)


def identity_of(
    config: "TrainConfig", device_name: str, threads: int, asked: Sequence[dict[str, Any]] = ()
) -> dict[str, Any]:
    """Return the settings and the machine for which a measurement is valid.

    `asked` says of each teacher that is asked in each step how it is built.
    """
    from importlib import metadata

    values = {f.name: getattr(config, f.name)
              for f in config.relevant() if rule_of(f).shapes_step}  # fmt: skip
    del values["image_size"]
    if config.side != SIZE:  # trials of earlier versions, all with images of 32, stay valid
        values["image_size"] = config.side
    if config.devices > 1:  # each computes a part of the batch; those of one device stay valid
        values["devices"] = config.devices
    if asked:
        values["teachers"] = list(asked)
    return {**values, "device": device_name, "threads": threads,
            "torch": metadata.version("torch")}  # fmt: skip


def path_of(
    config: "TrainConfig",
    device_name: str,
    threads: int,
    root: Path,
    asked: Sequence[dict[str, Any]] = (),
) -> Path:
    """Return the file of the trial that decides for a run."""
    text = json.dumps(identity_of(config, device_name, threads, asked), sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return root / "trials" / f"{config.model}-{digest}.json"


def count(root: Path) -> int:
    """Return how many trials are kept."""
    return len(list((root / "trials").glob("*.json")))
