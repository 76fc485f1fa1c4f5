"""Settings that explain themselves: one declaration is checked, saved, drawn and documented."""

import json
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import Field, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, Self

from cifar_core.disk import output
from cifar_core.errors import ConfigError, UnknownKeyError
from cifar_core.registry import Registry, did_you_mean

SettingType = Literal["integer", "real", "choice", "switch", "text"]
Scope = Literal["recipe", "machine", "sample"]
WORDS = {"true": True, "yes": True, "on": True, "1": True} | {
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What a setting allows, how it is shown and what depends on it; a field's metadata "rule".

    Settings are classified only here: code that needs some of them checks a flag and keeps no list
    of names. `scope` says what changes with another value: the "recipe", so that the network learns
    something else; the "machine", that is, where or how the same recipe is computed; or the
    "sample", that is, the random draw of the same recipe.
    """

    type: SettingType
    help: str  # one sentence for the person who sets it
    label: str = ""  # shown beside the control; made from the field's name if empty
    plural: str = ""  # what several values are called, such as "seeds"; empty: "values of <label>"
    group: str = ""  # heading under which the page shows it
    low: float = -math.inf
    high: float = math.inf
    step: int = 1  # how much the plus and minus buttons change a whole number
    zero: str = ""  # what its 0, or its "auto", means: "off", "automatic"; empty: the number
    among: Registry[Any] | None = None
    used_by: str = ""  # a choice of the same group whose chosen entry must list this in `uses`
    needs: str = ""  # a number without which, at 0, this one means nothing; it may name itself
    scope: Scope = "recipe"
    log_scale: bool = False  # its values are spaced and compared by factors
    advanced: bool = False  # hidden until asked for
    often_varied: bool = False  # offered first where several values are compared
    costly: bool = False  # the number of images a run computes, or the cost of each, depends on it
    shapes_step: bool = False  # the fastest way to compute a step may depend on it
    decided_at_start: bool = False  # with "auto" or 0 the program chooses, and records its choice
    several: str = ""  # a choice among things, named here, of which there is often only one


def number(default: float, *, low: float, high: float, help: str, **details: Any) -> Any:
    """A numeric setting and its range, both ends included; whole if the default is."""
    type_: SettingType = "integer" if isinstance(default, int) else "real"
    return declared(default, type=type_, low=low, high=high, help=help, **details)


def choice(default: str, among: Registry[Any], *, help: str, **details: Any) -> Any:
    """A setting that names one entry of a registry."""
    return declared(default, type="choice", among=among, help=help, **details)


def switch(default: bool, *, help: str, **details: Any) -> Any:
    """A setting that is on or off."""
    return declared(default, type="switch", help=help, **details)


def text(default: str, *, help: str, longest: int = 1000, **details: Any) -> Any:
    """A setting in free text of a limited length."""
    return declared(default, type="text", high=longest, help=help, **details)


def declared(default: Any, **rule: Any) -> Any:
    """Return the dataclass field of a setting, with its rule."""
    return field(default=default, metadata={"rule": Rule(**rule)})


def rule_of(setting: Field[Any]) -> Rule:
    """Return the setting's rule."""
    rule: Rule = setting.metadata["rule"]
    return rule


def label_of(setting: Field[Any]) -> str:
    """Return the words shown beside the setting's control."""
    return rule_of(setting).label or setting.name.replace("_", " ").capitalize()


def shown(setting: Field[Any], value: Any) -> str:
    """Write a value in words: an entry by its title, a switch as yes or no, what a 0 means."""
    rule = rule_of(setting)
    if rule.among is not None:
        return str(rule.among[value].title)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if rule.zero and value in (0, "auto"):
        return rule.zero
    return f"{value:g}" if isinstance(value, float) else str(value)


def counted(setting: Field[Any], count: int) -> str:
    """Return the number of values of a setting in words: 3 seeds, 2 values of Mirror when."""
    if plural := rule_of(setting).plural:
        return f"{count} {plural if count != 1 else plural.removesuffix('s')}"
    return f"{count} value{'s' * (count != 1)} of {label_of(setting)}"


def names_of(group: "type[Settings]", wanted: Callable[[Rule], object]) -> list[str]:
    """Return the names of the settings whose rule is wanted, in the order of their declaration."""
    return [f.name for f in fields(group) if wanted(rule_of(f))]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Base of every group of settings. Every instance is valid."""

    def __post_init__(self) -> None:
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        problems = {f.name: why for f in fields(self) if (why := problem(f, values[f.name]))}
        if problems := problems or self.conflicts():
            raise ConfigError(problems)

    def conflicts(self) -> dict[str, str]:
        """Map settings that are valid alone but not together to a sentence; empty by default."""
        return {}

    def relevant(self) -> list[Field[Any]]:
        """Return the fields that the chosen entries use, in order."""
        return [f for f in fields(self) if is_used(f, vars(self), type(self))]

    def to_dict(self) -> dict[str, Any]:
        """Return the plain values, ready for JSON."""
        return asdict(self)

    def save(self, path: Path) -> None:
        """Write JSON that a person can read and edit."""
        output.write(path, json.dumps(self.to_dict(), indent=2) + "\n")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Make settings from plain values; missing ones take their defaults."""
        names = [f.name for f in fields(cls)]
        if problems := {name: unknown(name, names) for name in values if name not in names}:
            raise ConfigError(problems)
        return cls(**values)

    @classmethod
    def from_text(cls, words: Mapping[str, str], base: Mapping[str, Any] | None = None) -> Self:
        """Make settings from typed values on top of `base`; reports all problems at once."""
        by_name = {f.name: f for f in fields(cls)}
        values = {name: parsed(by_name[name], word) if name in by_name else word
                  for name, word in words.items()}  # fmt: skip
        return cls.from_dict({**(base or {}), **values})

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a file that `save` wrote; settings added since then take their defaults."""
        return cls.from_dict(json.loads(path.read_text(encoding="utf-8")))


def is_used(setting: Field[Any], values: Mapping[str, Any], group: type[Settings]) -> bool:
    """Return True unless the setting belongs to a choice whose entry does not use it.

    That choice may itself belong to another one: the model decides whether there is a plan at all.
    One that needs a number is not used while that is 0; if it needs itself, not before it is set.
    """
    if (number := rule_of(setting).needs) and not values[number]:
        return False
    name = rule_of(setting).used_by
    if not name:
        return True
    owner = next(f for f in fields(group) if f.name == name)
    among = rule_of(owner).among
    assert among is not None
    return setting.name in among[values[name]].uses and is_used(owner, values, group)


def is_offered(setting: Field[Any], value: Any, several: Collection[str] = ()) -> bool:
    """Return False for a choice where there is nothing to choose, unless it was made before.

    `several` names the things of which there are several, as the rules of such settings name them.
    """
    among = rule_of(setting).several
    return not among or among in several or bool(value != setting.default)


def parsed(setting: Field[Any], word: str) -> Any:
    """Convert a typed word to the setting's type; an invalid one is returned for `problem`."""
    type_ = rule_of(setting).type
    if type_ == "switch":
        return WORDS.get(word.strip().lower(), word)
    if type_ not in ("integer", "real"):
        return word
    for number_type in (int, float):
        try:
            return number_type(word)
        except ValueError:
            continue
    return word


def problem(setting: Field[Any], value: Any) -> str | None:
    """Say what is wrong with a value and what is allowed; None if it is valid."""
    rule = rule_of(setting)
    if rule.type == "choice":
        return not_among(rule.among, value)
    if rule.type == "switch":
        right, wanted = isinstance(value, bool), "be yes or no"
    elif rule.type == "text":
        right = isinstance(value, str) and len(value) <= rule.high
        wanted = f"be a text of at most {rule.high:g} characters"
    else:
        whole = "be a whole number between" if rule.type == "integer" else "lie between"
        right, wanted = in_range(rule, value), f"{whole} {rule.low:g} and {rule.high:g}"
    if right:
        return None
    shown = f"{value:g}" if isinstance(value, float) else repr(value)
    default = "yes" if setting.default is True else "no" if setting.default is False else (
        repr(setting.default) if rule.type == "text" else f"{setting.default:g}"
    )  # fmt: skip
    return f"{setting.name} is {shown}, but it must {wanted} (default {default})."


def in_range(rule: Rule, value: Any) -> bool:
    """Return True if a number has the right type and is inside the range; NaN never is."""
    allowed = int if rule.type == "integer" else (int, float)
    if isinstance(value, bool) or not isinstance(value, allowed):
        return False
    return rule.low <= value <= rule.high


def not_among(among: Registry[Any] | None, value: Any) -> str | None:
    """Say that no entry has this key; None if one has."""
    assert among is not None
    try:
        among[value]
    except UnknownKeyError as error:
        return str(error)
    return None


def unknown(name: str, names: list[str]) -> str:
    """Say that no setting has this name."""
    return (
        f"There is no setting called '{name}'. {did_you_mean(name, names)}"
        f"Known: {', '.join(names)}."
    )
