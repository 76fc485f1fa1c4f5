"""report.json: the texts that a person wrote in a run's report instead of the program's."""

from collections.abc import Mapping

from cifar_core.disk import files
from cifar_core.runs.record.run import Run

FILE = "report.json"


def read(run: Run) -> dict[str, str]:
    """Return the kept texts by the name of their field."""
    return {key: str(text) for key, text in files.read_json(run.path / FILE).items() if text}


def keep(run: Run, changes: Mapping[str, str], what: str) -> None:
    """Replace texts; an empty one is removed. `what` describes it in the history."""
    with run.action("edit its report", "edited the report of", what):
        kept = {**read(run), **{key: text.strip() for key, text in changes.items()}}
        files.write_json(run.path / FILE, {key: text for key, text in kept.items() if text})
