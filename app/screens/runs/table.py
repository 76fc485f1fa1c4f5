"""The table of the Runs page: one row for each run, or for each group of seeds."""

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app import boundary, theme
from app.navigation import go
from cifar_core.runs import KINDS, STATES, TRAINING, RunRow
from cifar_core.runs.listing.columns import COLUMNS, Column
from cifar_core.runs.listing.seed_groups import SeedGroup
from cifar_core.runs.listing.table import USUAL
from cifar_core.statistics.over_seeds import Spread

DAMAGED = "Damaged file"
STAR = "\u2605 "
ROW, MOST_ROWS = 40, 15  # pixels per row; rows in view, more of them scroll


def run_table(rows: Sequence[RunRow], columns: Sequence[str]) -> list[RunRow]:
    """Draw some runs and return those that are ticked."""
    # a selection is kept by row index, so it must not outlive a change of the list
    key = f"table {hash(tuple(row.id for row in rows))}"
    shown = with_optional_columns(rows, columns)
    table = st.dataframe(
        frame(rows, shown),
        key=key,
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        row_height=ROW,
        height=height(len(rows)),
        placeholder="",
        column_config={name: config(COLUMNS[name], rows, key) for name in shown},
        alt="Runs",
    )
    return [rows[index] for index in table["selection"]["rows"] if index < len(rows)]


def height(rows: int) -> int:
    """Return the pixels that a table needs."""
    return min(rows, MOST_ROWS) * ROW + 37


def with_optional_columns(rows: Sequence[RunRow], columns: Sequence[str]) -> list[str]:
    """Add sweeps and tags to the usual columns if any run has them."""
    if tuple(columns) != USUAL:
        return list(columns)
    optional = [("sweep", any(row.sweep for row in rows)), ("tag", any(row.tags for row in rows))]
    return [*columns[:3], *(key for key, is_used in optional if is_used), *columns[3:]]


def frame(rows: Sequence[RunRow], columns: Sequence[str]) -> pd.DataFrame:
    """Return one row per run, with the values that the columns show."""
    return pd.DataFrame({key: [cell(COLUMNS[key], row) for row in rows] for key in columns})


def cell(column: Column, row: RunRow) -> Any:
    """Return what a column shows of a run."""
    write = CELLS.get(column.key)
    if write is not None:
        return write(row)
    value = column.of(row)
    return 100 * value if column.kind == "share" and value is not None else value


def name_words(row: RunRow) -> str:
    """Return the shortened name with its pin and star."""
    pin = f"{theme.PIN} " if row.pinned else ""
    return pin + (STAR if row.starred else "") + theme.short(row.name, 24)


def state_words(row: RunRow) -> list[str]:
    """Return the state's title, the kind unless it is training, and whether a file is damaged."""
    kind = [] if row.kind == TRAINING else [KINDS[row.kind].title]
    return [STATES[row.state].title, *kind, *([DAMAGED] if row.damaged else [])]


def epoch_words(row: RunRow) -> str:
    """Say which epoch was the best, of how many."""
    if row.kind != TRAINING:
        return f"rate {row.suggested_rate:g}" if row.suggested_rate else ""
    if row.best_epoch is None:
        return f"{row.epochs_done} of {row.epochs}"
    return f"{row.best_epoch} of {row.epochs}"


def first_line(row: RunRow) -> str:
    """Return the first line of the note, shortened."""
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
    "model": lambda row: row.model_title,
    "optimizer": lambda row: row.optimizer_title,
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
    """Describe a text column."""
    width = WIDTHS.get(column.key)
    return st.column_config.TextColumn(column.title, width=width, help=column.summary)


def number_column(column: Column, rows: Sequence[RunRow], key: str) -> Any:
    """Describe a number column."""
    pinned = column.key == "number"
    number_format = FORMATS.get(column.key, "plain")
    return st.column_config.NumberColumn(
        column.title, width=WIDTHS.get(column.key), help=None if pinned else column.summary,
        pinned=pinned, format=number_format,
    )  # fmt: skip


def share_column(column: Column, rows: Sequence[RunRow], key: str) -> Any:
    """Describe a column of accuracies."""
    return st.column_config.NumberColumn(
        column.title, help=column.summary, format="%.1f %%", width=WIDTHS.get(column.key)
    )


def curve_column(column: Column, rows: Sequence[RunRow], key: str) -> Any:
    """Describe the column of small curves."""
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
        on_click=boundary.callback(open_clicked),
        args=(f"open {key}", [row.number for row in rows]),
    )


def state_column(column: Column, rows: Sequence[RunRow], key: str) -> Any:
    """Describe the states and kinds, in their colors."""
    plain = all(row.kind == TRAINING and not row.damaged for row in rows)
    wide = 96 if plain else 190  # room for the kind
    titles = [state.title for state in STATES.values()] + [kind.title for kind in KINDS.values()]
    state_colors = [theme.ICONS[state.key][0] for state in STATES.values()]
    colors: Any = [*state_colors, *["violet"] * len(KINDS), "red"]
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
    """Draw seed groups and return the runs of those that are ticked."""
    key = f"groups {hash(tuple(row.id for group in groups for row in group.rows))}"
    spreads = {name: [group.spread_of(COLUMNS[name]) for group in groups]
               for name in ("best", "test")}  # fmt: skip
    table = pd.DataFrame(
        {
            "settings": [group.title or group.rows[0].model_title for group in groups],
            "runs": [len(group.rows) for group in groups],
            **{name: [100 * s.mean if s else None for s in values]
               for name, values in spreads.items()},
            **{f"{name}_spread": [plus_minus(s) for s in values]
               for name, values in spreads.items()},
            "seeds": [", ".join(map(str, group.seeds)) for group in groups],
            "numbers": [", ".join(f"#{row.number}" for row in group.rows) for group in groups],
        }
    )  # fmt: skip
    names = st.column_config
    drawn = st.dataframe(
        table[["settings", "runs", "best", "best_spread", "test", "test_spread", "seeds",
               "numbers"]],
        key=key,
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        row_height=ROW,
        height=height(len(groups)),
        placeholder="",
        column_config={
            "settings": names.TextColumn("Differing settings", width=320),
            "runs": names.NumberColumn("Runs", width=56, help="How many runs have these settings."),
            "best": names.NumberColumn("Best val.", format="%.1f %%", width=84,
                                       help="Mean over the best epoch of each run."),
            "best_spread": names.TextColumn("\u00b1", width=60, help=SPREAD),
            "test": names.NumberColumn("Test", format="%.1f %%", width=74,
                                       help="Mean over the tested runs."),
            "test_spread": names.TextColumn("\u00b1", width=60, help=SPREAD),
            "seeds": names.TextColumn("Seeds", width=90),
            "numbers": names.TextColumn("Run numbers"),
        },
        alt="Groups of runs that differ only in the seed",
    )  # fmt: skip
    ticked = [index for index in drawn["selection"]["rows"] if index < len(groups)]
    return [row for index in ticked for row in groups[index].rows]


SPREAD = "Standard deviation between runs, in percentage points; it needs at least two runs."


def plus_minus(spread: Spread | None) -> str:
    """Write a standard deviation in percentage points, if there is one."""
    if spread is None or spread.deviation is None:
        return ""
    return f"{100 * spread.deviation:.1f}"
