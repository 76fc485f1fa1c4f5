"""Files of other tools, one for each format, each with the same two short runs where it can.

Those of TensorBoard are written by tensorboardX; the others by hand, after the documented formats.
"""

import json
import sqlite3
import struct
import tempfile
from contextlib import closing
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from cifar_core.runs.exchange.curves import mapping, reader
from cifar_core.runs.exchange.curves.bring_in import bring_in
from cifar_core.runs.exchange.curves.event_files import checksums, masked
from cifar_core.runs.exchange.curves.found import load

TABLE_HEAD = "step,loss\n1,2\n"
STEPS = (10, 20, 30)
LOSSES = {"alpha": (2.0, 1.5, 1.0), "beta": (2.2, 1.8, 1.4)}
SHARES = {"alpha": (0.3, 0.45, 0.4), "beta": (0.2, 0.3, 0.35)}


def tensorboard(folder):
    """Two runs as event files."""
    from tensorboardX import SummaryWriter

    for run, losses in LOSSES.items():
        writer = SummaryWriter(str(folder / "logs" / run))
        for step, loss, share in zip(STEPS, losses, SHARES[run], strict=True):
            writer.add_scalar("loss/train", loss, step, walltime=1.7e9 + step)
            writer.add_scalar("accuracy/validation", share, step, walltime=1.7e9 + step)
        writer.close()
    return folder / "logs"


def csv(folder):
    """Two runs in a table with a column for the run."""
    lines = ["run,epoch,step,train_loss,val_acc"]
    lines += [f"{run},{i + 1},{step},{LOSSES[run][i]},{100 * SHARES[run][i]}"
              for run in LOSSES for i, step in enumerate(STEPS)]  # fmt: skip
    return text(folder / "table.csv", "\n".join(lines) + "\n")


def wandb(folder):
    """What the chart of a metric exports."""
    head = ['"Step"']
    for run in LOSSES:
        head += [f'"{run} - val/acc"', f'"{run} - val/acc__MIN"', f'"{run} - val/acc__MAX"']
    lines = [",".join(head)]
    for i, step in enumerate(STEPS):
        cells = [f'"{share[i]}"' for share in SHARES.values() for _ in range(3)]
        lines.append(",".join([f'"{step}"', *cells]))
    return text(folder / "wandb_export_2026-11-30.csv", "\n".join(lines) + "\n")


def wandb_history(folder, name="history.jsonl"):
    """The history of a run as lines of JSON, as scan_history yields it."""
    rows = [{"_step": i, "_runtime": 1.5 * i, "_timestamp": 1.7e9 + i, "train/loss": loss,
             "trainer/global_step": STEPS[i], "epoch": i + 1, "val": {"acc": SHARES["alpha"][i]},
             "note": "text", "gpu": None}
            for i, loss in enumerate(LOSSES["alpha"])]  # fmt: skip
    return text(folder / name, "".join(json.dumps(row) + "\n" for row in rows))


def trackio(folder):
    """The database of a project."""
    path = folder / "my-project.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE metrics (id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT "
                   "NULL, timestamp TEXT NOT NULL, run_name TEXT NOT NULL, step INTEGER NOT NULL, "
                   "metrics TEXT NOT NULL)")  # fmt: skip
        db.execute("CREATE TABLE configs (id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT "
                   "NULL, run_name TEXT NOT NULL, config TEXT NOT NULL, created_at TEXT NOT NULL, "
                   "UNIQUE(run_id))")  # fmt: skip
        for run, losses in LOSSES.items():
            for i, step in enumerate(STEPS):
                said = json.dumps({"train/loss": losses[i], "val/accuracy": SHARES[run][i],
                                   "bad": "NaN"}).encode()  # fmt: skip
                db.execute("INSERT INTO metrics (run_id, timestamp, run_name, step, metrics) "
                           "VALUES (?, ?, ?, ?, ?)",
                           (f"id-{run}", f"2026-11-30T12:00:{step}", run, step, said))  # fmt: skip
            db.execute("INSERT INTO configs (run_id, run_name, config, created_at) VALUES "
                       "(?, ?, ?, ?)", (f"id-{run}", run, json.dumps({"model": "resnet18",
                       "optimizer": {"lr": 0.1}}), "2026-11-30T12:00:00"))  # fmt: skip
        db.commit()
    return path


def trackio_parquet(folder):
    """The Parquet file of a project."""
    rows = [{"id": 1, "run_id": f"id-{run}", "timestamp": "2026-11-30T12:00:00", "run_name": run,
             "step": step, "train/loss": LOSSES[run][i], "val/accuracy": SHARES[run][i]}
            for run in LOSSES for i, step in enumerate(STEPS)]  # fmt: skip
    parquet.write_table(pa.Table.from_pylist(rows), folder / "my-project.parquet")
    return folder / "my-project.parquet"


def mlflow(folder):
    """The folders of two runs of an experiment."""
    for run, losses in LOSSES.items():
        home = folder / "mlruns" / "0" / f"id{run}"
        for name, values in {"train_loss": losses, "val/accuracy": SHARES[run]}.items():
            path = home / "metrics" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            text(path, "".join(f"{1_700_000_000_000 + step} {value} {step}\n"
                               for step, value in zip(STEPS, values, strict=True)))  # fmt: skip
        (home / "params").mkdir()
        text(home / "params" / "optimizer", "adam")
        text(home / "meta.yaml", f"artifact_uri: ./artifacts\nrun_name: {run}\nstatus: 3\n")
    return folder / "mlruns"


EXAMPLES = {  # by the key of a format; each has a file or a folder
    "tensorboard": tensorboard,
    "csv": csv,
    "wandb": wandb,
    "trackio": trackio,
    "mlflow": mlflow,
}


def text(path, words):
    """Write a text file; return its path."""
    path.write_text(words, encoding="utf-8")
    return path


def record(data):
    """Return an event's bytes as a record of an event file."""
    length = struct.pack("<Q", len(data))
    sums = [struct.pack("<I", masked(checksums([part])[0])) for part in (length, data)]
    return length + sums[0] + data + sums[1]


def looked(path, name="", format_=""):
    """Return what is in a file, read in this process, without the limits of the other."""
    with tempfile.TemporaryDirectory() as folder:
        reader.read(path, name or path.name, Path(folder), format_)
        return load(Path(folder), name or path.name, "")


def brought_in(store, path, targets=None, **options):
    """Import everything in a file; return the runs."""
    found = looked(path)
    choices = mapping.changed(found, mapping.proposed(found), targets or {})
    return bring_in(store, found, choices, **options)
