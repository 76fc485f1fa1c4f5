"""How much people may upload, and when what no one finished is deleted."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from cifar_core.data.uploads import sets
from cifar_core.data.uploads.arriving import BEGUN, LOCK, Upload, arriving, changed_at, home
from cifar_core.disk import files, lock, removal
from cifar_core.errors import BusyError, DataError
from cifar_core.people import Person

EACH, ALL = "CIFAR_UPLOAD_GB", "CIFAR_UPLOADS_GB"  # of one person, and of all together
DEFAULTS = {EACH: 20.0, ALL: 200.0}
GIGA = 1e9
DAY = 24 * 3600.0
KEPT_DAYS = 7  # days that unfinished uploads are kept
BEGINNING = 3600.0  # seconds after which an upload that says nothing of itself is left behind
MOST_ARRIVING = 20  # unfinished uploads of one person


def limit(variable: str) -> float:
    """Return a limit in bytes; DataError if the variable is not a number."""
    text = os.environ.get(variable, "").strip()
    try:
        gigabytes = float(text) if text else DEFAULTS[variable]
    except ValueError:
        gigabytes = -1.0
    if not gigabytes >= 0:
        raise DataError(
            f"${variable} is '{text}', but it must be a number of gigabytes (default "
            f"{DEFAULTS[variable]:g}). Ask the person who starts this dashboard to correct it."
        )
    return gigabytes * GIGA


def check(store: Path, by: Person, size: int) -> None:
    """Raise DataError if a new upload of `size` bytes does not fit; says why and what to do.

    Begin it while the sets are held (sets.changing), or others begin theirs in between.
    The machine's own user is limited by the disk alone.
    """
    begun = arriving(store)
    if sum(upload.begun.owner == by.name for upload in begun) >= MOST_ARRIVING:
        raise BusyError(
            f"You have {MOST_ARRIVING} uploads that are not finished. Continue or discard some of "
            "them first."
        )
    if by.is_local:
        return
    owned = [(upload.begun.owner, upload.begun.bytes) for upload in begun]
    owned += [(known.owner, known.bytes) for known in sets.uploaded(store)]
    own, everyone = sum(n for who, n in owned if who == by.name), sum(n for _, n in owned)
    if own + size > limit(EACH):
        raise DataError(
            f"Your uploads take {amount(own)}, and with these {amount(size)} they would exceed the "
            f"{amount(limit(EACH))} of one person. Discard an upload, or ask an admin of this lab "
            f"to raise ${EACH}."
        )
    if everyone + size > limit(ALL):
        raise DataError(
            f"The uploads of everyone would exceed {amount(limit(ALL))} with these "
            f"{amount(size)}. Ask an admin of this lab to delete some or to raise ${ALL}."
        )


def amount(size: float) -> str:
    """Return a number of bytes in words: 20 GB, 1.5 MB, 600 bytes."""
    for unit, least in (("GB", 1e9), ("MB", 1e6), ("KB", 1e3)):
        if size >= least:
            return f"{size / least:,.1f}".removesuffix(".0") + f" {unit}"
    return "1 byte" if size == 1 else f"{size:.0f} bytes"


def left_behind(store: Path, now: float | None = None) -> Iterator[Path]:
    """Yield the files of uploads and sets that no one finished."""
    now = time.time() if now is None else now
    yield from removal.leftovers(home(store))
    yield from removal.leftovers(home(store) / ".arriving")
    for path in home(store).glob(".arriving/[!.]*"):
        if not (path / BEGUN).exists() and now - files.stamp(path) / 1e9 > BEGINNING:
            yield path
    for upload in arriving(store):
        if now - changed_at(upload) > KEPT_DAYS * DAY and not is_sending(upload):
            yield upload.folder
    for known in sets.uploaded(store):
        if not known.kept and now - known.at > KEPT_DAYS * DAY:
            yield from (path for path in sets.all_of(store, known) if path.exists())


def is_sending(upload: Upload) -> bool:
    """Return True if a piece of an upload is arriving now."""
    return lock.is_locked(upload.folder / LOCK)
