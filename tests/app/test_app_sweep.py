import pytest
from pages import environment, listed, make_run, open_page, texts
from streamlit.testing.v1 import AppTest
from test_sweeps import BASE, TWO, finish, finish_all

from cifar_core.disk import files
from cifar_core.runs.sweeps import edits, hyperparameter_search, search_space, sweeps
from cifar_core.runs.sweeps.edits import Edit


@pytest.fixture
def store(page_store):
    return page_store


def prefix(page):
    return f"new{page.session_state['draft_number']}"


def plain(page):
    return texts(page).replace("\\", "")


def test_the_settings_are_compared_in_a_table_and_in_words(store):
    sweep = sweeps.create(store, BASE, TWO, [1, 2, 3], name="Optimizers")
    finish_all(store, sweep, lambda cell, seed: 0.6 + 0.1 * cell + 0.003 * seed * (1 + cell))
    page = open_page("sweep", id=1)
    assert not page.exception
    assert "Sweep 1: Optimizers" in page.header[0].value
    table = page.dataframe[0].value
    assert list(table["setting"]) == ["Adam, learning rate 0.001", "SGD, learning rate 0.1"]
    assert table["mean"][0] == pytest.approx(71.2)
    assert table["seeds"][0] == "3 of 3"
    assert "Adam, learning rate 0.001 is better than SGD, learning rate 0.1 by" in plain(page)
    assert "not for choosing" in plain(page)


def test_no_run_is_drawn_as_the_best_on_test(store):
    sweep = sweeps.create(store, BASE, TWO, [1, 2])
    finish_all(store, sweep, lambda cell, seed: 0.6 + 0.1 * cell)
    for row in store.runs():
        files.edit(store.run(row.id).path / "environment.json", dict, lambda _: environment())
        files.edit(store.run(row.id).path / "summary.json", dict, lambda _: {"test_accuracy": 0.65})
    page = open_page("sweep", id=1)
    assert not page.exception
    assert "Best run" not in page.get("plotly_chart")[0].proto.spec


def test_another_baseline_reverses_the_comparison(store):
    sweep = sweeps.create(store, BASE, TWO, [1, 2, 3])
    finish_all(store, sweep, lambda cell, seed: 0.6 + 0.1 * cell + 0.003 * seed * (1 + cell))
    page = open_page("sweep", id=1)
    page.selectbox(key="baseline 1").select(0).run()
    assert not page.exception
    assert "by 10.60 points (95 % interval 9." in plain(page)


def test_a_sweep_without_a_result_says_so_and_can_be_stopped_and_go_on(store):
    sweep = sweeps.create(store, BASE, TWO, [1, 2])
    page = open_page("sweep", id=1)
    assert not page.exception
    assert "No run has finished yet." in plain(page)
    page.button(key="act Stop queued runs only").click().run()
    assert {row.state for row in sweeps.runs_of(store, sweep)} == {"stopped"}
    page.button(key="act Resume").click().run()
    assert {row.state for row in sweeps.runs_of(store, sweep)} == {"queued"}


def test_one_finished_run_of_many_is_drawn_already(store):
    sweep = sweeps.create(store, BASE, TWO, [1, 2])
    finish(store, sweeps.runs_of(store, sweep)[1], [0.3, 0.6])
    page = open_page("sweep", id=1)
    assert not page.exception
    assert "highest mean validation accuracy, 60.00 % over 1 seed" in plain(page)


def dialog():
    """Draw the dialog's content, which AppTest would close with the next click."""
    from app.screens.sweep.edit import contents
    from app.session import store
    from cifar_core.runs.sweeps import sweeps

    sweep = sweeps.find(store(), 1)
    contents(sweep, sweeps.runs_of(store(), sweep))


def edit_page():
    page = AppTest.from_function(dialog).run()
    assert not page.exception
    return page


def test_an_edit_says_what_follows_before_it_is_saved(store):
    sweep = sweeps.create(store, BASE, TWO, [1, 2])
    finish_all(store, sweep, lambda cell, seed: 0.5)
    page = open_page("sweep", id=1)
    page.button(key="edit").click().run()
    assert not page.exception
    assert "Nothing would change." in plain(page)

    page = edit_page()
    assert page.button(key="edit sweep save").disabled
    page.number_input(key="edit sweep seeds").set_value(4).run()
    assert "4 runs are added to the queue. \u2248 60" in plain(page)
    page.button(key="edit sweep save").click().run()
    assert not page.exception
    assert sweeps.find(store, 1).seeds == [1, 2, 3, 4]


def opened_dialog():
    """Draw the dialog's content again and again with the sweep that it was opened with."""
    import streamlit as st

    from app.screens.sweep.edit import contents
    from app.session import store
    from cifar_core.runs.sweeps import sweeps

    sweep = st.session_state.setdefault("opened with", sweeps.find(store(), 1))
    contents(sweep, sweeps.runs_of(store(), sweep))


def test_an_edit_in_an_open_dialog_keeps_what_another_person_changes_meanwhile(store):
    sweep = sweeps.create(store, BASE, TWO, [1])
    page = AppTest.from_function(opened_dialog).run()
    wider = [[{"learning_rate": 0.123}]]
    edits.apply(store, sweep, Edit(name="Hers", add=wider, add_seeds=[2, 3], priority="last"))
    page.run()
    assert "Nothing would change." in plain(page)
    page.multiselect(key="edit sweep places").set_value([1]).run()
    page.button(key="edit sweep save").click().run()
    assert not page.exception
    now = sweeps.find(store, 1)
    assert (now.name, now.priority, now.seeds) == ("Hers", "last", [1, 2, 3])
    assert [cell.removed for cell in now.cells] == [True] + [False] * (len(now.cells) - 1)
    assert len(now.cells) > len(sweep.cells)


def test_a_wrong_value_is_said_in_the_dialog_and_cannot_be_saved(store):
    sweeps.create(store, BASE, TWO, [1])
    page = edit_page()
    page.selectbox(key="edit sweep setting").set_value("momentum").run()
    page.text_input(key="edit sweep values of momentum").set_value("0.8, fast").run()
    assert "must lie between" in page.error[0].value
    assert page.button(key="edit sweep save").disabled
    page.text_input(key="edit sweep values of momentum").set_value("0.8").run()
    assert not page.error
    assert "1 run is added to the queue." in plain(page)  # Adam has no momentum


def test_a_removed_setting_is_shown_when_asked_for(store):
    sweep = sweeps.create(store, BASE, TWO, [1, 2, 3])
    finish_all(store, sweep, lambda cell, seed: 0.5 + 0.1 * cell)
    page = edit_page()
    page.multiselect(key="edit sweep places").set_value([1]).run()
    page.button(key="edit sweep save").click().run()
    page = open_page("sweep", id=1)
    assert len(page.dataframe[0].value) == 1
    page.toggle(key="removed_settings").set_value(True).run()
    assert "SGD, learning rate 0.1, removed" in list(page.dataframe[0].value["setting"])


def test_a_search_is_edited_on_its_page(store):
    space = search_space.space_of(["learning_rate=0.001..0.1", "optimizer=sgd,adam"])
    hyperparameter_search.create(store, BASE, space, budget=4)
    page = edit_page()
    page.number_input(key="edit sweep budget").set_value(6).run()
    page.text_input(key="edit sweep range of optimizer").set_value("sgd").run()
    assert "only one value" in page.error[0].value
    page.text_input(key="edit sweep range of optimizer").set_value("").run()
    page.segmented_control(key="edit sweep priority").set_value("last").run()
    page.button(key="edit sweep save").click().run()
    assert not page.exception
    edited = sweeps.find(store, 1)
    assert (edited.search["budget"], list(edited.search["space"])) == (6, ["learning_rate"])
    assert edited.priority == "last"


@pytest.mark.parametrize("query", [{}, {"id": "7"}])
def test_an_address_of_no_sweep_is_told_kindly(store, query):
    page = open_page("sweep", **query)
    assert not page.exception
    assert "No such sweep" in page.subheader[0].value


def test_the_list_of_runs_marks_those_of_a_sweep(store):
    make_run(store, "Alone")
    sweeps.create(store, BASE, TWO, [1], name="Optimizers")
    page = open_page("runs")
    assert not page.exception
    assert [line["sweep"] for line in listed(page)] == ["1", "1", ""]


def choose_how(page, way):
    """Open the row of sweeps, and choose a way to train several runs."""
    page.session_state["row.repeats-and-sweeps"] = True
    page.run()
    page.segmented_control(key="several_how").set_value(way).run()


def test_several_values_are_chosen_counted_and_started_as_one_sweep(store):
    page = open_page("train", preset="smoke")
    choose_how(page, "grid")
    page.multiselect(key=f"{prefix(page)}.vary").set_value(["optimizer", "seed"]).run()
    page.multiselect(key=f"{prefix(page)}.vary.optimizer").set_value(["sgd", "adam"]).run()
    assert not page.exception
    page.text_input(key=f"{prefix(page)}.vary.rates.adam").set_value("0.001, 0.003").run()
    page.text_input(key=f"{prefix(page)}.vary.seed").set_value("1-2").run()
    assert "3 optimizers and rates x 2 seeds = 6 runs" in plain(page)
    assert page.button(key="start").label == "Start 6 runs"
    page.button(key="start").click().run()
    assert not page.exception
    (sweep,) = sweeps.listed(store)
    assert [cell.changes for cell in sweep.cells] == [
        {"optimizer": "sgd", "learning_rate": 0.1},
        {"optimizer": "adam", "learning_rate": 0.001},
        {"optimizer": "adam", "learning_rate": 0.003},
    ]
    assert sweep.seeds == [1, 2]
    assert len(store.runs()) == 6


def test_what_is_wrong_with_a_list_is_said_beside_it_and_blocks_the_start(store):
    page = open_page("train", preset="smoke")
    choose_how(page, "grid")
    page.text_input(key=f"{prefix(page)}.vary.seed").set_value("one").run()
    assert "seed is 'one'" in plain(page)
    assert page.button(key="start").disabled


def test_the_address_can_name_what_varies(store):
    page = open_page("train", preset="smoke", vary="learning_rate=0.001..0.1 x3")
    assert not page.exception
    assert "3 rates x 1 seed = 3 runs" in plain(page)


def test_a_search_shows_the_best_so_far_and_its_best_are_trained_with_seeds(store):
    space = search_space.space_of(["learning_rate=0.001..0.1"])
    found = hyperparameter_search.create(store, BASE, space, budget=4, name="Rates")
    for _ in range(4):
        hyperparameter_search.step(store, found.id)
        for row in sweeps.runs_of(store, found):
            if row.state == "queued":
                finish(store, row, [0.3, 0.4 + row.learning_rate])
    page = open_page("sweep", id=1)
    assert not page.exception
    assert "Best so far: learning rate" in plain(page)
    assert "Search 1: Rates" in page.header[0].value
    assert "4 of 4 runs were proposed: 4 finished." in plain(page)
    assert list(page.dataframe[0].value["outcome"]) == ["Finished"] * 4
    assert "seeds" not in page.dataframe[0].value
    page.button(key="act End the search").click().run()
    assert not sweeps.find(store, 1).is_active
    page.button(key="repeat").click().run()
    assert not page.exception
    made = sweeps.find(store, 2)
    assert (len(made.cells), made.seeds) == (3, [1, 2, 3])
    assert "Best of Rates" in page.header[0].value


def test_a_search_before_its_first_run_is_drawn(store):
    hyperparameter_search.create(
        store, BASE, search_space.space_of(["learning_rate=0.001..0.1"]), budget=4
    )
    page = open_page("sweep", id=1)
    assert not page.exception
    assert "No run has finished yet. 0 of 4 runs were proposed." in plain(page)


def test_the_best_run_of_a_search_is_put_into_the_form(store):
    found = hyperparameter_search.create(
        store, BASE, search_space.space_of(["learning_rate=0.001..0.1"]), budget=2
    )
    for value in (0.6, 0.5):
        hyperparameter_search.step(store, found.id)
        queued = [row for row in sweeps.runs_of(store, found) if row.state == "queued"]
        finish(store, queued[0], [value])
    page = open_page("sweep", id=1)
    page.button(key="best").click().run()
    assert not page.exception
    assert "Copied from run 1. Change anything you like." in plain(page)
    assert page.session_state["draft"]["learning_rate"] == pytest.approx(
        sweeps.runs_of(store, found)[0].learning_rate
    )


@pytest.mark.parametrize("kind", ["In order", "Learning rate", "Optimizer", "Curves"])
def test_a_search_is_drawn_in_order_by_setting_and_by_epoch(store, kind):
    space = search_space.space_of(["learning_rate=0.001..0.1", "optimizer=sgd,adam"])
    found = hyperparameter_search.create(store, BASE, space, budget=3)
    hyperparameter_search.step(store, found.id)
    finish(store, sweeps.runs_of(store, found)[0], [0.3, 0.6])
    hyperparameter_search.step(store, found.id)
    page = open_page("sweep", id=1)
    page.get("button_group")[0].set_value(kind).run()
    assert not page.exception
    assert page.get("plotly_chart")
