"""Reads out of torchvision's code what it knows of the published sets: known.json, for `make docs`.

Each class is asked to download, with its functions for that replaced by ones that only note the
address and the checksum. Nothing is downloaded.
"""

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from cifar_core.data.published.downloads.in_torchvision import exchanged
from cifar_core.data.published.known import Known
from cifar_core.data.published.published_set import PublishedSet


def written(sets: Mapping[str, PublishedSet]) -> str:
    """Return the text of known.json, one line for each set; this loads torchvision."""
    rows = [f"{json.dumps(key)}: {line(about(spec))}" for key, spec in sets.items()]
    return "{\n" + ",\n".join(rows) + "\n}\n"


def line(row: Known) -> str:
    """Return what is known of a set as one line of JSON, without what is empty."""
    fields = {name: getattr(row, name) for name in Known.__struct_fields__}
    return json.dumps({name: value for name, value in fields.items() if value})


def about(spec: PublishedSet) -> Known:
    """Return what torchvision says of one set."""
    from torchvision import datasets

    kind = getattr(datasets, spec.torchvision)
    files = [] if spec.by_hand else list(addresses(kind, spec))
    words = getattr(kind, "_WNID_TO_CLASS", {})
    names = list(getattr(kind, "classes", ()) or (names[0] for names in words.values()))
    if spec.own_names or any(not isinstance(name, str) for name in names):
        names = []
    return Known(files=tuple(files), classes=tuple(names), folders=tuple(words))


def addresses(kind: Any, spec: PublishedSet) -> Iterator[tuple[str, str]]:
    """Yield the address and the md5 sum of every file that a download of a set gets."""
    seen: dict[str, str] = {}
    for call in spec.calls:
        note = noting(seen)
        with (
            exchanged(download_url=note, download_and_extract_archive=note),
            tempfile.TemporaryDirectory() as root,
            suppress(Exception),  # nothing is there to be read
        ):
            kind(root, download=True, **call)
        if spec.torchvision == "Places365":  # it reads its lists before it gets the images
            name, md5 = kind._IMAGES_META[call["split"], call["small"]]
            seen[kind._BASE_URL + name] = md5
    yield from seen.items()


def noting(seen: dict[str, str]) -> Callable[..., None]:
    """Return a function that notes what it is asked to download."""

    def note(url: str, *arguments: Any, md5: str | None = None, **others: Any) -> None:
        checksums = [each for each in (md5, *arguments) if isinstance(each, str) and is_md5(each)]
        seen[url] = checksums[0] if checksums else ""

    return note


def is_md5(text: str) -> bool:
    """Return True for 32 hexadecimal digits."""
    return len(text) == 32 and set(text) <= set("0123456789abcdef")
