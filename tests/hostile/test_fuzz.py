"""Random damage of whatever is read from outside: the documented error, or a result, and no other.

`make test` tries the same few examples each time, `make fuzz` thousands of new ones.
"""

import json
import random
from contextlib import suppress
from dataclasses import fields

import corpus
import pytest
from hypothesis import given
from hypothesis import strategies as some
from measure import READERS

from cifar_core.config import TrainConfig
from cifar_core.data.pictures.images import open_image
from cifar_core.disk import files
from cifar_core.disk.checks import is_a
from cifar_core.errors import (
    ArchiveError,
    ConfigError,
    DataError,
    ImageError,
    QueryError,
    RunError,
    WeightsError,
)
from cifar_core.people import VIEWER, role_of
from cifar_core.runs.exchange.import_run import import_run
from cifar_core.runs.listing import run_filter, saved_listings
from cifar_core.runs.record import action_log, control, status
from cifar_core.runs.record.records import RECORDS
from cifar_core.runs.record.states import STATES
from cifar_core.runs.store import sweep_files

ANYTHING = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=12)
    | some.sampled_from(corpus.WRONG[:15]),
    lambda inner: some.lists(inner, max_size=4)
    | some.dictionaries(some.text(max_size=5), inner, max_size=4),
    max_leaves=6,
)  # fmt: skip
SETTINGS = [setting.name for setting in fields(TrainConfig)]


def objects_of(names):
    """Objects with some of these names, each with any value at all."""
    return some.fixed_dictionaries({}, optional=dict.fromkeys(names, ANYTHING))


@some.composite
def damaged(draw, wholes):
    """Bytes of one of several whole files, changed at a few places."""
    data = bytearray(draw(some.sampled_from(wholes)))
    chance = random.Random(draw(some.integers(0, 2**32)))
    for _ in range(draw(some.integers(1, 6))):
        place = chance.randrange(len(data))
        change = draw(some.sampled_from(["byte", "number", "cut", "double", "end"]))
        if change == "byte":
            data[place] = chance.randrange(256)
        elif change == "number":
            data[place : place + 4] = chance.choice([0, 1, 2**31, 2**32 - 1]).to_bytes(4, "little")
        elif change == "cut":
            del data[place : place + chance.randrange(1, 30)]
        elif change == "double":
            data[place:place] = data[max(0, place - 20) : place]
        else:
            del data[place + 1 :]
        data = data or bytearray(1)
    return bytes(data)


PICTURES = [
    corpus.saved("PNG"), corpus.saved("PNG", "P"), corpus.saved("PNG", "I;16"),
    corpus.saved("JPEG", "CMYK"), corpus.saved("JPEG", exif=corpus.exif(t274=6)),
    corpus.saved("GIF", "P"), corpus.animation("GIF", 3), corpus.saved("TIFF", "LA"),
    corpus.saved("TIFF", compression="tiff_lzw"), corpus.saved("WEBP", "RGBA"), corpus.saved("BMP"),
]  # fmt: skip
MEMBERS = (("train/cat/0.png", b"x" * 50), ("train/d\u00f6g/0.png", b"y" * 300))
ARCHIVES = [corpus.zip_of(*MEMBERS), *(corpus.tar_of(*MEMBERS, mode=f"w:{c}") for c in
                                       ("", "gz", "bz2", "xz"))]  # fmt: skip
HEADS = [corpus.head_of({"a.weight": corpus.tensor([2, 8]), "__metadata__": {"format": "pt"}})]


@given(damaged(PICTURES))
def test_a_picture_opens_or_is_refused(data):
    with suppress(ImageError):
        assert open_image(data).mode == "RGB"


@pytest.mark.parametrize(
    ("reader", "wholes", "error"),
    [("archive", ARCHIVES, DataError), ("head", HEADS, WeightsError)],
    ids=["archive", "head"],
)
def test_a_file_is_read_or_refused(tmp_path, reader, wholes, error):
    @given(damaged(wholes))
    def check(data):
        with suppress(error):
            READERS[reader](corpus.write(tmp_path / "given", data))

    check()


def test_a_zip_of_a_run_is_imported_or_refused(store):
    whole = corpus.zip_of(*((name, b"{}") for name in ("export.json", "config.json", "about.json",
                                                       "status.json")))  # fmt: skip

    @given(damaged([whole]))
    def check(data):
        path = corpus.write(store.root / "given.zip", data)
        with suppress(ArchiveError):
            import_run(store, path)

    check()
    assert list((store.root / "runs").iterdir()) == []


@pytest.mark.parametrize("name", RECORDS)
def test_a_run_file_reads_as_its_kind_or_as_empty(tmp_path, name):
    @given(objects_of(RECORDS[name].__struct_encode_fields__))
    def check(values):
        corpus.write(tmp_path / name, json.dumps(values))
        found = files.read_json(tmp_path / name, RECORDS[name])
        assert found == {} or is_a(found, RECORDS[name])
        now, asked = status.read(tmp_path), control.read(tmp_path)
        assert now.state in STATES
        assert now.is_under_way in (True, False)
        assert asked.request in control.STRENGTH
        assert asked.sequence >= 0

    check()


def test_a_sweep_file_and_a_saved_view_are_whole_or_passed_over(store):
    @given(
        objects_of(sweep_files.SweepShape.__struct_fields__),
        objects_of(["name", "query", "columns", "sort", "group"]),
    )
    def check(sweep, view):
        good = {"name": "a", "created_at": 1.0, "base": {}, "seeds": [1], "cells": []}
        path = sweep_files.folder(store.root) / "1-a.json"
        corpus.write(path, json.dumps({**good, **sweep}))
        corpus.write(saved_listings.folder(store) / "a.json", json.dumps(view))
        with suppress(RunError):
            assert sweep_files.read(path).planned_runs >= 0
        assert len(saved_listings.listed(store)) <= 1

    check()


@given(some.lists(some.binary(max_size=40) | ANYTHING.map(lambda one: json.dumps(one).encode())))
def test_rows_and_changes_are_objects(tmp_path_factory, lines):
    root = tmp_path_factory.getbasetemp()
    path = corpus.write(root / action_log.NAME, b"\n".join([*lines, b""]))
    assert all(isinstance(row, dict) for row in files.read_lines(path)[0])
    assert all(deed.at >= 0 for deed in action_log.latest(root))


TERMS = some.from_regex(
    r"-?(acc|tag|made|lr|time|note|star)(:|=|!=|<|>=)[\w.%,+²-]{0,8}", fullmatch=True
)


@given(some.text(max_size=60) | some.lists(TERMS, max_size=4).map(" ".join))
def test_a_search_is_understood_or_refused(text):
    with suppress(QueryError):
        assert run_filter.parse(text, ("lr", "epochs")).tests is not None


@given(some.dictionaries(some.sampled_from(SETTINGS) | some.text(max_size=6), ANYTHING, max_size=4))
def test_settings_are_valid_or_refused(values):
    with suppress(ConfigError):
        TrainConfig.from_dict(values)


@given(
    some.sampled_from(SETTINGS),
    some.text(max_size=20) | some.sampled_from(["1e999", "nan", "9" * 5000]),
)
def test_typed_settings_are_valid_or_refused(name, word):
    with suppress(ConfigError):
        TrainConfig.from_text({name: word})


@given(some.text(max_size=30), some.lists(some.text(max_size=30), max_size=3))
def test_only_a_name_that_is_meant_gets_a_role(name, patterns):
    role = role_of(name, {"viewer": patterns})
    plain = [pattern.strip().casefold() for pattern in patterns]
    meant = "*" in plain or name.casefold() in plain or any(
        one.startswith("@") and name.casefold().endswith(one) for one in plain)  # fmt: skip
    assert role in (None, VIEWER)
    assert meant or role is None
