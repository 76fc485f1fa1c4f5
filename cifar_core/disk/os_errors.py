"""What the system refused, as a sentence: what is, what should be, and what to do.

`errno` numbers are those of POSIX.1-2017, section 2.3.
"""

import errno
import os
import re
from pathlib import Path

from cifar_core.disk.space import NO_ROOM
from cifar_core.errors import CifarError

NOT_ALLOWED = (errno.EACCES, errno.EPERM, errno.EROFS)
GONE = (errno.ENOENT, errno.ESTALE)
DRAFT = re.compile(r"\.(.+)\.\d+-\d+\.\w+")
LONGEST = 200  # characters of a path in a sentence


def explained(error: Exception, root: Path) -> str:
    """Return an error as a complete sentence; files of the store at `root` are named within it."""
    if isinstance(error, CifarError) or not isinstance(error, OSError):
        return str(error)
    path = without_draft(Path(os.fsdecode(error.filename))) if error.filename else None
    if path is None:
        return f"The system refused: {reason(error)}. Try again; if it stays, restart the program."
    where = named(path, root)
    if error.errno in GONE:
        return lost(path, where, root)
    if error.errno in NOT_ALLOWED:
        return forbidden(path, where, root)
    if error.errno in NO_ROOM:
        return (
            f"There is no room on the disk for {where}. Free some space, for example by emptying "
            "the trash."
        )
    return f"{where} cannot be used: {reason(error)}. {REMEDIES.get(error.errno or 0, CHECK)}"


CHECK = "Check that it exists and may be read and written, then try again."
REMEDIES = {
    errno.ENAMETOOLONG: "Give a shorter name.",
    errno.EISDIR: "Add the name of a file.",
    errno.ENOTDIR: "Give a path whose parts, except the last, are folders.",
    errno.EMFILE: "Close other programs, or raise the limit of open files (ulimit -n).",
    errno.ENFILE: "Close other programs, or raise the limit of open files.",
    errno.EIO: "Check the disk, or the connection to it, then try again.",
}


def without_draft(path: Path) -> Path:
    """Return the file that a draft of files.replacing was to become; any other path as it is."""
    draft = DRAFT.fullmatch(path.name)
    return path.with_name(draft[1]) if draft else path


def reason(error: BaseException) -> str:
    """Return an error's own words, those of the system without their number."""
    cause = getattr(error, "reason", None)  # of a URLError
    if isinstance(cause, OSError):
        return reason(cause)
    words = (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
    return words[:1].lower() + words[1:]


def named(path: Path, root: Path) -> str:
    """Return a path for a sentence: within the store from its root on, elsewhere in full."""
    if path == root or not path.is_absolute():
        text = "the store" if path == root else str(path)
    else:
        inside = path.is_relative_to(root)
        text = f"{path.relative_to(root)} in the store" if inside else str(path)
    shown = "".join(letter if letter.isprintable() else "?" for letter in text)
    return shown if len(shown) <= LONGEST else f"{shown[:LONGEST]}..."


def lost(path: Path, where: str, root: Path) -> str:
    """Return the sentence about a file that is missing: its run or its folder may be gone."""
    parts = path.relative_to(root).parts if path.is_relative_to(root) else ()
    if len(parts) > 1 and parts[0] == "runs" and not (root / "runs" / parts[1]).exists():
        return (
            f"Run {parts[1]} is no longer in the store: it was deleted or moved in the meantime. "
            "Look for it in the trash, or list the runs again."
        )
    if not parts and not path.parent.exists():
        return (
            f"{where} cannot be used, because there is no folder {named(path.parent, root)}. "
            "Create the folder, or give another path."
        )
    return (
        f"{where} does not exist; it may have been deleted or moved in the meantime. Check the "
        "name, then try again."
    )


def forbidden(path: Path, where: str, root: Path) -> str:
    """Return the sentence about a file that this program may not use."""
    if path == root or path.is_relative_to(root):
        return (
            f"This program may not read or write {where} as it needs to. Give it permission to "
            "write to the folder of the store, or use another store (--store or $CIFAR_STORE)."
        )
    return (
        f"This program has no permission to use {where}. Give it permission to read and write "
        "there, or give another path."
    )
