"""Looks into files of another tool, in a process of its own, before anything is imported."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from cifar_core.background import processes
from cifar_core.disk import files
from cifar_core.errors import ArchiveError
from cifar_core.runs.exchange.curves import reader
from cifar_core.runs.exchange.curves.found import Found, load
from cifar_core.runs.exchange.curves.limits import SECONDS

ZIP = b"PK\x03\x04"
LONGEST_STEM, LONGEST_SUFFIX = 200, 12  # bytes; characters of up to four bytes
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


def look_at(uploads: Sequence[tuple[str, bytes | memoryview]]) -> Found:
    """Return the runs and curves in files that were uploaded, each a name and its bytes.

    Raises ArchiveError if they cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="cifar-import-") as folder:
        paths = []
        for number, (name, data) in enumerate(uploads, 1):
            home = Path(folder) / f"file {number}"  # so that two files of one name do not meet
            home.mkdir()
            path = home / plain_name(name)
            path.write_bytes(data)
            paths.append(path)
        if len(paths) == 1:
            return look(paths[0])
        if any(is_zip(path) for path in paths):
            raise ArchiveError("Import a zip without other files, or put all into one zip.")
        return look(Path(folder), f"{len(paths)} files")


def plain_name(name: str) -> str:
    """Return the last part of an uploaded file's name, as any disk takes it, with its ending."""
    plain = PurePosixPath(name.replace("\0", "").replace("\\", "/"))
    if plain.name in ("", ".."):
        return "file"
    stem = plain.stem.encode("utf-8", "replace")[:LONGEST_STEM].decode("utf-8", "ignore")
    return stem + plain.suffix[:LONGEST_SUFFIX].encode("utf-8", "replace").decode()


def is_zip(path: Path) -> bool:
    """Return True if a file starts as zips do."""
    with path.open("rb") as file:
        return file.read(4) == ZIP


def look(given: Path, name: str = "", format_: str = "") -> Found:
    """Return the runs and curves in a file, a folder or a zip of another tool.

    `name` is what the person calls it, `format_` a key of FORMATS if they said which. Raises
    ArchiveError if it cannot be read.
    """
    shown = name or given.name
    with tempfile.TemporaryDirectory(prefix="cifar-curves-") as folder:
        command = [sys.executable, "-m", reader.__name__, str(given.absolute()), shown, folder]
        try:
            ended = subprocess.run(
                [*command, format_], capture_output=True, text=True, errors="replace",
                timeout=SECONDS, check=False,
                env={**processes.with_package(os.environ), **ONE_THREAD},
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise ArchiveError(
                f"{shown} takes more than {SECONDS:.0f} s to read. Import fewer runs at a time."
            ) from error
        if ended.returncode == reader.REFUSED:
            raise ArchiveError(ended.stderr.strip().splitlines()[-1])
        if ended.returncode:
            raise ArchiveError(
                f"{shown} could not be read as curves of another tool. If that tool opens it, "
                "export the curves as CSV and import that."
            )
        return load(Path(folder), shown, "" if given.is_dir() else files.sha256_of(given))
