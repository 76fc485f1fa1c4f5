"""The files that were given: one file, a folder, or what a zip holds, unpacked within limits."""

import os
import shutil
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from cifar_core.errors import ArchiveError
from cifar_core.runs.exchange.curves.limits import MB, MOST_FILE_BYTES, MOST_FILES
from cifar_core.runs.exchange.unpack import DAMAGE, MOST_RATIO, PIECE, REGULAR, check_directory

HEAD = 4096  # bytes by which a file's kind is recognized
HIDDEN = (".", "__MACOSX")  # how the names of files start that systems add


@dataclass(frozen=True)
class Materials:
    """Files of another tool below a folder."""

    root: Path
    names: tuple[str, ...]  # relative to it, with slashes, sorted
    title: str  # the name of the file or the folder that was given, without ending

    def path(self, name: str) -> Path:
        """Return where a file is."""
        return self.root / name

    @cached_property
    def heads(self) -> dict[str, bytes]:
        """The first bytes of each file, by its name."""
        found = {}
        for name in self.names:
            with self.path(name).open("rb") as file:
                found[name] = file.read(HEAD)
        return found

    def ending(self, *endings: str) -> list[str]:
        """List the files with one of these endings."""
        return [name for name in self.names if name.lower().endswith(endings)]


def materials(given: Path, name: str, draft: Path) -> Materials:
    """Return the files that were given; a zip is unpacked below `draft`. ArchiveError says why not.

    `name` is what a person calls the file or the folder.
    """
    title = PurePosixPath(name).name
    if given.is_dir():
        return in_folder(given, title)
    with given.open("rb") as file:
        is_zip = file.read(4) == b"PK\x03\x04"
    title = title.rpartition(".")[0] or title
    if is_zip:
        return Materials(draft, tuple(sorted(unpack(given, draft))), title)
    if given.stat().st_size > MOST_FILE_BYTES:
        raise too_large()
    alone = draft / (PurePosixPath(name).name or "file")  # its name says which tool wrote it
    alone.symlink_to(given.absolute())
    return Materials(draft, (alone.name,), title)


def too_large() -> ArchiveError:
    """Return the error about too many bytes."""
    return ArchiveError(
        f"This holds more than {MOST_FILE_BYTES / MB:,.0f} MB. Import fewer runs at a time."
    )


def in_folder(folder: Path, title: str) -> Materials:
    """List the files below a folder, without links."""
    names, size = [], 0
    for at, folders, files in os.walk(folder):
        folders[:] = sorted(each for each in folders if not each.startswith(HIDDEN))
        for file in sorted(files):
            path = Path(at) / file
            facts = path.lstat()
            if file.startswith(HIDDEN) or not stat.S_ISREG(facts.st_mode):
                continue
            names.append(path.relative_to(folder).as_posix())
            size += facts.st_size
            if len(names) > MOST_FILES:
                raise ArchiveError(
                    f"{folder} has more than {MOST_FILES:,} files. Give the folder of fewer runs."
                )
            if size > MOST_FILE_BYTES:
                raise too_large()
    return Materials(folder, tuple(sorted(names)), title or folder.absolute().name)


def unpack(given: Path, draft: Path) -> Iterator[str]:
    """Unpack the plain files of a zip below a folder; yield their names."""
    try:
        check_directory(given)
        with zipfile.ZipFile(given) as archive:
            members = list(wanted(archive.infolist()))
            for index, (member, name) in enumerate(members):
                target = draft / name
                if target.exists():
                    raise ArchiveError(f"This zip contains {name[:60]!r} twice.")
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(member) as packed, target.open("xb") as file:
                    shutil.copyfileobj(packed, file, PIECE)  # no more than the size it states
                yield members[index][1]
    except DAMAGE as error:
        if isinstance(error, OSError) and error.errno:
            raise ArchiveError(
                f"The zip could not be unpacked: {error.strerror}. Fix that and try again."
            ) from error
        raise ArchiveError("This is not a valid zip file. Make it again.") from error


def wanted(members: list[zipfile.ZipInfo]) -> Iterator[tuple[zipfile.ZipInfo, str]]:
    """Yield the files of a zip and their names in the folder; ArchiveError if one is hostile."""
    if len(members) > MOST_FILES:
        raise ArchiveError(
            f"This zip has more than {MOST_FILES:,} files. Import fewer runs at a time."
        )
    if sum(member.file_size for member in members) > MOST_FILE_BYTES:
        raise too_large()
    for member in members:
        path = PurePosixPath(member.filename.replace("\\", "/"))
        if member.is_dir() or any(part.startswith(HIDDEN) and part != ".." for part in path.parts):
            continue
        shown = member.filename[:60]
        if path.is_absolute() or ".." in path.parts or ":" in member.filename[:3]:
            raise ArchiveError(f"This zip contains {shown!r}, which lies outside of its folder.")
        if (member.external_attr >> 28) not in (0, REGULAR):
            raise ArchiveError(f"This zip contains {shown!r}, which is not a plain file.")
        if member.flag_bits & 1:
            raise ArchiveError("This zip is protected with a password. Make one without.")
        if member.file_size > MB and member.file_size > MOST_RATIO * member.compress_size:
            raise ArchiveError(
                f"{shown} of this zip shrinks to less than 1/{MOST_RATIO} of its size, as no log "
                "does. Import the file itself."
            )
        yield member, path.as_posix()
