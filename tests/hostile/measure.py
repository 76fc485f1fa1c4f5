"""Reads a folder of hostile files in a process of its own and says how much its memory grew.

Started as `python measure.py READER FOLDER`; readers are those of the table.
"""

import os
import resource
import subprocess
import sys
from pathlib import Path

from cifar_core.data.pictures.images import open_image
from cifar_core.data.sources.archive import entries
from cifar_core.disk import files
from cifar_core.errors import CifarError
from cifar_core.runs.record.metrics import is_like_a_row
from cifar_core.weights.layout import read_shapes

ROOT = Path(__file__).resolve().parents[2]
UNIT = 1024**2 if sys.platform == "darwin" else 1024  # of ru_maxrss, per megabyte


def read_archive(path):
    for entry in entries(path):
        entry.is_folder or entry.read()


def read_text(path):
    files.read_json(path)
    files.read_lines(path, like=is_like_a_row)
    files.damaged_lines(path, whole=True, like=is_like_a_row)


READERS = {
    "picture": lambda path: open_image(path.read_bytes()),
    "archive": read_archive,
    "head": read_shapes,
    "text": read_text,
}


def megabytes(reader, folder):
    """Return by how many megabytes reading a folder's files makes a fresh process grow.

    The shell between is needed: Linux counts the memory of the process that starts a program
    into the program's own peak.
    """
    done = subprocess.run(
        ["sh", "-c", '"$@"; exit $?', "sh", sys.executable, __file__, reader, str(folder)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)


def main(reader, folder):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for path in sorted(Path(folder).iterdir()):
        try:
            READERS[reader](path)
        except CifarError:
            continue
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / UNIT)


if __name__ == "__main__":
    main(*sys.argv[1:])
