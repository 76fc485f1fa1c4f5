"""Opens a source of pictures, decoding them the first time and whenever they have changed."""

import contextlib
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from cifar_core.background.jobs import Report, quietly
from cifar_core.data import cache
from cifar_core.data.contents import Contents
from cifar_core.data.dataset import Dataset
from cifar_core.data.decoding import draft as drafts
from cifar_core.data.decoding import refusals
from cifar_core.data.decoding.checks import (
    check_contents,
    check_counts,
    refuse_other_pictures,
    refuse_unreadable,
)
from cifar_core.data.decoding.draft import Draft
from cifar_core.data.decoding.engine import decode
from cifar_core.data.decoding.finish import finish, names_in
from cifar_core.data.decoding.footprint import Footprint, footprint, is_unchanged, watch
from cifar_core.data.decoding.lists import keep_lists
from cifar_core.data.decoding.progress import ProgressWriter, reading_of
from cifar_core.data.description import read_meta
from cifar_core.data.formats.formats import open_source
from cifar_core.data.options import SetOptions, folder_of, options_of
from cifar_core.data.sizing import USUAL, Sizing
from cifar_core.disk import files, lock
from cifar_core.disk.os_errors import reason
from cifar_core.errors import DataError, DiskFullError

DECODING = 3  # part of the cache's key: raise it when the same file would decode differently
WATCHED = "watched.txt"  # the state of the source, in the folder of the decoded images
FREE = ("title", "removed", "unreadable", "confirmed")  # decisions that change no pixel
Open = Callable[[Path, SetOptions, Path], Contents]


@dataclass(frozen=True, kw_only=True)
class Source:
    """Pictures that were found somewhere, and how they are to be decoded."""

    path: Path  # absolute
    store: Path
    named: str = ""  # what it is called, if not by its path
    sizing: Sizing = USUAL
    open: Open = open_source

    @property
    def name(self) -> str:
        """The source, as a run records it."""
        return self.named or str(self.path)

    @property
    def kind(self) -> str:
        """The kind of data set, as Dataset has it."""
        return "published" if self.named else "folder"

    @property
    def is_usual(self) -> bool:
        """Whether its images have the size at which pages show sets."""
        return self.sizing == USUAL

    @property
    def usual(self) -> "Source":
        """The same pictures at the usual size."""
        return replace(self, sizing=USUAL)

    @property
    def options(self) -> SetOptions:
        """What a person decided about it."""
        return options_of(self.store, self.name)

    @property
    def refusable(self) -> str:
        """A value that differs if what was refused may be accepted."""
        return f"{self.how} {self.options.unreadable}"

    @property
    def how(self) -> str:
        """A value that differs if it would be decoded in another way."""
        decided = {k: v for k, v in files.plain_of(self.options).items() if k not in FREE}
        size = self.sizing
        more = () if self.is_usual else (size.stored, size.fit)
        text = json.dumps([cache.FORMAT, DECODING, size.side, *more, decided], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def folder(self, state: Footprint) -> Path:
        """Return where it is kept decoded, for a state of its files."""
        text = "\n".join([self.name, self.how, state.digest]).encode("utf-8", "surrogateescape")
        digest = hashlib.sha256(text).hexdigest()[:16]
        return cache.cache_folder(self.store) / f"{self.stem}-{digest}"

    @property
    def stem(self) -> str:
        """How the names of those folders begin."""
        name = folder_of(self.store, self.name).name
        size = self.sizing
        return name if self.is_usual else f"{name}@{size.side}-{size.fit}-{size.stored}"

    def folders(self) -> list[Path]:
        """Return where any state of it may be kept decoded, and unfinished ones."""
        return sorted(cache.cache_folder(self.store).glob(f"{self.stem}-*"))


def kept(source: Source) -> Dataset | None:
    """Open the decoded images if there are any and a quick check finds the source unchanged."""
    for folder in source.folders():
        if is_unchanged(folder / WATCHED, source.path, source.how):
            return opened(source, folder)
    return None


def refusal_of(source: Source) -> str:
    """Return why a source was refused; empty if it was not, or a quick check finds it changed."""
    return refusals.kept(source.store, source.name, source.path, source.refusable)


def opened(source: Source, folder: Path) -> Dataset | None:
    """Open the images in a folder; None if they must be decoded, also to be refused."""
    dataset, meta = cache.open_folder(folder), read_meta(folder)
    if dataset is None or meta is None:
        return None
    left_out = meta.get("found", {}).get("unreadable", 0)
    images = left_out + len(dataset.train) + len(dataset.test)
    if left_out > source.options.unreadable * images:
        return None
    return replace(dataset, title=source.options.title or dataset.title)


def load(
    source: Source,
    *,
    thorough: bool = False,
    threads: int = 0,
    report: Report = quietly,
) -> Dataset:
    """Open the images of a source; those that are new or have changed are decoded.

    At another size than the usual one, those are decoded first: they say which pictures can be
    read, and their fingerprint is the same at all sizes.

    A quick check may miss a picture that was overwritten in place; a `thorough` one looks at every
    file. If another process decodes them, this waits for it and reports its progress. Raises
    DataError.
    """
    if not thorough and (dataset := kept(source)):
        return dataset
    state = footprint(source.path)
    if not source.is_usual:
        at_state(source.usual, state, threads, report)
    return at_state(source, state, threads, report)


def at_state(source: Source, state: Footprint, threads: int, report: Report) -> Dataset:
    """Open the images for a state of the source's files, decoding them if they are not there."""
    folder = source.folder(state)
    dataset = opened(source, folder)
    if dataset is None:
        with cache.building(folder, lambda: pass_on(source, report)):
            dataset = opened(source, folder)  # another process may have decoded it meanwhile
            if dataset is None:
                decode_into(source, folder, state, threads, report)
                dataset = opened(source, folder)
                cache.drop_older(folder)
    elif not is_unchanged(folder / WATCHED, source.path, source.how):
        renew_watch(source, folder, state.watched(set(names_in(folder))))
    assert dataset is not None
    return dataset


def pass_on(source: Source, report: Report) -> None:
    """Report how far another process is."""
    if now := reading_of(source.store, source.name):
        report(now.done, now.total)


def decode_into(
    source: Source, folder: Path, state: Footprint, threads: int, report: Report
) -> None:
    """Decode a source, from where an earlier process stopped; raises DataError."""
    progress = ProgressWriter(source.store, source.name, report)
    try:
        progress.report(0, 0)
        refusals.forget(source.store, source.name)
        with refused(source, state.watched(())):
            contents = source.open(source.path, source.options, source.store)
            check_contents(source.path, contents)
        pictures = {item.name for item in contents.items}
        with on_disk(source, len(contents.items)):
            drop_drafts(source, folder)
            place, size = folder.with_name(folder.name + drafts.ENDING), source.sizing
            unfinished = Draft(place, contents, size.stored)
            try:
                if not source.is_usual:
                    unfinished.leave_out(set(names_in(source.usual.folder(state))))
                with refused(source, state.watched(pictures)):
                    decode(contents, unfinished, size, threads=threads, report=progress.report)
                    accept(source, contents, unfinished)
                commit(source, contents, unfinished, state)
                renew_watch(source, folder, state.watched(pictures))
            finally:
                unfinished.close()
            shutil.rmtree(unfinished.folder, ignore_errors=True)
    finally:
        progress.close()


@contextlib.contextmanager
def refused(source: Source, watched: list[str]) -> Iterator[None]:
    """Keep why a source is refused, so that no page begins the same work again.

    At other sizes than the usual one, which pages show, it is only raised.
    """
    try:
        yield
    except DataError as error:
        if source.is_usual:
            refusals.keep(
                source.store, source.name, source.path, watched, source.refusable, str(error)
            )
        raise


def accept(source: Source, contents: Contents, unfinished: Draft) -> None:
    """Write the lists of what is left out, and raise DataError if too little remains."""
    reasons = unfinished.reasons
    if not source.is_usual:
        refuse_other_pictures(source.path, reasons, source.sizing.side)
        return
    failed = [(contents.items[index].name, reasons[index]) for index in sorted(reasons)]
    keep_lists(source.store, source.name, failed, contents.ignored)
    refuse_unreadable(source.path, reasons, len(contents.items), source.options.unreadable)
    check_counts(source.path, contents, reasons)


def commit(source: Source, contents: Contents, unfinished: Draft, state: Footprint) -> None:
    """Write the dataset beside its place, flush it to the disk and rename it into place."""
    folder = source.folder(state)
    building = cache.draft_of(folder)
    shutil.rmtree(folder, ignore_errors=True)  # it could not be opened, or we would not be here
    building.mkdir()
    try:
        title = contents.title or title_of(source.path)
        at_32 = "" if source.is_usual else fingerprint_in(source.usual.folder(state))
        about = {"kind": source.kind, "title": title, "source": source.name}
        about["fingerprint_at_32"] = at_32
        finish(unfinished, contents, source.path, about, building, source.sizing)
        building.rename(folder)
        files.sync_folder(folder.parent)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def fingerprint_in(folder: Path) -> str:
    """Return the fingerprint of the images in a folder."""
    meta = read_meta(folder)
    assert meta is not None
    return str(meta["fingerprint"])


def renew_watch(source: Source, folder: Path, watched: list[str]) -> None:
    """Write down the state that the quick check compares with, as far as the store allows."""
    with contextlib.suppress(OSError):
        watch(folder / WATCHED, source.path, watched, source.how)


@contextlib.contextmanager
def on_disk(source: Source, images: int) -> Iterator[None]:
    """Turn the errors of the disk into a DataError; the draft stays."""
    try:
        yield
    except (OSError, DiskFullError) as error:
        megabytes = images * source.sizing.stored**2 * 3 / 1e6
        raise DataError(
            f"The decoded images could not be kept in {cache.cache_folder(source.store)}: "
            f"{reason(error)}. They need {megabytes:.0f} MB: free some disk space, or choose "
            "another store. The images decoded so far are kept."
        ) from error


def drop_drafts(source: Source, folder: Path) -> None:
    """Remove what was begun for an earlier state of the source."""
    for other in source.folders():
        place = other.with_suffix("")
        is_other = other.suffix == drafts.ENDING and place.name != folder.name
        if is_other and not lock.is_locked(cache.lock_of(place)):
            shutil.rmtree(other, ignore_errors=True)


def title_of(path: Path) -> str:
    """Return a set's title: the file's name without its endings."""
    return path.name.removesuffix(".zip").split(".tar")[0].removesuffix(".tgz")
