"""The filter of the list of runs: turns `arch:resnet acc>85 -tag:old` into a test of each run.

A plain word must occur somewhere in the run; a term names a column or a setting, and all of them
must hold. A filter that cannot be understood is a QueryError, never another error.
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
UNITS = {  # the units of each kind of number, and their factors
    "number": {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9},
    "share": {"": 1.0, "%": 0.01},
    "seconds": {"": 1.0, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0},
}
ORDER: dict[str, Callable[[Any, Any], bool]] = {
    ">": lambda actual, limit: actual > limit,
    ">=": lambda actual, limit: actual >= limit,
    "<": lambda actual, limit: actual < limit,
    "<=": lambda actual, limit: actual <= limit,
}
EXAMPLES = {"number": "1e6", "share": "85 or 85% or 0.85", "seconds": "90, 10min or 2h",
            "day": "2026-11 or 2026-11-27", "switch": "yes or no"}  # fmt: skip
EXPECTED = {
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
class RunFilter:
    """The tests of a filter; a run must pass all of them."""

    tests: tuple[Test, ...] = ()

    def matches(self, row: RunRow) -> bool:
        """Whether the run passes all tests."""
        return all(test(row) for test in self.tests)


def parse(text: str, settings: Collection[str] = ()) -> RunFilter:
    """Read a filter; `settings` are names that it may use besides those of the columns."""
    return RunFilter(tuple(test_of(word, settings) for word in WORD.findall(text) if word != "-"))


def test_of(word: str, settings: Collection[str]) -> Test:
    """Return the test that one word of a filter stands for."""
    term = TERM.fullmatch(word)
    if term is None:
        negated, plain = word.startswith("-"), word.removeprefix("-").replace('"', "").lower()
        return lambda row: (plain in text_of(row)) != negated
    negated, name, sign, value = term[1] == "-", term[2] or "", term[3], term[4].replace('"', "")
    column = column_of(name.lower(), sign, value, settings)
    kind = column.kind if column else "setting"
    if not value:
        raise QueryError(f"'{name}{sign}' must be followed by {EXPECTED[kind].format(name)}.")
    passes = MAKERS[kind](name, sign, value)
    of = column.of if column else (lambda row: row.settings.get(name.lower()))
    return lambda row: passes(of(row)) != negated


def column_of(name: str, sign: str, value: str, settings: Collection[str]) -> Column | None:
    """Return the column of a name, or None if it is a setting; QueryError if it is neither."""
    if not name:
        raise QueryError(f"'{sign}' must follow a field, such as acc>85. {QUOTES}")
    column = WORDS.get(name)
    if column is not None and column.kind != "curve":
        return column
    if name in settings:
        return None
    hint = did_you_mean(name, [*filterable(), *settings])
    raise QueryError(f"There is no field '{name}'. {hint}{QUOTES}")


QUOTES = "Put text that contains such signs in quotation marks."


def filterable() -> list[str]:
    """List the names of the columns that a filter may use."""
    return [word for word, column in WORDS.items() if column.kind != "curve"]


def text_of(row: RunRow) -> str:
    """Return the text in which plain words are searched, in lower case."""
    words = [f"#{row.number}", row.name, row.id, row.model, row.model.replace("_", " "),
             row.optimizer, row.state, row.reason, row.data_title, row.sweep,
             KINDS[row.kind].title, *row.tags, row.note]  # fmt: skip
    return " ".join(words).lower()


def numbers(kind: str) -> Callable[[str, str, str], Callable[[Any], bool]]:
    """Return the function that makes tests for a kind of number."""

    def make(name: str, sign: str, value: str) -> Callable[[Any], bool]:
        if sign in ORDER:
            limit = number_of(kind, name, value)
            return lambda actual: actual is not None and ORDER[sign](actual, limit)
        options = [number_of(kind, name, part) for part in value.split(",")]
        return unless(sign, lambda actual: actual is not None and any(
            math.isclose(actual, option, rel_tol=1e-9) for option in options))  # fmt: skip

    return make


def number_of(kind: str, name: str, text: str) -> float:
    """Read a number with its unit; accuracies may be fractions or percentages."""
    match = NUMBER.fullmatch(text.strip())
    unit = UNITS[kind].get(match[2].lower()) if match else None
    if match is None or unit is None:
        raise QueryError(f"'{text}' is not a value of '{name}'. Examples: {EXAMPLES[kind]}.")
    number = float(match[1]) * unit
    return number / 100 if kind == "share" and not match[2] and number > 1 else number


def texts(name: str, sign: str, value: str) -> Callable[[Any], bool]:
    """Return a test of a text: ':' matches a part of it, '=' the whole."""
    if sign in ORDER:
        raise QueryError(f"'{name}' is text. Filter it with '{name}:' or '{name}='.")
    options = [part for part in value.lower().split(",") if part]
    if sign == ":":
        return lambda actual: any(option in str(actual or "").lower() for option in options)
    return unless(sign, lambda actual: str(actual or "").lower() in options)


def tags(name: str, sign: str, value: str) -> Callable[[Any], bool]:
    """Return a test for whole tags."""
    if sign in ORDER:
        raise QueryError(f"Tags have no order. Write tag:{value} or -tag:{value}.")
    options = value.lower().split(",")
    return unless(sign, lambda actual: any(option in actual for option in options))


def days(name: str, sign: str, value: str) -> Callable[[Any], bool]:
    """Return a test of a day; a month or a year stands for its days."""
    if not DAY.fullmatch(value):
        raise QueryError(f"'{value}' is not a day. Examples: {EXAMPLES['day']}.")
    if sign in ORDER:
        return lambda actual: actual is not None and ORDER[sign](actual[: len(value)], value)
    return unless(sign, lambda actual: actual is not None and actual.startswith(value))


def switches(name: str, sign: str, value: str) -> Callable[[Any], bool]:
    """Return a test of yes or no."""
    wanted = SWITCHES.get(value.lower())
    if wanted is None or sign in ORDER:
        raise QueryError(f"'{name}' is yes or no. Write {name}:yes or {name}:no.")
    return unless(sign, lambda actual: bool(actual) == wanted)


def settings_tests(name: str, sign: str, value: str) -> Callable[[Any], bool]:
    """Return a test of a setting, by the type of the run's value."""
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

    def passes(actual: Any) -> bool:
        return next((test(actual) for type_, test in tests if isinstance(actual, type_)), False)

    return passes


def unless(sign: str, test: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Negate a test for '!='."""
    return (lambda actual: not test(actual)) if sign == "!=" else test


MAKERS: dict[str, Callable[[str, str, str], Callable[[Any], bool]]] = {
    "text": texts,
    "tags": tags,
    "day": days,
    "switch": switches,
    "setting": settings_tests,
    **{kind: numbers(kind) for kind in UNITS},
}
