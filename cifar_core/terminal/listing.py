"""runs, tag, note: lists runs, and marks them so that they are found again."""

import json
from argparse import Action, ArgumentParser, BooleanOptionalAction, Namespace
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from msgspec import structs

from cifar_core.disk.tables import as_csv, as_json
from cifar_core.installation import PROGRAM
from cifar_core.runs.listing import saved_listings
from cifar_core.runs.listing.columns import COLUMNS, WORDS, Column
from cifar_core.runs.listing.seed_groups import SeedGroup
from cifar_core.runs.listing.table import Listing, group_table, table
from cifar_core.runs.record import marks
from cifar_core.runs.store.run_row import RunRow
from cifar_core.runs.store.store import Store
from cifar_core.terminal.output import add_json, add_run, add_store, percent, say, show, store_of
from cifar_core.terminal.queue import pause_words

EXAMPLE = (
    'filter, such as "arch:resnet acc>85 lr<=0.01 tag:lab"; put -- before a first term that begins '
    "with a minus"
)


class Fields(Action):
    """Prints the fields of a filter, and ends."""

    def __call__(self, parser: ArgumentParser, *_: Any) -> None:
        """Print the table; argparse calls this when it meets the switch."""
        rows = [{"field": column.word, "column": column.key, "about": column.summary}
                for column in COLUMNS.values() if column.kind != "curve"]  # fmt: skip
        show(rows, as_json=False)
        print(f"\nEvery setting is a field too, such as dropout<0.5: {PROGRAM} settings")
        parser.exit()


def add(commands: Any) -> None:
    """Add the commands of this module."""
    runs = commands.add_parser("runs", help="list the runs, newest first")
    runs.add_argument("query", nargs="*", help=EXAMPLE)
    runs.add_argument("--columns", help="columns, separated by commas: number,name,best,tag")
    runs.add_argument("--sort", help="column to sort by; --sort=-best puts the highest first")
    runs.add_argument(
        "--group", action="store_true", help="one line for runs that differ only in their seed"
    )
    runs.add_argument("--csv", action="store_true", help="print CSV instead of a table")
    runs.add_argument("--view", help="start from a saved listing")
    runs.add_argument("--save-view", metavar="NAME", help="save this listing under a name")
    runs.add_argument("--delete-view", metavar="NAME", help="delete a saved listing")
    runs.add_argument("--views", action="store_true", help="list the saved listings instead")
    runs.add_argument("--fields", action=Fields, nargs=0, help="list the fields of a filter")
    add_store(runs)
    add_json(runs)
    runs.set_defaults(command=list_runs)

    tag = commands.add_parser("tag", help="add tags to a run, or remove them")
    add_run(tag)
    tag.add_argument("tags", nargs="*", help="words, such as lab or week-3")
    tag.add_argument("--remove", action="append", default=[], metavar="TAG", help="remove a tag")
    tag.add_argument(
        "--star", action=BooleanOptionalAction, help="give the run a star, or take it off"
    )
    add_store(tag)
    tag.set_defaults(command=tag_run)

    note = commands.add_parser("note", help="write a note on a run")
    add_run(note)
    note.add_argument("text", help="Markdown; an empty text deletes the note")
    add_store(note)
    note.set_defaults(command=note_run)


def list_runs(arguments: Namespace) -> int:
    """Print one line for each run that passes the filter."""
    store = store_of(arguments)
    if arguments.delete_view:
        saved_listings.delete(store, saved_listings.find(store, arguments.delete_view))
    if arguments.views or arguments.delete_view:
        views = saved_listings.listed(store)
        show([{"view": view.name, **asdict(view.listing)} for view in views], arguments.json)
        return 0
    listing = listing_of(arguments, store)
    if arguments.save_view:
        saved_listings.save(store, arguments.save_view, listing)
    rows = store.runs()
    if listing.group:
        print_groups(listing.groups(rows), arguments)
    else:
        print_rows(listing.rows(rows), listing, arguments)
    if store.queue_pause.is_on and not (arguments.json or arguments.csv):
        say(f"\n{pause_words(store.queue_pause)}")
    return 0


def listing_of(arguments: Namespace, store: Store) -> Listing:
    """Return the listing that was asked for, based on a saved one if that was named."""
    view = saved_listings.find(store, arguments.view).listing if arguments.view else Listing()
    columns = tuple(column(word).key for word in (arguments.columns or "").split(",") if word)
    sort = arguments.sort or ""
    asked = {
        "query": " ".join(arguments.query),
        "columns": columns,
        "sort": ("-" if sort.startswith("-") else "") + column(sort.lstrip("-")).key
        if sort else "",
        "group": arguments.group,
    }  # fmt: skip
    return replace(view, **{name: value for name, value in asked.items() if value})


def column(word: str) -> Column:
    """Return the column of a name, or suggest the one that was meant."""
    word = word.strip()
    return WORDS[word] if word in WORDS else COLUMNS[word]


def print_rows(rows: Sequence[RunRow], listing: Listing, arguments: Namespace) -> None:
    """Print runs as a table, CSV or JSON."""
    if arguments.csv:
        print(as_csv(table(rows, listing.columns), listing.columns), end="")
    elif arguments.json:
        chosen = arguments.columns or arguments.view
        lines = table(rows, listing.columns) if chosen else [structs.asdict(row) for row in rows]
        print(as_json(lines))
    elif arguments.columns or arguments.view:
        columns = [COLUMNS[key] for key in listing.columns if key != "curve"]
        show([{c.title: word(c, row) for c in columns} for row in rows], as_json=False)
    else:
        uneven = any(row.uneven for row in rows)
        show([usual_line(row, uneven=uneven) for row in rows], as_json=False)


def word(column: Column, row: RunRow) -> Any:
    """Return a run's value in a column, as it is printed."""
    value = column.of(row)
    if column.kind == "share":
        return percent(value)
    return " ".join(value) if isinstance(value, list) else value


def usual_line(row: RunRow, *, uneven: bool = False) -> dict[str, Any]:
    """Return the columns that are printed by default; more if the classes of any are uneven."""
    return {
        "run": row.number,
        "state": row.state,
        "name": row.name,
        "model": row.model,
        "optimizer": row.optimizer,
        "rate": row.learning_rate,
        "epochs": f"{row.epochs_done}/{row.epochs}",
        "best val": percent(row.best_val_accuracy),
        **({"balanced": percent(row.best_balanced_accuracy)} if uneven else {}),
        "at epoch": row.best_epoch,
        "test": percent(row.test_accuracy),
        "data": row.data_title,
    }


def print_groups(groups: Sequence[SeedGroup], arguments: Namespace) -> None:
    """Print one line for each group: mean and spread over its runs."""
    lines = group_table(groups)
    if arguments.csv:
        print(as_csv(lines), end="")
    elif arguments.json:
        print(json.dumps(lines, indent=2))
    else:
        show([group_line(line) for line in lines], as_json=False)


def group_line(line: dict[str, Any]) -> dict[str, Any]:
    """Return a group's line for people."""
    means = {}
    for key, title in (("best", "best val"), ("test", "test")):
        mean, deviation = line[f"{key}_mean"], line[f"{key}_deviation"]
        spread = f" ± {100 * deviation:.2f}" if deviation is not None else ""
        means[title] = None if mean is None else f"{100 * mean:.2f}{spread} %"
    return {
        "settings": line["settings"],
        "runs": line["runs"],
        **means,
        "numbers": ", ".join(map(str, line["numbers"])),
    }


def tag_run(arguments: Namespace) -> int:
    """Change a run's tags and star, and print the new ones."""
    run = store_of(arguments).run(arguments.run)
    marks.tag(run, arguments.tags)
    marks.untag(run, arguments.remove)
    if arguments.star is not None:
        marks.star(run, arguments.star)
    about = run.about
    starred = " with a star" if about.starred else ""
    print(f"{run.id}{starred}: {', '.join(about.tags) or 'no tags'}")
    return 0


def note_run(arguments: Namespace) -> int:
    """Write a note on a run."""
    run = store_of(arguments).run(arguments.run)
    marks.write_note(run, arguments.text)
    print(f"{run.id}: note {'saved' if arguments.text.strip() else 'deleted'}")
    return 0
