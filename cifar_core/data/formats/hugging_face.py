"""Sets of images from the Hugging Face hub: `hf:owner/name`, or `hf:owner/name@revision`.

One revision is downloaded into store/data/hf/<owner>--<name>/<commit>/ and read from there like any
folder; the hub is not asked again. Downloading needs the optional package huggingface_hub, whose
own variables name the server (HF_ENDPOINT) and the person (HF_TOKEN).
"""

import glob
import importlib
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from msgspec import Struct

from cifar_core.data.contents import Contents
from cifar_core.data.formats.format import Format
from cifar_core.data.layout.synonyms import PICTURES
from cifar_core.data.options import SetOptions
from cifar_core.data.sources.archive import shown
from cifar_core.disk import files, space
from cifar_core.disk.checks import Text
from cifar_core.errors import DataError

PREFIX = "hf:"
NAME = re.compile(r"hf:([\w.-]{1,96}/)?([\w.-]{1,96})(?:@([\w./-]{1,200}))?\Z", re.A)
INSTALL = "pip install -r requirements-hf.txt"
ABOUT = "about.json"  # beside the folder of a revision
TABLE = ".parquet"
OTHERS = (
    *(".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".npz", ".npy", ".mat"),
    *(".csv", ".tsv", ".json", ".jsonl", ".txt", *(f".{ending}" for ending in PICTURES)),
)
WORKERS = 4  # files downloaded at once


class About(Struct, frozen=True, kw_only=True):
    """What was downloaded last, for each revision by which it was asked for, and its license."""

    commits: dict[str, Text] = {}  # "" is the newest
    license: Text = ""


@dataclass(frozen=True, kw_only=True)
class HubName:
    """A set on the hub."""

    repository: str  # "owner/name"
    revision: str  # a branch, tag or commit; "" for the newest

    def folder(self, store: Path) -> Path:
        """Return the folder of all its revisions."""
        return store / "data" / "hf" / self.repository.replace("/", "--")


def is_hub_name(source: str) -> bool:
    """Return True if a source names a set on the hub."""
    return source.startswith(PREFIX)


def hub_name(source: str) -> HubName:
    """Return what a source names; raises DataError."""
    match = NAME.match(source)
    if not match or ".." in source:
        raise DataError(
            f"'{shown(source)}' does not name a set on the Hugging Face hub. Write "
            "hf:owner/name, or hf:owner/name@revision."
        )
    return HubName(repository=f"{match[1] or ''}{match[2]}", revision=match[3] or "")


def find(source: str, store: Path) -> Path | None:
    """Return the folder of a set that was downloaded; None if it was not. Raises DataError."""
    name = hub_name(source)
    folder = name.folder(store)
    commit = files.read(folder / ABOUT, About).commits.get(name.revision, name.revision)
    path = folder / commit
    return path if re.fullmatch(r"[0-9a-f]{40}", commit) and path.is_dir() else None


def fetch(source: str, store: Path, report: Callable[[int, int], None]) -> Path:
    """Download a set, continuing an earlier attempt, and return its folder; raises DataError.

    `report` gets the bytes that are here and those in all; what it raises ends the download.
    """
    name = hub_name(source)
    hub = imported()
    with explained(name):
        api = hub.HfApi(endpoint=os.environ.get("HF_ENDPOINT"))
        info = api.dataset_info(
            name.repository, revision=name.revision or None, files_metadata=True
        )
        sizes = chosen(name, {each.rfilename: each.size or 0 for each in info.siblings or []})
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


def imported() -> Any:
    """Return the hub's package; DataError says how to install it."""
    try:
        import huggingface_hub
    except ImportError as error:
        raise DataError(
            f"Sets from the Hugging Face hub need the package huggingface_hub: {INSTALL}. Or "
            "download the set's files yourself and name their folder."
        ) from error
    return huggingface_hub


def chosen(name: HubName, sizes: dict[str, int]) -> dict[str, int]:
    """Return the files to download with their bytes: tables if there are any, else pictures."""
    safe = {
        file: size
        for file, size in sizes.items()
        if not (PurePosixPath(file).is_absolute() or ".." in PurePosixPath(file).parts)
        and "\\" not in file
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
    about = files.read(path, About)
    license = getattr(info.card_data, "license", "") if info.card_data else ""
    said = ", ".join(map(str, license)) if isinstance(license, list) else str(license or "")
    files.write_json(
        path,
        About(commits={**about.commits, name.revision: info.sha}, license=said[:200]),
    )


def recognizes(path: Path) -> bool:
    """Return True for the folder of a revision that was downloaded."""
    return (
        path.parent.parent.name == "hf"
        and re.fullmatch(r"[0-9a-f]{40}", path.name) is not None
        and (path.parent / ABOUT).is_file()
    )


def open_downloaded(path: Path, options: SetOptions, store: Path) -> Contents:
    """List the images of a revision with the format of its files."""
    from cifar_core.data.formats.formats import FORMATS  # which has this one

    form = next(
        each for each in FORMATS.values() if each.key != FORMAT.key and each.recognizes(path)
    )
    license = files.read(path.parent / ABOUT, About).license
    repository = path.parent.name.replace("--", "/")
    return replace(
        form.open(path, options, store),
        title=repository,
        origin=f"{repository} from the Hugging Face hub, revision {path.name[:12]}; "
        + (f"license: {license}." if license else "its card states no license."),
    )


FORMAT = Format(
    key="hugging_face",
    title="From the Hugging Face hub",
    summary="A set of the hub, hf:owner/name, downloaded as Parquet or as pictures.",
    recognizes=recognizes,
    open=open_downloaded,
)
