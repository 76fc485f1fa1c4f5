"""How to get a run again: the exact command, settings, seed, images and versions."""

import shlex
from typing import Any

from cifar_core.installation import PROGRAM
from cifar_core.runs.record.environment import PACKAGES
from cifar_core.runs.record.run import Run

SCHEMA = 1  # of the record
AS_DECIDED = ("memory_format", "precision")  # settings that a trial may have chosen


def recipe(run: Run) -> dict[str, Any]:
    """Return everything that decides what a run learns, in plain values."""
    known, settings = run.environment, run.settings
    versions = {name: known[name] for name in ("python", "system", *PACKAGES) if known.get(name)}
    return {
        "schema": SCHEMA,
        "run": run.id,
        "name": run.name,
        "command": command(run),
        "seed": settings.get("seed", 0),
        "settings": settings,
        "program": {"git_commit": known.get("git_commit", "")},
        "versions": versions,
        "machine": {
            name: known[name]
            for name in ("device", "device_name", "threads", "step_plan") if name in known
        },
        "data": {
            name: value for name, value in known.get("data", {}).items() if name != "note"
        },
        "began_from": known.get("weights", {}),
    }  # fmt: skip


def command(run: Run) -> str:
    """Return the command that trains the same again, in one line for a POSIX shell.

    What was decided on the machine at the start, threads and the way to compute a step, is
    written out, so that another machine does not decide anew.
    """
    words = [*PROGRAM.split(), "train", "--preset", "lab_cnn"]
    for name, value in sorted(changes(run).items()):
        words += ["--set", f"{name}={value}"]
    return shlex.join([*words, "--data", str(run.settings.get("data", "auto"))])


def changes(run: Run) -> dict[str, Any]:
    """Return the settings in which a run differs from the preset that its command starts from."""
    from cifar_core.config.presets import PRESETS

    base, config, known = PRESETS["lab_cnn"].config.to_dict(), run.config, run.environment
    values = {f.name: getattr(config, f.name) for f in config.relevant() if f.name != "data"}
    changed = {name: value for name, value in values.items() if value != base[name]}
    changed["seed"] = config.seed
    if known.get("threads"):
        changed["threads"] = known["threads"]
    decided = known.get("step_plan", {})
    return changed | {name: decided[name] for name in AS_DECIDED if name in decided}
