"""Downloads one known file: goes on where it stopped, checks what came, never waits forever."""

import hashlib
import re
import shutil
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO
from urllib.error import HTTPError, URLError

from cifar_core.errors import DataError

BLOCK = 2**17  # bytes read at once
CONNECTIONS = 5  # tried before giving up, as long as each one brings something
TIMEOUT = 30.0  # seconds of silence
SLOWEST = 1000  # bytes per second; a server that sends less is as good as silent
NETWORK = (OSError, HTTPException, ValueError)
KEPT = "What has come is kept: try again, and the download goes on from there."
Progress = Callable[[int, int], None]  # bytes that are there, bytes in all


@dataclass(frozen=True, kw_only=True)
class Archive:
    """A file of which everything is known before it is downloaded.

    A sha256 may be cut to its first digits, as in the names of torchvision's files; without one
    the md5 sum decides.
    """

    url: str
    md5: str = ""  # hexadecimal
    bytes: int
    name: str
    sha256: str = ""  # hexadecimal, or its beginning

    @property
    def checksum(self) -> tuple[str, str]:
        """The algorithm that the file is checked with, and what it must give."""
        return ("sha256", self.sha256) if self.sha256 else ("md5", self.md5)


class ConnectionEndedError(Exception):
    """The server stopped sending before the end."""


def download(
    archive: Archive, folder: Path, progress: Progress | None = None, *, timeout: float = TIMEOUT
) -> Path:
    """Return the archive in `folder`, downloaded unless an intact one is there already.

    It grows under its name with .part added and gets its own name when size and md5 are right.
    """
    target, part = folder / archive.name, folder / f"{archive.name}.part"
    progress = progress or (lambda done, total: None)
    if is_intact(target, archive):
        progress(archive.bytes, archive.bytes)
        return target
    prepare(archive, folder, part)
    while True:
        resumed = size_of(part) > 0
        receive(archive, part, progress, timeout)
        if is_intact(part, archive):
            return part.replace(target)
        part.unlink()
        if not resumed:  # else its beginning was of another file, and a second try is fair
            algorithm, wanted = archive.checksum
            raise DataError(
                f"The file from {archive.url} is damaged or another one: its {algorithm} sum is "
                f"not {wanted}. It was deleted. Try again, or give the address of a true copy."
            )


def is_intact(path: Path, archive: Archive) -> bool:
    """Tell whether a file has the size and the checksum of the archive."""
    if size_of(path) != archive.bytes or not path.is_file():
        return False
    algorithm, wanted = archive.checksum
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False))
    return digest.hexdigest().startswith(wanted)


def check_address(url: str) -> None:
    """Raise unless an address is one of the web: others would open files of this machine."""
    if not url.startswith(("http://", "https://")):
        raise DataError(f"'{url}' is no address to download from; it should start with https://.")


def size_at(url: str, name: str, *, timeout: float = TIMEOUT) -> int:
    """Return how many bytes the server says that the file has; raises DataError."""
    check_address(url)
    with request(Archive(url=url, bytes=0, name=name), 0, timeout) as answer:
        length = answer.headers.get("Content-Length", "")
    if not length.isdecimal():
        raise DataError(
            f"{url} does not say how long the file is, so it may be no file at all. "
            "Give the address of a true copy."
        )
    return int(length)


def size_of(path: Path) -> int:
    """Return the bytes of a file, 0 if there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def prepare(archive: Archive, folder: Path, part: Path) -> None:
    """Check the address and the disk, and drop a part that cannot be of this archive."""
    check_address(archive.url)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if size_of(part) > archive.bytes:
            part.unlink()
        missing = archive.bytes - size_of(part)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise cannot_write(folder, error) from error
    if free < missing:
        raise DataError(
            f"{folder} has {free / 1e6:,.0f} MB of free space, but the download needs "
            f"{missing / 1e6:,.0f} MB. Free some space or choose another store."
        )


def cannot_write(path: Path, error: OSError) -> DataError:
    """Say that the disk refuses."""
    return DataError(
        f"{path} cannot be written ({error.strerror or error}). Check the permissions and the "
        "free space, or choose another store."
    )


def receive(archive: Archive, part: Path, progress: Progress, timeout: float) -> None:
    """Bring the part to its full size, over several connections if they end too early."""
    why = ""
    for _ in range(CONNECTIONS):
        before = size_of(part)
        if before == archive.bytes:
            return
        try:
            append_rest(archive, part, progress, timeout)
        except ConnectionEndedError as error:
            why = str(error)
        after = size_of(part)
        if after == archive.bytes:
            return
        if after <= before:
            break
    raise DataError(
        f"The download from {archive.url} stopped after {size_of(part) / 1e6:,.1f} of "
        f"{archive.bytes / 1e6:,.1f} MB{why and f' ({why})'}. {KEPT}"
    )


def append_rest(archive: Archive, part: Path, progress: Progress, timeout: float) -> None:
    """Write what is missing, as far as one connection delivers it."""
    answer, done = rest(archive, size_of(part), timeout)
    with answer:
        try:
            file = part.open("ab" if done else "wb")
        except OSError as error:
            raise cannot_write(part, error) from error
        with file:
            for block in blocks(answer, timeout):
                done += len(block)
                if done > archive.bytes:
                    raise wrong_size(archive, f"more than {archive.bytes:,}")
                write(file, block)
                progress(done, archive.bytes)


def rest(archive: Archive, start: int, timeout: float) -> tuple[HTTPResponse, int]:
    """Ask for what is missing; the second value is the byte that it begins with: `start` or 0."""
    answer = request(archive, start, timeout)
    if start and answer.status == 206:
        place = re.match(r"bytes (\d+)-\d+/(\d+|\*)$", answer.headers.get("Content-Range", ""))
        if place and int(place[1]) == start and place[2] in ("*", str(archive.bytes)):
            return answer, start
        answer.close()
        answer = request(archive, 0, timeout)
    length = answer.headers.get("Content-Length")
    if length is not None and length != str(archive.bytes):
        answer.close()
        raise wrong_size(archive, length)
    return answer, 0


def request(archive: Archive, start: int, timeout: float) -> HTTPResponse:
    """Ask for the file from a byte on; for all of it if the server has no such byte."""
    headers = {"User-Agent": "cifar-lab"} | ({"Range": f"bytes={start}-"} if start else {})
    try:
        asked = urllib.request.Request(archive.url, headers=headers)
        answer: HTTPResponse = urllib.request.urlopen(asked, timeout=timeout)
    except HTTPError as error:
        error.close()
        if start and error.code == 416:
            return request(archive, 0, timeout)
        raise DataError(
            f"The server of {archive.url} answered {error.code} ({error.reason}). "
            "Try again later, or give the address of another copy of the file."
        ) from error
    except NETWORK as error:
        reason = error.reason if isinstance(error, URLError) else error
        raise DataError(
            f"{archive.url} cannot be reached ({reason or type(error).__name__}). Check the "
            f"network and the address, or copy the file to the store by hand. {KEPT}"
        ) from error
    return answer


def wrong_size(archive: Archive, found: str) -> DataError:
    """Say that the server offers something else."""
    return DataError(
        f"{archive.url} has {found} bytes, but {archive.name} should have {archive.bytes:,}. "
        "It is another file or an error page: give the address of a true copy."
    )


def blocks(answer: HTTPResponse, timeout: float) -> Iterator[bytes]:
    """Yield what comes until the server ends; raise if it is silent or almost."""
    since, received = time.monotonic(), 0
    while True:
        try:
            block = answer.read1(BLOCK)
        except NETWORK as error:
            raise ConnectionEndedError(str(error) or type(error).__name__) from error
        if not block:
            return
        yield block
        received += len(block)
        if time.monotonic() - since > timeout:
            if received < SLOWEST * timeout:
                raise ConnectionEndedError("the server sends almost nothing")
            since, received = time.monotonic(), 0


def write(file: IO[bytes], block: bytes) -> None:
    """Append to the part, so that it can go on from there whatever happens next."""
    try:
        file.write(block)
        file.flush()
    except OSError as error:
        raise cannot_write(Path(file.name), error) from error
