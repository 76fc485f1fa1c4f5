"""Unpacks the zip of a run without trusting it: only a run's files, bounded sizes, no links."""

import re
import shutil
import struct
import zipfile
import zlib
from pathlib import Path
from typing import IO

from cifar_core.errors import ArchiveError
from cifar_core.installation import PROGRAM
from cifar_core.runs.exchange.run_zip import MOST_BYTES
from cifar_core.runs.record.family.ancestors import RUN_ID

MOST_FILES = 5_000
MOST_DIRECTORY_BYTES = 2_000_000  # of the zip's central directory
MB = 10**6
ATTEMPT = r"(0|[1-9]\d{0,4})"  # 0: of the run that it trains on
CHECKPOINT = rf"checkpoints/\d{{1,12}}-a{ATTEMPT}"
ANCESTOR = rf"ancestors/{RUN_ID}"
LIMITS = {  # files that the zip may contain, and the most bytes of each
    r"(export|config|about|environment|status)\.json|best": MB,
    r"summary\.json": 5 * MB,
    rf"attempts/{ATTEMPT}/(attempt|start|result|end)\.json": MB,
    rf"attempts/{ATTEMPT}/metrics\.jsonl": 200 * MB,
    rf"attempts/{ATTEMPT}/watched\.jsonl": 20 * MB,
    rf"attempts/{ATTEMPT}/log\.txt": 100 * MB,
    rf"({ANCESTOR}/)?{CHECKPOINT}/manifest\.json": MB,
    rf"({ANCESTOR}/)?{CHECKPOINT}/(model|state)\.safetensors": MOST_BYTES,
    rf"predictions/\d{{1,12}}-a{ATTEMPT}-(val|test)\.safetensors": 100 * MB,
    rf"{ANCESTOR}/(about|config|environment)\.json": MB,
}
NEEDED = ("export.json", "config.json", "about.json", "status.json")
REGULAR = 0o10  # file type in the upper four bits of a Unix mode
DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, struct.error,
          OverflowError, RuntimeError, OSError)  # fmt: skip
MOST_RATIO = 200  # of a large file's size to its compressed size; logs reach about 20
PIECE = 1 << 20


def unpack(source: IO[bytes] | Path, folder: Path) -> None:
    """Write all files of a zip into a folder; ArchiveError if it is not a run's zip."""
    try:
        check_directory(source)
        with zipfile.ZipFile(source) as archive:
            members = archive.infolist()
            check_members(members)
            for member in members:
                target = folder / member.filename
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(member) as packed, target.open("xb") as file:
                    shutil.copyfileobj(packed, file, PIECE)  # no more than the size it states
    except DAMAGE as error:
        if isinstance(error, OSError) and error.errno:
            raise ArchiveError(
                f"The zip could not be unpacked: {error.strerror}. Fix that and try again."
            ) from error
        raise ArchiveError("This is not a valid zip file. Export the run again.") from error


def check_directory(source: IO[bytes] | Path) -> None:
    """Refuse a zip with a large central directory before that is read into memory."""
    if isinstance(source, Path):
        with source.open("rb") as file:
            check_directory(file)
        return
    size = source.seek(0, 2)
    source.seek(max(0, size - 66_000))
    end = source.read()
    source.seek(0)
    start = end.rfind(b"PK\x05\x06")
    if start < 0 or len(end) < start + 22:
        raise zipfile.BadZipFile
    (listed,) = struct.unpack("<I", end[start + 12 : start + 16])
    if size > MOST_BYTES or listed > MOST_DIRECTORY_BYTES or b"PK\x06\x07" in end[:start][-20:]:
        raise ArchiveError("This zip is too large for a run. Export the run again.")


def check_members(members: list[zipfile.ZipInfo]) -> None:
    """Refuse foreign names, links, encrypted files, and more bytes than a run may have."""
    names = [member.filename for member in members]
    if len(set(names)) < len(names) or len(names) > MOST_FILES:
        raise ArchiveError(f"This zip contains a file twice, or more than {MOST_FILES:,} files.")
    if missing := [name for name in NEEDED if name not in names]:
        raise ArchiveError(
            f"This zip has no {missing[0]}, so it is not an exported run. Export one with: "
            f"{PROGRAM} export RUN"
        )
    for member in members:
        check_member(member)
    if sum(member.file_size for member in members) > MOST_BYTES:
        raise ArchiveError(f"This zip unpacks to more than {MOST_BYTES / 1e9:.1f} GB.")


def check_member(member: zipfile.ZipInfo) -> None:
    """Refuse a file that is not one of a run's, or that is too large."""
    most = [most for rule, most in LIMITS.items() if re.fullmatch(rule, member.filename, re.ASCII)]
    shown = member.filename[:60]
    if not most or (member.external_attr >> 28) not in (0, REGULAR):
        raise ArchiveError(f"This zip contains {shown!r}, which is not a file of a run.")
    packed_too_well = member.file_size > MOST_RATIO * member.compress_size
    if member.file_size > MB and packed_too_well:
        raise ArchiveError(f"{shown} of this zip is not what a run writes. Export the run again.")
    if member.flag_bits & 1:
        raise ArchiveError("This zip is protected with a password. Export the run again.")
    if member.file_size > most[0]:
        raise ArchiveError(
            f"{shown} of this zip has {member.file_size:,} bytes; the maximum is {most[0]:,}."
        )
