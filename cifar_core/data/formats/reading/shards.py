"""Says which files are missing of a set that is kept in numbered ones, such as 00000-of-00003."""

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from cifar_core.data.sources.archive import shown

SHARD = re.compile(r"(.+)-(\d+)-of-(\d+)")


def missing(files: Iterable[str]) -> Iterator[str]:
    """Say which files of a set in numbered files, such as 00000-of-00003, are not there."""
    there: dict[tuple[str, int], set[int]] = {}
    for name in files:
        if found := SHARD.fullmatch(PurePosixPath(name).stem):
            key = str(PurePosixPath(name).with_name(found[1])), int(found[3])
            there.setdefault(key, set()).add(int(found[2]))
    for (start, count), numbers in sorted(there.items()):
        gone = count - len(numbers)
        if gone > 0:
            first = next(number for number in range(count) if number not in numbers)
            yield (
                f"Of the {count:,} files of {shown(start)}, {gone:,} "
                f"{'is' if gone == 1 else 'are'} missing, the first number {first:05}: the images "
                f"in {'it' if gone == 1 else 'them'} are not in the set."
            )
