"""report.json in a run's folder: what a person wrote in place of the program's texts."""

from collections.abc import Mapping

from cifar_core.errors import RunError
from cifar_core.report.fields import FIELDS
from cifar_core.runs import files
from cifar_core.runs.run import Run

FILE = "report.json"
LONGEST = 10_000  # characters of a text


def edits(run: Run) -> dict[str, str]:
    """Return the texts that a person wrote, by field."""
    known = files.read_json(run.path / FILE)
    return {key: str(known[key]) for key in FIELDS if known.get(key)}


def edit(run: Run, changes: Mapping[str, str]) -> None:
    """Keep texts for some fields; an empty one brings the program's own back."""
    for key, text in changes.items():
        FIELDS[key]
        if len(text) > LONGEST:
            raise RunError(
                f"The text of '{FIELDS[key].title}' has {len(text):,} characters, but it may have "
                f"at most {LONGEST:,}. Shorten it."
            )
    titles = ", ".join(FIELDS[key].title.lower() for key in changes)
    with run.deed("edit its report", "edited the report of", titles):
        kept = {**edits(run), **{key: text.strip() for key, text in changes.items()}}
        files.write_json(run.path / FILE, {key: text for key, text in kept.items() if text})
