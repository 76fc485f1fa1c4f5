"""Where weights are searched for, and whether the files there are the right ones."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cifar_core.disk.files import read_json, sha256_of, write_json
from cifar_core.errors import WeightsError
from cifar_core.installation import PROGRAM
from cifar_core.weights.catalogue import WEIGHTS
from cifar_core.weights.spec import WeightsSpec

IMPORTED = "imported"  # WeightsFile.origin of a file that `import` wrote
REMEDY = f"{PROGRAM} weights"


@dataclass(frozen=True, kw_only=True)
class WeightsFile:
    """An existing file of weights whose checksum is right."""

    key: str
    path: Path
    sha256: str  # of the whole file, hexadecimal
    origin: str  # "imported", or its folder


def folder_of(store: Path) -> Path:
    """Return the folder of a store for weights."""
    return store / "weights"


def torch_folder() -> Path:
    """Return the folder to which torch itself downloads weights."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    home = Path(os.environ.get("TORCH_HOME") or Path(cache) / "torch")
    return home / "hub" / "checkpoints"


def record_path(key: str, store: Path) -> Path:
    """Return the record beside an imported file, with its origin and its checksum."""
    return folder_of(store) / f"{key}.json"


def download_record(spec: WeightsSpec, folder: Path) -> Path:
    """Return the record beside a download whose checksum the catalogue does not know."""
    return folder / f"{spec.file}.json"


def on_demand(store: Path) -> list[str]:
    """Return the keys of the files that are here and that the catalogue does not list."""
    records = [read_json(path) for path in sorted(folder_of(store).glob("*.json"))]
    keys = dict.fromkeys(str(record.get("weights", "")) for record in records)
    return [key for key in keys if key not in list(WEIGHTS) and key in WEIGHTS]


def find(key: str, store: Path) -> WeightsFile | None:
    """Return the first file whose checksum is right: ours, then torch's own, or None."""
    return next((file for file in examine(key, store) if isinstance(file, WeightsFile)), None)


def examine(key: str, store: Path) -> Iterator[WeightsFile | str]:
    """Yield each existing file if it is right, or else a sentence on what is wrong with it."""
    spec = WEIGHTS[key]
    ours = folder_of(store) / f"{key}.safetensors"
    if ours.is_file():
        wanted = str(read_json(record_path(key, store)).get("sha256", ""))
        yield checked(spec, ours, wanted, IMPORTED, store)
    for folder in (folder_of(store), torch_folder()):
        if (folder / spec.file).is_file():
            wanted = spec.sha256 or str(read_json(download_record(spec, folder)).get("sha256", ""))
            yield checked(spec, folder / spec.file, wanted, str(folder), store)


def checked(
    spec: WeightsSpec, path: Path, wanted: str, origin: str, store: Path
) -> WeightsFile | str:
    """Return the file if its checksum is the wanted one, or else a sentence on what is wrong."""
    if not wanted:
        return (
            f"{path} was neither imported nor downloaded by '{REMEDY}', so it cannot be verified."
        )
    sha256 = remembered_sha256(path, store)
    if sha256.startswith(wanted):
        return WeightsFile(key=spec.key, path=path, sha256=sha256, origin=origin)
    return (
        f"{path} is not the right file: its sha256 begins with {sha256[:8]}, but should begin "
        f"with {wanted[:8]}. Remove it and get it again."
    )


def remembered_sha256(path: Path, store: Path) -> str:
    """Return a file's checksum, which is computed again only if its size or time has changed."""
    about = path.stat()
    verified = folder_of(store) / "verified.json"
    table = read_json(verified)
    mark = {"bytes": about.st_size, "changed": about.st_mtime_ns}
    entry = table.get(str(path.absolute()), {})
    if isinstance(entry, dict) and {k: entry.get(k) for k in mark} == mark:
        return str(entry["sha256"])
    sha256 = sha256_of(path)
    with contextlib.suppress(OSError):  # a read-only store only costs time
        verified.parent.mkdir(parents=True, exist_ok=True)
        write_json(verified, {**table, str(path.absolute()): {**mark, "sha256": sha256}})
    return sha256


def forget_verified(store: Path) -> None:
    """Forget all checksums, so that every file is read again even if it seems unchanged."""
    (folder_of(store) / "verified.json").unlink(missing_ok=True)


def how_to_get(key: str, store: Path) -> str:
    """Say which file is missing and how to get it."""
    spec = WEIGHTS[key]
    begin = f"The pretrained weights of {spec.title} are not on this machine: "
    fetch = f"Download them with '{REMEDY} fetch {key}'. Without a network, "
    if not spec.sha256:
        return (
            f"{begin}about {spec.megabytes:,.0f} MB. {fetch}bring the file from {spec.url} and "
            f"import it with '{REMEDY} import FILE --model {key}'."
        )
    return (
        f"{begin}{spec.file}, {spec.megabytes:,.0f} MB, sha256 beginning with {spec.sha256}. "
        f"{fetch}copy the file from {spec.url} to {folder_of(store).absolute()}, or import any "
        f"file of this network's weights with '{REMEDY} import FILE'."
    )


def missing(key: str, store: Path) -> WeightsError:
    """Return the error for weights that are needed, but missing or damaged."""
    problems = " ".join(words for words in examine(key, store) if isinstance(words, str))
    return WeightsError(f"{problems} {how_to_get(key, store)}".strip())
