"""Measures the mistakes gallery: python -m benchmarks.evaluate RUN, a number in $CIFAR_STORE.

Server time of drawing the whole Evaluate page of the run's test images with the gallery open, in
another order each time, so that images are ranked, fetched and packed anew; everything else warm.
It looks at the answers to the test images, and does not count as a look, as nobody sees them.
"""

import os
import sys
import time
from statistics import median

from streamlit.testing.v1 import AppTest

from app.session import Key
from cifar_core.evaluation.mistakes import RANKINGS
from cifar_core.runs import Run, Store
from cifar_core.runs.results.predictions import compute, kept

ROUNDS = 3  # each shows every order once


def script() -> None:
    """Be the page."""
    from app.screens.run.result import page

    page.page()


def opened(run: Run) -> AppTest:
    """Open the page of the run's test images."""
    page = AppTest.from_function(script, default_timeout=300)
    page.query_params["id"], page.query_params["part"] = str(run.number), "test"
    page.session_state[Key.REVEALED] = frozenset({run.id})
    return page.run()


def seconds(run: Run) -> list[float]:
    """Return how long each order took."""
    page, found = opened(run), []
    for _ in range(ROUNDS):
        for key in RANKINGS:
            page.session_state["ranking"] = key
            start = time.perf_counter()
            page.run()
            found.append(time.perf_counter() - start)
            assert not page.exception
    return found


def main() -> None:
    """Print the median and the extremes."""
    run = Store.default().run(sys.argv[1])
    given = kept(run, "test") or compute(run, "test")
    found = seconds(run)
    print(
        f"{len(given.labels):,} images: {median(found):.3f} s "
        f"({min(found):.3f} to {max(found):.3f}, n = {len(found)}); "
        f"load average {os.getloadavg()[0]:.1f}"
    )


if __name__ == "__main__":
    main()
