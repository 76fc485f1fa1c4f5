"""The lab's whole report: the newest finished run of each of the course's networks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cifar_core.runs.record.run import Run
from cifar_core.runs.record.run_kinds import TRAINING
from cifar_core.runs.store.run_row import RunRow, own
from cifar_core.runs.store.store import Store
from cifar_core.settings import names_of

LAB = ("lab_cnn", "lab_cnn_dropout", "lab_vgg16", "lab_resnet", "lab_vig")  # presets
TITLE = "Image classification on CIFAR-10: lab report"


@dataclass(frozen=True, kw_only=True)
class LabRuns:
    """The lab's networks that have been trained, and those that have not."""

    trained: tuple[int, ...]  # numbers of runs, in the lab's order
    missing: tuple[str, ...]  # presets


def lab_runs(store: Store) -> LabRuns:
    """Find the newest finished run with the settings of each lab preset."""
    from cifar_core.config.presets import PRESETS

    rows = [row for row in own(store.runs()) if row.state == "finished" and row.kind == TRAINING]
    chosen = {key: newest(store, rows, PRESETS[key].config.to_dict()) for key in LAB}
    return LabRuns(
        trained=tuple(number for number in chosen.values() if number is not None),
        missing=tuple(key for key, number in chosen.items() if number is None),
    )


def newest(store: Store, rows: list[RunRow], wanted: Mapping[str, Any]) -> int | None:
    """Return the number of the first run with the wanted settings; `rows` are newest first."""
    for row in rows:
        run = store.run(row.id)
        if row.model == wanted["model"] and same(run, wanted):
            return row.number
    return None


def same(run: Run, wanted: Mapping[str, Any]) -> bool:
    """Return True if a run has the wanted recipe, on any machine and with any seed."""
    from cifar_core.config import TrainConfig

    config = TrainConfig.from_dict(run.settings)
    recipe = names_of(type(config), lambda rule: rule.scope == "recipe")
    return all(getattr(config, name) == wanted[name] for name in recipe)
