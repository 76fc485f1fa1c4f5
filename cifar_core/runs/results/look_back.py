"""The predictions of all kept checkpoints of a run, computed in turn by a background job.

Its result, a JSON file under predictions/, only names the checkpoints; the module `predictions`
keeps the predictions themselves.
"""

from hashlib import sha256
from pathlib import Path
from typing import Any, cast

from cifar_core.background.jobs import Report
from cifar_core.disk import files
from cifar_core.runs.record.checkpoints import CheckpointInfo
from cifar_core.runs.record.run import Run
from cifar_core.runs.results import predictions
from cifar_core.runs.results.predictions import Part
from cifar_core.runs.store.run_job import RunJob, job_of


def epochs(run: Run) -> list[CheckpointInfo]:
    """Return the checkpoints saved at an epoch's end, oldest first, one for each epoch."""
    ended = [info for info in run.checkpoints() if info.val_accuracy is not None]
    newest_last = {round(info.epoch): info for info in reversed(ended)}
    return [newest_last[epoch] for epoch in sorted(newest_last)]


def job(run: Run, part: Part) -> RunJob:
    """Return the background job that computes the missing predictions."""
    names = [info.name for info in epochs(run)]
    digest = sha256(" ".join(names).encode()).hexdigest()[:12]
    return job_of(
        run,
        what="predictions for all saved epochs",
        path=run.path / "predictions" / f"look-back-{part}-{digest}.json",
        work=do_job,
        request={"run": str(run.path), "part": part, "checkpoints": names},
    )


def do_job(request: dict[str, Any], report: Report) -> None:
    """Compute what a request asks for, and report how many of all images are done."""
    run, part = Run(Path(request["run"])), cast(Part, request["part"])
    names = request["checkpoints"]
    for index, name in enumerate(names):

        def report_all(done: int, total: int, index: int = index) -> None:
            report(index * total + done, len(names) * total)

        if predictions.kept(run, part, name) is None:
            predictions.compute(run, part, name, report_all)
    files.write_json(Path(request["path"]), {"checkpoints": names})
