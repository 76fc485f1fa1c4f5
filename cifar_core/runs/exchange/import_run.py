"""Imports a run from a zip without trusting anything in it; a refused zip leaves no trace."""

import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, cast

from msgspec.structs import replace

from cifar_core.disk import arrays, files
from cifar_core.errors import ArchiveError, CheckpointError, ConfigError, DataError
from cifar_core.runs.exchange.other_store import rename_ancestors
from cifar_core.runs.exchange.run_zip import SCHEMA
from cifar_core.runs.exchange.unpack import unpack
from cifar_core.runs.exchange.zip_shapes import KINDS, MANIFEST_KINDS, ROWS, Export, shaped
from cifar_core.runs.record import checkpoints, status
from cifar_core.runs.record.family.ancestors import FOLDER
from cifar_core.runs.record.records import About, DataRecord, Environment, Origin
from cifar_core.runs.record.run import Run
from cifar_core.runs.record.run_kinds import TRAINING
from cifar_core.runs.record.states import STATES
from cifar_core.runs.results import predictions
from cifar_core.runs.store.store import SCHEMA as CONFIG_SCHEMA
from cifar_core.runs.store.store import Store


def import_run(store: Store, source: IO[bytes] | Path, *, data: str = "") -> Run:
    """Create a run, with a new number, from a zip that `export_run` wrote; ArchiveError if not.

    `data` names the images that the run continues with; by default those with the same
    fingerprint if they are decoded here, and otherwise those that the run names.
    """
    with store.action("import runs", "imported") as line:
        (store.root / "runs").mkdir(parents=True, exist_ok=True)
        path = store.root / "runs" / f".draft-import-{time.time_ns()}"
        path.mkdir()
        try:
            unpack(source, path)
            name = check(path, store, data)
            run = store.adopt(path, name)
        finally:
            shutil.rmtree(path, ignore_errors=True)
        line.run = run.id
    return run


def check(folder: Path, store: Store, data: str) -> str:
    """Check every file, remove what does not belong in it, and return the run's name."""
    origin = check_files(folder)
    check_config(folder, store, data)
    for ancestor in folder.glob(f"{FOLDER}/*"):
        check_config(ancestor, store, data)
    rename_ancestors(folder, store.root / "runs")
    return settle(folder, origin, store.by.name)


def check_files(folder: Path) -> Export:
    """Check every file but the settings, whose check needs torch; return what was exported."""
    for pattern in ("*.json", "attempts/*/*.json", f"{FOLDER}/*/*.json"):
        for path in folder.glob(pattern):
            if path.name in KINDS:
                values = read(folder, str(path.relative_to(folder)))
                files.write_json(path, shaped(path.name, values, KINDS[path.name]), durable=False)
    origin = files.read(folder / "export.json", Export)
    if origin.schema != SCHEMA:
        raise ArchiveError("This zip is from a newer version. Update this program, then import it.")
    for name, is_valid in ROWS.items():
        for path in folder.glob(f"attempts/*/{name}"):
            check_rows(path, is_valid)
    for path in checkpoints.folders(folder / "checkpoints"):
        check_checkpoint(path)
    check_ancestors(folder)
    check_best(folder)
    for path in folder.glob("predictions/*"):
        check_predictions(folder, path)
    (folder / "export.json").unlink()
    return origin


def read(folder: Path, name: str) -> dict[str, Any]:
    """Return the object in a JSON file of the zip."""
    try:
        return files.unchecked((folder / name).read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ArchiveError(f"{name} of this zip is damaged. Export the run again.") from error


def check_config(folder: Path, store: Store, data: str) -> None:
    """Check the settings as for a new run, and set where the images are on this machine."""
    from cifar_core.config import TrainConfig

    values = read(folder, "config.json")
    if values.pop("schema", None) != CONFIG_SCHEMA:
        raise ArchiveError("The run is from a newer version. Update this program, then import it.")
    path = folder / "environment.json"
    images = files.read(path, Environment).data
    named = [values.get("data", ""), images.source]
    source = source_here(images.usual_fingerprint, store, data) or stand_in(named, store)
    try:
        config = TrainConfig.from_dict({**values, **({"data": source} if source else {})})
    except (ConfigError, TypeError) as error:
        raise ArchiveError(f"The run's settings cannot be used here. {error}") from error
    files.write_json(folder / "config.json", {"schema": CONFIG_SCHEMA, **config.to_dict()})
    if images != DataRecord() and source:
        here = {"data": files.plain_of(replace(images, source=source))}
        files.edit(path, Environment, lambda _: here)


def source_here(fingerprint: str, store: Store, data: str) -> str:
    """Return where the run's images are on this machine; empty if that is unknown.

    `fingerprint` is that of the images at 32 pixels.
    """
    from cifar_core.data import resolve
    from cifar_core.data.description import usual_fingerprint
    from cifar_core.data.listing import decoded

    if data:
        return resolve(data, store.root, store.by)
    same = [
        meta["source"] for meta in decoded(store.root) if usual_fingerprint(meta) == fingerprint
    ]
    return same[0] if fingerprint and same else ""


def stand_in(named: Sequence[Any], store: Store) -> str:
    """Return what stands for the images that the run's files name, if the person may not use them.

    Empty if they may: then the names stay as they are, whether the images are here or not.
    """
    from cifar_core.data import resolve
    from cifar_core.data.away import elsewhere
    from cifar_core.data.find import WORDS
    from cifar_core.data.hub.names import is_hub_name

    for name in filter(None, named):
        if store.by.is_local or not isinstance(name, str) or name in WORDS or is_hub_name(name):
            continue
        try:
            resolve(name, store.root, store.by)
        except DataError:
            return elsewhere(name)
    return ""


def check_rows(path: Path, is_valid: Callable[[Any], bool]) -> None:
    """Check the rows of an attempt; a damaged line is skipped, as by every reader."""
    with path.open("rb") as file:
        for line in file:
            try:
                row = json.loads(line)
            except ValueError:
                continue
            except RecursionError:
                row = None
            if not is_valid(row):
                why = "has a row that no trainer writes. Export the run again."
                raise ArchiveError(f"{path.name} of this zip {why}")


def check_checkpoint(path: Path) -> None:
    """Check a checkpoint's manifest, every byte of its files, and that they contain tensors."""
    from safetensors import SafetensorError, safe_open

    manifest = read(path, checkpoints.MANIFEST)
    shaped(checkpoints.MANIFEST, manifest, MANIFEST_KINDS)
    match = checkpoints.NAME.fullmatch(path.name)
    assert match is not None
    stated = manifest.get("name"), manifest.get("step"), manifest.get("attempt")
    if stated != (path.name, int(match[1]), int(match[2])):
        raise ArchiveError(f"Checkpoint {path.name} of this zip has the manifest of another one.")
    if "epoch" not in manifest or "files" not in manifest:
        raise ArchiveError(f"The manifest of checkpoint {path.name} is damaged. Export it again.")
    try:
        checkpoints.verify(path)
        for file in manifest["files"]:
            with safe_open(path / file, framework="numpy"):
                pass
    except (CheckpointError, SafetensorError) as error:
        raise ArchiveError(
            f"Checkpoint {path.name} of this zip is damaged. Export the run again."
        ) from error


def check_ancestors(folder: Path) -> None:
    """Keep only the folders of runs that the run says it comes from, and check those."""
    about = files.read(folder / "about.json", About)
    named = {ancestor.run for ancestor in filter(None, [about.start, *about.teachers])}
    for path in list(folder.glob(f"{FOLDER}/*")):
        if path.name not in named:
            shutil.rmtree(path)
            continue
        if not (path / "config.json").exists():
            why = "has no settings. Export the run again."
            raise ArchiveError(f"{FOLDER}/{path.name} of this zip {why}")
        for checkpoint in checkpoints.folders(path / "checkpoints"):
            check_checkpoint(checkpoint)


def check_predictions(folder: Path, path: Path) -> None:
    """Check every byte of kept predictions, and that they belong to the run and a checkpoint."""
    checkpoint, part = path.stem.rsplit("-", 1)
    data = files.read(folder / "environment.json", Environment).data
    names = [each.name for each in checkpoints.folders(folder / "checkpoints")]
    try:
        found = predictions.as_predictions(
            Run(folder), cast(predictions.Part, part), checkpoint, *arrays.sound(path)
        )
    except (ValueError, OSError):
        found = None
    if found is None or checkpoint not in names or found.classes != tuple(data.classes):
        raise ArchiveError(
            f"{path.name} of this zip is damaged, or belongs to another run. Export the run again."
        )


def check_best(folder: Path) -> None:
    """Keep the marker of the best checkpoint only if that checkpoint exists."""
    names = [path.name for path in checkpoints.folders(folder / "checkpoints")]
    marker = folder / "best"
    if marker.exists() and checkpoints.best_name(folder) not in names:
        marker.unlink()


def settle(folder: Path, export: Export, owner: str) -> str:
    """Write the run's state in this store and where it came from; return its name."""
    about = files.read(folder / "about.json", About)
    known = files.read(folder / "environment.json", Environment)
    origin = Origin(run=export.run, machine=known.machine, weights=export.weights,
                    exported_at=export.at, at=time.time())  # fmt: skip
    name = " ".join(about.name.split())[:80] or "Imported run"
    created = about.created_at or time.time()
    about = replace(about, name=name, owner=owner, kind=TRAINING, imported=origin,
                    created_at=created)  # fmt: skip
    files.write_json(folder / "about.json", about)
    settle_state(folder)
    return name


def settle_state(folder: Path) -> None:
    """Write the run's state in this store."""
    numbers = [int(path.name) for path in folder.glob("attempts/*")]
    words = {**status_here(read(folder, "status.json")), "attempt": max(numbers, default=0)}
    status.write(folder, status.RunStatus(**words))


def status_here(exported: Mapping[str, Any]) -> status.Changes:
    """Return the run's state in this store: a run that was under way counts as stopped."""
    state = exported.get("state", "stopped")
    if STATES[state].is_final or state in ("draft", "paused"):
        return {**status.described(state, reason=exported.get("reason", "")), **exported}
    return status.described("stopped", message=f"Exported while it was {state}.")
