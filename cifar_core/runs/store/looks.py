"""One look at the runs of a store for all that is drawn at once, so that its parts agree.

    with shared():
        store.seen()  # looks at the folders
        store.seen()  # the same rows

It holds for this thread alone. What changes something asks `store.runs()` or `store.index.rows()`,
which always look.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from cifar_core.runs.store.run_row import RunRow

_looks: ContextVar[dict[Path, list[RunRow]] | None] = ContextVar("looks", default=None)


@contextmanager
def shared() -> Iterator[None]:
    """Share one look at each store in a `with` block; a block inside of another shares its look."""
    if _looks.get() is not None:
        yield
        return
    token = _looks.set({})
    try:
        yield
    finally:
        _looks.reset(token)


def forget() -> None:
    """Look again when rows are asked for next, as after a change in the middle of a block."""
    if (looks := _looks.get()) is not None:
        looks.clear()


def rows(root: Path, look: Callable[[], list[RunRow]]) -> list[RunRow]:
    """Return the rows of a store that were seen before in this block, or those that `look` finds.

    Outside of a block it looks each time.
    """
    looks = _looks.get()
    if looks is None:
        return look()
    if root not in looks:
        looks[root] = look()
    return list(looks[root])
