"""Asks the Hugging Face hub what a set is, and downloads it.

This needs the optional package huggingface_hub, whose own variables name the server (HF_ENDPOINT)
and the person (HF_TOKEN).
"""

import glob
import importlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Any

from cifar_core.data.hub.names import ABOUT, About, HubName, hub_name
from cifar_core.data.layout.synonyms import PICTURES
from cifar_core.data.sources.archive import shown
from cifar_core.disk import files, space
from cifar_core.errors import DataError

PACKAGE = "huggingface_hub"
INSTALL = "pip install -r requirements-hf.txt"
TABLE = ".parquet"
OTHERS = (
    *(".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".npz", ".npy", ".mat"),
    *(".csv", ".tsv", ".json", ".jsonl", ".txt", *(f".{ending}" for ending in PICTURES)),
)
WORKERS = 4  # files downloaded at once
PATIENCE = 10.0  # seconds that a page waits for the hub


@dataclass(frozen=True, kw_only=True)
class Offered:
    """What the hub says of a set before it is downloaded."""

    files: int  # to download
    bytes: int
    license: str  # "" if its card states none
    commit: str


def look(source: str, timeout: float = PATIENCE) -> Offered:
    """Ask the hub what a set is; `timeout` is in seconds. Raises DataError."""
    name = hub_name(source)
    hub = imported()
    with explained(name):
        info = asked(hub, name, timeout)
        sizes = chosen(name, info)
    return Offered(
        files=len(sizes), bytes=sum(sizes.values()), license=license_of(info), commit=info.sha
    )


def asked(hub: Any, name: HubName, timeout: float | None = None) -> Any:
    """Return what the hub says of a set, with the sizes of its files."""
    return hub.HfApi(endpoint=os.environ.get("HF_ENDPOINT")).dataset_info(
        name.repository, revision=name.revision or None, files_metadata=True, timeout=timeout
    )


def fetch(source: str, store: Path, report: Callable[[int, int], None]) -> Path:
    """Download a set, continuing an earlier attempt, and return its folder; raises DataError.

    `report` gets the bytes that are here and those in all; what it raises ends the download.
    """
    name = hub_name(source)
    hub = imported()
    with explained(name):
        info = asked(hub, name)
        sizes = chosen(name, info)
        path = name.folder(store) / info.sha
        if not path.is_dir():
            total = sum(sizes.values())
            part = path.with_name(f"{info.sha}.part")
            part.mkdir(parents=True, exist_ok=True)
            space.ensure(total, part, f"{name.repository} from the Hugging Face hub")
            report(0, total)
            hub.snapshot_download(
                name.repository,
                repo_type="dataset",
                revision=info.sha,
                local_dir=part,
                cache_dir=part / ".cache",
                allow_patterns=[glob.escape(each) for each in sizes],
                max_workers=WORKERS,
                tqdm_class=counter(report, total),
                endpoint=os.environ.get("HF_ENDPOINT"),
            )
            part.rename(path)
    remember(name, store, info)
    return path


def obstacle() -> str:
    """Say why nothing can be downloaded from the hub here, "" if it can."""
    if find_spec(PACKAGE) is not None:
        return ""
    return (
        f"Sets from the Hugging Face hub need the package {PACKAGE}: {INSTALL}. Or download the "
        "set's files yourself and name their folder."
    )


def imported() -> Any:
    """Return the hub's package; DataError says how to install it."""
    if why := obstacle():
        raise DataError(why)
    return importlib.import_module(PACKAGE)


def chosen(name: HubName, info: Any) -> dict[str, int]:
    """Return the files to download with their bytes: tables if there are any, else pictures."""
    safe = {
        each.rfilename: each.size or 0
        for each in info.siblings or []
        if not {"..", "/"} & set(PurePosixPath(each.rfilename).parts) and "\\" not in each.rfilename
    }
    for endings in ((TABLE,), OTHERS):
        found = {file: n for file, n in safe.items() if file.lower().endswith(endings)}
        if found:
            return found
    raise DataError(
        f"{name.repository} on the Hugging Face hub has neither Parquet files nor pictures. Look "
        "for its converted form, hf:" + name.repository + "@refs/convert/parquet."
    )


def counter(report: Callable[[int, int], None], total: int) -> type:
    """Return a progress bar that shows nothing and reports the bytes of all files."""
    from tqdm.auto import tqdm

    class Counter(tqdm):  # type: ignore[misc]
        """Counts bytes."""

        def __init__(self, *args: Any, **options: Any) -> None:
            self.counts = options.get("unit") == "B" and "transfer" not in options.get("name", "")
            self.done = 0
            options.pop("name", None)
            super().__init__(*args, **options | {"disable": True})

        def update(self, n: float | None = 1) -> bool | None:
            """Add bytes."""
            if self.counts:
                self.done += int(n or 0)
                report(min(self.done, total), total)
            return None

    return Counter


def client() -> Any:
    """Return the package by which the hub's package speaks to its server."""
    try:
        return importlib.import_module("httpx2")
    except ImportError:  # of an earlier version
        return importlib.import_module("httpx")


@contextmanager
def explained(name: HubName) -> Iterator[None]:
    """Turn the errors of the hub's package into a DataError."""
    from huggingface_hub import errors

    http = client()
    where = f"{name.repository}{f' at {name.revision}' if name.revision else ''}"
    try:
        yield
    except errors.GatedRepoError as error:
        raise DataError(
            f"{where} is given out by the Hugging Face hub only to people who accepted its "
            "conditions. Accept them on its page, and set HF_TOKEN to your token."
        ) from error
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError) as error:
        raise DataError(
            f"The Hugging Face hub has no set {where} for you. Check the name; for a private set, "
            "set HF_TOKEN to your token."
        ) from error
    except (errors.HfHubHTTPError, http.HTTPError, OSError, ValueError, RuntimeError) as error:
        if space.is_full(error):
            raise
        raise DataError(
            f"{where} could not be downloaded from the Hugging Face hub ({shown(error)}). The part "
            "received so far is kept: try again, and the download continues from there."
        ) from error


def remember(name: HubName, store: Path, info: Any) -> None:
    """Write down which commit was downloaded, and the license that its card names."""
    path = name.folder(store) / ABOUT
    commits = files.read(path, About).commits
    files.write_json(
        path, About(commits={**commits, name.revision: info.sha}, license=license_of(info))
    )


def license_of(info: Any) -> str:
    """Return the license that a set's card names, "" if it names none."""
    license = getattr(info.card_data, "license", "") if info.card_data else ""
    said = ", ".join(map(str, license)) if isinstance(license, list) else str(license or "")
    return said[:200]
