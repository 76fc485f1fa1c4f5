"""Marks that people put on a run to find it again: tags, note, star, pin; in its about.json."""

import re
from collections.abc import Callable, Iterable

from cifar_core.disk import edited
from cifar_core.errors import RunError
from cifar_core.runs.record.records import About
from cifar_core.runs.record.run import Run

TAG = re.compile(r"\w[\w.+/-]{0,29}")
MOST_TAGS = 20
LONGEST_NOTE = 4000  # characters


def tag(run: Run, words: Iterable[str]) -> None:
    """Add tags to a run."""
    more = set(map(checked, words))
    put(run, lambda tags: tags | more)


def untag(run: Run, words: Iterable[str]) -> None:
    """Remove tags from a run; tags that it does not have are ignored."""
    gone = {word.strip().lower() for word in words}
    put(run, lambda tags: tags - gone)


def retag(run: Run, words: Iterable[str], *, was: Iterable[str] | None = None) -> None:
    """Replace a run's tags; with `was`, only add and remove what differs from those tags."""
    wanted = set(map(checked, words))
    put(run, lambda tags: wanted if was is None else edited.merged(tags, was, wanted))


def put(run: Run, change: Callable[[set[str]], set[str]]) -> None:
    """Change a run's tags to valid ones, even while others are changing them."""

    def changed(about: About) -> dict[str, list[str]]:
        tags = change(set(about.tags))
        if len(tags) <= MOST_TAGS:
            return {"tags": sorted(tags)}
        raise RunError(f"Run {run.id} would have {len(tags)} tags, but {MOST_TAGS} is the most.")

    about = run.about
    tags = changed(about)["tags"]
    if tags != about.tags:
        with run.action("tag it", "tagged", " ".join(tags)):
            run.change_about(changed)


def checked(word: str) -> str:
    """Return a tag in lower case; RunError says what a tag must look like."""
    word = word.strip().lower()
    if not TAG.fullmatch(word):
        raise RunError(
            f"'{word[:40]}' is not a tag. A tag is one word of at most 30 letters, digits and "
            "the signs . + / - _, such as 'lab' or 'week-3'."
        )
    return word


def write_note(run: Run, text: str, *, was: str | None = None) -> None:
    """Replace the note on a run; Markdown, empty for none.

    With `was`, the note that the person began with, ChangedMeanwhileError if it is another by now.
    """
    text = text.strip()
    if len(text) > LONGEST_NOTE:
        raise RunError(
            f"The note has {len(text):,} characters, but {LONGEST_NOTE:,} is the most. Shorten it."
        )
    if text == was:
        return
    with run.action("write a note on it", "noted", text):
        run.change_about(lambda about: {"note": edited.checked("the note", about.note, was, text)})


def star(run: Run, starred: bool) -> None:
    """Star a run, or remove its star."""
    with run.action("star it", "starred" if starred else "unstarred"):
        run.edit_about(starred=starred)


def pin(run: Run, pinned: bool) -> None:
    """Pin a run, so that nothing of it is deleted automatically, or unpin it."""
    with run.action("pin it", "pinned" if pinned else "unpinned"):
        run.edit_about(pinned=pinned)


def pin_checkpoint(run: Run, name: str, pinned: bool) -> str:
    """Pin a checkpoint, so that it is not deleted automatically, or unpin it; return its name."""
    full = run.checkpoint(name).name

    def changed(about: About) -> dict[str, list[str]]:
        others = set(about.pinned_checkpoints) - {full}
        return {"pinned_checkpoints": sorted({*others, full} if pinned else others)}

    with run.action("pin its checkpoints", "pinned" if pinned else "unpinned", full):
        run.change_about(changed)
    return full
