"""Sets from the Hugging Face hub that were downloaded, read with the format of their files."""

from dataclasses import replace
from pathlib import Path

from cifar_core.data.contents import Contents
from cifar_core.data.formats.format import Format
from cifar_core.data.hub.names import ABOUT, COMMIT, HOME, origin_of, repository_of
from cifar_core.data.options import SetOptions


def recognizes(path: Path) -> bool:
    """Return True for the folder of a revision that was downloaded."""
    return (
        path.parent.parent.name == HOME
        and COMMIT.fullmatch(path.name) is not None
        and (path.parent / ABOUT).is_file()
    )


def open_downloaded(path: Path, options: SetOptions, store: Path) -> Contents:
    """List the images of a revision with the format of its files."""
    from cifar_core.data.formats.formats import FORMATS  # which has this one

    form = next(
        each for each in FORMATS.values() if each.key != FORMAT.key and each.recognizes(path)
    )
    return replace(
        form.open(path, options, store), title=repository_of(path.parent), origin=origin_of(path)
    )


FORMAT = Format(
    key="hugging_face",
    title="From the Hugging Face hub",
    summary="A set of the hub, hf:owner/name, downloaded as Parquet or as pictures.",
    recognizes=recognizes,
    open=open_downloaded,
)
