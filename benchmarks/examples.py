"""Builds the shipped examples anew: trains three runs, packs them small, and draws the pictures.

python -m benchmarks.examples --data cifar10-jpeg.tar.gz --store build/examples

Runs that the store already has are only packed. What a run needs to be resumed, and what is known
of the machine, is left out. A network that was evaluated in bfloat16 computes with weights of that
format, so they are kept in it: this is checked on every kept prediction.
"""

import argparse
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from msgspec.structs import replace
from safetensors.torch import load_file, save_file

from benchmarks import example_pictures
from cifar_core import data
from cifar_core.data.away import UNSHIPPED
from cifar_core.disk import files
from cifar_core.examples import EXAMPLES, Example
from cifar_core.runs import Run, Store
from cifar_core.runs.exchange import run_zip
from cifar_core.runs.exchange.unpack import unpack
from cifar_core.runs.exchange.zip_shapes import KINDS, shaped
from cifar_core.runs.record import checkpoint_cleanup, checkpoints
from cifar_core.runs.record.records import About, Environment
from cifar_core.runs.results import predictions
from cifar_core.training.setup import evaluation_batches

MOST_BYTES = 1_400_000  # of the three zips
ALWAYS_AT = (2026, 11, 29, 0, 0, 0)  # so that the same run gives the same zip
FORGOTTEN = ("machine", "system", "git_commit")  # entries of environment.json
SHAPES = ("threads=1", "optimizer=adam", "learning_rate=0.005", "batch_size=32", "epochs=8")
SHIPPED = "Shipped with CIFAR Lab and trained on another computer."


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How an example is trained, and what its note says."""

    preset: str
    settings: tuple[str, ...]
    note: str
    title: str = ""  # of images that are not shipped; empty for those that the program draws


RECIPES = {
    "photographs": Recipe(
        preset="lab_cnn",
        settings=("threads=1",),
        note=f"{SHIPPED} It is the preset *Lab CNN*, unchanged, on JPEG copies of CIFAR-10, which "
        "cost some accuracy compared with the original files. The photographs are not included: "
        "results and curves are complete, but its training and test images cannot be shown.",
        title="CIFAR-10, JPEG copies",
    ),
    "shapes": Recipe(
        preset="lab_cnn",
        settings=(*SHAPES, "train_fraction=1"),
        note=f"{SHIPPED} It tells ten drawn shapes apart. Compare it with *Example: shapes, a "
        "quarter of the images*: only the number of training images differs.",
    ),
    "fewer_shapes": Recipe(
        preset="lab_cnn",
        settings=(*SHAPES, "train_fraction=0.25"),
        note=f"{SHIPPED} It tells ten drawn shapes apart, and had a quarter of the training "
        "images of *Example: shapes*.",
    ),
}


def main() -> int:
    """Build the zips and the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="the JPEG copies of CIFAR-10")
    parser.add_argument("--store", default="build/examples", type=Path)
    parser.add_argument("--only-pictures", action="store_true")
    arguments = parser.parse_args()
    example_pictures.write()
    if arguments.only_pictures:
        return 0
    store = Store(arguments.store)
    for example in EXAMPLES.values():
        recipe = RECIPES[example.key]
        run = trained(store, example, recipe, arguments.data if recipe.title else "synthetic")
        pack(run, example, recipe)
        print(f"{example.key}: test accuracy {run.summary.test_accuracy:.2%}, "
              f"{example.path.stat().st_size:,} bytes")  # fmt: skip
    size = sum(example.path.stat().st_size for example in EXAMPLES.values())
    print(f"together {size:,} bytes, of which at most {MOST_BYTES:,} may be")
    return int(size > MOST_BYTES)


def trained(store: Store, example: Example, recipe: Recipe, images: str) -> Run:
    """Return the run of an example, after training it if the store has none of its name."""
    command = [
        *(sys.executable, "-m", "cifar_core", "train", "--foreground"),
        *("--preset", recipe.preset, "--data", images),
        *("--name", example.title, "--store", str(store.root)),
    ]
    if all(row.name != example.title for row in store.runs()):
        options = [word for setting in recipe.settings for word in ("--set", setting)]
        subprocess.run([*command, *options], check=True)
    (row,) = [row for row in store.runs() if row.name == example.title]
    return store.run(row.id)


def pack(run: Run, example: Example, recipe: Recipe) -> None:
    """Write the zip of an example."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / run.id
        run_zip.export_run(run, Path(name) / "run.zip", "best")
        unpack(Path(name) / "run.zip", folder)
        (weights,) = checkpoints.folders(folder / "checkpoints")
        manifest = files.read_json(weights / checkpoints.MANIFEST)
        checkpoint_cleanup.keep_weights(weights, manifest)
        if run.environment.precision == "bfloat16":
            round_weights(weights)
            check_rounded(run, weights)
        forget(folder, example, recipe)
        example.path.parent.mkdir(exist_ok=True)
        with zipfile.ZipFile(example.path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for path in sorted(path for path in folder.rglob("*") if path.is_file()):
                member = zipfile.ZipInfo(str(path.relative_to(folder)), ALWAYS_AT)
                archive.writestr(member, path.read_bytes(), zipfile.ZIP_DEFLATED)


def forget(folder: Path, example: Example, recipe: Recipe) -> None:
    """Leave out what is known of the machine, and write down the note."""
    for path in folder.glob("attempts/*/*.json"):
        known = shaped(path.name, files.read_json(path), KINDS[path.name])
        files.write_json(path, dict(sorted(known.items())))
    for path in folder.glob("attempts/*/log.txt"):
        path.unlink()
    about = files.read(folder / "about.json", About)
    about = About(name=example.title, created_at=about.created_at, tags=["example"],
                  note=recipe.note)  # fmt: skip
    files.write_json(folder / "about.json", about)
    export = {"schema": run_zip.SCHEMA, "run": folder.name, "weights": "best"}
    files.write_json(folder / "export.json", {**export, "at": about.created_at})
    config, facts = (files.read_json(folder / name) for name in ("config.json", "environment.json"))
    images = files.read(folder / "environment.json", Environment).data
    source = f"{UNSHIPPED}{recipe.title}" if recipe.title else images.source
    here = replace(images, source=source, title=recipe.title or images.title)
    files.write_json(folder / "config.json", {**config, "data": source, "threads": 0})
    kept: Mapping[str, Any] = {k: v for k, v in facts.items() if k not in FORGOTTEN}
    files.write_json(folder / "environment.json", {**kept, "data": files.plain_of(here)})


def round_weights(folder: Path) -> None:
    """Round the filters and the matrices of a checkpoint to bfloat16, in files of float32."""
    path = folder / checkpoints.MODEL
    weights = {
        name: tensor.bfloat16().float() if tensor.dim() > 1 else tensor
        for name, tensor in load_file(path).items()
    }
    save_file(weights, path)
    manifest = files.read_json(folder / checkpoints.MANIFEST)
    sealed = checkpoints.seal({**manifest, "files": {path.name: checkpoints.facts_of(path)}})
    files.write_json(folder / checkpoints.MANIFEST, sealed)


def check_rounded(run: Run, folder: Path) -> None:
    """Compare the predictions of the rounded weights with the kept ones: no class may change."""
    images = data.load(run.source, run.store_root)
    model = run.config.build_model(len(images.classes)).eval()
    model.load_state_dict(load_file(folder / checkpoints.MODEL))
    model = model.to(memory_format=torch.channels_last)
    for part in run_zip.CARRIED:
        kept = predictions.kept(run, "val" if part == "val" else "test", folder.name)
        assert kept is not None, f"run {run.id} has no predictions for {part}"
        source = images.test if part == "test" else images.train
        batches = evaluation_batches(source, kept.indexes, "cpu", run.config.computes_on)
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            logits = np.concatenate(
                [model(pixels).float().numpy() for pixels, _ in batches.epoch()]
            )
        changed = int((logits.argmax(1) != kept.predicted).sum())
        far = float(np.abs(logits - kept.logits).max())
        print(f"{part}: {changed} of {len(logits):,} predictions changed, logits by up to {far:g}")
        assert changed == 0


if __name__ == "__main__":
    sys.exit(main())
