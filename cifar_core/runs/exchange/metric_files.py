"""Metrics and the use of the machine for other programs: as CSV, and as TensorBoard event files."""

import io
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cifar_core.disk import files, output
from cifar_core.disk.tables import as_csv
from cifar_core.runs.record import metrics
from cifar_core.runs.record.machine import rows
from cifar_core.runs.record.run import Run

SCALARS = {  # kind of row -> metric -> TensorBoard's name of the curve
    "step": {
        "loss": "loss/train",
        "accuracy": "accuracy/train",
        "learning_rate": "learning_rate",
        "grad_norm": "gradient_norm",
        "images_per_second": "images_per_second",
    },
    "epoch": {
        "val_loss": "loss/validation",
        "val_accuracy": "accuracy/validation",
        "val_balanced_accuracy": "balanced_accuracy/validation",
        "val_macro_f1": "macro_f1/validation",
    },
    "test": {
        "test_loss": "loss/test",
        "test_accuracy": "accuracy/test",
        "test_balanced_accuracy": "balanced_accuracy/test",
        "test_macro_f1": "macro_f1/test",
    },
}


def metrics_csv(runs: Sequence[Run]) -> str:
    """Return every row of some runs as CSV, run after run, each preceded by the run's number."""
    return as_csv([{"run": run.number, **row} for run in runs for row in run.metrics()])


def machine_csv(runs: Sequence[Run]) -> str:
    """Return how some runs used their machines as CSV; the columns of a GPU begin with its name."""
    return as_csv([{"run": run.number, **row} for run in runs for row in machine_rows(run)])


def machine_rows(run: Run) -> Iterator[dict[str, Any]]:
    """Return the rows of all attempts of a run, flat, with the attempt's number."""
    for attempt in metrics.attempt_numbers(run.path):
        device = metrics.attempt_plan(run.path, attempt).device
        for row in rows.read(rows.file_of(run.path, attempt), device=device)[0]:
            plain = files.plain_of(row)
            gpus = plain.pop("gpus", [])
            of_gpus = {
                f"{gpu.get('device', '')} {name}": value
                for gpu in gpus
                for name, value in gpu.items()
                if name != "device"
            }
            yield {"attempt": attempt, **plain, **of_gpus}


def export_events(run: Run, folder: Path) -> None:
    """Write the curves of a run into a folder that a person named; an event file appears whole."""
    with tempfile.TemporaryDirectory() as drafts:
        write_events(run, Path(drafts))
        for path in Path(drafts).iterdir():
            output.write(folder / path.name, path.read_bytes())


def write_events(run: Run, folder: Path) -> None:
    """Write the curves of a run as a TensorBoard event file, at the times of its training."""
    from tensorboardX import SummaryWriter

    writer = SummaryWriter(str(folder))
    for row in run.metrics():
        for key, tag in SCALARS.get(row["kind"], {}).items():
            if row.get(key) is not None:
                writer.add_scalar(tag, row[key], row["step"], walltime=row.get("t"))
    writer.close()


def events_zip(runs: Sequence[Run]) -> bytes:
    """Return a zip with a folder for each run, for tensorboard --logdir."""
    file = io.BytesIO()
    with (
        tempfile.TemporaryDirectory() as folder,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for run in runs:
            write_events(run, Path(folder) / run.id)
        for path in sorted(Path(folder).rglob("events.*")):
            archive.write(path, path.relative_to(folder))
    return file.getvalue()
