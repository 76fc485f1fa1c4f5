"""How to repeat a run: the exact command, settings, seed, images and versions."""

import shlex
from typing import Any

from cifar_core.disk import files
from cifar_core.installation import PROGRAM
from cifar_core.runs.record.environment import PACKAGES
from cifar_core.runs.record.run import Run
from cifar_core.settings import names_of

SCHEMA = 1  # of the record


def recipe(run: Run) -> dict[str, Any]:
    """Return everything that determines what a run learns, in plain values."""
    environment, settings = run.environment, run.settings
    recorded = files.plain_of(environment)
    versions = {
        name: recorded[name] for name in ("python", "system", *PACKAGES) if name in recorded
    }
    return {
        "schema": SCHEMA,
        "run": run.id,
        "name": run.name,
        "command": command(run),
        "seed": settings.get("seed", 0),
        "settings": settings,
        "program": {"git_commit": environment.git_commit},
        "versions": versions,
        "machine": {
            name: recorded[name]
            for name in ("device", "device_name", "threads", "gpu", "step_plan")
            if name in recorded
        },
        "data": {
            name: value
            for name, value in files.plain_of(environment.data).items() if name != "note"
        },
        "began_from": recorded.get("weights", {}),
    }  # fmt: skip


def command(run: Run) -> str:
    """Return the command that trains the same run again, in one line for a POSIX shell.

    What was decided on the machine at the start, threads and step plan, is written out, so that
    another machine does not decide differently.
    """
    words = [*PROGRAM.split(), "train", "--preset", "lab_cnn"]
    for name, value in sorted(changes(run).items()):
        words += ["--set", f"{name}={value}"]
    return shlex.join([*words, "--data", str(run.settings.get("data", "auto"))])


def changes(run: Run) -> dict[str, Any]:
    """Return the settings in which a run differs from the preset that the command starts from."""
    from cifar_core.config import TrainConfig
    from cifar_core.config.presets import PRESETS

    base, config, env = PRESETS["lab_cnn"].config.to_dict(), run.config, run.environment
    values = {f.name: getattr(config, f.name) for f in config.relevant() if f.name != "data"}
    changed = {name: value for name, value in values.items() if value != base[name]}
    changed["seed"] = config.seed
    step_plan = files.plain_of(env.step_plan) if env.step_plan else {}
    chosen = {"threads": env.threads, **step_plan}
    decided = names_of(TrainConfig, lambda rule: rule.decided_at_start)
    return changed | {name: chosen[name] for name in decided if chosen.get(name)}
