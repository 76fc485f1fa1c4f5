"""Where weights are looked for, and whether what lies there is what it should be."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cifar_core.disk.files import read_json, sha256_of, write_json
from cifar_core.errors import WeightsError
from cifar_core.installation import PROGRAM
from cifar_core.weights.catalogue import WEIGHTS, WeightsSpec

IMPORTED = "imported"  # Found.origin of what `import` wrote
REMEDY = f"{PROGRAM} weights"


@dataclass(frozen=True, kw_only=True)
class WeightsFile:
    """A file of weights that was found and whose checksum is right."""

    key: str
    path: Path
    sha256: str  # of the whole file, hexadecimal
    origin: str  # "imported", or the folder it lies in


def folder_of(store: Path) -> Path:
    """Return the folder of a store that weights are kept in."""
    return store / "weights"


def torch_folder() -> Path:
    """Return the folder that torch itself downloads weights to."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    home = Path(os.environ.get("TORCH_HOME") or Path(cache) / "torch")
    return home / "hub" / "checkpoints"


def record_path(key: str, store: Path) -> Path:
    """Return the record that lies beside an imported file: its origin and its checksum."""
    return folder_of(store) / f"{key}.json"


def find(key: str, store: Path) -> WeightsFile | None:
    """Return the first file whose checksum is right: ours, then torch's own, or None."""
    return next((place for place in examine(key, store) if isinstance(place, WeightsFile)), None)


def examine(key: str, store: Path) -> Iterator[WeightsFile | str]:
    """Yield every file that is there: found and right, or a sentence on what is wrong with it."""
    spec = WEIGHTS[key]
    ours = folder_of(store) / f"{key}.safetensors"
    if ours.is_file():
        wanted = str(read_json(record_path(key, store)).get("sha256", ""))
        yield checked(spec, ours, wanted, IMPORTED, store)
    for folder in (folder_of(store), torch_folder()):
        if (folder / spec.file).is_file():
            yield checked(spec, folder / spec.file, spec.sha256, str(folder), store)


def checked(
    spec: WeightsSpec, path: Path, wanted: str, origin: str, store: Path
) -> WeightsFile | str:
    """Compare a file's checksum with the one it should have."""
    if not wanted:
        return f"{path} was not brought in by '{REMEDY} import', so nothing proves what it is."
    sha256 = remembered_sha256(path, store)
    if sha256.startswith(wanted):
        return WeightsFile(key=spec.key, path=path, sha256=sha256, origin=origin)
    return (
        f"{path} is not what it should be: its sha256 begins with {sha256[:8]}, but should begin "
        f"with {wanted[:8]}. Remove it and get it anew."
    )


def remembered_sha256(path: Path, store: Path) -> str:
    """Return a file's checksum; it is computed again only when size or time have changed."""
    about = path.stat()
    verified = folder_of(store) / "verified.json"
    table = read_json(verified)
    mark = {"bytes": about.st_size, "changed": about.st_mtime_ns}
    entry = table.get(str(path.absolute()), {})
    if isinstance(entry, dict) and {k: entry.get(k) for k in mark} == mark:
        return str(entry["sha256"])
    sha256 = sha256_of(path)
    with contextlib.suppress(OSError):  # a store that cannot be written only costs time
        verified.parent.mkdir(parents=True, exist_ok=True)
        write_json(verified, {**table, str(path.absolute()): {**mark, "sha256": sha256}})
    return sha256


def forget_verified(store: Path) -> None:
    """Have every file read again, whatever its size and time say."""
    (folder_of(store) / "verified.json").unlink(missing_ok=True)


def how_to_get(key: str, store: Path) -> str:
    """Return which file is missing and the ways to get it, as sentences."""
    spec = WEIGHTS[key]
    return (
        f"The ImageNet weights of {spec.title} are not on this machine: {spec.file}, "
        f"{spec.megabytes:,.0f} MB, sha256 beginning with {spec.sha256}. "
        f"Download them with '{REMEDY} fetch {key}'. Without a network, copy the file from "
        f"{spec.url} to {folder_of(store).absolute()}, or bring in any file of this network's "
        f"weights with '{REMEDY} import FILE'."
    )


def missing(key: str, store: Path) -> WeightsError:
    """Return the error for weights that are needed and not there, or only damaged."""
    wrong = " ".join(place for place in examine(key, store) if isinstance(place, str))
    return WeightsError(f"{wrong} {how_to_get(key, store)}".strip())
