"""Leaves out a set whose files are only links to those of another set in the same folder."""

import os
from collections.abc import Sequence

from cifar_core.data.layout.class_folders import Folder
from cifar_core.data.layout.listing import Listing

SAME = "are links to pictures that are in the set already"


def without_doubles(listing: Listing, tops: Sequence[Folder]) -> None:
    """Take the pictures in the folders `tops` out that are those of another of them."""
    real = {top: real_files(listing, top) for top in tops}
    kept: list[Folder] = []
    for top in sorted(tops, key=lambda one: -len(set(real[one].values()))):
        mine = set(real[top].values())
        if any(mine <= set(real[other].values()) for other in kept):
            for name in real[top]:
                del listing.pictures[name]
                listing.leave_out(SAME, name)
        else:
            kept.append(top)


def real_files(listing: Listing, top: Folder) -> dict[str, tuple[str, str]]:
    """Return what each picture in a folder really is, after all links."""
    start = "/".join(top) + "/"
    return {
        name: (str(place.archive), os.path.realpath(str(place.file)))
        for name, place in listing.pictures.items()
        if name.startswith(start)
    }
