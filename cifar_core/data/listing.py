"""Lists the sets of images that a person may choose, with what is known without opening them."""

import dataclasses
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cifar_core.data import decoding, roots
from cifar_core.data.away import ELSEWHERE, is_away, not_here
from cifar_core.data.cache import cache_folder
from cifar_core.data.description import read_meta, sizing_of
from cifar_core.data.find import is_downloadable, located
from cifar_core.data.hub import names as hub
from cifar_core.data.known import BY_ITSELF, known
from cifar_core.data.options import options_of
from cifar_core.data.published import places
from cifar_core.data.published.downloads.offered import download_of
from cifar_core.data.published.places import PUBLISHED
from cifar_core.data.sizing import USUAL
from cifar_core.data.sources import cifar10, synthetic
from cifar_core.data.uploads import sets as uploads
from cifar_core.disk.files import is_there
from cifar_core.errors import CifarError


@dataclass(frozen=True, kw_only=True)
class DataStatus:
    """One dataset that is, or could be, on this machine."""

    source: str  # value for --data
    kind: str  # "synthetic", "cifar10", "published" (also from the hub) or "folder"
    title: str
    where: str
    ready: bool  # a run can start with it now
    decoded: bool  # it is kept decoded, so that a run starts immediately
    default: bool  # 'auto' means this one
    classes: tuple[str, ...] = ()
    train_images: int = 0  # 0 if unknown because it was never decoded
    test_images: int = 0
    left_out: int = 0  # files, as far as that is known
    megabytes: float = 0.0  # decoded, on disk, at all sizes
    fingerprint: str = ""
    note: str = ""
    origin: str = ""  # who made the images, and their license, if that is known
    split: str = ""  # who divided them into training and test images, if that is known
    action: str = ""  # what to do next, if anything


def status(store: Path) -> list[DataStatus]:
    """List the datasets, the default one first; reads descriptions only, no images."""
    chosen = os.environ.get("CIFAR_DATA", "")
    try:
        default, problem = located("auto", store), ""
    except CifarError as error:
        default, problem = chosen, str(error)
    descriptions = list(decoded(store))
    kept = {meta["source"]: meta for meta in descriptions if sizing_of(meta) == USUAL}
    sizes = Counter[str]()  # bytes of each source at all sizes
    for meta in descriptions:
        sizes[meta["source"]] += sum(meta["bytes"].values())
    found = [*map(str, roots.offered()), *uploads.sources(store), *downloaded(store)]
    sources = [default, *shown_ones(["cifar10", *kept, *found, "synthetic"], default, store)]
    rows = [describe(source, store, kept.get(source, {}), sizes[source]) for source in sources]
    first = dataclasses.replace(rows[0], default=True)
    if problem:
        first = dataclasses.replace(first, ready=False, action=problem)
    return [first, *rows[1:]]


def shown_ones(sources: Iterable[str], default: str, store: Path) -> list[str]:
    """Return each source once, but for the default one and those that a person removed."""
    others = [source for source in dict.fromkeys(sources) if source != default]
    return [source for source in others if not options_of(store, source).removed]


def downloaded(store: Path) -> Iterator[str]:
    """Yield the sources of the published sets, and of those of the hub, that are here."""
    yield from (key for key in PUBLISHED if places.find(key, store))
    yield from hub.downloaded(store)


def decoded(store: Path) -> Iterator[dict[str, Any]]:
    """Yield the descriptions of the datasets that are kept decoded at any size, the newest last."""
    folders = (path for path in cache_folder(store).glob("*/") if path.suffix != ".building")
    for path in sorted(folders, key=lambda path: path.stat().st_mtime):
        meta = read_meta(path)
        if meta is not None:
            yield meta


def describe(source: str, store: Path, meta: dict[str, Any], size: int = 0) -> DataStatus:
    """Return the status of one source; `meta` describes its decoded images, if there are any.

    `size` is how many bytes they take at all sizes.
    """
    kind = kind_of(source)
    where, action = locate(source, store)
    about = {"title": title_of(source, store), **known(source), **meta}
    if where and hub.is_hub_name(source):
        about = {"origin": hub.origin_of(Path(where)), **about}
    if kind == "synthetic":
        about["train_images"], about["test_images"] = synthetic.sizes_of(source)
    return DataStatus(
        source=source,
        kind=kind,
        title=options_of(store, source).title or about["title"],
        where=where,
        ready=bool(where),
        decoded=bool(meta),
        default=False,
        classes=tuple(about.get("classes", ())),
        train_images=about.get("train_images", 0),
        test_images=about.get("test_images", 0),
        left_out=left_out(meta.get("found", {})),
        megabytes=size / 1e6,
        fingerprint=about.get("fingerprint", ""),
        note=about.get("note", ""),
        origin=about.get("origin", ""),
        split=about.get("split", BY_ITSELF),
        action=action,
    )


def left_out(found: dict[str, Any]) -> int:
    """Count the files that were left out when a source was decoded."""
    return int(found.get("unreadable", 0) + sum(one["number"] for one in found.get("ignored", [])))


def title_of(source: str, store: Path) -> str:
    """Return the title of a source's images, without opening them: the one that a person gave."""
    title = known(source).get("title")
    path = Path(source.removeprefix(ELSEWHERE))
    return str(options_of(store, source).title or title or decoding.title_of(path))


def kind_of(source: str) -> str:
    """Return the kind of dataset of a source."""
    if synthetic.is_source(source):
        return "synthetic"
    if source == "cifar10" or cifar10.is_official(Path(source)):
        return "cifar10"
    return "published" if is_downloadable(source) else "folder"


def locate(source: str, store: Path) -> tuple[str, str]:
    """Return the location of a source and "", or "" and what to do if it is missing."""
    if synthetic.is_source(source):
        return "drawn by the program", ""
    if is_downloadable(source):
        wanted = download_of(source)
        place = wanted.find(store)
        return (str(place), "") if place else ("", wanted.how_to_get)
    if is_away(source):
        return "", not_here(source)
    if is_there(Path(source)):
        return source, ""
    return "", f"{source} no longer exists. Put it back to train on it again."
