"""What a page says when it cannot show what was asked for, and what it shows beside that."""

import pytest
from pages import make_run, open_page, open_part, texts
from test_app_train import open_train

from cifar_core.disk import files


@pytest.fixture
def store(page_store):
    return page_store


@pytest.mark.parametrize("name", ["run", "id"])
def test_no_other_run_takes_the_place_of_one_that_cannot_be_shown(store, name):
    make_run(store, "Good")
    make_run(store, "Broken", "failed", reason="bug", accuracies=())
    opened = open_page("predict", **{name: 2})
    assert not opened.exception
    assert opened.selectbox(key="run").value is None
    assert "#2 Broken (failed) has no finished epoch on record" in texts(opened)
    assert not opened.metric
    gone = open_page("predict", **{name: 7})
    assert "There is no run '7'" in texts(gone).replace("\\", "")
    opened.selectbox(key="run").select("1").run()
    assert not opened.exception
    assert opened.query_params["run"] == "1"
    assert "Broken" not in texts(opened)


def test_a_report_names_the_runs_of_its_address_that_it_leaves_out(store):
    make_run(store, "Good")
    make_run(store, "Broken", "failed", reason="bug", accuracies=())
    page = open_page("report", runs="1,2")
    assert page.multiselect(key="report_runs").value == [1]
    assert "Not shown (no result yet, or not in this store): \\#2." in texts(page)


def test_a_report_of_a_run_without_its_rows_is_still_a_report(store):
    run = make_run(store, "Good")
    (run.path / "attempts" / "1" / "metrics.jsonl").unlink()
    page = open_page("report", runs=1)
    assert not page.exception
    assert len(page.text_area) >= 2


def test_an_attempt_that_has_not_begun_is_not_said_to_have_started_anywhere(store):
    run = make_run(store, "Good", "starting", accuracies=())
    folder = run.path / "attempts" / "1"
    for name in ("start.json", "end.json"):
        (folder / name).unlink()
    assert "It is being prepared." in attempts(run)
    files.write_json(folder / "start.json", {"checkpoint": "", "step": 0})
    assert "Started from the beginning." in attempts(run)


def test_where_an_attempt_started_is_not_guessed_when_its_file_is_lost(store):
    run = make_run(store, "Good")
    (run.path / "attempts" / "1" / "start.json").unlink()
    assert "Where it started is not recorded." in attempts(run)
    assert "still running" not in attempts(run)


def attempts(run):
    page = open_part(run.number, "files", "attempts")
    assert not page.exception
    return texts(page)


def type_data(page, text):
    """Type a source of images, which AppTest allows only for what a box already offers."""
    field = next(box for box in page.selectbox if box.label == "Data")
    field.options.append(text)
    field.set_value(text).run()


@pytest.mark.parametrize("typed", ["/", "~nosuchuser", "x" * 300, "a\0b", "../..", "/proc/self"])
def test_a_path_that_cannot_be_images_is_said_beside_its_field(store, typed, tmp_path, monkeypatch):
    (tmp_path / "elsewhere/a/b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "elsewhere/a/b")
    page = open_page("train")
    type_data(page, typed)
    assert not page.exception
    assert page.button(key="start").disabled
    assert "1 setting needs to be corrected first." in texts(page)
    assert any(box.label == "Data" for box in page.selectbox)


def test_fewer_training_images_than_the_preview_shows_are_drawn_all(store):
    page = open_page("train", preset="smoke")
    type_data(page, "synthetic:20")
    assert not page.exception


def test_other_images_are_shown_at_a_click(store):
    page = open_train()
    page.button(key="other_images").click().run()
    assert not page.exception


def test_each_tab_of_a_run_without_settings_says_why_and_leaves_the_page(store):
    run = make_run(store, "Good")
    (run.path / "config.json").write_text("{")
    page = open_page("run", id=1, tab="settings")
    assert not page.exception
    assert "config.json of run 1-good is missing or damaged" in page.error[0].value.replace(
        "\\", ""
    )
    assert "Good" in page.header[0].value
