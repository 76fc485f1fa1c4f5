"""The answers of all kept checkpoints of a run, computed one after another by one errand.

Its result, a JSON file under predictions/, only names the checkpoints; the answers themselves
are kept by cifar_core.runs.predictions.
"""

import sys
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

from cifar_core.background.jobs import Job, Report, serve
from cifar_core.disk import files
from cifar_core.runs.record.checkpoints import CheckpointInfo
from cifar_core.runs.record.run import Run
from cifar_core.runs.results import predictions
from cifar_core.runs.results.predictions import Part, Predictions


def epochs(run: Run) -> list[CheckpointInfo]:
    """Return the checkpoints saved at an epoch's end, oldest first, one for each epoch."""
    ended = [info for info in run.checkpoints() if info.val_accuracy is not None]
    newest_last = {round(info.epoch): info for info in reversed(ended)}
    return [newest_last[epoch] for epoch in sorted(newest_last)]


def kept(run: Run, part: Part) -> dict[float, Predictions]:
    """Return the answers that are there, by epoch."""
    found = {info.epoch: predictions.kept(run, part, info.name) for info in epochs(run)}
    return {epoch: each for epoch, each in found.items() if each is not None}


def errand(run: Run, part: Part) -> Job:
    """Return the work of computing whatever is missing."""
    names = [info.name for info in epochs(run)]
    digest = sha256(" ".join(names).encode()).hexdigest()[:12]
    return Job(
        path=run.path / "predictions" / f"look-back-{part}-{digest}.json",
        module="cifar_core.runs.results.look_back",
        request={"run": str(run.path), "part": part, "checkpoints": names},
    )


def answer(request: dict[str, Any], tell: Report) -> None:
    """Compute what a request asks for, and tell how many images are done of all."""
    run, part, names = (
        Run(Path(request["run"])),
        cast(Part, request["part"]),
        request["checkpoints"],
    )
    for place, name in enumerate(names):

        def tell_all(done: int, total: int, place: int = place) -> None:
            tell(place * total + done, len(names) * total)

        if predictions.kept(run, part, name) is None:
            predictions.compute(run, part, name, tell_all)
    files.write_json(Path(request["path"]), {"checkpoints": names})


if __name__ == "__main__":
    sys.exit(serve(answer, sys.argv[1]))
