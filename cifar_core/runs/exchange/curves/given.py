"""Distinguishes the zip of one of our own runs from files of other tools."""

import zipfile
from pathlib import Path
from typing import IO

from cifar_core.runs.exchange.unpack import DAMAGE, check_directory

MARK = "export.json"  # at the top of a zip that `export_run` wrote


def is_own_run(source: IO[bytes] | Path) -> bool:
    """Return True if a file is a zip of a run of ours, by the names in it."""
    try:
        check_directory(source)
        with zipfile.ZipFile(source) as archive:
            return MARK in archive.namelist()
    except DAMAGE:
        return False
