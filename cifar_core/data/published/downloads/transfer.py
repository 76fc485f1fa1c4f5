"""Downloads and unpacks one published set for torchvision's code, into a folder that is a draft.

torchvision's own functions start over after every cut, wait forever and read whole files into
memory; these continue where they stopped, can be canceled, and check what an archive contains.
"""

import bz2
import gzip
import lzma
import os
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cifar_core.data.published.downloads.download import Step
from cifar_core.data.sources.fetch import DownloadCancelledError
from cifar_core.disk.download import TIMEOUT, RemoteFile, download, size_at
from cifar_core.errors import DataError

KEPT = ".downloads"  # the folder in the draft of the files as they were downloaded
STREAMS: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
TARS = (".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz")
DAMAGED = (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, gzip.BadGzipFile)
BLOCK = 2**20


class MirrorError(DataError, RuntimeError):
    """A file could not be downloaded; torchvision tries the next mirror after a RuntimeError."""


class Transfer:
    """The functions that torchvision calls, and how far they are.

    A file is downloaded into the folder KEPT and linked to where torchvision expects it, so that
    everything else in the draft can be deleted before another try.
    """

    def __init__(self, draft: Path, expected: int, step: Step, timeout: float = TIMEOUT) -> None:
        self.draft, self.kept = draft, draft / KEPT
        self.expected, self.step, self.timeout = expected, step, timeout
        self.before = 0  # bytes of the files that are complete
        self.unpacked: list[Path] = []
        self.problem: DataError | None = None  # why the last file could not be downloaded

    def begin(self) -> None:
        """Make the draft, without anything that an earlier try unpacked."""
        self.kept.mkdir(parents=True, exist_ok=True)
        for path in self.draft.iterdir():
            if path != self.kept:
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()

    def download_url(
        self, url: str, root: str | Path, filename: str | Path | None = None,
        md5: str | None = None, max_redirect_hops: int = 3,
    ) -> None:  # fmt: skip
        """Download a file, as `torchvision.datasets.utils.download_url` does."""
        target = Path(root).expanduser() / (filename or url.rpartition("/")[2])
        kept = self.kept / target.name
        if not kept.exists():
            try:
                size = size_at(url, target.name, timeout=self.timeout)
                remote = RemoteFile(url=url, md5=md5 or "", bytes=size, name=target.name)
                download(remote, self.kept, self.report(target.name), timeout=self.timeout)
            except DownloadCancelledError:
                raise
            except DataError as error:
                self.problem = error
                raise MirrorError(str(error)) from error
        self.before += kept.stat().st_size
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        os.link(kept, target)

    def report(self, name: str) -> Callable[[int, int], None]:
        """Return the function that a download of one file calls with its bytes."""

        def progress(done: int, total: int) -> None:
            everything = max(self.expected, self.before + total)
            verb = "Verifying" if done == total else "Downloading"
            self.step(self.before + done, everything, f"{verb} {name}.")

        return progress

    def extract_archive(
        self, from_path: str | Path, to_path: str | Path | None = None,
        remove_finished: bool = False,
    ) -> str:  # fmt: skip
        """Unpack a file, as `torchvision.datasets.utils.extract_archive` does."""
        source = Path(from_path)
        folder = Path(to_path) if to_path is not None else source.parent
        folder.mkdir(parents=True, exist_ok=True)
        total = max(self.expected, self.before)
        try:
            for _ in unpacking(source, folder):
                self.step(self.before, total, f"Unpacking {source.name}.")
        except DAMAGED as error:
            (self.kept / source.name).unlink(missing_ok=True)
            why = "an entry leads outside it" if isinstance(error, tarfile.FilterError) else (
                "it is damaged, or no archive"
            )  # fmt: skip
            raise DataError(
                f"{source.name} was downloaded, but cannot be unpacked: {why}. It was deleted: "
                "try again."
            ) from error
        self.unpacked.append(source)
        return str(folder)

    def download_file_from_google_drive(self, *arguments: Any, **others: Any) -> None:
        """Refuse: Google Drive gives files only to browsers."""
        raise DataError(
            "This set is on Google Drive, which gives files only to browsers. Download it there, "
            "unpack it, and name its folder."
        )

    def finish(self) -> None:
        """Delete the downloaded files that were unpacked."""
        for path in self.unpacked:
            path.unlink(missing_ok=True)
        shutil.rmtree(self.kept)


def unpacking(source: Path, folder: Path) -> Iterator[None]:
    """Unpack an archive or a packed file, pausing after each member or block.

    Members that would lie outside the folder are refused (PEP 706 for tar; zipfile drops `..`).
    """
    if source.name.endswith(TARS):
        with tarfile.open(source) as tar:
            for member in tar:
                tar.extract(member, folder, filter="data")
                yield
    elif source.suffix == ".zip":
        with zipfile.ZipFile(source) as archive:
            for name in archive.infolist():
                archive.extract(name, folder)
                yield
    else:
        with STREAMS[source.suffix](source) as packed, (folder / source.stem).open("wb") as file:
            while block := packed.read(BLOCK):
                file.write(block)
                yield
