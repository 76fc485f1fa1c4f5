"""Training a run on: the links of its menu, the dialog, and the mark on the one curve of both."""

import json

import pytest
from pages import make_run, open_page, open_part, row, texts

from app.screens.run.onward.train_on import where
from app.screens.run.watch.charts import LiveOptions, live_figure
from app.shared.live_chart import unpack
from cifar_core.disk import files
from cifar_core.reading.curves import curves
from cifar_core.runs.family import start_from, train_on
from cifar_core.runs.family.joins import Join, joins

LINKS = {"train_on", "start_from", "teach"}


@pytest.fixture
def store(page_store):
    return page_store


def parent(store, **changes):
    return make_run(store, "Parent", **{"schedule": "constant", "learning_rate": 0.01, **changes})


def trained_on(store, run, epochs=3):
    return train_on.create(store, train_on.plan(run, epochs=epochs))


def again(page):
    """Run the page with the dialog open, as a click in it would; AppTest closes it."""
    page.query_params["do"] = "train-on"
    return page.run()


def linked(page):
    return [element.proto.label.replace("\\", "") for element in page.get("page_link")]


def links(page):
    return {button.key for button in page.button} & LINKS


def test_a_settled_run_can_be_continued_in_three_ways(store):
    parent(store)
    assert links(open_page("run", id=1)) == LINKS


def test_a_run_that_trains_or_kept_no_weights_offers_none_of_them(store):
    make_run(store, "Live", "running")
    make_run(store, "Early", "stopped", accuracies=())
    assert links(open_page("run", id=1)) == set()
    assert links(open_page("run", id=2)) == set()


def test_the_links_lead_to_the_train_page(store):
    parent(store)
    for key, name in {"start_from": "start", "teach": "teacher"}.items():
        page = open_page("run", id=1)
        page.button(key=key).click().run()
        assert not page.exception
        assert "".join(page.query_params[name]) == "1"


def test_the_address_opens_the_dialog_once(store):
    parent(store)
    page = open_page("run", id=1, do="train-on")
    assert not page.exception
    assert page.number_input(key="more_epochs").value == 2
    assert page.radio(key="on_rate").value == "last"
    assert "do" not in page.query_params
    said = texts(page).replace("\\", "")
    assert "at the end of epoch 2" in said
    assert "at the pace of this run" in said
    assert "more_epochs" not in {box.key for box in page.run().number_input}


def test_the_dialog_starts_a_run_that_continues_and_opens_it(store):
    run = parent(store)
    page = open_page("run", id=1, do="train-on")
    page.number_input(key="more_epochs").set_value(3)
    page.button(key="start_train_on").click()
    again(page)
    assert not page.exception
    child = store.run(2)
    assert (child.about.start.run, child.about.start.how) == (run.id, "continues")
    assert (child.config.epochs, child.status.state) == (5, "queued")
    assert "".join(page.query_params["id"]) == "2"
    assert run.status.state == "finished"


def test_a_rate_is_asked_for_where_the_choice_takes_one(store):
    parent(store)
    page = open_page("run", id=1, do="train-on")
    assert "on_rate cycle" not in {box.key for box in page.number_input}
    page.radio(key="on_rate").set_value("cycle")
    again(page)
    page.number_input(key="on_rate cycle").set_value(0.05)
    page.button(key="start_train_on").click()
    again(page)
    config = store.run(2).config
    assert (config.schedule, config.learning_rate) == ("one_cycle", 0.05)


def test_a_rate_that_would_train_nothing_is_refused_with_a_sentence(store):
    parent(store, schedule="cosine", epochs=2)
    page = open_page("run", id=1, do="train-on")
    assert page.radio(key="on_rate").value == "decay"
    page.radio(key="on_rate").set_value("last")
    again(page)
    assert "would change almost nothing" in texts(page)
    assert page.button(key="start_train_on").disabled


def test_a_begun_epoch_is_said_to_count_as_the_first_of_the_new_ones(store):
    run = parent(store)
    plan = train_on.plan(run, epochs=2)
    object.__setattr__(plan, "first_epoch", 2.4)
    assert "in the middle of epoch 3" in where(plan)


def test_the_curve_of_both_is_one_line_with_a_mark_at_the_join(store):
    child = trained_on(store, parent(store))
    page = open_page("run", id=child.number)
    assert not page.exception
    (component,) = [c for c in page.get("bidi_component")
                    if c.proto.component_name.endswith("live_chart")]  # fmt: skip
    figure = unpack(component.proto.bytes)
    (label,) = [a for a in figure.header["layout"]["annotations"] if "trained on" in a["text"]]
    assert (label["text"], label["x"]) == ("trained on from #1", 100)
    assert figure.arrays[2].tolist() == [25, 50, 75, 100]
    assert "Below are the curves of the run that it continues" in texts(page)


def test_the_mark_stays_where_the_run_began_as_its_own_rows_follow():
    rows = [row(step) for step in range(25, 501, 25)]
    join = Join(epoch=2.5, name="#1")
    for by_epoch, place in ((False, 125), (True, 2.5)):
        figure = live_figure(curves(rows), LiveOptions(joins=[join], by_epoch=by_epoch))
        (line,) = figure.header["layout"]["shapes"]
        assert (line["x0"], line["x1"]) == (place, place)
    assert "shapes" not in live_figure(curves(rows), LiveOptions()).header["layout"]


def test_a_run_that_was_trained_on_twice_has_both_marks_even_if_the_first_run_is_gone(store):
    first = parent(store)
    second = trained_on(store, first, 3)
    third = trained_on(store, second, 2)
    assert [(join.epoch, join.name) for join in joins(third)] == [(2, "#2")]  # nothing between
    earlier = {"start": {"run": first.id, "how": "continues", "epoch": 1}}
    files.edit(third.path / "ancestors" / second.id / "about.json", dict, lambda _: earlier)
    store.delete(second)
    store.delete(first)
    assert [(join.epoch, join.name) for join in joins(third)] == [(1, "#1"), (2, "#2")]
    assert joins(first) == []


def test_a_run_from_another_store_is_named_and_not_numbered(store):
    child = trained_on(store, parent(store))
    files.edit(child.path / "about.json", dict, lambda _: {"imported": {"run": "7-else"}})
    (join,) = joins(child)
    assert join.label == "trained on from Parent"


def test_circles_of_edited_files_end(store):
    run = parent(store)
    start = {"run": run.id, "how": "continues", "epoch": 1}
    files.edit(run.path / "about.json", dict, lambda _: {"start": start})
    assert joins(run) == []


def test_the_top_of_a_run_links_to_the_run_that_it_began_with(store):
    first = parent(store)
    trained_on(store, first)
    start_from.begin(store, first.config, first)
    shown = open_page("run", id=2)
    assert "Trained on from #1, epoch 2" in linked(shown)
    shown = open_page("run", id=3)
    assert "Starts from the weights of #1, epoch 2" in linked(shown)
    store.delete(first)
    shown = open_page("run", id=3)
    assert "Starts from the weights of #1, epoch 2" in texts(shown).replace("\\", "")


def test_the_family_is_an_outline_with_links_and_names_of_those_that_are_gone(store):
    first = parent(store)
    trained_on(store, first)
    start_from.begin(store, first.config, first, name="Other")
    page = open_part(1, "settings", "outline")
    assert not page.exception
    assert "#3 Other" in linked(page)
    assert "**#1 Parent**" in texts(page).replace("\\", "")
    assert "trained on from #1, epoch 2" in texts(page).replace("\\", "")
    store.delete(first)
    page = open_part(3, "settings", "outline")
    assert "no longer here" in texts(page)
    assert any(text.value.endswith(" Parent") for text in page.markdown)


def test_a_run_without_relatives_has_no_family(store):
    parent(store)
    page = open_page("run", id=1, tab="settings")
    assert "Family" not in {box.label for box in page.expander}


def test_the_report_names_where_a_run_comes_from_and_marks_its_curves(store):
    from cifar_core.report.document import compose

    first = parent(store)
    child = trained_on(store, first)
    document = compose([child])
    (chart,) = document.charts
    assert [(mark.x, mark.label) for mark in chart.marks] == [(2, "trained on from #1")]
    words = json.dumps([str(block) for block in document.blocks])
    assert "Trained on from #1 Parent (2 epochs) for 0 of 3 more." in words
    assert compose([first]).charts[0].marks == ()
