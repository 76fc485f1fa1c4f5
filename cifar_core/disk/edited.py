"""Texts that two people may edit at once: none replaces what it was not written over.

Who edits a text says which text they began with (`was`). If another one is kept by then, nothing
is written, and ChangedMeanwhileError has both, to be shown and decided by the person.
"""

from collections.abc import Iterable

from cifar_core.errors import ChangedMeanwhileError


def checked(what: str, kept: str, was: str | None, now: str) -> str:
    """Return the text to keep, if it was changed by at most one of the two people.

    Args:
        what: the text's name in a sentence, such as "the note".
        kept: the text in the file. The caller holds the lock under which it is written.
        was: the text that the person began with; None to replace whatever is there.
        now: the text that they want to keep.
    """
    if was is None or kept in (was, now):
        return now
    if now == was:  # nothing was typed
        return kept
    raise ChangedMeanwhileError(what, mine=now, theirs=kept)


def merged(kept: Iterable[str], was: Iterable[str], now: Iterable[str]) -> set[str]:
    """Return a set of words with what either of two people added, without what either removed."""
    before, wanted = set(was), set(now)
    return (set(kept) | (wanted - before)) - (before - wanted)
