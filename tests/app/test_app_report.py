import pytest
from pages import make_run, open_page, texts

from cifar_core.config.presets import PRESETS
from cifar_core.people import VIEWER, Person
from cifar_core.report.edits import edits


@pytest.fixture
def run(page_store):
    settings = {**PRESETS["lab_cnn"].config.to_dict(), "data": "synthetic"}
    return make_run(page_store, "Lab CNN", **settings)


def labels(page):
    return [area.label for area in page.text_area]


def test_the_address_names_the_runs_of_a_report(run, page_store):
    make_run(page_store, "Another")
    page = open_page("report", runs="2,1")
    assert not page.exception
    assert page.multiselect(key="report_runs").value == [2, 1]
    assert "Interpretation of the loss plot" in labels(page)


def test_what_is_typed_is_kept_and_can_be_undone(run):
    page = open_page("report", runs=1)
    area = page.text_input(key=f"text {run.id} epochs")
    own = area.value
    area.set_value("Five.").run()
    assert edits(run) == {"epochs": "Five."}
    assert "edited by hand" in texts(page)
    page.button(key=f"undo {run.id} epochs").click().run()
    assert edits(run) == {}
    assert page.text_input(key=f"text {run.id} epochs").value == own


def test_the_labs_report_names_the_networks_that_are_missing(run):
    page = open_page("report")
    page.button(key="lab").click().run()
    assert page.multiselect(key="report_runs").value == [1]
    assert "Not trained yet: 4 networks" in texts(page)


def test_a_viewer_reads_a_report_but_does_not_change_it(run, monkeypatch):
    monkeypatch.setattr("app.session.person", lambda: Person(name="guest", role=VIEWER))
    page = open_page("report", runs=1)
    assert not page.exception
    assert all(area.disabled for area in page.text_area)


def test_an_empty_store_says_what_a_report_needs(page_store):
    assert "There is none yet" in texts(open_page("report"))
