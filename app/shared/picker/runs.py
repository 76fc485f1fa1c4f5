"""Choosing a run: to start from, to ask, or to compare with."""

from collections.abc import Sequence

from app import theme
from app.shared.picker.cards import Card, Filter, Group
from app.shared.picker.dialog import pick
from cifar_core.proposals.networks import network_facts
from cifar_core.runs import STATES, RunRow


def choose_run(
    key: str,
    rows: Sequence[RunRow],
    *,
    title: str = "Choose a run",
    label: str = "Use",
    chosen: str = "",
    images: str = "",
) -> None:
    """Open a dialog to choose one of some runs; `picked(key)` returns its number afterwards.

    Runs on `images`, the title of a data set, come first.
    """
    here = [row for row in rows if images and row.data_title == images]
    groups = [
        Group(title=f"On {images}", cards=[run_card(row) for row in here]),
        Group(title="On other images" if here else "All", cards=[run_card(row) for row in rows]),
    ]
    titles = dict.fromkeys(row.data_title for row in rows)
    filters = [
        Filter(key="starred", label="Starred"),
        *(Filter(key=f"on {one}", label=one, family="images") for one in titles),
    ]
    pick(
        key, title, groups, filters=filters, chosen=chosen, label=label,
        search="Name, number, network or tag",
    )  # fmt: skip


def run_card(row: RunRow) -> Card:
    """Return the card of a run, with its validation accuracy by epoch as a curve."""
    facts = network_facts().get(row.model)
    network = facts.title if facts else theme.title(row.model)
    accuracy = row.best_val_accuracy
    return Card(
        key=str(row.number),
        title=f"#{row.number} {row.name}",
        badges=(*(("example",) if row.example else ()), *row.tags[:3]),
        summary=f"{network} on {row.data_title}" if row.data_title else network,
        facts=(
            f"{theme.percent(accuracy)} validation" if accuracy is not None else "no epoch yet",
            STATES[row.state].title if row.state in STATES else row.state,
        ),
        words=" ".join([row.model, row.optimizer, row.owner, *row.tags]),
        passes=(*(("starred",) if row.starred else ()), f"on {row.data_title}"),
        curve=tuple(row.sparkline),
    )
