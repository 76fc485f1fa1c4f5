"""What the files of an imported run may contain. Pages rely on it, so it is checked on import.

A run's files hold what their records declare; a stranger's may hold only some of it, and less.
"""

import re
from collections.abc import Iterable
from typing import Annotated, Any, get_type_hints

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from cifar_core.disk.checks import (
    WHOLE_CHARACTERS,
    ClassNames,
    Moment,
    Number,
    Scalar,
    Text,
    Texts,
    Whole,
    as_type,
    is_a,
)
from cifar_core.errors import ArchiveError
from cifar_core.runs.record.checkpoints import MODEL, NAME, STATE
from cifar_core.runs.record.computed.how import DataRecord, StepRecord
from cifar_core.runs.record.family.ancestors import CONTINUES, RUN_ID, WEIGHTS, Ancestor
from cifar_core.runs.record.marks import LONGEST_NOTE, MOST_TAGS, TAG
from cifar_core.runs.record.metrics import RowShape, is_like_a_row
from cifar_core.runs.record.records import RECORDS
from cifar_core.runs.record.states import FAILURES, STATES
from cifar_core.runs.record.watched import rows as watched

MOST_TEACHERS = 100
Kinds = dict[str, Any]  # the kind of each entry, by name


class Export(Struct, frozen=True, kw_only=True):
    """export.json: what was exported."""

    schema: Whole = 0
    run: Text = ""
    weights: Text = ""
    at: Moment = 0.0


class StepInZip(StepRecord, frozen=True, kw_only=True):
    """How steps are computed; pages show the sentence."""

    sentence: Text


class DataInZip(DataRecord, frozen=True, kw_only=True):
    """The images; pages name them and their classes."""

    title: Text
    kind: Text
    source: Text
    classes: ClassNames


class FileSum(Struct, frozen=True, kw_only=True):
    """What a manifest says of a file."""

    bytes: Whole
    sha256: Text


class FileSums(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a manifest says of its files; old checkpoints keep their weights only."""

    model: FileSum = msgspec.field(name=MODEL)
    state: FileSum | UnsetType = msgspec.field(name=STATE, default=UNSET)


def matching(pattern: str) -> Any:
    """Return the kind of texts that match a pattern from end to end."""
    return Annotated[str, Meta(pattern=rf"\A(?:{pattern})\Z")]


def one_of(words: Iterable[str]) -> Any:
    """Return the kind of certain words."""
    return matching("|".join(map(re.escape, words)))


def kinds_of(file: str, names: str = "", **stricter: Any) -> Kinds:
    """Return the kinds of some entries of a run's file, of all that its record declares if none."""
    record = RECORDS[file]
    hints = get_type_hints(record, include_extras=True)
    fields = zip(record.__struct_encode_fields__, record.__struct_fields__, strict=True)
    declared = {entry: hints[field] for entry, field in fields}
    wanted = names.split() or declared
    return {name: declared[name] for name in wanted} | stricter


PLACE = matching(f"{NAME.pattern}|")  # of a checkpoint, or empty
TAGS: Any = Annotated[list[matching(TAG.pattern)], Meta(max_length=MOST_TAGS)]  # type: ignore[misc]
SHORT_NOTE = Annotated[str, Meta(max_length=LONGEST_NOTE, pattern=WHOLE_CHARACTERS)]


class AncestorInZip(Ancestor, frozen=True, kw_only=True, omit_defaults=True):
    """A run that the run comes from; its id is the name of a folder."""

    run: Annotated[str, Meta(pattern=rf"\A{RUN_ID}\Z")]
    checkpoint: Annotated[str, Meta(pattern=rf"\A{NAME.pattern}\Z")]


class StartInZip(AncestorInZip, frozen=True, kw_only=True, omit_defaults=True):
    """The run from which the run starts."""

    how: Annotated[str, Meta(pattern=rf"\A({CONTINUES}|{WEIGHTS})\Z")]


TEACHERS = Annotated[list[AncestorInZip], Meta(max_length=MOST_TEACHERS)]

KINDS: dict[str, Kinds] = {  # by file name; entries that are not listed are left out
    "export.json": get_type_hints(Export, include_extras=True),
    "about.json": kinds_of("about.json", "name created_at starred", tags=TAGS, note=SHORT_NOTE,
                           start=StartInZip | None, teachers=TEACHERS),
    "status.json": kinds_of(
        "status.json", state=one_of(STATES), reason=one_of(["", *FAILURES]),
        message=Text, action=Text, since=Moment, names="state",
    ),
    "summary.json": kinds_of("summary.json"),
    "environment.json": kinds_of(
        "environment.json", step_plan=StepInZip, data=DataInZip, weights=dict[str, Scalar | Texts]
    ),
    "attempt.json": kinds_of("attempt.json", "device device_name device_reason threads at"),
    "start.json": kinds_of("start.json", checkpoint=PLACE, note=Text),
    "result.json": kinds_of("result.json", "outcome reason at", message=Text),
    "end.json": kinds_of("end.json", "state at", message=Text),
}  # fmt: skip

MANIFEST_KINDS: Kinds = {
    "schema": Whole,
    "run": Text,
    "name": PLACE,
    "attempt": Whole,
    "step": Whole,
    "epoch": Number,
    "val_accuracy": Number | None,
    "worth": Number | None,
    "best": PLACE,
    "metrics_bytes": Whole,
    "seconds": Number,
    "meta": dict,
    "files": FileSums,
    "created_at": Moment,
    "seal": Text,
}


def shaped(file: str, values: dict[str, Any], kinds: Kinds) -> dict[str, Any]:
    """Return the entries that `kinds` lists; ArchiveError if one of them is not valid."""
    there = {}
    for name in kinds.keys() & values.keys():
        try:
            there[name] = msgspec.to_builtins(as_type(values[name], kinds[name]))
        except ValueError as error:
            raise ArchiveError(
                f"{file} of this zip has {str(values[name])[:40]!r} as its {name}, which no run "
                "writes. Export the run again."
            ) from error
    return there


def is_row(row: Any) -> bool:
    """Return True if a value is a row that a trainer may have written."""
    if not isinstance(row, dict) or "kind" not in row or "step" not in row:
        return False
    others = {name: row[name] for name in row.keys() - set(RowShape.__struct_fields__)}
    return is_like_a_row(row) and is_a(others, dict[str, Scalar])


def is_watched_row(row: Any) -> bool:
    """Return True if a value is a row on watched images that a trainer may have written."""
    return isinstance(row, dict) and watched.is_like_a_row(row)


ROWS = {"metrics.jsonl": is_row, watched.NAME: is_watched_row}  # by file name
