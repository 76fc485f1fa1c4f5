"""Texts that several people edit at once: none is lost without being shown."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from run_helpers import QUICK, store_without_executor

from cifar_core.disk import edited
from cifar_core.errors import ChangedMeanwhileError
from cifar_core.report.edits import edit, edits
from cifar_core.report.fields import FIELDS
from cifar_core.runs.record import marks


@pytest.fixture
def run(tmp_path):
    with store_without_executor(tmp_path / "store") as store:
        yield store.create(QUICK)


@pytest.mark.parametrize(
    ("kept", "was", "now", "result"),
    [("a", "a", "b", "b"), ("b", "a", "a", "b"), ("b", "a", "b", "b"), ("b", None, "c", "c")],
)
def test_a_text_changed_by_one_person_is_kept(kept, was, now, result):
    assert edited.checked("the note", kept, was, now) == result


def test_a_text_changed_by_two_people_is_written_by_neither():
    with pytest.raises(ChangedMeanwhileError, match="keep yours, theirs or both") as caught:
        edited.checked("the note", "theirs", "old", "mine")
    assert (caught.value.mine, caught.value.theirs) == ("mine", "theirs")


def test_words_are_merged():
    assert edited.merged({"a", "new"}, {"a", "old"}, {"a", "old", "mine"}) == {"a", "new", "mine"}
    assert edited.merged({"a", "b"}, {"a", "b"}, {"a"}) == {"a"}


def test_no_text_is_lost_among_six_writers(run):
    keys = list(FIELDS)[:6]

    def write(key):
        for number in range(10):
            edit(run, {key: f"{key} {number}"})
            assert edits(run)[key] == f"{key} {number}"

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, keys))
    assert edits(run) == {key: f"{key} 9" for key in keys}
    details = [action.detail for action in run.history()]
    assert len(details) == 60 + 1


def test_a_report_text_changed_meanwhile_stays(run):
    edit(run, {"epochs": "Theirs", "batch_size": "Kept"}, was={})
    with pytest.raises(ChangedMeanwhileError, match="Someone has changed the text of '"):
        edit(run, {"batch_size": "Other", "epochs": "Mine"}, was={"batch_size": "Kept"})
    assert edits(run) == {"epochs": "Theirs", "batch_size": "Kept"}
    edit(run, {"epochs": "Mine"}, was={"epochs": "Theirs"})
    assert edits(run)["epochs"] == "Mine"
    assert run.history()[0].detail == f"{FIELDS['epochs'].title.lower()}: Mine"


def test_a_note_and_a_name_changed_meanwhile_stay(run):
    marks.write_note(run, "theirs")
    name = run.name
    run.rename("theirs")
    with pytest.raises(ChangedMeanwhileError, match="changed the note"):
        marks.write_note(run, "mine", was="")
    with pytest.raises(ChangedMeanwhileError, match="changed the name"):
        run.rename("mine", was=name)
    assert (run.about.note, run.name) == ("theirs", "theirs")
    marks.write_note(run, "", was="")
    assert run.about.note == "theirs"
