"""Which pictures of a set are nearly the same, as a look for duplicates found: near.csv.

The draw of test images keeps them in one part. A new list takes the earlier draw back.
"""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from cifar_core.data.layout.split_off import RULE, SPLIT
from cifar_core.data.options import folder_of
from cifar_core.disk import files
from cifar_core.disk.tables import as_csv, rows_of

NEAR = "near.csv"  # name, group


def near_groups(store: Path, source: str) -> dict[str, str]:
    """Return the group of each picture that has others nearly like it; {} if none is known.

    A name that a spreadsheet would execute is guarded in the file, and belongs to no group.
    """
    groups: dict[str, str] = {}
    path = folder_of(store, source) / NEAR
    with suppress(OSError, ValueError), path.open(encoding="utf-8", newline="") as file:
        rows = rows_of(file)
        next(rows, None)  # the names of the columns
        groups.update((row[0], row[1]) for row in rows if len(row) > 1)
    return groups


def keep_near(store: Path, source: str, groups: Mapping[str, str]) -> None:
    """Write down which pictures are nearly the same; the next opening draws by it."""
    folder = folder_of(store, source)
    folder.mkdir(parents=True, exist_ok=True)
    lines = [{"name": name, "group": group} for name, group in sorted(groups.items())]
    files.write_atomic(folder / NEAR, as_csv(lines, ["name", "group"]))
    for file in (SPLIT, RULE):
        (folder / file).unlink(missing_ok=True)
