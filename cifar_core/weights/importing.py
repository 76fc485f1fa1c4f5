"""Imports weights from any file whose tensors fit a network, as safetensors with a record."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cifar_core.background.processes import with_package
from cifar_core.disk.files import replacing, sha256_of, write_json
from cifar_core.errors import WeightsError
from cifar_core.weights import unpickle
from cifar_core.weights.layout import Layout, LayoutMatch, fit, read_shapes
from cifar_core.weights.locations import folder_of, record_path

LARGEST = 4 * 10**9  # bytes
LONGEST_SECONDS = 300


@dataclass(frozen=True, kw_only=True)
class Imported:
    """The weights that were imported."""

    key: str
    path: Path
    sha256: str
    tensors: int


def import_file(path: Path, store: Path, layouts: Iterable[Layout]) -> Imported:
    """Convert a file to safetensors in the store, under the key of the network that it fits.

    Accepts .safetensors and files of torch.save; of the latter only tensors are read, in a separate
    process with limited memory, so that no file can run code or fill the memory.
    """
    with as_safetensors(path, store) as plain:
        best = best_fit(path, plain, layouts)
        return commit(path, plain, best.layout.key, best.names, store)


def import_as_it_is(path: Path, store: Path, key: str, read: Callable[[Path], object]) -> Imported:
    """Keep all tensors of a file under their own names, for a network that reads them itself.

    `read` raises WeightsError if the file is not of that network.
    """
    with as_safetensors(path, store) as plain:
        read(plain)
        return commit(path, plain, key, {name: name for name in read_shapes(plain)}, store)


@contextmanager
def as_safetensors(path: Path, store: Path) -> Iterator[Path]:
    """Yield the path of a safetensors file with the tensors of a file, which may be itself."""
    check(path)
    folder = folder_of(store)
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".import-{os.getpid()}.safetensors"
    try:
        yield path if is_safetensors(path) else unpickled(path, draft)
    finally:
        draft.unlink(missing_ok=True)


def check(path: Path) -> None:
    """Raise WeightsError unless there is a file of a sensible size."""
    if not path.is_file():
        raise WeightsError(f"There is no file {path}. Give the path of a .pth or .safetensors.")
    size = path.stat().st_size
    if size > LARGEST:
        raise WeightsError(
            f"{path} has {size / 1e9:,.1f} GB; at most {LARGEST / 1e9:g} GB are allowed. "
            "Choose a file that holds the weights alone."
        )


def is_safetensors(path: Path) -> bool:
    """Return True if the first bytes are those of a safetensors file, whatever its name."""
    with path.open("rb") as file:
        head = file.read(9)
    return len(head) == 9 and head[8:] == b"{"


def unpickled(path: Path, draft: Path) -> Path:
    """Have another process read a torch file and write its tensors as safetensors."""
    command = [sys.executable, "-m", unpickle.__name__, str(path), str(draft)]
    try:
        child = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=LONGEST_SECONDS,
            env={**with_package(os.environ), "OMP_NUM_THREADS": "1"},
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise WeightsError(
            f"Reading {path} took more than {LONGEST_SECONDS} s. Choose another file."
        ) from error
    if child.returncode:
        why = (child.stderr.strip().splitlines() or [f"it ended with code {child.returncode}"])[-1]
        raise WeightsError(
            f"{path} cannot be read as weights: {why}. Choose a file that contains only a "
            "network's weights (a state_dict)."
        )
    return draft


def best_fit(path: Path, plain: Path, layouts: Iterable[Layout]) -> LayoutMatch:
    """Return the only network that the tensors fit; if there is none, name the closest and why."""
    shapes = read_shapes(plain)
    fits = [fit(shapes, layout) for layout in layouts]
    perfect = [match for match in fits if not match.problems]
    if len(perfect) == 1:
        return perfect[0]
    if perfect:
        keys = ", ".join(match.layout.key for match in perfect)
        raise WeightsError(f"{path} fits several networks ({keys}). Say which with --model.")
    closest = max(fits, key=lambda match: (match.likeness, -len(match.problems)))
    raise WeightsError(
        f"{path} fits none of the networks. The closest is {closest.layout.title} "
        f"({closest.layout.key}): {'; '.join(closest.problems)}."
    )


def commit(path: Path, plain: Path, key: str, names: Mapping[str, str], store: Path) -> Imported:
    """Write tensors under new names (in the file -> new), then the record with their checksum."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file, save_file

    try:
        tensors = load_file(plain)
    except SafetensorError as error:
        raise WeightsError(
            f"The header of {path} does not match its contents. Get the file again."
        ) from error
    target = folder_of(store) / f"{key}.safetensors"
    with replacing(target) as draft:
        save_file(
            {
                ours: tensors[name].float() if tensors[name].is_floating_point() else tensors[name]
                for name, ours in names.items()
            },
            draft,
        )
        sha256 = sha256_of(draft)
        record_path(key, store).unlink(missing_ok=True)  # never a record of another file
    record = {
        "weights": key,
        "origin": str(path.absolute()),
        "original_sha256": sha256_of(path),
        "sha256": sha256,
        "tensors": len(names),
        "imported_at": time.time(),
    }
    write_json(record_path(key, store), record)
    return Imported(key=key, path=target, sha256=sha256, tensors=len(names))
