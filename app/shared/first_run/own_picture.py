"""The line that follows the first run's result: ask the network about a picture of one's own."""

from collections.abc import Sequence

from app.navigation import link
from cifar_core.runs import TRAINING, Run, RunRow
from cifar_core.runs.store.run_row import own


def give_it_a_picture(run: Run, rows: Sequence[RunRow]) -> None:
    """Draw the line if this run has just become the only one of a person's that has finished."""
    finished = [row for row in own(rows) if row.kind == TRAINING and row.state == "finished"]
    if [row.number for row in finished] == [run.number]:
        link("predict", "Give it a picture of yours", ":material/add_photo_alternate:",
             run=run.number)  # fmt: skip
