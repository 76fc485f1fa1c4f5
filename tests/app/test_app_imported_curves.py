"""Runs that have only imported curves on every page, and the preview before they are imported."""

from pathlib import Path

import pytest
from outside_files import EXAMPLES, brought_in, looked, text
from pages import ENTRY, listed, make_run, open_page, texts, tick

from app.screens.compare import curve_charts
from app.screens.run.imported import charts
from app.session import Key
from cifar_core.reading.curves import curves

PAGES = sorted(path.parent.name for path in (Path(ENTRY).parent / "screens").glob("*/page.py"))
TABLE = "epoch,loss,val_acc,extra\n1,2,40,1\n2,1,60,2\n"
STEPS = "step,train_loss,val_acc\n10,2,0.4\n20,1,0.7\n"


@pytest.fixture
def store(page_store):
    return page_store


@pytest.fixture
def run(store, tmp_path):
    (run,) = brought_in(store, text(tmp_path / "theirs.csv", TABLE))
    return run


def assert_whole(page):
    assert not page.exception, [one.value for one in page.exception]
    assert not [one.value for one in page.error]


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_whole_with_only_such_a_run(name, run):
    for query in ({}, {"id": run.number}, {"run": run.number, "runs": run.number},
                  {"clone": run.number}):  # fmt: skip
        assert_whole(open_page(name, known=True, **query))


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_whole_with_such_a_run_beside_others(name, run, store):
    make_run(store, "Ours")
    assert_whole(open_page(name, known=True, runs="1,2", id=1))


@pytest.mark.parametrize("tab", ["watch", "settings", "result", "inside", "files"])
def test_the_run_page_has_curves_and_settings_and_no_other_tab(tab, run):
    page = open_page("run", id=run.number, tab=tab)
    assert_whole(page)
    said = texts(page)
    assert "From theirs.csv (CSV or another table, run theirs), imported" in said.replace("\\", "")
    keys = {button.key for button in page.button}
    assert not keys & {"predict", "clone", "resume", "report", "start"}


def test_the_curves_are_drawn_under_our_names_and_their_own(run):
    page = open_page("run", id=run.number)
    assert [metric.value for metric in page.metric] == ["60.0\u00a0%", "60.0\u00a0%"]
    said = texts(page)
    for title in ("Accuracy", "Loss", "extra"):
        assert f"**{title}**" in said
    page.button(key="compare_curves").click().run()
    assert_whole(page)
    assert "Compare" in page.header[0].value


def test_the_settings_say_what_was_taken_for_what(run):
    said = "\n".join(str(table.value) for table in open_page("run", id=1, tab="settings").table)
    assert "Validation accuracy, from percent" in said
    assert "A curve of its own" in said


def test_the_list_marks_it_and_filters_it(run, store):
    make_run(store, "Ours")
    row = next(row for row in listed(open_page()) if "theirs" in str(row["name"]))
    assert "Imported curves" in row["state"]
    page = open_page()
    page.text_input(key="search").input("kind:curves").run()
    assert ["theirs" in str(row["name"]) for row in listed(page)] == [True]


def test_what_does_not_apply_is_not_offered_for_a_ticked_one(run):
    page = tick(open_page(), 0)
    keys = {button.key for button in page.button}
    assert "open" in keys
    assert not keys & {"clone", "report", "bulk Resume"}


def test_two_runs_without_a_second_trained_one_are_compared_by_curves_only(run, store):
    make_run(store, "Ours")
    page = open_page("compare", runs="1,2")
    assert_whole(page)
    assert "#1 has only curves that were imported from another tool" in texts(page)
    assert not page.tabs
    assert len(page.table) == 1


def test_a_verdict_is_about_the_trained_runs_alone(run, store):
    for name in ("Ours", "Ours too"):
        make_run(store, name)
    page = open_page("compare", runs="1,2,3")
    assert_whole(page)
    assert "#1 has only curves" in texts(page)
    assert [tab.label for tab in page.tabs][:2] == ["Curves", "Settings"]


def track(run, axes, **more):
    return curve_charts.Track(number=run.number, title=run.id, seconds=0.0, axes=axes,
                              curves=curves(run.metrics()), **more)  # fmt: skip


def test_a_run_without_an_axis_is_not_drawn_on_it(run):
    options = [curve_charts.CurveOptions(axis=axis) for axis in ("Epoch", "Step", "Time")]
    drawn = [curve_charts.is_drawn(track(run, ["Epoch"]), one) for one in options]
    assert drawn == [True, False, False]
    x, y = curve_charts.points(track(run, ["Epoch"]), options[0], "Accuracy")
    assert (x.tolist(), y.tolist()) == ([1, 2], [0.4, 0.6])


def test_the_page_says_which_run_is_not_drawn(store, tmp_path):
    for name, words in {"a": TABLE, "b": STEPS}.items():
        brought_in(store, text(tmp_path / f"{name}.csv", words))
    page = open_page("compare", runs="1,2")
    assert "#2 has no validation curves by epoch; it has them by step." in texts(page)


def test_all_lines_of_a_run_are_found_and_gaps_are_none(store, tmp_path):
    words = "step,loss,val_acc,test_acc,mine\n1,2,,,\n2,,0.5,0.4,\n3,1,,,7\n"
    (run,) = brought_in(store, text(tmp_path / "a.csv", words))
    lines = charts.lines_of(run.metrics())
    assert {name: line.value for name, line in lines.items()} == {
        "train_loss": [2, 1], "val_accuracy": [0.5], "test_accuracy": [0.4], "mine": [7],
    }  # fmt: skip
    assert [panel.title for panel in charts.panels(lines)] == ["Accuracy", "Loss", "mine"]


def again(page, act=lambda page: None):
    """Do something in the preview; a run of AppTest draws the whole page, so it is due again."""
    page.session_state[str(Key.PREVIEW_DUE)] = True
    act(page)
    return page.run()


def upload(page, path):
    page.file_uploader[0].upload(path.name, path.read_bytes(), "text/csv")
    return page.button(key="import_now").click().run()


def test_a_file_is_looked_at_before_it_is_imported(store, tmp_path):
    make_run(store, "Ours")
    page = upload(open_page(), text(tmp_path / "theirs.csv", "step,mine,loss\n10,40,2\n20,60,1\n"))
    assert_whole(page)
    assert len(store.runs()) == 1
    assert "**1 run** with 2 curves, read as CSV or another table." in texts(page)
    again(page, lambda page: page.selectbox(key="import_target 1").select("val_accuracy"))
    again(page, lambda page: page.number_input(key="import_per_epoch").set_value(10))
    assert_whole(page)
    again(page, lambda page: page.button(key="import_curves").click())
    assert_whole(page)
    run = store.run(2)
    assert (run.summary.best_val_accuracy, run.summary.best_epoch) == (0.6, 2)


def test_of_several_runs_some_are_imported(store, tmp_path):
    make_run(store, "Ours")
    page = open_page()
    page.session_state[str(Key.LOOKED)] = looked(EXAMPLES["tensorboard"](tmp_path))
    again(page)
    again(page, lambda page: page.multiselect(key="import_runs").unselect(0))
    again(page, lambda page: page.button(key="import_curves").click())
    assert_whole(page)
    assert sorted(row.name for row in store.runs()) == ["Ours", "beta"]


def test_what_cannot_be_read_is_said_in_the_form(store, tmp_path):
    make_run(store, "Ours")
    page = upload(open_page(), text(tmp_path / "theirs.csv", "nothing"))
    assert "theirs cannot be read as curves" in texts(page)
    assert len(store.runs()) == 1
