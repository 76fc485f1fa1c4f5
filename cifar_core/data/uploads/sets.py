"""The sets that were uploaded: a folder each, in which the files lie as they came.

store/data/uploads/<name>/ is a source of images like any other folder; for an archive, the source
is the file in it. What is known of a set stands beside it, in store/data/uploads/.sets/<name>.json.
"""

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from msgspec import Struct
from msgspec.structs import replace

from cifar_core.data.contents import Item
from cifar_core.data.options import folder_of, keep_options, options_of
from cifar_core.data.sources.archive import shown
from cifar_core.data.uploads import left_out, names
from cifar_core.data.uploads.arriving import FILES, Upload, home, only_one
from cifar_core.disk import files, lock, removal
from cifar_core.disk.checks import Moment, Text, Whole
from cifar_core.errors import DataError

RECORDS, LOCK = ".sets", ".lock"


class UploadedSet(Struct, frozen=True, kw_only=True):
    """What is known of an uploaded set."""

    name: Text  # of its folder
    owner: Text
    title: Text  # as it was uploaded
    bytes: Whole = 0
    files: Whole = 0
    file: Text = ""  # the single file that is the source, such as an archive; "" for the folder
    by_class: bool = False  # its folders are the classes, and nothing else
    seen: bool = False  # what was found in it was shown to a person
    kept: bool = False  # a person has looked at it and given it a name
    at: Moment = 0  # of the last change
    upload: Text = ""  # id of the upload that came last
    left_out: Whole = 0  # files of it that no disk can take under their names
    left_names: tuple[Text, ...] = ()  # of these, the first few

    def source(self, store: Path) -> str:
        """Return the source of its images, as a run names it."""
        return str((home(store) / self.name / self.file).resolve())


def finish(store: Path, upload: Upload) -> tuple[UploadedSet, bool]:
    """Make a set of a complete upload, or put its pictures into the set that it is meant for.

    Return the set, and whether it was made now: it may be asked for several times at once.
    """
    begun = upload.begun
    with changing(store):
        if made := made_of(store, upload.id):
            return made, False
        with only_one(upload):
            paths = whole(upload)
            found = added(store, upload, paths) if begun.into else placed(store, upload, paths)
            odd = left_out.noted(upload.folder)
            found = replace(found, left_out=len(odd), left_names=(*odd[: left_out.MOST_NAMES],))
            keep(store, found)
            removal.discard(upload.folder)
    return found, True


def made_of(store: Path, id: str) -> UploadedSet | None:
    """Return the set that an upload has become; None if it has not."""
    return next((known for known in uploaded(store) if known.upload == id), None)


def whole(upload: Upload) -> list[Path]:
    """Return the files of a complete upload; DataError if anything of it is missing."""
    begun, reached = upload.begun, upload.reached
    title = shown(begun.title)
    if reached.bytes != begun.bytes:
        raise DataError(
            f"{title} is not complete: {reached.bytes:,} of {begun.bytes:,} bytes have arrived. "
            "Continue the upload."
        )
    paths = [path for path in (upload.folder / FILES).rglob("*") if path.is_file()]
    if not paths and (odd := left_out.noted(upload.folder)):
        raise DataError(
            f"No file of {title} can be kept under its name, such as '{odd[0]}'. Discard this "
            "upload, rename the files and begin again."
        )
    if not paths:
        raise DataError(f"{title} has no files. Choose a folder with pictures.")
    if sum(path.stat().st_size for path in paths) + reached.skipped != begun.bytes:
        raise DataError(
            f"Several files of {title} have the same name, so that not all of them can be kept. "
            "Discard this upload, rename them and begin again."
        )
    if begun.single and len(paths) != 1:
        raise DataError(f"{title} has {len(paths):,} files, but one was announced. Begin again.")
    return paths


def placed(store: Path, upload: Upload, paths: list[Path]) -> UploadedSet:
    """Move the files of an upload to where its set will stay."""
    begun = upload.begun
    records = (home(store) / RECORDS).glob("*.json")  # also of removed sets, which may come back
    taken = {path.name.casefold() for path in home(store).iterdir()}
    taken |= {path.stem.casefold() for path in records}
    name = names.folder_name(begun.title, Folded(taken))
    if begun.folder:
        gather(paths, home(store) / name / begun.folder)
    else:
        (upload.folder / FILES).rename(home(store) / name)
    return UploadedSet(
        name=name, owner=begun.owner, title=begun.title, bytes=begun.bytes, files=len(paths),
        file=paths[0].name if begun.single else "", by_class=bool(begun.folder), at=time.time(),
        upload=upload.id,
    )  # fmt: skip


def added(store: Path, upload: Upload, paths: list[Path]) -> UploadedSet:
    """Move the pictures of an upload into a class of a set."""
    into = one(store, upload.begun.into)
    gather(paths, home(store) / into.name / upload.begun.folder)
    size, count = into.bytes + upload.begun.bytes, into.files + len(paths)
    return replace(into, bytes=size, files=count, seen=True, at=time.time(), upload=upload.id)


def gather(paths: Iterable[Path], folder: Path) -> None:
    """Move files into one folder, under other names where theirs are taken."""
    folder.mkdir(parents=True, exist_ok=True)
    taken = {path.name for path in folder.iterdir()}
    for path in sorted(paths):
        name = names.unique(path.name, taken)
        taken.add(name)
        path.rename(folder / name)


def folder_of_class(items: Iterable[Item], label: str) -> str:
    """Return the folder of a set in which new pictures of a class belong, such as train/cat.

    A new class gets one beside the others. Raises DataError if the classes are not folders.
    """
    beside: Counter[PurePosixPath] = Counter()
    for item in items:
        if item.part == "train":
            above = PurePosixPath(item.name).parents
            beside.update([path.parent for path in above if path.name == item.label][:1])
    if not beside:
        raise DataError(
            "The classes of this set are not its folders, so that no picture can be put into one. "
            "Upload the set again with the new pictures."
        )
    return (beside.most_common(1)[0][0] / label).as_posix()


def loose(store: Path, found: UploadedSet) -> list[Path]:
    """Return the files of a set that lie in no folder, if there are no folders in it."""
    entries = sorted((home(store) / found.name).iterdir())
    return [] if found.file or any(path.is_dir() for path in entries) else entries


def into_one_class(store: Path, found: UploadedSet, label: str) -> UploadedSet:
    """Move the files of a set that lie in no folder into the folder of a class."""
    with changing(store):
        gather(loose(store, found), home(store) / found.name / names.safe_label(label))
        found = replace(found, by_class=True, at=time.time())
        keep(store, found)
    return found


def see(store: Path, found: UploadedSet) -> None:
    """Write down that a person was shown what was found in a set."""
    if not found.seen:
        with changing(store):
            keep(store, replace(found, seen=True))


def name_it(store: Path, found: UploadedSet, title: str) -> None:
    """Offer a set to everyone who may use it, under a name."""
    title = " ".join(title.split())[: names.LONGEST_LABEL] or found.title
    source = found.source(store)
    keep_options(store, source, replace(options_of(store, source), title=title))
    keep(store, replace(found, kept=True, at=time.time()))


def keep(store: Path, found: UploadedSet) -> None:
    """Write down what is known of a set."""
    folder = home(store) / RECORDS
    folder.mkdir(parents=True, exist_ok=True)
    files.write_json(folder / f"{found.name}.json", found)


def discard(store: Path, found: UploadedSet) -> None:
    """Delete a set, and what is known and was decided of it."""
    with changing(store):
        for path in all_of(store, found):
            if path.exists():
                removal.discard(path)


def all_of(store: Path, found: UploadedSet) -> tuple[Path, Path, Path]:
    """Return the files of a set, what was decided about it, and what is known of it."""
    return (
        home(store) / found.name,
        folder_of(store, found.source(store)),
        home(store) / RECORDS / f"{found.name}.json",
    )


@contextmanager
def changing(store: Path) -> Iterator[None]:
    """Let no one else change the sets in a `with` block."""
    home(store).mkdir(parents=True, exist_ok=True)
    with lock.held(home(store) / LOCK):
        yield


def uploaded(store: Path) -> list[UploadedSet]:
    """Return the uploaded sets, the one changed last first."""
    found = [
        files.read_if_there(path, UploadedSet) for path in home(store).glob(f"{RECORDS}/*.json")
    ]
    there = [known for known in found if known and (home(store) / known.name).is_dir()]
    return sorted(there, key=lambda known: known.at, reverse=True)


def one(store: Path, name: str) -> UploadedSet:
    """Return the uploaded set of a name; DataError if there is none."""
    for known in uploaded(store):
        if known.name == name:
            return known
    raise DataError(
        f"There is no uploaded set '{shown(name)}' any more. Choose another one, or upload it "
        "again."
    )


def sources(store: Path) -> list[str]:
    """Return the sources of the sets that people have uploaded and named."""
    return [known.source(store) for known in uploaded(store) if known.kept]


class Folded:
    """Names that are taken in any case: some systems do not distinguish them."""

    def __init__(self, folded: set[str]) -> None:
        self.folded = folded

    def __contains__(self, name: object) -> bool:
        return str(name).casefold() in self.folded
