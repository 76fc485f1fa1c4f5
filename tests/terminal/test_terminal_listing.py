"""Finding, marking, exporting and importing runs from the terminal."""

import csv
import io
import json

import pytest
from pages import make_run
from run_helpers import store_without_executor

from cifar_core.__main__ import main


@pytest.fixture
def store(tmp_path):
    with store_without_executor(tmp_path / "store") as store:
        make_run(store, "Alpha", accuracies=(0.4, 0.6), seed=1)
        make_run(store, "Beta", accuracies=(0.5,), seed=2)
        make_run(store, "Gamma", "stopped", accuracies=(), optimizer="adam")
        yield store


def found(say, *words):
    code, out, err = say("runs", *words, "--json")
    assert code == 0, err
    return [row.get("number") for row in json.loads(out)]


def test_runs_are_found_by_a_search(say):
    assert found(say) == [3, 2, 1]
    assert found(say, "acc>55 opt:sgd") == found(say, "acc>55", "opt:sgd") == [1]
    assert found(say, "opt:adam,sgd -opt:adam") == [2, 1]
    assert found(say, "--sort=-acc") == [1, 2, 3]


def test_a_first_term_that_begins_with_a_minus_goes_behind_two_of_them(store, capsys):
    assert main(["runs", "--store", str(store.root), "--", "-opt:adam"]) == 0
    assert "Gamma" not in capsys.readouterr().out


def test_a_search_that_cannot_be_understood_is_told_in_a_sentence(say):
    code, out, err = say("runs", "ach:resnet")
    assert (code, out) == (2, "")
    assert "There is no field 'ach'. Did you mean 'arch'?" in err
    assert "no column called 'bst'. Did you mean 'best'?" in say("runs", "--columns", "bst")[2]


def test_columns_can_be_chosen_and_printed_as_csv(say):
    _, out, _ = say("runs", "acc>=50", "--columns", "run,acc", "--csv")
    assert list(csv.reader(io.StringIO(out))) == [["number", "best"], ["2", "0.5"], ["1", "0.6"]]
    assert say("runs", "acc>99", "--columns", "run,acc", "--csv")[1] == "number,best\n"
    assert "55.00 ± 7.07 %" in say("runs", "--group")[1]


def test_a_view_keeps_search_columns_and_sorting(say):
    say("runs", "opt:sgd", "--columns", "run", "--sort=acc", "--save-view", "Good")
    assert found(say, "--view", "Good") == [2, 1]
    assert found(say, "--view", "Good", "--sort=-acc") == [1, 2]
    assert "Good" in say("runs", "--views")[1]
    assert "Good" not in say("runs", "--delete-view", "Good")[1]
    assert say("runs", "--view", "Good")[0] == 2


def test_what_can_be_searched_for_is_listed(capsys):
    with pytest.raises(SystemExit) as end:
        main(["runs", "--fields"])
    assert end.value.code == 0
    assert "validation accuracy" in capsys.readouterr().out


def test_tags_a_star_and_a_note_are_put_on_a_run_and_found(say):
    assert "lab, old" in say("tag", "1", "lab", "old", "--star")[1]
    assert "1-alpha with a star: lab" in say("tag", "1", "--remove", "old")[1]
    say("note", "1", "Too fast")
    assert found(say, "tag:lab star:yes note:fast") == [1]
    assert "is not a tag" in say("tag", "1", "a b")[2]


def test_a_run_goes_to_another_store_and_back(say, store, tmp_path, capsys):
    target = tmp_path / "run.zip"
    code, out, _ = say("export", "1", "--out", str(target), "--weights", "best")
    assert (code, out.strip()) == (0, str(target))
    assert say("import", str(target), "--data", "synthetic:300")[1] == "4-alpha\n"
    assert store.run(4).settings["data"] == "synthetic:300"
    target.write_bytes(target.read_bytes()[:-30])
    code, out, err = say("import", str(target))
    assert (code, out) == (2, "")
    assert "not a valid zip file" in err
    assert "There is no file" in say("import", "nowhere.zip")[2]
    assert len(store.runs()) == 4


def test_metrics_are_exported_by_the_name_of_the_target(say, tmp_path):
    say("export", "1", "--out", str(tmp_path / "m.csv"))
    assert len((tmp_path / "m.csv").read_text().splitlines()) == 7
    say("export", "1", "--out", str(tmp_path / "events"))
    assert len(list((tmp_path / "events" / "1-alpha").iterdir())) == 1
    assert "cannot be written" in say("export", "1", "--out", str(tmp_path / "no" / "m.csv"))[2]
