"""The download of a set of the Hugging Face hub."""

import threading
from functools import partial
from pathlib import Path

from cifar_core.data.hub import names, server
from cifar_core.data.published.downloads.download import Download, Step


def of_hub(source: str) -> Download:
    """Return the download of a set of the hub; raises DataError."""
    return Download(
        key=source,
        title=names.hub_name(source).title,
        how_to_get=names.how_to_get(source),
        obstacle=server.obstacle(),
        find=partial(names.find, source),
        get=partial(get, source),
    )


def get(source: str, store: Path, step: Step, _timeout: float) -> None:
    """Download a set into its folder of a store; raises DataError or OSError."""
    one_at_a_time = threading.Lock()  # files arrive several at once

    def report(done: int, total: int) -> None:
        with one_at_a_time:
            step(done, total, "Downloading.")

    server.fetch(source, store, report)
