import pytest
from pages import make_run, open_page, texts

from cifar_core.config.presets import PRESETS
from cifar_core.disk import files
from cifar_core.people import VIEWER, Person
from cifar_core.report.edits import edits
from cifar_core.runs.record.figures.summary_record import Summary


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
    assert "There is no trained network here yet." in texts(open_page("report"))


def test_without_a_choice_the_page_says_what_a_report_is_and_offers_the_newest_finished_run(
    run, page_store
):
    make_run(page_store, "Newest")
    make_run(page_store, "Still going", "running")
    page = open_page("report")
    assert "A report says what was trained and with what result" in texts(page)
    assert page.button(key="report_first").label == r"Report on \#2 Newest"
    page.button(key="report_first").click().run()
    assert not page.exception
    assert page.multiselect(key="report_runs").value == [2]
    assert "A report says what was trained and with what result" not in texts(page)


def two_tabs(name="report", **query):
    return open_page(name, **query), open_page(name, **query)


def test_a_text_that_another_tab_wrote_stays_when_this_tab_writes_another(run):
    mine, theirs = two_tabs(runs=1)
    theirs.text_area(key=f"text {run.id} description").set_value("Theirs.").run()
    mine.text_input(key="report_title").set_value("A title").run()
    mine.text_input(key=f"text {run.id} epochs").set_value("Five.").run()
    assert edits(run) == {"description": "Theirs.", "epochs": "Five."}
    assert mine.text_area(key=f"text {run.id} description").value == "Theirs."


def test_a_generated_text_that_has_changed_meanwhile_is_not_an_edit(run):
    page = open_page("report", runs=1)
    files.edit(run.path / "summary.json", Summary, lambda _: {"epochs_done": 77})
    page.text_input(key="report_title").set_value("A title").run()
    assert edits(run) == {}


@pytest.mark.parametrize(
    ("choice", "kept"), [("yours", "Mine."), ("theirs", "Theirs."), ("both", "Theirs.\n\nMine.")]
)
def test_of_two_texts_for_one_field_the_person_chooses(run, choice, kept):
    mine, theirs = two_tabs(runs=1)
    key = f"text {run.id} description"
    theirs.text_area(key=key).set_value("Theirs.").run()
    mine.text_area(key=key).set_value("Mine.").run()
    assert edits(run) == {"description": "Theirs."}
    assert "Someone has changed the text of 'Description'" in texts(mine)
    assert [code.value for code in mine.code] == ["Mine.", "Theirs."]
    mine.button(key=f"{choice} {key}").click().run()
    assert edits(run) == {"description": kept}
    assert mine.text_area(key=key).value == kept
    assert "Someone has changed" not in texts(mine)
