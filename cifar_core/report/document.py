"""Composes a report: the lab's form for each run, a comparison, model cards, settings."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

from cifar_core.errors import RunError
from cifar_core.registry import Option, Registry
from cifar_core.report.account import Account, account_of
from cifar_core.report.blocks import Block, Document, Heading, Table, Text, percent
from cifar_core.report.charts import comparison, loss_plot
from cifar_core.report.edits import edits
from cifar_core.report.fields import FIELDS
from cifar_core.report.model_card import model_card
from cifar_core.runs.record.run import Run
from cifar_core.settings import label_of

MOST_RUNS = 20
TITLE = "Training report"

SECTIONS = Registry(
    "section",
    [
        Option(key="comparison", title="Comparison", summary="All runs in one table and chart."),
        Option(key="card", title="Model cards", summary="What each network is, and its limits."),
        Option(key="settings", title="Settings", summary="Those that are not the default."),
    ],
)


def compose(
    runs: Sequence[Run],
    *,
    title: str = "",
    author: str = "",
    sections: Sequence[str] = tuple(SECTIONS),
) -> Document:
    """Return the report on runs, in their order; `sections` are keys of SECTIONS."""
    if not 1 <= len(runs) <= MOST_RUNS:
        raise RunError(f"A report covers 1 to {MOST_RUNS} runs, but {len(runs)} were given.")
    accounts = [account_of(run) for run in runs]
    title = title.strip() or TITLE
    return Document(
        title=title,
        blocks=tuple(blocks(accounts, title, author.strip(), sections)),
        records=tuple(record(account) for account in accounts),
    )


def blocks(
    accounts: Sequence[Account], title: str, author: str, sections: Sequence[str]
) -> Iterator[Block]:
    """Yield the blocks of a report."""
    yield from opening(accounts, title, author, sections)
    for account in accounts:
        yield from about_run(account, sections)


def opening(
    accounts: Sequence[Account], title: str, author: str, sections: Sequence[str]
) -> Iterator[Block]:
    """Yield what comes before the runs: title, author and the comparison."""
    yield Heading(text=title.strip() or TITLE, level=1)
    made = f"Made with CIFAR Lab on {time.strftime('%d %B %Y, %H:%M')}."
    yield Text(text=f"{author}\n\n{made}" if author else made)
    if "comparison" in sections and len(accounts) > 1:
        yield from compared(accounts)


def about_run(account: Account, sections: Sequence[str]) -> Iterator[Block]:
    """Yield the form of a run, with its model card and settings."""
    yield Heading(text=account.title, level=2)
    yield from form(account)
    if "card" in sections:
        yield Heading(text="Model card", level=3)
        yield model_card(account)
    if "settings" in sections:
        yield Heading(text="Settings other than the default", level=3)
        yield settings(account)


def compared(accounts: Sequence[Account]) -> Iterator[Block]:
    """Yield the comparison of all runs: one table and one chart."""
    yield Heading(text="Comparison", level=2)
    uneven = any(account.uneven for account in accounts)
    titles = ("Run", "Network", "Rate", "Batch", "Epochs", "Validation", "Test", "95 %",
              *(("Balanced", "Test balanced") if uneven else ()))  # fmt: skip
    yield Table(
        titles=titles,
        rows=tuple((*row(account), *(balanced(account) if uneven else ())) for account in accounts),
        source="config.json and summary.json of each run",
    )
    if len({account.data.usual_fingerprint for account in accounts}) > 1:
        yield Text(
            text="These runs were trained on different images, so compare their accuracies with "
            "care.",
            source="fingerprints in environment.json",
        )
    if len(sides := sorted({account.data.side for account in accounts})) > 1:
        yield Text(
            text="These runs were trained on images of different sizes: "
            f"{', '.join(map(str, sides))} pixels a side.",
            source="environment.json",
        )
    yield comparison(accounts)


def row(account: Account) -> tuple[str, ...]:
    """Return the row of a run in the comparison."""
    from cifar_core.models import MODELS

    config, summary, interval = account.config, account.summary, account.test_interval
    best, test = summary.best_val_accuracy, account.test_accuracy
    return (
        account.title,
        MODELS[config.model].title,
        f"{config.learning_rate:g}",
        str(config.batch_size),
        str(summary.epochs_done),
        percent(best),
        percent(test) or "not tested",
        f"{percent(interval[0], 1)} to {percent(interval[1], 1)}" if interval else "",
    )


def balanced(account: Account) -> tuple[str, str]:
    """Return the balanced accuracy of a run in validation and in the test; "" if not measured."""
    summary = account.summary
    return percent(summary.best_val_balanced_accuracy), percent(summary.test_balanced_accuracy)


def form(account: Account) -> Iterator[Block]:
    """Return the lab's form of a run; the loss plot is above its interpretation."""
    mine = edits(account.run)
    for key, field in FIELDS.items():
        yield Heading(text=field.title, level=3)
        if key == "interpretation":
            yield loss_plot(account)
        if key in mine:
            yield Text(text=mine[key], edited=True)
        else:
            yield Text(text=field.write(account), source=field.source)


def settings(account: Account) -> Table:
    """Return the settings that differ from their defaults."""
    config = account.chosen
    changed = [
        (label_of(f), str(getattr(config, f.name)))
        for f in config.relevant()
        if getattr(config, f.name) != f.default and f.name != "data"
    ]
    rows = tuple(changed) or (("All", "the defaults"),)
    return Table(rows=rows, source="config.json")


def record(account: Account) -> dict[str, object]:
    """Return a run as one row of a table for other programs."""
    config, interval = account.config, account.test_interval
    mine = edits(account.run)
    values: dict[str, Any] = {
        "run": account.run.number,
        "name": account.run.name,
        "model": config.model,
        "optimizer": config.optimizer,
        "learning_rate": config.learning_rate,
        "schedule": config.schedule,
        "batch_size": config.batch_size,
        "epochs": account.summary.epochs_done,
        "seed": config.seed,
        "best_val_accuracy": account.summary.best_val_accuracy,
        "best_epoch": account.summary.best_epoch,
        "test_accuracy": account.test_accuracy,
        "test_low_95": interval[0] if interval else None,
        "test_high_95": interval[1] if interval else None,
        "test_images": account.test_images,
        "best_val_balanced_accuracy": account.summary.best_val_balanced_accuracy,
        "best_val_macro_f1": account.summary.best_val_macro_f1,
        "test_balanced_accuracy": account.summary.test_balanced_accuracy,
        "test_macro_f1": account.summary.test_macro_f1,
        "seconds": account.summary.seconds,
        "data": account.data.title or None,
        "data_fingerprint": account.data.fingerprint or None,
        "image_size": account.data.side,
    }
    texts = {key: mine.get(key) or field.write(account) for key, field in FIELDS.items()
             if key in ("description", "interpretation")}  # fmt: skip
    return {**values, **texts, "edited": " ".join(mine)}
