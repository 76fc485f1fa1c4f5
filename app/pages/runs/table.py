"""The table of the Runs page: one line for each run, or for each group of seeds."""

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app import theme
from app.navigation import go
from cifar_core.runs import KINDS, STATES, TRAINING, RunRow
from cifar_core.runs.listing.columns import COLUMNS, Column
from cifar_core.runs.listing.seed_groups import SeedGroup
from cifar_core.runs.listing.table import USUAL
from cifar_core.statistics.over_seeds import Spread

DAMAGED = "Damaged file"
STAR = "\u2605 "
ROW, MOST_ROWS = 40, 15  # pixels a row; rows in sight, more of them scroll


def run_table(rows: Sequence[RunRow], columns: Sequence[str]) -> list[RunRow]:
    """Draw some runs and return those that are ticked."""
    # a selection is kept by place, so it must not outlive a change of the list
    key = f"table {hash(tuple(row.id for row in rows))}"
    shown = with_usual_guests(rows, columns)
    seen = st.dataframe(
        frame(rows, shown),
        key=key,
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        row_height=ROW,
        height=height(len(rows)),
        placeholder="",
        column_config={name: config(COLUMNS[name], rows, key) for name in shown},
        alt="All runs, newest first",
    )
    return [rows[place] for place in seen["selection"]["rows"] if place < len(rows)]


def height(rows: int) -> int:
    """Return the pixels that a table needs."""
    return min(rows, MOST_ROWS) * ROW + 37


def with_usual_guests(rows: Sequence[RunRow], columns: Sequence[str]) -> list[str]:
    """Add sweeps and tags to the usual columns where there are any."""
    if tuple(columns) != USUAL:
        return list(columns)
    guests = [("sweep", any(row.sweep for row in rows)), ("tag", any(row.tags for row in rows))]
    return [*columns[:3], *(key for key, there in guests if there), *columns[3:]]


def frame(rows: Sequence[RunRow], columns: Sequence[str]) -> pd.DataFrame:
    """Lay the rows out as people compare them."""
    return pd.DataFrame({key: [cell(COLUMNS[key], row) for row in rows] for key in columns})


def cell(column: Column, row: RunRow) -> Any:
    """Return what a run's place in a column shows."""
    write = CELLS.get(column.key)
    if write is not None:
        return write(row)
    value = column.of(row)
    return 100 * value if column.kind == "share" and value is not None else value


def name_words(row: RunRow) -> str:
    """Return the name, short, and with its pin and its star."""
    pin = f"{theme.PIN} " if row.pinned else ""
    return pin + (STAR if row.starred else "") + theme.short(row.name, 24)


def state_words(row: RunRow) -> list[str]:
    """Return the state's title, what the run is for unless it trains, and whether it is whole."""
    kind = [] if row.kind == TRAINING else [KINDS[row.kind].title]
    return [STATES[row.state].title, *kind, *([DAMAGED] if row.damaged else [])]


def epoch_words(row: RunRow) -> str:
    """Say which epoch was the best, and how many there are."""
    if row.kind != TRAINING:
        return f"rate {row.suggested_rate:g}" if row.suggested_rate else ""
    if row.best_epoch is None:
        return f"{row.epochs_done} of {row.epochs}"
    return f"{row.best_epoch} of {row.epochs}"


def first_line(row: RunRow) -> str:
    """Return the beginning of the note."""
    return theme.short(row.note.split("\n", 1)[0], 60)


def number_of(id_: str) -> str:
    """Return the number that an id begins with."""
    return id_.split("-", 1)[0]


CELLS: dict[str, Callable[[RunRow], Any]] = {
    "name": name_words,
    "state": state_words,
    "epoch": epoch_words,
    "note": first_line,
    "star": lambda row: STAR.strip() if row.starred else "",
    "pin": lambda row: "pinned" if row.pinned else "",
    "model": lambda row: theme.title(row.model),
    "optimizer": lambda row: theme.title(row.optimizer),
    "data": lambda row: row.data_title.rsplit("/", 1)[-1],
    "kind": lambda row: KINDS[row.kind].title,
    "time": lambda row: theme.duration(row.seconds) if row.seconds else "",
    "sweep": lambda row: number_of(row.sweep),
    "reason": lambda row: row.reason.replace("_", " "),
}
WIDTHS = {"number": 44, "epoch": 84, "best": 84, "test": 74, "last": 84, "sweep": 60, "time": 96,
          "star": 50, "pin": 70}  # fmt: skip


FORMATS = {"number": "%d", "params": "localized", "speed": "%.0f", "loss": "%.3f"}


def config(column: Column, rows: Sequence[RunRow], key: str) -> Any:
    """Describe a column of the table."""
    draw = CONFIGS.get(column.key) or CONFIGS.get(column.kind) or text_column
    return draw(column, rows, key)


def text_column(column: Column, rows: Sequence[RunRow], key: str) -> Any:
    """Describe a column of words."""
    width = WIDTHS.get(column.key)
    return st.column_config.TextColumn(column.title, width=width, help=column.summary)


def number_column(column: Column, rows: Sequence[RunRow], key: str) -> Any:
    """Describe a column of numbers."""
    pinned = column.key == "number"
    form = FORMATS.get(column.key, "plain")
    return st.column_config.NumberColumn(
        column.title, width=WIDTHS.get(column.key), help=None if pinned else column.summary,
        pinned=pinned, format=form,
    )  # fmt: skip


def share_column(column: Column, rows: Sequence[RunRow], key: str) -> Any:
    """Describe a column of accuracies."""
    return st.column_config.NumberColumn(
        column.title, help=column.summary, format="%.1f %%", width=WIDTHS.get(column.key)
    )


def curve_column(column: Column, rows: Sequence[RunRow], key: str) -> Any:
    """Describe the little curves."""
    return st.column_config.LineChartColumn(
        column.title, y_min=0, y_max=1, width=110, help=column.summary
    )


def name_column(column: Column, rows: Sequence[RunRow], key: str) -> Any:
    """Describe the names, which open their runs."""
    return st.column_config.ButtonColumn(
        column.title,
        type="tertiary",
        alignment="left",
        width=165,
        key=f"open {key}",
        on_click=open_clicked,
        args=(f"open {key}", [row.number for row in rows]),
    )


def state_column(column: Column, rows: Sequence[RunRow], key: str) -> Any:
    """Describe the states and kinds, in their colours."""
    plain = all(row.kind == TRAINING and not row.damaged for row in rows)
    wide = 96 if plain else 190  # room for the kind
    titles = [state.title for state in STATES.values()] + [kind.title for kind in KINDS.values()]
    paints = [theme.ICONS[state.key][0] for state in STATES.values()] + ["violet"] * len(KINDS)
    colors: Any = [*paints, "red"]
    return st.column_config.MultiselectColumn(
        column.title, options=[*titles, DAMAGED], color=colors, width=wide
    )


def tag_column(column: Column, rows: Sequence[RunRow], key: str) -> Any:
    """Describe the tags."""
    return st.column_config.ListColumn(column.title, width=110)


CONFIGS: dict[str, Callable[[Column, Sequence[RunRow], str], Any]] = {
    "name": name_column,
    "state": state_column,
    "epoch": text_column,
    "number": number_column,
    "share": share_column,
    "curve": curve_column,
    "tags": tag_column,
}


def open_clicked(key: str, numbers: Sequence[int]) -> None:
    """Open the run whose name was clicked."""
    click = st.session_state[key]
    if click is not None and click["row"] < len(numbers):
        go("run", id=numbers[click["row"]])


def group_table(groups: Sequence[SeedGroup]) -> list[RunRow]:
    """Draw groups of seeds and return the runs of those that are ticked."""
    key = f"groups {hash(tuple(row.id for group in groups for row in group.rows))}"
    spreads = {name: [group.spread_of(COLUMNS[name]) for group in groups]
               for name in ("best", "test")}  # fmt: skip
    lines = pd.DataFrame(
        {
            "settings": [group.title or theme.title(group.rows[0].model) for group in groups],
            "runs": [len(group.rows) for group in groups],
            **{name: [100 * s.mean if s else None for s in found]
               for name, found in spreads.items()},
            **{f"{name}_spread": [plus_minus(s) for s in found]
               for name, found in spreads.items()},
            "seeds": [", ".join(map(str, group.seeds)) for group in groups],
            "numbers": [", ".join(f"#{row.number}" for row in group.rows) for group in groups],
        }
    )  # fmt: skip
    names = st.column_config
    seen = st.dataframe(
        lines[["settings", "runs", "best", "best_spread", "test", "test_spread", "seeds",
               "numbers"]],
        key=key,
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        row_height=ROW,
        height=height(len(groups)),
        placeholder="",
        column_config={
            "settings": names.TextColumn("What differs", width=320),
            "runs": names.NumberColumn("Runs", width=56, help="How many there are."),
            "best": names.NumberColumn("Best val.", format="%.1f %%", width=84,
                                       help="The mean over the runs of each one's best epoch."),
            "best_spread": names.TextColumn("\u00b1", width=60, help=SPREAD),
            "test": names.NumberColumn("Test", format="%.1f %%", width=74,
                                       help="The mean over the runs that were tested."),
            "test_spread": names.TextColumn("\u00b1", width=60, help=SPREAD),
            "seeds": names.TextColumn("Seeds", width=90),
            "numbers": names.TextColumn("Which runs"),
        },
        alt="Runs that differ only in their seed, taken together",
    )  # fmt: skip
    places = seen["selection"]["rows"]
    return [row for place in places if place < len(groups) for row in groups[place].rows]


SPREAD = "Standard deviation of a single run, in points; it takes two runs to know."


def plus_minus(spread: Spread | None) -> str:
    """Write a standard deviation in points, if there is one."""
    known = spread is not None and spread.deviation is not None
    return f"{100 * spread.deviation:.1f}" if known else ""  # type: ignore[union-attr, operator]
