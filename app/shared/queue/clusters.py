"""Words about runs on clusters: since when one has not answered, and where runs can go."""

from collections.abc import Iterable

from app import theme
from cifar_core.runs import RunRow


def unanswered_words(cluster: str, rows: Iterable[RunRow], *, named: bool = False) -> str:
    """Say since when a cluster has not answered about runs that it has; empty if it answers.

    `named` writes the cluster's title before it.
    """
    since = min((row.unanswered for row in rows if row.unanswered), default=0.0)
    words = f"has not answered since {theme.clock(since)}" if since else ""
    return f"{cluster.title()} {words}" if words and named else words
