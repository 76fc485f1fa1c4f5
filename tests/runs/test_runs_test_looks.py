import json
from dataclasses import replace

import pytest
from pages import make_run

from cifar_core.disk import files
from cifar_core.people import VIEWER, Person
from cifar_core.runs.results.test_looks import TestLook, count_look, looks, sentence


def test_the_evaluation_at_the_end_of_training_is_the_first_look(page_store):
    assert looks(make_run(page_store, "Unfinished", "stopped")) == []
    (first,) = looks(make_run(page_store, "Done"))
    assert first.where == "the end of training"


def test_a_look_is_kept_with_when_and_from_where(page_store):
    run = make_run(page_store, "Done")
    assert count_look(run, "the page", "00000100-a1") == 2
    assert count_look(run, "the terminal", "00000100-a1") == 3
    assert [look.where for look in looks(run)[1:]] == ["the page", "the terminal"]
    assert looks(run)[1].at <= looks(run)[2].at


def test_a_look_is_that_of_the_person_who_acts(page_store):
    run = make_run(page_store, "Done")
    count_look(replace(run, by=Person(name="ana@lab.org", role=VIEWER)), "the page", "100-a1")
    assert [look.by for look in looks(run)] == ["", "ana@lab.org"]
    assert looks(run)[1].words.endswith(", ana@lab.org, the page")
    assert json.loads((run.path / "looks.json").read_text())["looks"][0]["by"] == "ana@lab.org"


def test_a_file_from_before_looks_had_names_is_read_and_continues(page_store):
    run = make_run(page_store, "Done")
    old = {"at": 1.7e9, "where": "the page", "checkpoint": "100-a1"}
    files.write_json(run.path / "looks.json", {"looks": [old]})
    assert looks(run)[1] == TestLook(**old)
    assert count_look(run, "the terminal", "100-a1") == 3
    assert [look.by for look in looks(run)] == ["", "", run.by.name]


@pytest.mark.parametrize("entry", [{}, {"at": "noon", "by": 7}, {"at": -1, "of_a_later": True}])
def test_an_entry_that_says_less_or_something_else_still_counts(page_store, entry):
    run = make_run(page_store, "Done")
    files.write_json(run.path / "looks.json", {"looks": [entry]})
    assert len(looks(run)) == 2
    assert looks(run)[1].at == 0


def test_how_often_they_were_viewed_is_said_in_words():
    assert "viewed once" in sentence(1)
    assert "viewed 3 times. Choose by validation, report by test." in sentence(3)
