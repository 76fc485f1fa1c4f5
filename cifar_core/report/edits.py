"""Texts that a person wrote instead of the program's; kept in the run's folder."""

from collections.abc import Mapping

from cifar_core.errors import RunError
from cifar_core.report.fields import FIELDS
from cifar_core.runs.record.run import Run
from cifar_core.runs.results import report_texts

LONGEST = 10_000  # characters of a text


def edits(run: Run) -> dict[str, str]:
    """Return the texts that a person wrote, by field."""
    return {key: text for key, text in report_texts.read(run).items() if key in FIELDS}


def edit(run: Run, changes: Mapping[str, str], *, was: Mapping[str, str] | None = None) -> None:
    """Save texts for some fields; an empty one restores the program's text.

    With `was`, what `edits` returned when the person began, ChangedMeanwhileError if someone else
    has changed one of these fields since.
    """
    for key, text in changes.items():
        title = FIELDS[key].title
        if len(text) > LONGEST:
            raise RunError(
                f"The text of '{title}' has {len(text):,} characters, but it may have at most "
                f"{LONGEST:,}. Shorten it."
            )
    report_texts.keep(run, changes, {key: FIELDS[key].title for key in changes}, was)
