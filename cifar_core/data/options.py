"""What a person decided about a set of images, kept in the store beside what was found out.

A folder per source, store/data/sets/<name>-<digest>/: `options.json`, and `split.csv`, which says
for each file of a set without test images which part it was drawn into, so that the division
outlives everything that is decoded.
"""

import hashlib
from pathlib import Path

from msgspec import Struct

from cifar_core.disk import files
from cifar_core.disk.checks import Number, Text, Whole

UNREADABLE = 0.01  # share of the pictures that may be unreadable
TEST_SHARE = 0.2  # of the images of each class, where a set has no test images


class SetOptions(Struct, frozen=True, kw_only=True):
    """The decisions about one source; the defaults hold until a person decides."""

    title: Text = ""  # a name that replaces the source's own
    file_column: Text = ""  # of a table of labels; "" for the column that is found
    label_column: Text = ""
    part_column: Text = ""
    group_column: Text = ""
    pattern: Text = ""  # where the names of files hold the class, such as "{class}_{number}"
    test_share: Number = TEST_SHARE
    split_seed: Whole = 0
    unreadable: Number = UNREADABLE
    keep_together: bool = True  # near-duplicates stay in one part of a split that is drawn here
    confirmed: bool = False  # a person has seen where the classes come from
    removed: bool = False  # not shown any more; what was decoded is deleted


def folder_of(store: Path, source: str) -> Path:
    """Return the folder of what is known of a source; it need not exist."""
    readable = "".join(c if c.isalnum() or c in "-_" else "-" for c in Path(source).name)[:40]
    return (
        store / "data" / "sets" / f"{readable}-{hashlib.sha256(source.encode()).hexdigest()[:12]}"
    )


def options_of(store: Path, source: str) -> SetOptions:
    """Return what was decided about a source; the defaults if nothing was, or it is damaged."""
    return files.read(folder_of(store, source) / "options.json", SetOptions)


def keep_options(store: Path, source: str, options: SetOptions) -> None:
    """Keep what a person decided."""
    folder = folder_of(store, source)
    folder.mkdir(parents=True, exist_ok=True)
    files.write_json(folder / "options.json", files.plain_of(options) | {"source": source})
