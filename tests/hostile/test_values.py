"""Run files whose values are of the wrong kind: said, never used, and no command breaks."""

import json
from contextlib import suppress

import corpus
import pytest
from pages import make_run, open_page

from cifar_core.__main__ import main
from cifar_core.disk import files
from cifar_core.errors import CifarError
from cifar_core.runs.listing import saved_listings
from cifar_core.runs.listing.table import Listing
from cifar_core.runs.record import control, marks, status
from cifar_core.runs.record.records import RECORDS, About
from cifar_core.runs.store import damage, run_row, sweep_files

OF_AN_ATTEMPT = ("attempt.json", "start.json", "shim.json", "result.json", "end.json")
FILES = ("about.json", "config.json", "status.json", "control.json", "summary.json",
         "environment.json", *OF_AN_ATTEMPT)  # fmt: skip


def path_in(run, name):
    return run.path / ("attempts/1" if name in OF_AN_ATTEMPT else "") / name


def as_made_by_hand(path, values):
    """Write values as somebody would who removes the checksum and edits the file."""
    old = files.read_json(path)
    corpus.write(path, json.dumps({**old, **values}))


def entries(name):
    """The names of what a file's record declares."""
    return RECORDS[name].__struct_encode_fields__


@pytest.fixture
def run(store):
    return make_run(store)


@pytest.mark.parametrize("name", FILES)
def test_a_value_of_another_kind_is_said_and_the_run_is_still_listed(store, run, name, capsys):
    path = path_in(run, name)
    whole = path.read_bytes() if path.exists() else b"{}"
    wrong = 0
    for key in entries(name):
        for value in corpus.WRONG:
            path.write_bytes(whole)
            as_made_by_hand(path, {key: value})
            assert run_row.read_row(run).id == run.id
            said = [sentence for sentence in damage.damages(run) if name in sentence]
            wrong += bool(said)
            read = files.read_json(path, RECORDS[name])
            assert read == {} if said else key in read
        assert len(store.runs()) == 1
    assert wrong >= 5 * len(entries(name))
    assert main(["show", "1"]) in (0, 2)
    assert main(["runs"]) == 0
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("what", corpus.TEXTS)
def test_a_file_that_is_no_object_is_damaged(run, what):
    for name in FILES:
        corpus.write(path_in(run, name), corpus.TEXTS[what])
        assert files.read_json(path_in(run, name), RECORDS[name]) == {}
    assert len([sentence for sentence in damage.damages(run) if ".json" in sentence]) >= len(FILES)
    assert run.status == status.DAMAGED
    assert control.read(run.path) == control.Control()


def test_the_latest_of_equal_keys_counts_and_is_checked(run):
    corpus.write(run.path / "about.json", '{"name": "a", "name": []}')
    assert run.about == About()


@pytest.mark.parametrize("name", FILES)
def test_the_run_page_survives_a_file_of_nothing_but_wrong_values(store, run, name):
    as_made_by_hand(path_in(run, name), {key: [None] for key in entries(name)})
    page = open_page("run", id=1)
    assert not page.exception, page.exception
    assert not open_page().exception


def test_rows_of_another_kind_are_passed_over(run):
    path = run.path / "attempts" / "1" / "metrics.jsonl"
    before = run.metrics()
    for value in corpus.WRONG:
        lines = [json.dumps(value), json.dumps({"kind": "step", "step": value, "loss": value})]
        with path.open("a", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
    after = run.metrics()
    assert after[: len(before)] == before
    assert all(isinstance(row["step"], int | float) for row in after if row["kind"] == "step")
    assert not open_page("run", id=1).exception


@pytest.mark.parametrize("value", corpus.WRONG, ids=lambda value: str(value)[:12])
def test_a_setting_that_is_anything_is_a_sentence(run, value):
    for name in ("model", "epochs", "learning_rate", "flip", "data", "no_such"):
        as_made_by_hand(run.path / "config.json", {name: value})
        with suppress(CifarError):  # a sentence; anything else fails the test
            assert run.config.model
        as_made_by_hand(run.path / "config.json", {"no_such": ""})


@pytest.mark.parametrize("key", sweep_files.SweepShape.__struct_fields__)
def test_a_sweep_file_that_is_anything_is_passed_over(store, key):
    good = {"name": "a", "created_at": 1.0, "base": {}, "seeds": [1], "cells": []}
    folder = sweep_files.folder(store.root)
    for value in corpus.WRONG:
        corpus.write(folder / "1-a.json", json.dumps({**good, key: value}))
        corpus.write(folder / "1x-a.json", json.dumps(good))
        for sweep in sweep_files.listed(store.root):
            assert sweep.planned_runs >= 0
            assert sweep.number == 1
            assert sweep.is_active in (True, False)


@pytest.mark.parametrize("key", ["name", "query", "columns", "sort", "group"])
def test_a_saved_view_that_is_anything_is_passed_over_or_whole(store, key):
    for value in corpus.WRONG:
        corpus.write(saved_listings.folder(store) / "a.json", json.dumps({"name": "a", key: value}))
        for view in saved_listings.listed(store):
            assert isinstance(view.listing, Listing)
    assert not open_page(view="a").exception


NAMES = ["", " ", "../../etc", "a/b", "\0", "CON", "-rf", ".", "<script>", "\u202etxt", "x" * 300,
         "\U0001f408" * 80, "name\nwith lines", "$(reboot)", "'; DROP TABLE run; --"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES, ids=lambda name: repr(name)[:14])
def test_no_name_of_a_run_leads_out_of_the_store(store, run, name):
    made = store.create(run.config, name=name)
    assert made.path.parent == store.root / "runs"
    assert made.path.name.isascii()
    assert len(made.path.name) < 60
    for act in (made.rename, lambda text: marks.tag(made, [text]),
                lambda text: marks.write_note(made, text)):  # fmt: skip
        with suppress(CifarError):
            act(name)
    assert [row.id for row in store.runs()] == [made.id, run.id]
    assert not open_page().exception
