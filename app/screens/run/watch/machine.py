"""The panel of the machine below the curves: closed, but for when something is wrong."""

import streamlit as st

from app import theme
from app.cache.runs import machine_feed
from app.screens.run.watch.balance import balance, in_short
from app.screens.run.watch.charts import LiveOptions
from app.screens.run.watch.machine_chart import machine_figure
from app.session import Key, remember, remembered
from app.shared.closed_row import closed_row
from app.shared.live_chart import live_chart
from cifar_core.reading import KINDS, MACHINE, Finding, Reading
from cifar_core.reading.curves import Curves
from cifar_core.reading.machine.samples import Placed
from cifar_core.runs import Run, RunStatus
from cifar_core.runs.record.machine.balance import Balance, of_attempt
from cifar_core.runs.record.machine.overall import overall
from cifar_core.runs.record.machine.rows import latest
from cifar_core.runs.record.machine.words import in_words, on_the_whole


def machine_panel(
    run: Run, status: RunStatus, curves: Curves, options: LiveOptions, reading: Reading
) -> None:
    """Draw the row with the latest values, which opens itself for a new finding."""
    placed = machine_feed(str(run.path)).placed(curves)
    even = of_attempt(run.path, status.attempt) if status.is_live else None
    says = ". ".join(filter(None, [words(run, status, placed), in_short(even)]))
    if not says:
        return
    wrong = [finding for finding in reading.findings if finding.span.panel == MACHINE]
    titles = ", ".join(KINDS[finding.kind].title for finding in wrong)
    closed_row(
        f"machine-{run.number}", "Machine",
        theme.safe(f"{titles}. {says}" if titles else says),
        lambda: draw(placed, options, even),
        opened=status.is_live and is_new(run, wrong),
    )  # fmt: skip


def words(run: Run, status: RunStatus, placed: Placed) -> str:
    """Return how a live run uses its machine now, and how another used it while it trained."""
    if status.is_live and (row := latest(run.path, status.attempt)):
        return in_words(row)
    return on_the_whole(overall(placed.samples))


def is_new(run: Run, wrong: list[Finding]) -> bool:
    """Return True once for each set of findings, so that what a person closes stays closed."""
    mark = f"{run.id} {sorted(finding.kind for finding in wrong)}"
    if not wrong or remembered(Key.MACHINE_OPENED) == mark:
        return False
    remember(Key.MACHINE_OPENED, mark)
    return True


def draw(placed: Placed, options: LiveOptions, even: Balance | None = None) -> None:
    """Draw how even several devices are, and the chart, on the axis and zoom of the curves."""
    if even:
        balance(even)
    if not len(placed):
        st.caption("The chart begins with the first reports of the training.")
        return
    live_chart(machine_figure(placed, options), key=str(Key.MACHINE_CHART))
    st.caption(
        "While the network was trained; startup, validation and the test are left out. The run's "
        "share is of the cores that it may use, the machine's of all cores. The memory of a run "
        "leaves out pages of files, which the system can take back."
    )
