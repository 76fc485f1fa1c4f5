"""Downloads one file of known size: resumes where it stopped, checks it, never waits forever."""

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
from urllib.error import HTTPError

from cifar_core.disk.os_errors import reason
from cifar_core.errors import DataError

BLOCK = 2**17  # bytes read at once
CONNECTIONS = 5  # tried before giving up, as long as each one delivers something
TIMEOUT = 30.0  # seconds of silence
SLOWEST = 1000  # bytes per second; a server that sends less counts as silent
NETWORK = (OSError, HTTPException, ValueError)
KEPT = "The part received so far is kept: try again, and the download continues from there."
Progress = Callable[[int, int], None]  # bytes received, bytes in all


@dataclass(frozen=True, kw_only=True)
class RemoteFile:
    """A file to download, with its size and its checksum.

    A sha256 may be shortened to its first digits, as in the names of torchvision's files; without
    one, the md5 sum is checked.
    """

    url: str
    md5: str = ""  # hexadecimal
    bytes: int
    name: str
    sha256: str = ""  # hexadecimal, or its beginning

    @property
    def checksum(self) -> tuple[str, str]:
        """The algorithm that the file is checked with, and the expected digits."""
        return ("sha256", self.sha256) if self.sha256 else ("md5", self.md5)


class ConnectionEndedError(Exception):
    """The server stopped sending before the end."""


def download(
    remote: RemoteFile, folder: Path, progress: Progress | None = None, *, timeout: float = TIMEOUT
) -> Path:
    """Return the path of the file in `folder`, downloaded unless an intact one is there already.

    It is written under its name with .part added, and renamed once size and checksum are right.
    """
    target, part = folder / remote.name, folder / f"{remote.name}.part"
    progress = progress or (lambda done, total: None)
    if is_intact(target, remote):
        progress(remote.bytes, remote.bytes)
        return target
    prepare(remote, folder, part)
    while True:
        resumed = size_of(part) > 0
        receive(remote, part, progress, timeout)
        if is_intact(part, remote):
            return part.replace(target)
        part.unlink()
        if not resumed:  # otherwise the old beginning may have been of another file: one more try
            algorithm, wanted = remote.checksum
            raise DataError(
                f"The file from {remote.url} is damaged or a different one: its {algorithm} sum is "
                f"not {wanted}. It was deleted. Try again, or give the address of a correct copy."
            )


def is_intact(path: Path, remote: RemoteFile) -> bool:
    """Return True if a local file has the size and the checksum of the remote one."""
    if size_of(path) != remote.bytes or not path.is_file():
        return False
    algorithm, wanted = remote.checksum
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False))
    return digest.hexdigest().startswith(wanted)


def check_address(url: str) -> None:
    """Raise DataError unless an address is http(s): others would open files of this machine."""
    if not url.startswith(("http://", "https://")):
        raise DataError(
            f"'{url}' is not an address to download from; it should start with https://."
        )


def size_at(url: str, name: str, *, timeout: float = TIMEOUT) -> int:
    """Return the file's size in bytes, as the server states it; raises DataError."""
    check_address(url)
    with request(RemoteFile(url=url, bytes=0, name=name), 0, timeout) as response:
        length = response.headers.get("Content-Length", "")
    if not length.isdecimal():
        raise DataError(
            f"{url} does not say how long the file is, so it may not be a file at all. "
            "Give the address of a correct copy."
        )
    return int(length)


def size_of(path: Path) -> int:
    """Return the bytes of a file, 0 if there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def prepare(remote: RemoteFile, folder: Path, part: Path) -> None:
    """Check the address and the disk, and delete a part that is too long to belong to this file."""
    check_address(remote.url)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if size_of(part) > remote.bytes:
            part.unlink()
        missing = remote.bytes - size_of(part)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise cannot_write(folder, error) from error
    if free < missing:
        raise DataError(
            f"{folder} has {free / 1e6:,.0f} MB of free space, but the download needs "
            f"{missing / 1e6:,.0f} MB. Free some space or choose another store."
        )


def cannot_write(path: Path, error: OSError) -> DataError:
    """Return the error for a disk that refuses to write."""
    return DataError(
        f"{path} cannot be written ({error.strerror or error}). Check the permissions and the "
        "free space, or choose another store."
    )


def receive(remote: RemoteFile, part: Path, progress: Progress, timeout: float) -> None:
    """Complete the part, over several connections if they end too early."""
    why = ""
    for _ in range(CONNECTIONS):
        before = size_of(part)
        if before == remote.bytes:
            return
        try:
            append_rest(remote, part, progress, timeout)
        except ConnectionEndedError as error:
            why = str(error)
        after = size_of(part)
        if after == remote.bytes:
            return
        if after <= before:
            break
    raise DataError(
        f"The download from {remote.url} stopped after {size_of(part) / 1e6:,.1f} of "
        f"{remote.bytes / 1e6:,.1f} MB{why and f' ({why})'}. {KEPT}"
    )


def append_rest(remote: RemoteFile, part: Path, progress: Progress, timeout: float) -> None:
    """Append the missing bytes, as far as one connection delivers them."""
    response, done = rest(remote, size_of(part), timeout)
    with response:
        try:
            file = part.open("ab" if done else "wb")
        except OSError as error:
            raise cannot_write(part, error) from error
        with file:
            for block in blocks(response, timeout):
                done += len(block)
                if done > remote.bytes:
                    raise wrong_size(remote, f"more than {remote.bytes:,}")
                write(file, block)
                progress(done, remote.bytes)


def rest(remote: RemoteFile, start: int, timeout: float) -> tuple[HTTPResponse, int]:
    """Request the missing bytes; the second value is where the response begins: `start` or 0."""
    response = request(remote, start, timeout)
    if start and response.status == 206:
        byte_range = re.match(
            r"bytes (\d+)-\d+/(\d+|\*)$", response.headers.get("Content-Range", "")
        )
        if byte_range and int(byte_range[1]) == start and byte_range[2] in ("*", str(remote.bytes)):
            return response, start
        response.close()
        response = request(remote, 0, timeout)
    length = response.headers.get("Content-Length")
    if length is not None and length != str(remote.bytes):
        response.close()
        raise wrong_size(remote, length)
    return response, 0


def request(remote: RemoteFile, start: int, timeout: float) -> HTTPResponse:
    """Request the file from byte `start`, or all of it if the server does not have that byte."""
    headers = {"User-Agent": "cifar-lab"} | ({"Range": f"bytes={start}-"} if start else {})
    try:
        wanted = urllib.request.Request(remote.url, headers=headers)
        response: HTTPResponse = urllib.request.urlopen(wanted, timeout=timeout)
    except HTTPError as error:
        error.close()
        if start and error.code == 416:
            return request(remote, 0, timeout)
        raise DataError(
            f"The server of {remote.url} answered {error.code} ({error.reason}). "
            "Try again later, or give the address of another copy of the file."
        ) from error
    except NETWORK as error:
        raise DataError(
            f"{remote.url} cannot be reached ({reason(error)}). Check the "
            f"network and the address, or copy the file to the store by hand. {KEPT}"
        ) from error
    return response


def wrong_size(remote: RemoteFile, size: str) -> DataError:
    """Return the error for a server that offers a file of another size."""
    return DataError(
        f"{remote.url} has {size} bytes, but {remote.name} should have {remote.bytes:,}. "
        "It is another file or an error page: give the address of a correct copy."
    )


def blocks(response: HTTPResponse, timeout: float) -> Iterator[bytes]:
    """Yield the received blocks to the end; raise ConnectionEndedError if almost nothing comes."""
    since, received = time.monotonic(), 0
    while True:
        try:
            block = response.read1(BLOCK)
        except NETWORK as error:
            raise ConnectionEndedError(reason(error)) from error
        if not block:
            return
        yield block
        received += len(block)
        if time.monotonic() - since > timeout:
            if received < SLOWEST * timeout:
                raise ConnectionEndedError("the server sends almost nothing")
            since, received = time.monotonic(), 0


def write(file: IO[bytes], block: bytes) -> None:
    """Append to the part and flush, so that a later download can resume there whatever happens."""
    try:
        file.write(block)
        file.flush()
    except OSError as error:
        raise cannot_write(Path(file.name), error) from error
