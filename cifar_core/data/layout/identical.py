"""Which pictures of a set are the same file: the draw of test images keeps them in one part.

In a folder the contents of files of equal size are compared by their digest; in a zip the sizes and
checksums that it holds itself. A tar has none, and is not read for this.
"""

import hashlib
import os
import zipfile
from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Mapping
from pathlib import Path

from cifar_core.data.contents import Item
from cifar_core.data.layout.listing import Listing, Place
from cifar_core.data.sources.limits import MAX_FILE_BYTES


def identical(items: Collection[Item], listing: Listing) -> dict[str, str]:
    """Return the group of each picture that is the same file as another one.

    A file that is all there is of a class belongs to no group, or the class could not be divided.
    """
    places = {item.name: listing.pictures[item.name] for item in items}
    keys = in_folder(places) if listing.path.is_dir() else in_zip(listing.path, places)
    same: dict[Hashable, list[Item]] = defaultdict(list)
    for item in items:
        if item.name in keys:
            same[keys[item.name]].append(item)
    sizes = Counter(item.label for item in items)
    groups: dict[str, str] = {}
    for found in same.values():
        counts = Counter(item.label for item in found)
        if len(found) > 1 and all(count < sizes[label] for label, count in counts.items()):
            groups |= {item.name: found[0].name for item in found}
    return groups


def in_folder(places: Mapping[str, Place]) -> dict[str, Hashable]:
    """Return the digest of each file that has others of its size."""
    by_size: dict[int, list[str]] = defaultdict(list)
    paths = {name: place.file for name, place in places.items() if not place.archive}
    for name, path in paths.items():
        try:
            by_size[os.stat(path).st_size].append(name)  # noqa: PTH116 - thousands of them
        except OSError:  # it is gone: decoding will say so
            continue
    digests: dict[str, Hashable] = {}
    for size, names in by_size.items():
        if len(names) == 1 or size > MAX_FILE_BYTES:
            continue
        for name in names:
            try:
                with open(paths[name], "rb") as file:  # noqa: PTH123
                    digests[name] = hashlib.file_digest(file, "sha256").digest()
            except OSError:
                continue
    return digests


def in_zip(path: Path, places: Mapping[str, Place]) -> dict[str, Hashable]:
    """Return the size and checksum of each file of a zip; {} for another archive."""
    if not zipfile.is_zipfile(path):
        return {}
    try:
        with zipfile.ZipFile(path) as archive:
            members = sorted(archive.infolist(), key=lambda member: member.header_offset)
    except (OSError, zipfile.BadZipFile):
        return {}
    return {
        name: (members[place.file].file_size, members[place.file].CRC)
        for name, place in places.items()
        if not place.archive and isinstance(place.file, int) and place.file < len(members)
    }
