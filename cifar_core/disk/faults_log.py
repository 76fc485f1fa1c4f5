"""errors.log of the store: the traceback of each fault of the program, under a short code."""

import os
import tempfile
import time
import traceback
import zlib
from pathlib import Path

NAME, OLD = "errors.log", "errors-old.log"
LONGEST = 1_000_000  # bytes; then the file is renamed to OLD, which it replaces
RECORDED: set[tuple[Path, str]] = set()  # by this process, so that a page that polls fills no disk


def record(error: BaseException, root: Path) -> tuple[str, Path]:
    """Append an error's traceback to the log; return its code and the file that has it.

    The same fault has the same code, and each process records it once. Where the store cannot be
    written, the log is in the folder for temporary files. Never raises an error of the disk.
    """
    code = code_of(error)
    stamp = time.strftime("%Y-%m-%d %H:%M:%S")
    text = f"{stamp}  code {code}\n{''.join(traceback.format_exception(error))}\n"
    elsewhere = Path(tempfile.gettempdir()) / f"cifar-lab-{os.getuid()}"
    for folder in (root, elsewhere):
        if (folder, code) in RECORDED:
            return code, folder / NAME
        try:
            append(folder, text)
        except OSError:
            continue
        RECORDED.add((folder, code))
        return code, folder / NAME
    return code, elsewhere / NAME


def append(folder: Path, text: str) -> None:
    """Append a text to the log in a folder, in one write."""
    folder.mkdir(exist_ok=True, mode=0o700)
    path = folder / NAME
    if path.exists() and path.stat().st_size > LONGEST:
        path.replace(folder / OLD)
    with path.open("ab", buffering=0) as file:
        file.write(text.encode("utf-8", "backslashreplace"))


def code_of(error: BaseException) -> str:
    """Return six hexadecimal digits that depend on the error's type and where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{Path(frame.filename).name}:{frame.name}:{frame.lineno}" for frame in frames[-4:]]
    return f"{zlib.crc32(repr((type(error).__name__, places)).encode()) & 0xFFFFFF:06x}"
