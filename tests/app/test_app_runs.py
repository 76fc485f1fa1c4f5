import io
import os
from pathlib import Path

import pytest
from pages import answer, listed, make_run, open_page, run_list, texts, tick
from run_helpers import SMALL

from app import theme
from app.screens.runs import paged_list
from app.screens.runs import run_list as run_list_module
from cifar_core.config import TrainConfig
from cifar_core.disk import files
from cifar_core.runs.exchange.run_zip import export_run
from cifar_core.runs.listing import saved_listings
from cifar_core.runs.listing.table import USUAL, Listing
from cifar_core.runs.record import marks
from cifar_core.runs.record.records import About


@pytest.fixture
def store(page_store):
    return page_store


def names(page):
    return [line["name"] for line in listed(page)]


def test_an_empty_store_offers_a_first_run_own_images_and_the_examples(store):
    page = open_page()
    assert not page.exception
    assert {"first", "add_images", "bring_back"} <= {button.key for button in page.button}
    assert "What would you like to do?" in texts(page)
    assert "Ask a trained network" not in texts(page)


def test_the_first_run_starts_without_a_form_and_is_opened(store):
    page = open_page()
    page.button(key="first").click().run()
    assert not page.exception
    (row,) = store.runs()
    assert (row.name, row.state, row.settings["data"]) == (
        "First run on shapes",
        "queued",
        "synthetic",
    )
    assert "First run on shapes" in page.header[0].value


def test_own_images_lead_to_the_data(store):
    page = open_page()
    page.button(key="add_images").click().run()
    assert page.header[0].value == "Data"


def test_the_table_shows_the_best_epoch_and_the_test_result(store):
    make_run(store, "First", accuracies=(0.4, 0.6, 0.5))
    make_run(store, "Second", "stopped", accuracies=())
    page = open_page()
    assert not page.exception
    second, first = listed(page)
    assert (second["number"], first["number"]) == ("2", "1")
    assert (first["best"], first["epoch"], first["test"]) == ("60.0", "2 of 5", "45.0")
    assert (first["state"], first["curve"]) == ("Finished", [0.4, 0.6, 0.5])
    assert (second["state"], second["epoch"], second["curve"]) == ("Stopped", "", [])


def test_the_filter_finds_every_word_anywhere_and_can_be_cleared(store):
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
    page = tick(open_page(), 1)
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


def test_a_pinned_run_is_marked_found_and_stays_in_the_trash(store):
    make_run(store, "Alpha", accuracies=())
    pinned = make_run(store, "Beta", accuracies=())
    marks.pin(pinned, True)
    assert names(open_page()) == [["Beta", "Pinned"], "Alpha"]
    assert names(open_page(search="pin:yes")) == [["Beta", "Pinned"]]
    store.delete(pinned)
    page = open_page()
    page.toggle(key="show_trash").set_value(True).run()
    assert "Pinned, so it stays" in texts(page)
    assert page.button(key="empty").disabled
    store.delete(store.run(1))
    page.run()
    page.button(key="empty").click().run()
    assert "1 run with all curves" in texts(page)


def test_a_live_run_is_not_deleted_and_the_reason_is_said(store):
    make_run(store, "Busy", "running", accuracies=())
    page = tick(open_page(), 0)
    page.button(key="delete").click().run()
    assert not page.exception
    assert "Stop it first" in page.toast[0].value
    assert names(page) == ["Busy"]


def test_one_selected_run_can_be_opened_and_cloned_but_two_cannot(store):
    make_run(store, "Alpha", accuracies=())
    make_run(store, "Beta", accuracies=())
    page = tick(open_page(), 0, 1)
    labels = {button.label for button in page.button}
    assert labels & {"Train", "Delete", "Open", "Clone"} == {"Train", "Delete"}
    page = tick(page, 0)
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
    assert listed(page)[0]["state"] == ["Failed", "Damaged file"]


def test_terms_are_understood_and_what_is_not_is_said_below_the_box(store):
    make_run(store, "Alpha", accuracies=(0.4,))
    make_run(store, "Beta", accuracies=(0.6,))
    page = open_page()
    page.text_input(key="search").set_value("acc>50 opt:sgd").run()
    assert names(page) == ["Beta"]
    assert "1 of 2 runs shown" in texts(page)
    page.text_input(key="search").set_value("ach:resnet").run()
    assert not page.exception
    assert "There is no field 'ach'. Did you mean 'arch'?" in texts(page)
    assert names(page) == ["Beta", "Alpha"]


def test_the_whole_listing_is_in_the_address(store):
    make_run(store, "Alpha", accuracies=(0.4,))
    make_run(store, "Beta", accuracies=(0.6,), optimizer="adam")
    page = open_page(search="acc>1%", columns="name,rate,params,gone", sort="best", high="no")
    assert [list(line) for line in listed(page)] == [["name", "rate", "params"]] * 2
    assert names(page) == ["Alpha", "Beta"]
    page.multiselect(key="columns").set_value(["name", "seed"]).run()
    page.toggle(key="high").set_value(True).run()
    assert names(page) == ["Beta", "Alpha"]
    assert "".join(page.query_params["columns"]) == "name,seed"
    assert "high" not in page.query_params


def test_runs_of_several_seeds_are_one_line_with_mean_and_spread(store):
    for seed, best in enumerate((0.4, 0.6)):
        make_run(store, accuracies=(best,), seed=seed)
    make_run(store, accuracies=(0.3,), optimizer="adam")
    page = open_page(group="yes", sort="best")
    sgd, adam = listed(page)
    assert (sgd["settings"], sgd["runs"], sgd["best"]) == ("SGD", "2", "50.0")
    assert (adam["settings"], adam["runs"], adam["best"]) == ("Adam", "1", "30.0")
    assert (sgd["best_spread"], adam["best_spread"]) == ("14.1", "")
    assert (sgd["numbers"], adam["numbers"]) == (["#2", "#1"], ["#3"])
    assert "3 runs, in 2 groups" in texts(page)


def test_a_saved_listing_is_there_for_the_next_visitor_and_by_its_address(store):
    make_run(store, "Alpha", accuracies=(0.4,))
    make_run(store, "Beta", accuracies=(0.6,))
    page = open_page()
    page.text_input(key="search").set_value("acc>50").run()
    page.text_input(key="listing_name").input("Good ones")
    page.button(key="save_the_listing").click().run()
    assert not page.exception
    page = open_page()
    assert names(page) == ["Beta", "Alpha"]
    page.button(key="show good-ones").click().run()
    assert names(page) == ["Beta"]
    assert "".join(page.query_params["search"]) == "acc>50"
    page = open_page(view="good-ones")
    assert names(page) == ["Beta"]
    page.button(key="delete good-ones").click().run()
    assert saved_listings.listed(store) == []


def test_an_address_of_a_saved_listing_that_is_gone_is_said(store):
    make_run(store, "Alpha", accuracies=())
    page = open_page(view="gone")
    assert "There is no saved listing 'gone'" in page.toast[0].value.replace("\\", "")
    assert names(page) == ["Alpha"]


def test_ticked_runs_are_tagged_together(store):
    make_run(store, "Alpha", accuracies=())
    make_run(store, "Beta", accuracies=())
    page = tick(open_page(), 0, 1)
    page.text_input(key="bulk_tags_words").input("lab, Week-3")
    page.button(key="bulk_tags_add").click().run()
    assert not page.exception
    assert [row.tags for row in store.runs()] == [["lab", "week-3"]] * 2
    assert listed(page)[0]["tag"] == ["lab", "week-3"]
    page = tick(open_page(), 1)
    page.text_input(key="bulk_tags_words").input("lab")
    page.button(key="bulk_tags_remove").click().run()
    assert [row.tags for row in store.runs()] == [["lab", "week-3"], ["week-3"]]


def test_ticked_runs_are_resumed_and_stopped_together(store):
    for name in ("Alpha", "Beta"):
        make_run(store, name, "stopped", accuracies=())
    make_run(store, "Done", accuracies=())
    page = tick(open_page(), 0, 1, 2)
    page.button(key="bulk Resume").click().run()
    assert [row.number for row in store.queue()] == [1, 2]
    page = tick(open_page(), 0, 1, 2)
    page.button(key="bulk Now, with a checkpoint").click().run()
    assert [row.state for row in store.runs()] == ["finished", "stopped", "stopped"]


def test_a_run_is_imported_where_there_is_none_yet(store, tmp_path):
    file = io.BytesIO()
    run = make_run(store, "Alpha")
    export_run(run, file)
    store.delete(run)
    store.empty_trash(older_than_days=0)
    page = open_page()
    page.file_uploader[0].upload("run.zip", file.getvalue()[:-40], "application/zip")
    page.button(key="import_now").click().run()
    assert "not a valid zip" in texts(page)
    page.file_uploader[0].upload("run.zip", file.getvalue(), "application/zip")
    page.button(key="import_now").click().run()
    assert not page.exception
    assert "Alpha" in page.header[0].value
    assert "originally run 1-alpha" in texts(page).replace("\\", "")
    assert [row.name for row in store.runs()] == ["Alpha"]


def test_tags_note_and_star_are_edited_on_the_run_page(store):
    run = make_run(store, "Alpha", accuracies=())
    page = open_page("run", id=1)
    page.button(key="star").click().run()
    page.text_input(key="tags 1-alpha").input("lab new")
    page.text_area(key="note 1-alpha").input("**Good**")
    page.button(key="save_marks").click().run()
    assert not page.exception
    assert (run.about.starred, run.about.tags, run.about.note) == (
        True,
        ["lab", "new"],
        "**Good**",
    )
    assert "**Good**" in texts(page)


def test_a_note_fetches_no_picture():
    assert "![" not in theme.note("![x](https://example.org/x.png) ![y][z]")


def test_looking_again_reads_only_the_run_that_changed(store, monkeypatch):
    for number in range(12):
        run = make_run(store, f"Run {number}", accuracies=())
        os.utime(run.path, (1e9, 1e9))  # a folder that changed this moment is read again
    store.runs()
    read, real = [], files.sound
    monkeypatch.setattr(files, "sound", lambda path, *kind: read.append(path) or real(path, *kind))
    store.runs()
    assert read == []
    marks.star(store.run(3), True)
    read.clear()
    assert [row.number for row in store.runs() if row.starred] == [3]
    assert {path.relative_to(store.root).parts[1] for path in read} == {"3-run-2"}


def test_the_usual_columns_are_those_of_a_first_visit(store):
    make_run(store, "Alpha", accuracies=())
    page = open_page()
    assert tuple(listed(page)[0]) == USUAL == Listing().columns
    assert "search" not in page.query_params


def test_a_click_on_a_head_sorts_by_it_its_usual_way_then_the_other_then_newest_first(store):
    for name, best in (("Alpha", 0.4), ("Beta", 0.6), ("Gamma", 0.5)):
        make_run(store, name, accuracies=(best,))
    page = answer(open_page(), event="sort", value="best")
    assert names(page) == ["Beta", "Gamma", "Alpha"]
    assert ("".join(page.query_params["sort"]), run_list(page)["sort"]) == ("best", "-best")
    page = answer(page, event="sort", value="best")
    assert names(page) == ["Alpha", "Gamma", "Beta"]
    assert "".join(page.query_params["high"]) == "no"
    page = answer(page, event="sort", value="name")
    assert names(page) == ["Alpha", "Beta", "Gamma"]
    page = answer(answer(page, event="sort", value="name"), event="sort", value="name")
    assert names(page) == ["Gamma", "Beta", "Alpha"]
    assert not {"sort", "high"} & set(page.query_params)
    for column in ("gone", "curve", ["name"]):
        page = answer(page, event="sort", value=column)
        assert not page.exception
        assert "sort" not in page.query_params


def test_without_names_the_numbers_are_the_links(store):
    make_run(store, "Alpha", accuracies=(0.4,))
    (line,) = run_list(open_page(columns="number,best"))["lines"]
    assert line["cells"] == [[{"text": "#1", "run": 1}], "40.0"]
    (line,) = run_list(open_page(columns="number,name"))["lines"]
    assert line["cells"][0] == "1"


def test_a_run_that_waits_says_at_which_place_and_a_running_one_how_far_it_is(store):
    for name in ("Alpha", "Beta"):
        store.submit(store.create(TrainConfig(**SMALL), name=name))
    make_run(store, "Gamma", "running", accuracies=(0.1, 0.2))
    store.move_up(store.run(2))
    page = open_page(search="state:queued")
    assert [line["state"] for line in listed(page)] == ["Queued, 1st", "Queued, 2nd"]
    assert listed(open_page())[0]["state"] == ["Running", "2 of 5"]


def test_ticks_outlive_a_filter_but_only_the_runs_in_sight_are_acted_on(store):
    make_run(store, "Alpha", accuracies=())
    make_run(store, "Beta", accuracies=())
    page = tick(open_page(), 0, 1)
    assert "2 selected" in texts(page)
    page.text_input(key="search").set_value("alpha").run()
    assert "1 selected" in texts(page)
    page.button(key="delete").click().run()
    assert [row.name for row in store.trash()] == ["Alpha"]
    page.text_input(key="search").set_value("").run()
    assert run_list(page)["ticks"]["ids"] == ["1-alpha", "2-beta"][::-1]
    page.button(key="tick_none").click().run()
    assert run_list(page)["ticks"] == {"ids": [], "version": 1}
    assert "1 run" in texts(page)


def test_many_runs_are_listed_by_pages_and_ticked_all_at_once(store, monkeypatch):
    monkeypatch.setattr(paged_list, "MOST_LINES", 2)
    for name in ("Alpha", "Beta", "Gamma"):
        make_run(store, name, accuracies=())
    page = open_page()
    assert names(page) == ["Gamma", "Beta"]
    page.session_state["page"] = 2
    page = tick(page.run(), 0)
    assert names(page) == ["Alpha"]
    assert "3 to 3 of 3" in texts(page)
    page.text_input(key="search").set_value("a").run()
    assert names(page) == ["Gamma", "Beta"]
    assert "1 selected" in texts(page)
    page = tick(page, 0, 1)
    page.button(key="tick_all").click().run()
    assert "3 selected" in texts(page)
    assert "tick_all" not in {button.key for button in page.button}


def test_the_page_of_the_address_is_there_at_the_first_drawing(store, monkeypatch):
    monkeypatch.setattr(paged_list, "MOST_LINES", 2)
    for name in ("Alpha", "Beta", "Gamma"):
        make_run(store, name, accuracies=())
    page = open_page(page=2)
    assert names(page) == ["Alpha"]
    assert "3 to 3 of 3" in texts(page)
    assert names(open_page(page=77)) == ["Gamma", "Beta"]


@pytest.mark.parametrize(
    "message", ["text", 7, [], {}, {"ids": ["1-alpha"]}, {"version": 0}, {"ids": 3, "version": 0},
                {"ids": [{}], "version": 0}, {"ids": ["1-alpha"], "version": "new"}],
)  # fmt: skip
def test_a_message_that_the_list_does_not_send_ticks_nothing(store, message):
    make_run(store, "Alpha", accuracies=())
    page = answer(open_page(), ticked=message)
    assert not page.exception
    assert run_list(page)["ticks"] == {"ids": [], "version": 0}


def test_an_example_is_marked_as_one_and_needs_no_column_of_tags(store):
    run = make_run(store, "Alpha", accuracies=())
    marks.tag(run, ["example"])
    assert "tag" in listed(open_page())[0]  # anyone may use the word
    files.edit(run.path / "about.json", About, lambda _: {"example": "photographs"})
    page = open_page()
    assert names(page) == [["Alpha", "example"]]
    assert "1 example" in texts(page)
    assert "1 run" not in texts(page)
    assert tuple(listed(page)[0]) == USUAL
    make_run(store, "Beta", accuracies=())
    assert "1 run and 1 example" in texts(open_page())


def test_a_name_reaches_the_browser_as_it_was_typed(store):
    make_run(store, "<img src=x onerror=alert(1)> **bold** :smile:", accuracies=())
    (name,) = names(open_page())
    assert name == "<img src=x onerror=alert(1)> **bold** :smile:"
    script = (Path(run_list_module.__file__).parent / "run_list.js").read_text("utf-8")
    assert "HTML" not in script


@pytest.mark.parametrize(
    ("place", "words"), [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"),
                         (12, "12th"), (21, "21st"), (112, "112th")],
)  # fmt: skip
def test_places_are_ordinals(place, words):
    assert theme.ordinal(place) == words
