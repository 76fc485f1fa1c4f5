"""The page of one data set, in every state: its head, its five tabs, its menu."""

import json

import numpy as np
import pytest
from pages import make_run, open_page, texts
from PIL import Image

from app.screens.data.one_set import duplicates as duplicates_tab
from app.screens.data.one_set import menu as menus
from app.screens.data.one_set import reading_options
from app.session import Key
from cifar_core import data
from cifar_core.background.jobs import Job
from cifar_core.data.contents import Columns
from cifar_core.data.decoding.lists import keep_lists
from cifar_core.data.layout.split_off import SPLIT
from cifar_core.data.options import SetOptions, options_of
from cifar_core.data.options import folder_of as decided_in
from cifar_core.data.review.duplicates import Duplicates, Near
from cifar_core.errors import DataError
from cifar_core.people import OPERATOR, VIEWER, Person
from cifar_core.runs.store import image_sets

ODD = '=cmd|"<b>*cat*<i> \U0001f431'  # a class whose name is a formula, markup and an emoji


@pytest.fixture
def store(page_store, tmp_path):
    """Return a store with a data folder of its own, in which the drawn images are kept too."""
    shared = page_store.root / "data"
    kept = shared.resolve()
    data.load("synthetic", page_store.root)
    shared.unlink()
    (page_store.root / "data" / "cache").mkdir(parents=True)
    for one in (kept / "cache").glob("*/"):
        if one.name.startswith("Synthetic"):
            (page_store.root / "data" / "cache" / one.name).symlink_to(one)
    return page_store


def folder_of(path, amounts=None, parts=(("train", 1), ("test", 1)), side=32):
    """Make a folder of images, as many of each class as `amounts` says, and return its source."""
    seed = 0
    for part, share in parts:
        for name, amount in (amounts or {"cat": 3, "dog": 2}).items():
            folder = path / part / name
            folder.mkdir(parents=True)
            for number in range(max(2, amount // share)):
                seed += 1
                picture = np.random.default_rng(seed).integers(0, 255, (side, side, 3), np.uint8)
                Image.fromarray(picture).save(folder / f"{number}.png")
    return str(path.resolve())


def tiles(page, key):
    """Return what a gallery was given, as the browser gets it; an empty list if it is not drawn."""
    for component in page.get("bidi_component"):
        if component.proto.component_name.endswith("gallery") and f"-{key}" in component.proto.id:
            return json.loads(component.proto.json)["tiles"]
    return []


def click(page, key, image):
    """Click an image of a gallery, as the browser does."""
    (shown,) = [c for c in page.get("bidi_component") if f"-{key}" in c.proto.id]
    states = page._tree.get_widget_states()
    event = states.widgets.add(id=f"$$STREAMLIT_INTERNAL_KEY_{shown.proto.id}__events")
    event.json_trigger_value = json.dumps([{"event": "opened", "value": image}])
    return page._run(states)


def as_person(monkeypatch, role):
    monkeypatch.setattr("app.session.person", lambda: Person(name="vi", role=role))


# ---- the head and the images


def test_the_head_says_whether_the_images_can_be_trusted_and_samples_have_their_names(store):
    page = open_page("data", set="synthetic")
    assert not page.exception
    assert page.header[0].value == "Synthetic shapes"
    assert "12,000 images of 10 classes; the same number of each." in texts(page)
    assert [tab.label for tab in page.tabs] == ["Images", "Classes", "Sizes", "Duplicates", "Files"]
    shown = tiles(page, "images")
    assert len(shown) == 40
    assert [tile["truth"] for tile in shown].count("ring") == 4
    page.button(key="others").click().run()
    assert tiles(page, "images") != shown
    assert page.button(key="train").label == "Train on these images"


def test_one_class_of_the_test_images_is_shown_with_names(store):
    page = open_page("data", set="synthetic")
    page.selectbox(key="class of synthetic").select("ring").run()
    page.segmented_control(key="part of synthetic").set_value("test").run()
    page.segmented_control(key="size").set_value("Large").run()
    assert not page.exception
    assert "12 of 200 test images, chosen at random. Click one to see it larger." in texts(page)
    assert all(tile["truth"].startswith("Test image ") for tile in tiles(page, "images"))


def test_a_click_shows_an_image_larger_with_what_is_known(store, tmp_path):
    source = folder_of(tmp_path / "pets")
    page = open_page("data", set=source)
    click(page, "images", "4")
    assert not page.exception
    table = page.table[0].value
    assert "dog" in table["Value"].tolist()
    assert "Training" in table["Value"].tolist()


@pytest.mark.parametrize("image", ["10000000", "-1", "x"])
def test_a_click_on_no_image_is_ignored(store, image):
    page = click(open_page("data", set="synthetic"), "images", image)
    assert not page.exception
    assert not page.table


def test_uneven_classes_with_odd_names_are_said_and_shown(store, tmp_path):
    source = folder_of(tmp_path / "<i>odd", {ODD: 200, "dog": 8})
    page = open_page("data", set=source, tab="classes")
    assert not page.exception
    assert page.header[0].value == "\\<i\\>odd"
    words = texts(page)
    assert "416 images of 2 classes" in words
    assert "96.2\u00a0% are" in words
    assert "<b>" not in words.replace("\\<b\\>", "")
    assert "that always answers" in words
    table = page.dataframe[0].value
    assert table["Class"].tolist() == [ODD, "dog"]
    assert table["Training"].tolist() == [200, 8]


def test_a_chosen_class_shows_its_images(store):
    page = open_page("data", set="synthetic", tab="classes")
    assert "Click a class in the table" in texts(page)
    choose_row(page, "classes of synthetic", 2)
    assert not page.exception
    shown = tiles(page, "images of class 2")
    assert len(shown) == 24
    assert all("cross" in tile["title"] for tile in shown)


def choose_row(page, key, row):
    """Click a cell of a row of a table, as the browser does."""
    (shown,) = [table for table in page.dataframe if key in table.proto.id]
    states = page._tree.get_widget_states()
    value = {"selection": {"rows": [], "columns": [], "cells": [[row, "Class"]]}}
    states.widgets.add(id=shown.proto.id).string_value = json.dumps(value)
    return page._run(states)


def test_a_thousand_classes_are_a_table(store, tmp_path, monkeypatch):
    source = folder_of(tmp_path / "many", {f"class {i:04}": 1 for i in range(300)}, side=8)
    page = open_page("data", set=source, tab="classes")
    assert not page.exception
    assert len(page.dataframe[0].value) == 300
    assert "1,200 images of 300 classes" in texts(page)


# ---- sizes


def test_images_without_files_have_one_size(store):
    page = open_page("data", set="synthetic", tab="sizes")
    assert not page.exception
    assert "All images are 32 x 32 pixels" in texts(page)
    assert not page.get("plotly_chart")


def test_pictures_of_many_sizes_are_bars_that_show_their_images(store, tmp_path):
    source = folder_of(tmp_path / "pets", side=40)
    for place, (width, height) in enumerate([(300, 100), (20, 60)]):
        picture = Image.new("RGB", (width, height), (90 * place, 30, 0))
        picture.save(tmp_path / "pets" / "train" / "cat" / f"odd {place}.png")
    page = open_page("data", set=source, tab="sizes")
    assert not page.exception
    words = texts(page)
    assert (
        "Usually 40 x 40 pixels (the medians); the smallest is 20 x 60, the largest 300 x 100."
        in words
    )
    assert "They were cropped to a square and scaled to 32 x 32." in words
    (chart,) = page.get("plotly_chart")
    states = page._tree.get_widget_states()
    value = {"selection": {"points": [{"point_index": 2}], "point_indices": [2], "box": [],
                           "lasso": []}}  # fmt: skip
    states.widgets.add(id=chart.proto.id).string_value = json.dumps(value)
    page._run(states)
    assert not page.exception
    shown = tiles(page, "images width 300")
    assert [tile["truth"] for tile in shown] == ["odd 0.png"]
    assert "300 x 100 pixels" in shown[0]["title"]


# ---- duplicates


@pytest.fixture
def found(monkeypatch, tmp_path):
    """Return a function that keeps duplicates as if they had been found."""
    result = tmp_path / "found.json"

    def keep(exact=(), near=()):
        result.write_text("{}")
        near = tuple(Near(images=images, distance=0.1) for images in near)
        kept = Duplicates(exact=tuple(exact), near=near)
        monkeypatch.setattr(duplicates_tab.duplicates, "kept", lambda *_: kept)

    def look(dataset, root, by):
        return Job(root=root, by=by, path=result, work=compute, request={})

    monkeypatch.setattr(duplicates_tab.duplicates, "look", look)
    return keep


def compute(request, report):
    """Stand for the work of a job."""


def test_duplicates_are_looked_for_with_a_click(store, found, monkeypatch):
    page = open_page("data", set="synthetic", tab="duplicates")
    assert not page.exception
    assert "in 12,000 images" in texts(page)
    started = []
    monkeypatch.setattr(Job, "start", lambda job: started.append(job.by) or True)
    page.button(key="duplicates start").click().run()
    assert started == [store.by.name]


def test_in_a_small_set_they_are_looked_for_without_a_click(store, found, monkeypatch, tmp_path):
    monkeypatch.setenv("CIFAR_UNASKED", "on")
    started = []
    monkeypatch.setattr(Job, "start", lambda job: started.append(job.by) or True)
    open_page("data", set="synthetic")
    assert started == []
    open_page("data", set=folder_of(tmp_path / "pets"))
    assert started == [store.by.name]


def test_what_was_found_is_in_the_head_and_side_by_side(store, found):
    found(
        exact=[(("train", 5), ("test", 7)), (("train", 1), ("train", 2001))],
        near=[(("train", 3), ("test", 9), ("test", 10))],
    )
    page = open_page("data", set="synthetic", tab="duplicates")
    assert not page.exception
    words = texts(page)
    assert "1 test image is also a training image" in words
    assert "2 test images are nearly a training image" in words
    kinds = page.segmented_control(key="alike in synthetic")
    assert kinds.options[0] == "In two parts (5 images)"
    leaked = tiles(page, "alike True 5")
    assert [tile["key"] for tile in leaked] == ["5", "10007"]
    assert leaked[1]["truth"].endswith(", test: Test image 7")
    kinds.set_value("near").run()
    assert len(tiles(page, "alike False 3")) == 3


def test_a_set_without_duplicates_says_so(store, found):
    found()
    page = open_page("data", set="synthetic", tab="duplicates")
    assert "No image is in the set twice" in texts(page)


# ---- files


def test_files_that_were_left_out_are_listed_and_can_be_downloaded(store, tmp_path):
    source = folder_of(tmp_path / "pets")
    data.load(source, store.root)
    keep_lists(store.root, source, [("train/cat/=x.jpg", "It is *cut* short.")], [])
    page = open_page("data", set=source, tab="files")
    assert not page.exception
    table = page.dataframe[0].value
    assert table["File"].tolist() == ["train/cat/=x.jpg"]
    assert table["Reason"].tolist() == ["It is *cut* short."]
    assert [one.label for one in page.get("download_button")] == ["CSV"]
    facts = page.table[0].value["Value"].tolist()
    assert any(str(tmp_path) in str(value).replace("\\", "") for value in facts)
    assert "Each run keeps part" in texts(page)


def test_a_refused_set_says_why_lists_the_files_and_cannot_be_trained_on(
    store, tmp_path, monkeypatch
):
    source = folder_of(tmp_path / "pets")
    keep_lists(store.root, source, [(f"{i}.jpg", "broken") for i in range(30)], [])

    def refuse(*_, **__):
        raise DataError("30 of 40 pictures cannot be read. Replace them, or allow more.")

    monkeypatch.setattr("app.screens.data.one_set.page.opened", refuse)
    page = open_page("data", set=source)
    assert not page.exception
    assert page.error[0].value == "30 of 40 pictures cannot be read. Replace them, or allow more."
    assert len(page.dataframe[0].value) == 30
    assert "train" not in [button.key for button in page.button]
    assert page.button(key="again")


def loose(path, names):
    """Make a folder of pictures that lie in no folders, and return its source."""
    path.mkdir()
    for seed, name in enumerate(names):
        noise = np.random.default_rng(seed).integers(0, 255, (32, 32, 3), np.uint8)
        Image.fromarray(noise).save(path / name)
    return str(path.resolve())


def test_a_pattern_that_the_names_fit_is_one_click_away(store, tmp_path, monkeypatch):
    names = [f"{label}_{n}.png" for label in ("cat", "dog") for n in range(5)]
    source = loose(tmp_path / "pets", names)
    page = open_page("data", set=source)
    assert not page.exception
    assert page.error
    assert page.text_input(key="use pattern text").value == "{class}_{number}"
    monkeypatch.setenv("ASKED_SET", source)
    assert app_of(dialog).text_input(key="pattern").value == "{class}_{number}"
    next(button for button in page.button if button.label == "Use this pattern").click().run()
    assert not page.error
    assert "10 images of 2 classes" in texts(page)
    as_person(monkeypatch, VIEWER)
    image_sets.keep_options(store.root, source, SetOptions())
    page = open_page("data", set=source)
    assert "Use this pattern" not in [button.label for button in page.button]


def test_columns_of_a_table_are_shown_until_a_person_confirms_them(store, tmp_path, monkeypatch):
    source = loose(tmp_path / "pets", [f"{n}.png" for n in range(8)])
    lines = ["id,*kind*", *(f"{n},{kind}" for n, kind in enumerate(["a", "b"] * 4))]
    (tmp_path / "pets" / "labels.csv").write_text("\n".join(lines))
    shown = "Labels come from **labels.csv**: file = id, class = \\*kind\\*."
    page = open_page("data", set=source)
    assert not page.exception
    assert shown in texts(page)
    assert page.button(key="change columns")
    decoded = data.load(source, store.root).fingerprint
    page.button(key="confirm").click().run()
    assert not page.exception
    assert shown not in texts(page)
    assert options_of(store.root, source).confirmed
    assert data.load(source, store.root).fingerprint == decoded


# ---- the menu


def test_a_set_is_renamed(store, tmp_path):
    source = folder_of(tmp_path / "pets")
    page = open_page("data", set=source)
    name = page.text_input[0]
    assert (name.label, name.value) == ("Name", "pets")
    name.set_value("Our <pets>")
    next(b for b in page.button if b.label == "Save").click().run()
    assert not page.exception
    assert page.header[0].value == "Our \\<pets\\>"
    assert "**Our \\<pets\\>**" in [x.proto.label for x in open_page("data").get("page_link")]


def test_a_set_is_removed_and_restored(store, tmp_path, monkeypatch):
    source = folder_of(tmp_path / "pets")
    gone = []
    monkeypatch.setattr(menus, "go", lambda name: gone.append(name))
    page = open_page("data", set=source)
    page.button(key="remove").click().run()
    assert gone == ["data"]
    assert (tmp_path / "pets" / "train").is_dir()
    page = open_page("data", set=source)
    assert "These images were removed." in texts(page)
    page.button(key="restore").click().run()
    assert "5 of 5 training images" in texts(page)


def test_the_data_page_undoes_a_removal_and_lists_what_was_removed(store, tmp_path):
    source = folder_of(tmp_path / "pets")
    data.load(source, store.root)
    image_sets.remove(store, source)
    page = open_page("data")
    assert not page.exception
    page.session_state[Key.REMOVED_SET] = source
    page.run()
    assert "Removed pets." in texts(page)
    assert page.button(key=f"restore {source}")
    page.button(key="undo").click().run()
    assert not page.exception
    assert not options_of(store.root, source).removed
    assert "Removed pets." not in texts(page)


def test_a_set_that_a_run_waits_for_is_not_removed(store, tmp_path):
    source = folder_of(tmp_path / "pets")
    run = make_run(store, "Waits", "queued", data=source)
    page = open_page("data", set=source)
    page.button(key="remove").click().run()
    assert not page.exception
    assert f"(#{run.number})" in page.toast[0].value.replace("\\", "")
    assert not options_of(store.root, source).removed


def test_drawn_images_have_a_name_to_change_and_nothing_to_remove(store):
    page = open_page("data", set="synthetic")
    assert page.text_input[0].value == "Synthetic shapes"
    assert not {"remove", "again", "options"} & {button.key for button in page.button}


def test_a_viewer_sees_everything_and_changes_nothing(store, tmp_path, monkeypatch):
    source = folder_of(tmp_path / "pets")
    data.load(source, store.root)
    as_person(monkeypatch, VIEWER)
    for tab in ("images", "classes", "sizes", "duplicates", "files"):
        page = open_page("data", set=source, tab=tab)
        assert not page.exception
        assert not page.error
        assert not {"train", "remove", "again", "options"} & {b.key for b in page.button}
        assert not page.text_input


# ---- how the images are read


def dialog():
    """Draw the dialog's content, which AppTest would close with the next click."""
    import os

    from app import boundary
    from app.screens.data.one_set import reading_options
    from app.session import store
    from cifar_core.data.listing import describe

    one = describe(os.environ["ASKED_SET"], store().root, {})
    boundary.part(reading_options.form)(one)


@pytest.fixture
def asked(store, tmp_path, monkeypatch):
    source = folder_of(tmp_path / "pets")
    monkeypatch.setenv("ASKED_SET", source)
    return source


def app_of(function):
    from streamlit.testing.v1 import AppTest

    return AppTest.from_function(function).run()


def test_columns_that_were_found_are_shown_and_changed(store, asked, monkeypatch):
    columns = Columns(table="labels.csv", names=("filename", "label", "*note*"),
                      file="filename", label="label")  # fmt: skip
    monkeypatch.setattr(reading_options, "labels_of", lambda *_: (columns, ""))
    page = app_of(dialog)
    assert not page.exception
    assert "Labels come from **labels.csv**: file = filename, class = label." in texts(page)
    assert page.selectbox(key="label_column").options[0] == "As found: label"
    page.selectbox(key="label_column").select("*note*")
    page.number_input(key="unreadable").set_value(25.0)
    page.button[0].click().run()
    assert not page.exception
    assert options_of(store.root, asked) == SetOptions(
        label_column="*note*", unreadable=0.25, confirmed=True
    )


def test_a_pattern_and_a_drawn_split_are_decided(store, asked, monkeypatch):
    monkeypatch.setattr(reading_options, "labels_of", lambda *_: (None, ""))
    page = app_of(dialog)
    assert not page.exception
    assert "split_seed" not in [box.key for box in page.number_input]
    folder = decided_in(store.root, asked)
    folder.mkdir(parents=True)
    (folder / SPLIT).write_text("file,part\n")
    page.run()
    page.text_input(key="pattern").set_value(" {class}_{number} ")
    page.number_input(key="split_seed").set_value(7)
    page.number_input(key="test_share").set_value(10.0)
    page.button[0].click().run()
    assert not page.exception
    had = options_of(store.root, asked)
    assert (had.pattern, had.split_seed, had.test_share) == ("{class}_{number}", 7, 0.1)
    assert had.unreadable == SetOptions().unreadable


def test_an_operator_may_decide_and_a_run_that_waits_prevents_it(store, asked, monkeypatch):
    monkeypatch.setattr(reading_options, "labels_of", lambda *_: (None, ""))
    as_person(monkeypatch, OPERATOR)
    make_run(store, "Waits", "queued", data=asked)
    page = app_of(dialog)
    page.text_input(key="pattern").set_value("{class}")
    page.button[0].click().run()
    assert not page.exception
    assert "read it in another way" in page.toast[0].value
    assert options_of(store.root, asked) == SetOptions()
