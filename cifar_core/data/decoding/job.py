"""Decodes images in a background job, for pages that wait for none."""

from pathlib import Path
from typing import Any

from cifar_core.background.jobs import Job, Report
from cifar_core.data import find
from cifar_core.data.decoding.progress import Reading, reading_of
from cifar_core.data.options import folder_of
from cifar_core.disk import files
from cifar_core.disk.checks import LONGEST
from cifar_core.errors import DataError

NAME = "read.json"  # the result, in the source's folder of data/sets: what was decoded last


def job_of(source: str, store: Path, by: str) -> Job:
    """Return the job that decodes a resolved source on behalf of a person."""
    return Job(
        root=store,
        by=by,
        path=folder_of(store, source) / NAME,
        work=work,
        request={"source": source, "store": str(store)},
    )


def work(request: dict[str, Any], report: Report) -> None:
    """Decode the images of a request, from where an earlier process stopped; raises DataError.

    That they are refused is a result too: `find.kept` says why until the source changes.
    """
    path, source, store = Path(request["path"]), request["source"], Path(request["store"])
    path.unlink(missing_ok=True)
    try:
        dataset = find.load(source, store, thorough=True, report=report)
    except DataError as error:
        if not find.refusal_of(source, store):
            raise
        files.write_json(path, {"source": source, "refused": str(error)[:LONGEST]})
    else:
        files.write_json(path, {"source": source, "fingerprint": dataset.fingerprint})


def state_of(job: Job, source: str) -> Reading | None:
    """Return how far the decoding of a source is, also by a run; None if no process decodes it."""
    found = reading_of(job.root, source)
    if found is None and job.is_running:
        done, total = job.progress
        return Reading(done=done, total=total, ahead=job.ahead)
    return found
