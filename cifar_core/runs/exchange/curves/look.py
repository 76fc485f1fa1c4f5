"""Looks into files of another tool, in a process of its own, before anything is imported."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from cifar_core.disk import files
from cifar_core.errors import ArchiveError
from cifar_core.runs.exchange.curves import reader
from cifar_core.runs.exchange.curves.found import Found, load
from cifar_core.runs.exchange.curves.limits import SECONDS

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


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
                timeout=SECONDS, env={**os.environ, **ONE_THREAD}, check=False,
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
