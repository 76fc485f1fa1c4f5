"""Verifies a run: trains its first steps again and compares each logged loss, bit for bit.

verify.json in the run's folder holds the last verification; a background job computes it. On the
CPU equal settings, seed, images, threads and versions give equal numbers, so any difference has a
cause, and the likely ones are named.
"""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import structs

from cifar_core import devices
from cifar_core.background.jobs import Report, quietly
from cifar_core.devices import Device, turns
from cifar_core.disk import files
from cifar_core.errors import RunError
from cifar_core.people import OPERATOR
from cifar_core.runs.family import beginning
from cifar_core.runs.family.beginning import Beginning, beginning_of
from cifar_core.runs.family.teachers import open_teachers
from cifar_core.runs.prepare import step_plans
from cifar_core.runs.record import metrics
from cifar_core.runs.record.divergences.decisions import rate_shares
from cifar_core.runs.record.environment import git_commit, versions
from cifar_core.runs.record.gpu import facts
from cifar_core.runs.record.gpu.facts import GPURecord
from cifar_core.runs.record.records import Environment
from cifar_core.runs.record.run import Run
from cifar_core.runs.record.run_kinds import KINDS, TRAINING
from cifar_core.runs.store.run_job import RunJob, job_of

if TYPE_CHECKING:
    from cifar_core.training.setup import Setup

STEPS = 20
FILE = "verify.json"
COMPARED = ("loss", "accuracy", "grad_norm", "learning_rate")  # of each report


@dataclass(frozen=True, kw_only=True)
class Difference:
    """The first number that was not reproduced."""

    step: int
    what: str  # one of COMPARED
    recorded: float
    again: float


@dataclass(frozen=True, kw_only=True)
class Verification:
    """The result of training the first steps again."""

    run: str
    steps: int  # trained again
    reports: int  # compared, each with all of COMPARED
    difference: Difference | None
    reasons: tuple[str, ...]  # what has changed, each a phrase
    seconds: float
    at: float  # unix seconds

    @property
    def equal(self) -> bool:
        """Whether every number was reproduced, bit for bit."""
        return self.difference is None

    @property
    def sentence(self) -> str:
        """The result in words."""
        reports = f"{self.reports} logged report" + ("" if self.reports == 1 else "s")
        if self.difference is None:
            return (
                f"Equal: the first {self.steps} steps gave the same loss, accuracy, gradient and "
                f"rate, bit for bit ({reports} compared)."
            )
        first = self.difference
        return (
            f"Different from step {first.step} on: {first.what.replace('_', ' ')} was "
            f"{first.recorded!r}, and is now {first.again!r}. {why(self.reasons)}"
        )


def why(reasons: tuple[str, ...]) -> str:
    """Name the likely reasons."""
    if reasons:
        return f"Likely because {', and '.join(reasons)}."
    return (
        "No recorded difference explains it. On a GPU, sums may be computed in another order; the "
        "setting 'deterministic' prevents that."
    )


def job(run: Run, steps: int = STEPS) -> RunJob:
    """Return the background job that trains the first steps again."""
    request = {"run": str(run.path), "steps": steps}
    return job_of(
        run, path=run.path / FILE, work=do_job,
        request=request, what="a verification", needed=OPERATOR,
    )  # fmt: skip


def kept(run: Run) -> Verification | None:
    """Return the last verification, if there was one."""
    values = files.read_json(run.path / FILE)
    if not values:
        return None
    first = values["difference"]
    return Verification(
        **{**values, "difference": first and Difference(**first),
           "reasons": tuple(values["reasons"])}
    )  # fmt: skip


def verify(run: Run, steps: int = STEPS, report: Report = quietly) -> Verification:
    """Train the first steps again here and compare; at least up to the first logged report.

    RunError if it was trained on several devices; BusyError if the GPU that it needs is in use.
    """
    start = time.monotonic()
    if why_not := refusal(run):
        raise RunError(why_not)
    logged = recorded(run)
    first = beginning.first_step(run)
    last = max(first + steps, logged[0]["step"])
    wanted = {row["step"]: row for row in logged if row["step"] <= last}
    steps, place = max(wanted) - first, device_of(run)
    with turns.measuring(run.store_root, [place]):
        again, environment = train(run, place, frozenset(wanted), report)
    verification = Verification(
        run=run.id,
        steps=steps,
        reports=len(wanted),
        difference=first_difference(wanted, again),
        reasons=tuple(differences(run.environment, environment)),
        seconds=time.monotonic() - start,
        at=time.time(),
    )
    files.write_json(run.path / FILE, asdict(verification))
    return verification


def refusal(run: Run) -> str:
    """Return why a run cannot be verified, whatever it has logged; empty if it can be."""
    if (count := run.environment.devices) == 1:
        return ""
    return (
        f"Run {run.id} was trained on {count} devices, and Verify trains on one, whose numbers "
        "can differ without any fault. To have a run that can be verified, clone it with devices "
        "1 and train the clone."
    )


def recorded(run: Run) -> list[dict[str, Any]]:
    """Return the reports of the run's own steps from its beginning."""
    if run.kind != TRAINING:
        raise RunError(
            f"Run {run.id} {KINDS[run.kind].instead}. Only training runs can be verified."
        )
    first = beginning.first_step(run)
    rows = [row for row in run.metrics() if row["kind"] == "step" and row["step"] > first]
    if not rows:
        raise RunError(
            f"Run {run.id} has not logged a step yet, so there is nothing to compare with."
        )
    return rows


def device_of(run: Run) -> Device:
    """Return the device that the run began on; the CPU if this machine has none of that name."""
    wanted = metrics.attempt_plan(run.path, 1).device or run.environment.device or "cpu"
    there = devices.current(run.store_root).devices
    return next((place for place in there if place.torch_name == wanted), there[-1])


def train(
    run: Run, place: Device, reported: frozenset[int], report: Report
) -> tuple[dict[int, dict[str, Any]], dict[str, Any]]:
    """Train again and report after the same steps; return this, and this environment's values."""
    import torch

    from cifar_core.training.events import StepEvent, Tick, row

    before, last = torch.get_num_threads(), max(reported)
    try:
        setup, environment = prepared(run, place)
        trainer = setup.trainer
        first = trainer.step
        trainer.due = lambda *_: trainer.step + 1 in reported
        shares = rate_shares(run.path)
        trainer.progress.rate_share *= shares.get(first, shares.get(0, 1.0))
        again: dict[int, dict[str, Any]] = {}
        for event in trainer.run():
            if isinstance(event, Tick):
                report(min(trainer.step, last) - first, last - first)
                trainer.progress.rate_share = shares.get(trainer.step, trainer.progress.rate_share)
            elif isinstance(event, StepEvent):
                again[event.step] = row(event)
            if last in again:
                break
    finally:
        torch.set_num_threads(before)
    return again, environment


def prepared(run: Run, place: Device) -> "tuple[Setup, dict[str, Any]]":
    """Build the run's trainer as it was at the start; return environment.json's values too."""
    import torch

    from cifar_core import data
    from cifar_core.runs.prepare.kept_features import keep_features
    from cifar_core.runs.results.predictions import check
    from cifar_core.training.place import compute_on
    from cifar_core.training.setup import prepare

    recorded, config = run.environment, run.config
    threads = metrics.attempt_plan(run.path, 1).threads or recorded.threads or 1
    compute_on(place.torch_name, threads)
    dataset = data.load(run.source, run.store_root, run.sizing)
    check(run, dataset.fingerprint)
    plan = step_plans.recorded(recorded, place.torch_name)
    teachers = open_teachers(run, dataset.classes)
    snapshot = beginning.snapshot_of(run)
    began = Beginning() if snapshot else beginning_of(run, config, dataset.classes)
    setup = prepare(
        config, dataset, place.torch_name, began.pretrained, plan,
        fresh=snapshot is None, begun=began.begun, teachers=teachers,
    )  # fmt: skip
    if snapshot:
        setup.trainer.restore(snapshot)
    for _ in keep_features(setup, dataset.fingerprint, run.store_root, lambda _: None):
        pass

    environment = {
        "device": place.torch_name,
        "device_name": place.name,
        "threads": torch.get_num_threads(),
        "precision": setup.trainer.precision.key,
        "git_commit": git_commit(),
        **versions(),
        **gpu_versions(facts.describe(place.torch_name) or GPURecord()),
    }
    return setup, environment


def gpu_versions(gpu: GPURecord) -> dict[str, str]:
    """Return the versions that decide what a GPU computes, as far as they are known."""
    known = {"cuda": gpu.cuda, "hip": gpu.hip, "cudnn": gpu.cudnn, "gpu_driver": gpu.gpu_driver}
    return {name: version for name, version in known.items() if version}


def first_difference(
    recorded: Mapping[int, Mapping[str, Any]], again: Mapping[int, Mapping[str, Any]]
) -> Difference | None:
    """Return the first number that differs, or None."""
    for step in sorted(recorded):
        for what in COMPARED:
            old, new = recorded[step].get(what), again.get(step, {}).get(what)
            if old is not None and old != new:
                return Difference(step=step, what=what, recorded=old,
                                  again=float("nan") if new is None else new)  # fmt: skip
    return None


WORDS = {
    "git_commit": "the program",
    "device_name": "the processor",
    "torch_optimizer": "torch-optimizer",
    "cuda": "CUDA",
    "hip": "HIP",
    "cudnn": "cuDNN",
    "gpu_driver": "the GPU's driver",
}


def differences(recorded: Environment, here: Mapping[str, Any]) -> list[str]:
    """Say what differs from the run's record, the most important first."""
    reasons = []
    known = {**structs.asdict(recorded), **structs.asdict(recorded.gpu or GPURecord())}
    for name, now in here.items():
        before = known[name]
        if before and before != now:
            old, new = (str(value)[:40] for value in (before, now))
            if name == "git_commit":
                old, new = old[:12], new[:12]
            reasons.append(f"{WORDS.get(name, name)} was {old} and is {new}")
    if recorded.threads_now:
        reasons.append(f"the number of threads changed during training (to {recorded.threads_now})")
    return reasons


def do_job(request: dict[str, Any], report: Report) -> None:
    """Compute what a request asks for."""
    verify(Run(Path(request["run"])), request["steps"], report)
