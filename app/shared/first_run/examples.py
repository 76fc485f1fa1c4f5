"""The shipped examples on the pages: which are there, and how they come back."""

from collections.abc import Sequence

import streamlit as st

from app import boundary
from app.session import store
from cifar_core import examples
from cifar_core.people import OPERATOR
from cifar_core.runs import Run, RunRow
from cifar_core.runs.store.run_row import own

PHOTOGRAPHS = "photographs"  # the example to ask about a picture
TO_COMPARE = ("shapes", "fewer_shapes")  # they learned from the same images


def example(rows: Sequence[RunRow], key: str) -> RunRow | None:
    """Return the row of a shipped run, None if it was deleted."""
    number = examples.EXAMPLES[key].number
    return next((row for row in rows if row.example and row.number == number), None)


def only_drawings(run: Run) -> bool:
    """Whether a run's network has seen nothing but the shapes that the program draws."""
    return run.environment.data.kind == "synthetic"


def compared_by_default(rows: Sequence[RunRow]) -> list[str]:
    """Return the numbers of the examples to compare while there is no run of one's own."""
    found = [row for key in TO_COMPARE if (row := example(rows, key))]
    return [str(row.number) for row in found] if len(found) == 2 and not own(rows) else []


def bring_back(rows: Sequence[RunRow], key: str = "bring_back") -> None:
    """Draw the button that brings back the examples, if some are missing and the person may."""
    there = {row.number for row in rows if row.example}
    if not store().by.may(OPERATOR) or there >= {one.number for one in examples.EXAMPLES.values()}:
        return
    if st.button("Bring back the examples", icon=":material/history:", key=key):
        boundary.attempt(lambda: examples.restore(store()))
