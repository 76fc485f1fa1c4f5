"""The form of the Train page: its values, what they were checked to mean, and its lists."""

from collections.abc import Mapping, Sequence
from dataclasses import Field, dataclass, fields
from functools import cached_property
from typing import Any

from app.screens.train.draft import Draft
from app.screens.train.many.many_runs import Many
from app.screens.train.own_runs.chosen import Chosen
from app.screens.train.own_runs.fitting import Fitting
from app.session import clusters, inventory, store
from app.shared import widgets
from cifar_core import data
from cifar_core.config import CARDS, TrainConfig
from cifar_core.data import DataStatus
from cifar_core.runs.backends import offered
from cifar_core.settings import rule_of
from cifar_core.settings.declaration import is_offered, is_used

AUTO = "auto"
KINDS_ELSEWHERE = ("cuda", "cpu")  # of devices that a run can ask a cluster's machine for


@dataclass(frozen=True, kw_only=True)
class Form:
    """What is in the form now. Its controls have keys that begin with `prefix`."""

    prefix: str
    start: Mapping[str, Any]  # the values that the draft began with
    values: Mapping[str, Any]
    draft: Draft
    many: Many | None = None  # several values, if they were asked for
    own: Fitting | None = None  # the weights of a run that it starts from, if any
    teachers: Sequence[Chosen] = ()  # the runs that it learns from

    @cached_property
    def fields(self) -> list[Field[Any]]:
        """The settings that have a meaning and do not vary, but for those in the cards."""
        varied = self.many.hidden if self.many else ()
        return [
            f for f in fields(TrainConfig)
            if f.name not in varied and rule_of(f).group not in CARDS
            and self.uses(f) and self.offers(f)
        ]  # fmt: skip

    @property
    def card_fields(self) -> list[Field[Any]]:
        """The settings in the cards, which are always in sight."""
        return [f for f in fields(TrainConfig) if rule_of(f).group in CARDS]

    @cached_property
    def sources(self) -> list[DataStatus]:
        """The images that can be chosen."""
        return data.offered_to(store().by, store().root)

    def uses(self, setting: Field[Any]) -> bool:
        """Whether a setting has a meaning with the other values."""
        return is_used(setting, self.values, TrainConfig)

    @cached_property
    def several(self) -> frozenset[str]:
        """Of what there are several to choose from, as rules of settings name it."""
        return offered.several(self.values["run_on"], clusters(), inventory())

    def offers(self, setting: Field[Any]) -> bool:
        """Whether there is a choice, or one was made before."""
        return is_offered(setting, self.values[setting.name], self.several)

    def differs(self, setting: Field[Any]) -> bool:
        """Whether a setting has another value than its default."""
        return bool(self.values[setting.name] != setting.default)

    def key(self, name: str) -> str:
        """Return the key of a setting's control."""
        return f"{self.prefix}.{name}"

    def inputs(self, settings: list[Field[Any]]) -> None:
        """Draw controls, each with what is wrong with it."""
        names = inventory().names if self.draft.here else KINDS_ELSEWHERE
        suggested = {
            "data": data.titles_of(self.sources),
            "device": {name: name for name in (AUTO, *names)},
        }
        there = offered.places(clusters())
        suggested |= {f.name: there for f in settings if rule_of(f).several == offered.PLACES}
        widgets.settings_inputs(
            settings, self.start, self.prefix, problems=self.draft.problems, suggested=suggested,
            helped=False,
        )  # fmt: skip
