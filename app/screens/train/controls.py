"""The keys of the controls of a draft, by which the session keeps what is in them."""

from app.session import Key, remembered


def prefix() -> str:
    """Return how the keys of this draft's controls begin."""
    return f"new{remembered(Key.DRAFT_NUMBER)}"
