"""Metrics for other programs: as CSV, and as TensorBoard event files."""

import io
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from cifar_core.disk import output
from cifar_core.disk.tables import as_csv
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
