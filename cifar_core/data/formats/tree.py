"""Pictures in folders or an archive: the format of everything that no other one recognizes."""

from pathlib import Path

from cifar_core.data.contents import Contents
from cifar_core.data.formats.format import Format
from cifar_core.data.options import SetOptions


def open_tree(path: Path, options: SetOptions, store: Path) -> Contents:
    """List the pictures of a folder or archive."""
    raise NotImplementedError


FORMAT = Format(
    key="pictures",
    title="Pictures",
    summary="Picture files in folders or an archive, with their classes in the folders' names, in "
    "a table or in the files' names.",
    recognizes=lambda path: True,
    open=open_tree,
)
