"""Sentences about what a run that has only imported curves cannot do."""

from cifar_core.errors import RunError
from cifar_core.runs.record.run_kinds import CURVES, KINDS


def refuse_curves(run: str, kind: str, so: str) -> None:
    """Raise RunError if a run, given by its id, has only imported curves; `so` is the result."""
    if kind == CURVES:
        raise RunError(f"Run {run} {KINDS[kind].instead}, so {so}.")


def no_settings(run: str, kind: str) -> RunError:
    """Return the error about a run, given by its id, without settings."""
    if kind == CURVES:
        return RunError(
            f"Run {run} {KINDS[kind].instead}. It has no settings to train with, no weights and no "
            "images."
        )
    return RunError(
        f"config.json of run {run} is missing or damaged, so its settings are lost. Restore it "
        "from a backup, or delete the run."
    )
