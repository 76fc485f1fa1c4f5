import pytest
from pages import make_run, open_page, texts

from cifar_core.runs import Store, files


@pytest.fixture
def store(page_store):
    return page_store


def names(page):
    return list(page.dataframe[0].value["name"])


def select(page, *places):
    """Tick rows of the table, as a click on their boxes does."""
    key = f"table {hash(tuple(row.id for row in Store.default().runs()))}"
    page.session_state[key] = {"selection": {"rows": list(places), "columns": [], "cells": []}}
    return page.run()


def test_an_empty_store_offers_exactly_one_button(store):
    page = open_page()
    assert not page.exception
    assert [button.label for button in page.button] == ["Set up a run"]
    assert "first network" in texts(page)


def test_the_button_of_the_empty_page_leads_to_a_new_run(store):
    page = open_page()
    page.button(key="first").click().run()
    assert not page.exception
    assert page.header[0].value == "New run"
    assert "".join(page.query_params["preset"]) == "smoke"


def test_the_table_shows_the_best_epoch_and_the_test_result(store):
    make_run(store, "First", accuracies=(0.4, 0.6, 0.5))
    make_run(store, "Second", "stopped", accuracies=())
    page = open_page()
    assert not page.exception
    table = page.dataframe[0].value
    assert list(table["number"]) == [2, 1]
    first = table.iloc[1]
    assert (first["best"], first["epoch"], first["test"]) == (60.0, "2 of 5", 45.0)
    assert list(first["state"]) == ["Finished"]
    assert list(first["curve"]) == [0.4, 0.6, 0.5]
    assert table.iloc[0]["epoch"] == "0 of 5"


def test_the_search_finds_every_word_anywhere_and_can_be_cleared(store):
    make_run(store, "Alpha", accuracies=(0.4,))
    make_run(store, "Beta", "failed", reason="diverged", accuracies=(0.1,))
    page = open_page()
    page.text_input(key="search").set_value("failed SGD").run()
    assert names(page) == ["Beta"]
    page.text_input(key="search").set_value("gamma").run()
    assert "0 of 2 runs shown." in texts(page)
    page.button(key="clear").click().run()
    assert names(page) == ["Beta", "Alpha"]


def test_a_deleted_run_comes_back_by_undo(store):
    make_run(store, "Alpha", accuracies=())
    make_run(store, "Beta", accuracies=())
    page = select(open_page(), 1)
    page.button(key="delete").click().run()
    assert not page.exception
    assert names(page) == ["Beta"]
    assert "Moved 1-alpha to the trash." in texts(page)
    page.button(key="undo").click().run()
    assert names(page) == ["Beta", "Alpha"]
    assert store.trash() == []


def test_the_trash_restores_a_run_and_asks_before_it_is_emptied(store):
    store.delete(make_run(store, "Alpha", accuracies=()))
    make_run(store, "Beta", accuracies=())
    page = open_page()
    page.toggle(key="show_trash").set_value(True).run()
    assert "Alpha" in texts(page)
    page.button(key="empty").click().run()
    assert len(store.trash()) == 1
    page.button(key="restore 1-alpha").click().run()
    assert [row.name for row in store.runs()] == ["Beta", "Alpha"]
    assert names(page) == ["Beta", "Alpha"]


def test_a_live_run_is_not_deleted_and_the_reason_is_said(store):
    make_run(store, "Busy", "running", accuracies=())
    page = select(open_page(), 0)
    page.button(key="delete").click().run()
    assert not page.exception
    assert "Stop it first" in page.toast[0].value
    assert names(page) == ["Busy"]


def test_one_selected_run_can_be_opened_and_cloned_but_two_cannot(store):
    make_run(store, "Alpha", accuracies=())
    make_run(store, "Beta", accuracies=())
    page = select(open_page(), 0, 1)
    assert {button.label for button in page.button} == {"New run", "Delete"}
    page = select(page, 0)
    page.button(key="open").click().run()
    assert "".join(page.query_params["id"]) == "2"
    assert "Beta" in page.header[0].value


def test_a_run_with_a_damaged_folder_is_still_listed(store):
    run = make_run(store, "Alpha", accuracies=())
    for name in ("status.json", "summary.json", "config.json"):
        (run.path / name).write_text("{")
    files.write_json(run.path / "about.json", {"name": "Alpha"})
    page = open_page()
    assert not page.exception
    assert list(page.dataframe[0].value["state"].iloc[0]) == ["Failed", "Damaged file"]
