"""Several runs side by side: their results, and the settings in which they differ."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from cifar_core.runs.record.run import Run
from cifar_core.runs.record.run_kinds import CURVES
from cifar_core.settings import label_of, rule_of
from cifar_core.settings.declaration import is_offered
from cifar_core.statistics.class_shares import are_uneven
from cifar_core.titles import TITLES

UNUSED = "\u2013"  # shown for a setting that a run does not use


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """The results of a run. Accuracies are 0 to 1; None if unknown."""

    run: Run
    name: str
    state: str
    best: float | None  # validation accuracy of the best epoch
    best_epoch: int | None
    last: float | None  # validation accuracy of the newest epoch
    test: float | None
    gap: float | None  # training minus validation accuracy of the newest epoch
    epochs: int
    seconds: float | None  # of training
    parameters: int | None
    images_per_second: float | None
    uneven: bool = False  # whether one class has many more training images than another
    balanced: float | None = None  # balanced accuracy in validation, of the best epoch
    f1: float | None = None  # macro F1, likewise
    test_balanced: float | None = None
    end: str = ""  # why its training ended, a key of ENDS; empty before, and if not known

    @property
    def title(self) -> str:
        """Its number and name."""
        return f"#{self.run.number} {self.name}"


def facts(run: Run) -> RunFacts:
    """Gather a run's results from its small files."""
    summary = run.summary
    last, train = summary.last_val_accuracy, summary.last_train_accuracy
    return RunFacts(
        run=run,
        name=run.name,
        state=run.status.state,
        best=summary.best_val_accuracy,
        best_epoch=summary.best_epoch,
        last=last,
        test=summary.test_accuracy,
        gap=None if last is None or train is None else train - last,
        epochs=summary.epochs_done,
        seconds=summary.seconds,
        parameters=run.environment.parameters,
        images_per_second=summary.images_per_second,
        uneven=are_uneven(run.environment.data.train_counts),
        balanced=summary.best_val_balanced_accuracy,
        f1=summary.best_val_macro_f1,
        test_balanced=summary.test_balanced_accuracy,
        end=summary.end,
    )


def best_of(results: Sequence[RunFacts]) -> RunFacts:
    """Return the run with the best validation accuracy, the earliest if several are equal."""
    return max(results, key=lambda result: (result.best or 0.0, -result.run.number))


def is_curves_only(result: RunFacts) -> bool:
    """Return True if only the curves of a run are here, imported from another tool."""
    return result.run.kind == CURVES


def about_curves_only(results: Sequence[RunFacts]) -> str:
    """Say why some runs have no verdict: only their curves are here; empty if there is none."""
    names = [f"#{result.run.number}" for result in results if is_curves_only(result)]
    if not names:
        return ""
    have = "has" if len(names) == 1 else "have"
    return (
        f"{' and '.join([', '.join(names[:-1]), names[-1]] if names[1:] else names)} {have} only "
        "curves that were imported from another tool: no predictions to compare image by image, "
        "and no seed. Whether the validation images are the same is not known."
    )


@dataclass(frozen=True, kw_only=True)
class SettingRow:
    """One setting in several runs."""

    name: str
    label: str
    group: str
    values: tuple[Any, ...]  # by run; None where it is not used
    by_factors: bool  # whether its values are compared as factors, like rates

    @property
    def differs(self) -> bool:
        """Whether it is not the same in all runs."""
        return any(value != self.values[0] for value in self.values)

    def words(self, index: int, base: int) -> str:
        """Write the value of a run, for rates with its factor relative to the run `base`."""
        value, other = self.values[index], self.values[base]
        if value is None:
            return UNUSED
        text = f"{value:g}" if isinstance(value, float) else TITLES.get(str(value), str(value))
        if not self.by_factors or not value or not other or value == other:
            return text
        return f"{text} (\u00d7{value / other:.3g})"


def setting_rows(runs: Sequence[Run]) -> list[SettingRow]:
    """Return every setting that any of the runs uses, in the order of declaration.

    Choices that few people have are left out unless one of the runs has made them.
    Imports torch, which the declarations need.
    """
    configs = [run.config for run in runs]
    used = [{f.name for f in config.relevant()} for config in configs]
    return [
        SettingRow(
            name=f.name,
            label=label_of(f),
            group=rule_of(f).group,
            values=tuple(
                getattr(config, f.name) if f.name in names else None
                for config, names in zip(configs, used, strict=True)
            ),
            by_factors=rule_of(f).log_scale,
        )
        for f in fields(configs[0])
        if any(f.name in names for names in used)
        and any(is_offered(f, getattr(config, f.name)) for config in configs)
    ]


def by_setting(runs: Sequence[Run]) -> list[list[Run]]:
    """Group the runs whose settings differ only in the seed, in their order."""
    groups: dict[str, list[Run]] = {}
    for run in runs:
        plain = {key: value for key, value in run.settings.items() if key != "seed"}
        groups.setdefault(repr(sorted(plain.items())), []).append(run)
    return list(groups.values())
