"""The files of a published set, in a folder or in the archive that its authors offer."""

from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Protocol

from cifar_core.data import roots
from cifar_core.data.sources.archive import entries, shown
from cifar_core.disk.os_errors import reason
from cifar_core.errors import DataError

LISTS = (".txt", ".json", ".csv", ".mat", ".data")  # the small files that say what is what
MOST_LIST_BYTES = 512 * 2**20  # of one such file, or of all in an archive


class Files(Protocol):
    """The files of a set; their names are relative to the set's own folder."""

    @property
    def where(self) -> Path: ...  # noqa: D102

    @property
    def names(self) -> tuple[str, ...]: ...  # noqa: D102

    def read(self, name: str) -> bytes:
        """Return the bytes of a small file; raises DataError."""
        ...

    def path(self, name: str) -> Path:
        """Return the path of a large file; raises DataError if it is only in an archive."""
        ...

    def pictures(self, wanted: Set[str]) -> Iterator[tuple[str, bytes]]:
        """Yield each of the wanted files with its bytes, in any order."""
        ...


@dataclass(frozen=True)
class Folder:
    """The files of a folder."""

    where: Path

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Every file, in the order of the names."""
        return tuple(sorted(entry.name for entry in entries(self.where) if not entry.is_folder))

    def path(self, name: str) -> Path:
        """Return the path of a file; raises DataError if it is not there."""
        path = self.where / name
        if not path.is_file():
            raise missing(self.where, name)
        roots.refuse_way_out(path)
        return path

    def read(self, name: str) -> bytes:
        """Return the bytes of a small file."""
        path = self.path(name)
        refuse_size(path, path.stat().st_size)
        return contents(path)

    def pictures(self, wanted: Set[str]) -> Iterator[tuple[str, bytes]]:
        """Yield the files in the order of their names."""
        for name in sorted(wanted):
            yield name, contents(self.path(name))


@dataclass(frozen=True)
class Archive:
    """The files of an archive below one of some folders, of which the first that is there counts.

    The lists are kept in memory; pictures are read from the archive's start to its end.
    """

    where: Path
    bases: tuple[str, ...]
    marks: tuple[str, ...]
    lists: dict[str, bytes] = field(default_factory=dict)

    @cached_property
    def all_names(self) -> tuple[str, ...]:
        """Every file, by its name in the archive; keeps the lists."""
        names, total = [], 0
        for entry in entries(self.where):
            if entry.is_folder:
                continue
            name = PurePosixPath(entry.name).as_posix()
            names.append(name)
            if name.endswith(LISTS):
                self.lists[name] = entry.read()
                total += len(self.lists[name])
                refuse_size(self.where, total)
        return tuple(sorted(names))

    @cached_property
    def base(self) -> str:
        """The folder of the set's own files, with a slash after it, or ""."""
        heads = {name[: i + 1] for name in self.all_names for i, c in enumerate(name) if c == "/"}
        there = heads.union(self.all_names, (head[:-1] for head in heads))
        for base in (f"{base}/".lstrip("/") for base in self.bases):
            if all(base + mark in there for mark in self.marks):
                return base
        raise DataError(
            f"{self.where} is named like an archive of a published set, but lacks "
            f"{self.marks[0]}. Download it again, or rename it if it is another one."
        )

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Every file of the set."""
        base = self.base
        return tuple(name[len(base) :] for name in self.all_names if name.startswith(base))

    def path(self, name: str) -> Path:
        """Refuse: nothing is unpacked."""
        raise DataError(
            f"{self.where} must be unpacked before its images can be read. Unpack it, and name "
            "the folder."
        )

    def read(self, name: str) -> bytes:
        """Return the bytes of a list."""
        try:
            return self.lists[self.base + name]
        except KeyError:
            raise missing(self.where, name) from None

    def pictures(self, wanted: Set[str]) -> Iterator[tuple[str, bytes]]:
        """Yield the files in the order of the archive."""
        base = self.base
        for entry in entries(self.where):
            name = PurePosixPath(entry.name).as_posix()
            if name.startswith(base) and name[len(base) :] in wanted:
                yield name[len(base) :], entry.read()


def contents(path: Path) -> bytes:
    """Return the bytes of a file; raises DataError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {reason(error)}. Get it again.") from error


def missing(where: Path, name: str) -> DataError:
    """Return the error for a file that a published set has, but that is not there."""
    return DataError(
        f"{where} lacks the file {shown(name)}, which this published set has. "
        "Download the set again, or unpack all of it."
    )


def refuse_size(path: Path, size: int) -> None:
    """Raise DataError if lists are larger than those of any published set."""
    if size > MOST_LIST_BYTES:
        raise DataError(
            f"{path} has lists of {size / 1e6:,.0f} MB, more than any published set. "
            "Download the set again."
        )
