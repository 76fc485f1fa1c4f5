"""Starting from the weights of a run, and learning from runs: the Train page."""

import pytest
from pages import make_run, open_page, texts

from app.session import Key
from cifar_core import data
from cifar_core.disk import files
from cifar_core.runs.family import start_from


@pytest.fixture
def store(page_store):
    return page_store


def source(store, name="Source", **changes):
    """Make a run that has learned the classes of the images that it names."""
    run = make_run(store, name, **{"data": "synthetic:200", **changes})
    names = {"classes": list(data.load(run.settings["data"], store.root).classes)}
    files.edit(run.path / "environment.json", dict, lambda old: {"data": old["data"] | names})
    return run


def open_train(**query):
    """Open the page with the row *Starting point* open."""
    page = open_page("train", **query)
    page.session_state["row.starting-point"] = True
    return page.run()


def said(page):
    return texts(page).replace("\\", "")


def start(page):
    page.button(key="start").click().run()
    assert not page.exception


def test_a_link_fills_the_form_and_names_the_weights(store):
    run = source(store, epochs=7)
    page = open_train(start=1)
    assert not page.exception
    assert "the weights of #1 Source, epoch 2" in said(page)
    assert "Starts from the weights of #1 Source, epoch 2." in said(page)
    assert "All 20 tensors are taken" in said(page)
    start(page)
    about = store.run(2).about
    assert (about.start.run, about.start.how, about.start.epoch) == (run.id, "weights", 2)
    assert (about.parent, store.run(2).config.epochs) == ("", 7)


def test_the_start_can_be_dropped_and_the_address_follows(store):
    source(store)
    page = open_train(start=1)
    page.button(key="drop_start").click().run()
    assert not page.exception
    assert "start" not in page.query_params
    assert "from the beginning" in said(page)
    start(page)
    assert store.run(2).about.start is None


def test_a_run_chosen_from_cards_is_started_from_and_the_settings_stay(store):
    source(store)
    page = open_train(preset="lab_cnn")
    page.session_state["picked.own_start"] = "1"
    page.run()
    assert "".join(page.query_params["start"]) == "1"
    assert "the weights of #1 Source" in said(page)
    assert page.session_state[Key.DRAFT_SOURCE] == "lab_cnn"
    assert "the weights of #1 Source" in said(page.run())


def test_weights_of_another_network_cannot_be_started_from(store):
    source(store)
    page = open_train(start=1)
    page.session_state["picked.network"] = "vgg16"
    page.run()
    assert not page.exception
    assert "none of them fits" in said(page)
    assert "It cannot start from these weights; see the row Starting point." in texts(page)
    assert page.button(key="start").disabled


def test_weights_of_other_classes_are_taken_but_for_the_last_layer(store):
    run = source(store)
    names = {"classes": [f"kind {n}" for n in range(10)]}
    files.edit(run.path / "environment.json", dict, lambda old: {"data": old["data"] | names})
    page = open_train(start=1)
    assert "epoch 2; new head" in said(page)
    assert "The last layer is new." in said(page)
    assert any("the classes are others" in text.value for text in page.markdown)


@pytest.mark.parametrize("words", ["99", "1:nothing", "../../etc", "<b>"])
def test_a_start_that_is_not_there_is_said_once(store, words):
    source(store)
    page = open_page("train", start=words)
    assert not page.exception
    assert len(page.toast) == 1
    assert "start" not in page.query_params
    page.button(key="start").click().run()
    assert store.run(2).about.start is None


def test_a_clone_keeps_the_start_even_if_the_source_is_gone(store):
    first = source(store)
    start_from.begin(store, first.config, first, name="Child")
    page = open_train(clone=2)
    assert "the weights of #1 Source" in said(page)
    store.delete(first)
    page = open_train(clone=2)
    assert not page.exception
    assert "the weights of #1 Source, epoch 2" in said(page)
    assert "This is the copy that the cloned run has kept." in said(page)
    start(page)
    about = store.run(3).about
    assert (about.start.run, about.parent) == (first.id, store.run(2).id)


def test_a_preset_begins_again_without_the_weights(store):
    source(store)
    page = open_train(start=1)
    page.query_params["preset"] = "smoke"
    del page.query_params["start"]
    page.run()
    assert page.session_state[Key.DRAFT_START] is None


def test_another_division_of_the_same_images_is_warned_of(store):
    run = source(store)
    page = open_train(start=1)
    assert page.session_state[Key.DRAFT]["data"] == "synthetic:200"
    mark = {"fingerprint": data.load("synthetic:200", store.root).fingerprint}
    files.edit(run.path / "environment.json", dict, lambda old: {"data": old["data"] | mark})
    assert "too high" not in said(page.run())
    prefix = f"new{page.session_state[Key.DRAFT_NUMBER]}"
    page.session_state[f"{prefix}.split_seed"] = 5
    assert "Their accuracy will be too high." in said(page.run())


def test_teachers_are_named_added_and_removed(store):
    teacher = make_run(store, "Teacher", data="synthetic:200", split_seed=3)
    make_run(store, "Second")
    page = open_train(teacher=1)
    assert not page.exception
    assert page.session_state[Key.DRAFT]["data"] == teacher.config.data
    assert page.session_state[Key.DRAFT]["split_seed"] == 3  # it never saw these validation images
    assert "Learns from #1 Teacher as well as from the labels." in said(page)
    page.session_state["picked.own_teacher"] = "2"
    page.run()
    assert "".join(page.query_params["teacher"]) == "1,2"
    page.button(key="drop_teacher 0").click().run()
    assert "".join(page.query_params["teacher"]) == "2"
    assert [one.title for one in page.session_state[Key.DRAFT_TEACHERS]] == ["#2 Second"]


def test_the_command_names_the_start_and_the_teachers(store):
    source(store)
    make_run(store, "Teacher")
    page = open_train(start=1, teacher=2)
    (line,) = [code.value for code in page.code if "--preset" in code.value]
    assert line.endswith("--from 1 --teacher 2")


def test_the_row_offers_runs_only_where_there_are_any(store):
    page = open_train(preset="smoke")
    assert "choose_start" not in {button.key for button in page.button}
    source(store)
    assert "choose_start" in {button.key for button in page.run().button}


def test_all_runs_of_a_sweep_start_from_the_same_weights(store):
    first = source(store)
    page = open_train(start=1, vary="seed=1-2")
    assert not page.exception
    start(page)
    children = [store.run(number) for number in (2, 3)]
    assert [child.about.start.run for child in children] == [first.id] * 2
    assert sorted(child.config.seed for child in children) == [1, 2]


def test_a_rate_search_begins_with_the_same_weights_and_its_rate_leads_back_to_them(store):
    first = source(store)
    page = open_train(start=1)
    page.session_state["row.learning"] = True
    page.run()
    page.button(key="find_rate").click().run()
    assert not page.exception
    assert store.run(2).about.start.run == first.id
    page = open_train(search=2, rate="0.02")
    assert "the weights of #1 Source" in said(page)
