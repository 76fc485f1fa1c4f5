"""report.json: the texts that a person wrote in a run's report instead of the program's."""

from collections.abc import Mapping

from cifar_core.disk import edited, files, lock
from cifar_core.runs.record.run import Run

FILE = "report.json"


def read(run: Run) -> dict[str, str]:
    """Return the kept texts by the name of their field."""
    return {key: str(text) for key, text in files.read_json(run.path / FILE).items() if text}


def keep(
    run: Run,
    changes: Mapping[str, str],
    titles: Mapping[str, str],
    was: Mapping[str, str] | None = None,
) -> None:
    """Replace texts; an empty one is removed. `titles` names them in sentences.

    With `was`, the kept texts that the person began with, ChangedMeanwhileError if one of those
    that change is another by now; then nothing is written.
    """
    new = {key: text.strip() for key, text in changes.items()}
    detail = "; ".join(f"{titles[key].lower()}: {text or 'generated'}" for key, text in new.items())
    with (
        run.action("edit its report", "edited the report of", detail),
        lock.held(run.path / ".lock"),
    ):
        kept = read(run)
        for key, text in new.items():
            before = None if was is None else was.get(key, "")
            what = f"the text of '{titles[key]}'"
            kept[key] = edited.checked(what, kept.get(key, ""), before, text)
        files.write_json(run.path / FILE, {key: text for key, text in kept.items() if text})
