"""How often pages about many runs are drawn again: no more often than their trainers write."""

from app.session import store
from cifar_core.runs.record.signs.interval import interval


def every(least: float) -> float:
    """Return the seconds between two updates of a page about runs under way, at least `least`.

    A page about one run does not ask: it reads the files of that run alone.
    """
    return max(least, interval(store().root))
