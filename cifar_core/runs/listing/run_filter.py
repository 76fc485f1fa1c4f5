"""The search of the runs: `arch:resnet acc>85 -tag:old` into a test that each run passes or not.

A plain word must occur somewhere in the run; a term names a column or a setting, and all of them
must hold. Whatever cannot be understood is a QueryError with a sentence, never another error.
"""

import math
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from cifar_core.errors import QueryError
from cifar_core.registry import did_you_mean
from cifar_core.runs.listing.columns import WORDS, Column
from cifar_core.runs.record.run_kinds import KINDS
from cifar_core.runs.store.run_row import RunRow
from cifar_core.settings.declaration import WORDS as SWITCHES

WORD = re.compile(r'(?:[^\s"]|"[^"]*(?:"|$))+')
TERM = re.compile(r"(-?)([A-Za-z_]\w*)?(!=|>=|<=|[:=<>])(.*)", re.DOTALL)
NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*(.*)", re.IGNORECASE)
DAY = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")
UNITS = {  # what may follow a number of each kind, and what it is worth
    "number": {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9},
    "share": {"": 1.0, "%": 0.01},
    "seconds": {"": 1.0, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0},
}
ORDER: dict[str, Callable[[Any, Any], bool]] = {
    ">": lambda found, asked: found > asked,
    ">=": lambda found, asked: found >= asked,
    "<": lambda found, asked: found < asked,
    "<=": lambda found, asked: found <= asked,
}
EXAMPLES = {"number": "1e6", "share": "85 or 85% or 0.85", "seconds": "90, 10min or 2h",
            "day": "2026-11 or 2026-11-27", "switch": "yes or no"}  # fmt: skip
WANTED = {
    "number": "a number, such as {0}>10",
    "share": "an accuracy, such as {0}>85",
    "seconds": "a time, such as {0}<10min",
    "day": "a day, such as {0}:2026-11",
    "switch": "yes or no, such as {0}:yes",
    "tags": "a tag, such as {0}:lab",
    "text": "a text, such as {0}:lab",
    "setting": "a value, such as {0}:1",
}
Test = Callable[[RunRow], bool]


@dataclass(frozen=True)
class Query:
    """What a search asks of a run: that it passes every test."""

    tests: tuple[Test, ...] = ()

    def matches(self, row: RunRow) -> bool:
        """Tell whether the run passes."""
        return all(test(row) for test in self.tests)


def parse(text: str, settings: Collection[str] = ()) -> Query:
    """Understand a search; `settings` are names that can be asked for besides the columns."""
    return Query(tuple(understood(word, settings) for word in WORD.findall(text) if word != "-"))


def understood(word: str, settings: Collection[str]) -> Test:
    """Return the test that one word of a search stands for."""
    term = TERM.fullmatch(word)
    if term is None:
        negated, plain = word.startswith("-"), word.removeprefix("-").replace('"', "").lower()
        return lambda row: (plain in text_of(row)) != negated
    negated, name, sign, value = term[1] == "-", term[2] or "", term[3], term[4].replace('"', "")
    column = column_of(name.lower(), sign, value, settings)
    kind = column.kind if column else "setting"
    if not value:
        raise QueryError(f"After '{name}{sign}' goes {WANTED[kind].format(name)}.")
    passes = MAKERS[kind](name, sign, value)
    of = column.of if column else (lambda row: row.settings.get(name.lower()))
    return lambda row: passes(of(row)) != negated


def column_of(name: str, sign: str, value: str, settings: Collection[str]) -> Column | None:
    """Return the column of a name, None for that of a setting, or say that it is neither."""
    if not name:
        raise QueryError(f"Before '{sign}' goes a field, such as acc>85. {QUOTES}")
    column = WORDS.get(name)
    if column is not None and column.kind != "curve":
        return column
    if name in settings:
        return None
    hint = did_you_mean(name, [*searchable(), *settings])
    raise QueryError(f"There is no field '{name}'. {hint}{QUOTES}")


QUOTES = "Put text with such signs into quotation marks."


def searchable() -> list[str]:
    """List the names of the columns that can be asked for."""
    return [word for word, column in WORDS.items() if column.kind != "curve"]


def text_of(row: RunRow) -> str:
    """Return all that plain words are looked for in, in small letters."""
    words = [f"#{row.number}", row.name, row.id, row.model, row.model.replace("_", " "),
             row.optimizer, row.state, row.reason, row.data_title, row.sweep,
             KINDS[row.kind].title, *row.tags, row.note]  # fmt: skip
    return " ".join(words).lower()


def numbers(kind: str) -> Callable[[str, str, str], Callable[[Any], bool]]:
    """Return what makes the tests of a kind of number."""

    def make(name: str, sign: str, value: str) -> Callable[[Any], bool]:
        if sign in ORDER:
            limit = number_of(kind, name, value)
            return lambda found: found is not None and ORDER[sign](found, limit)
        asked = [number_of(kind, name, part) for part in value.split(",")]
        return unless(sign, lambda found: found is not None and any(
            math.isclose(found, one, rel_tol=1e-9) for one in asked))  # fmt: skip

    return make


def number_of(kind: str, name: str, text: str) -> float:
    """Read a number with its unit; accuracies may be shares or per cent."""
    found = NUMBER.fullmatch(text.strip())
    unit = UNITS[kind].get(found[2].lower()) if found else None
    if found is None or unit is None:
        raise QueryError(f"'{text}' is no value of '{name}'. Write for example {EXAMPLES[kind]}.")
    number = float(found[1]) * unit
    return number / 100 if kind == "share" and not found[2] and number > 1 else number


def texts(name: str, sign: str, value: str) -> Callable[[Any], bool]:
    """Return a test of a text: ':' finds a part of it, '=' the whole."""
    if sign in ORDER:
        raise QueryError(f"'{name}' is a text. Search it with '{name}:' or '{name}='.")
    asked = [part for part in value.lower().split(",") if part]
    if sign == ":":
        return lambda found: any(part in str(found or "").lower() for part in asked)
    return unless(sign, lambda found: str(found or "").lower() in asked)


def tags(name: str, sign: str, value: str) -> Callable[[Any], bool]:
    """Return a test for whole tags."""
    if sign in ORDER:
        raise QueryError(f"A tag is there or not. Write tag:{value} or -tag:{value}.")
    asked = value.lower().split(",")
    return unless(sign, lambda found: any(one in found for one in asked))


def days(name: str, sign: str, value: str) -> Callable[[Any], bool]:
    """Return a test of a day; a month or a year stands for its days."""
    if not DAY.fullmatch(value):
        raise QueryError(f"'{value}' is no day. Write for example {EXAMPLES['day']}.")
    if sign in ORDER:
        return lambda found: found is not None and ORDER[sign](found[: len(value)], value)
    return unless(sign, lambda found: found is not None and found.startswith(value))


def switches(name: str, sign: str, value: str) -> Callable[[Any], bool]:
    """Return a test of yes or no."""
    asked = SWITCHES.get(value.lower())
    if asked is None or sign in ORDER:
        raise QueryError(f"'{name}' is yes or no. Write {name}:yes or {name}:no.")
    return unless(sign, lambda found: bool(found) == asked)


def settings_tests(name: str, sign: str, value: str) -> Callable[[Any], bool]:
    """Return a test of a setting, by what kind of value a run has there."""
    kinds: list[tuple[type | tuple[type, ...], Callable[[str, str, str], Callable[[Any], bool]]]]
    kinds = [(bool, switches), (str, texts), ((int, float), numbers("number"))]
    tests: list[tuple[type | tuple[type, ...], Callable[[Any], bool]]] = []
    problem = QueryError("")
    for type_, make in kinds:
        try:
            tests.append((type_, make(name, sign, value)))
        except QueryError as error:
            problem = error
    if not tests:
        raise problem

    def passes(found: Any) -> bool:
        return next((test(found) for type_, test in tests if isinstance(found, type_)), False)

    return passes


def unless(sign: str, test: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Turn a test round for '!='."""
    return (lambda found: not test(found)) if sign == "!=" else test


MAKERS: dict[str, Callable[[str, str, str], Callable[[Any], bool]]] = {
    "text": texts,
    "tags": tags,
    "day": days,
    "switch": switches,
    "setting": settings_tests,
    **{kind: numbers(kind) for kind in UNITS},
}
