"""The dialog "Your own images": what each step shows and does, and who sees it."""

import json
from pathlib import Path

import pytest
from pages import open_page, texts
from streamlit.testing.v1 import AppTest

from app.screens.data.own import look, naming
from cifar_core.data.contents import Columns, Contents, Ignored, Item
from cifar_core.data.options import options_of
from cifar_core.data.uploads import arriving, sets
from cifar_core.errors import DataError
from cifar_core.people import OPERATOR, VIEWER, Person
from cifar_core.runs.record import action_log

ANN = Person(name="ann", role=OPERATOR)


@pytest.fixture
def store(page_store, monkeypatch):
    (page_store.root / "data").unlink()  # the folder that all tests of pages share
    monkeypatch.setattr("app.session.person", lambda: ANN)
    return page_store


def uploaded(store, *names, **more):
    """Return a set as if it had just been uploaded."""
    for name in names:
        path = arriving.home(store.root) / "pets" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"picture")
    found = sets.UploadedSet(name="pets", owner="ann", title="pets", files=len(names), **more)
    sets.keep(store.root, found)
    return found


def begun(store, owner="ann", title="holiday"):
    upload = arriving.begin(
        store.root, arriving.Begun(key="k", owner=owner, title=title, bytes=9_000_000, files=1)
    )
    arriving.keep_reached(upload, 4_000_000, 1)
    return upload


def held(count=2, **more):
    items = [
        Item(name=f"{label}/{n}.png", part=part, label=label)
        for label in ("cat", "dog")
        for part in ("train", "test")
        for n in range(count)
    ]
    empty = {"format": "pictures", "pictures": lambda _: iter(()), "classes": ("cat", "dog")}
    return Contents(items=tuple(items), **{**empty, **more})


def finds(monkeypatch, answer):
    """Let every source hold this, or raise it."""

    def opened(path, options, store):
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(look, "open_source", opened)


def step(name):
    """Draw a step of the dialog, which AppTest would close with the next click."""

    def drawn(name):
        from app import boundary
        from app.screens.data.own.steps import step
        from app.screens.data.own_images import DRAW

        boundary.fragment(lambda: DRAW[step()[0]](step()[1]), run_every=None)()

    page = AppTest.from_function(drawn, args=(name,))
    page.session_state["upload_step"] = (name, "pets")
    return page.run()


def zone(page):
    """Return what the browser's part of the dialog was given."""
    (shown,) = [c for c in page.get("bidi_component") if c.proto.component_name.endswith("upload")]
    return json.loads(shown.proto.json)


def test_a_person_sees_their_own_unfinished_uploads_and_sets_without_a_name(store):
    begun(store)
    begun(store, owner="ben", title="theirs")
    uploaded(store, "cat/1.png", seen=True)
    page = open_page("data")
    page.button(key="own").click().run()
    assert not page.exception
    (waiting,) = zone(page)["waiting"]
    assert (waiting["title"], waiting["have"], waiting["bytes"]) == (
        "holiday",
        4_000_000,
        9_000_000,
    )
    assert "pets: 1 file, not named yet." in texts(page)
    assert {"heic", "png", "jpg"} <= {*zone(page)["pictures"]}


def test_the_dialog_opens_with_a_set_that_arrived_unseen(store, monkeypatch):
    uploaded(store, "a/1.png", left_out=2, left_names=("a?b.png", "c?d.png"))
    finds(monkeypatch, held())
    page = open_page("data")
    page.button(key="own").click().run()
    assert not page.exception
    assert "2 classes, 8 images" in [header.value for header in page.header]
    assert "Files that were left out because of their names: 2" in [e.label for e in page.expander]
    assert sets.one(store.root, "pets").seen
    page.button(key="own").click().run()
    assert "pets: 1 file, not named yet." in texts(page)


def test_a_viewer_is_shown_no_place_to_drop_files(store, monkeypatch):
    monkeypatch.setattr("app.session.person", lambda: Person(name="vi", role=VIEWER))
    page = open_page("data")
    page.button(key="own").click().run()
    assert "Operators and admins upload images here." in texts(page)
    assert not page.get("bidi_component")


def test_the_second_step_says_what_was_found_and_what_was_left_out(store, monkeypatch):
    uploaded(store, "cat/1.png")
    ignored = Ignored(why="are not pictures", names=("<b>readme.txt", "notes.doc"))
    finds(monkeypatch, held(said=("Each folder was taken as a class.",), ignored=(ignored,)))
    page = step("look")
    assert not page.exception
    assert page.header[0].value == "2 classes, 8 images"
    words = texts(page)
    for part in ("4 to train on, 4 to test with.", "cat 4, dog 4", "was taken as a class"):
        assert part in words
    assert page.get("text")[0].value == "<b>readme.txt\nnotes.doc"
    assert page.expander[0].label == "Files that are not pictures: 2"
    page.button(key="Continue pets").click().run()
    assert page.text_input(key="set_title").value == "pets"


def test_columns_of_a_table_are_confirmed_or_changed(store, monkeypatch):
    found = uploaded(store, "labels.csv")
    taken = Columns(table="labels.csv", names=("file", "kind", "who"), file="file", label="who")
    finds(monkeypatch, held(columns=taken))
    page = step("look")
    assert page.selectbox(key="label_column").value == "who"
    page.selectbox(key="label_column").select("kind")
    page.selectbox(key="group_column").select("who")
    page.button(key="Continue pets").click().run()
    options = options_of(store.root, found.source(store.root))
    assert (options.label_column, options.group_column) == ("kind", "who")
    assert options.confirmed
    assert page.text_input(key="set_title").value == "pets"


def test_a_column_that_makes_no_set_can_be_changed_back(store):
    rows = ["file,kind,who", *(f"{n}.png,{kind},p{n}" for n, kind in enumerate(["a", "b"] * 4))]
    found = uploaded(store, *(f"{n}.png" for n in range(8)))
    folder = Path(found.source(store.root))
    (folder / "labels.csv").write_text("\n".join(rows))
    page = step("look")
    assert not page.error
    assert page.selectbox(key="label_column").value == "kind"
    page.selectbox(key="file_column").select("who").run()
    assert page.error
    page.selectbox(key="file_column").select("file").run()
    assert not page.exception
    assert not page.error
    assert page.button(key="Continue pets")


def test_why_a_set_cannot_be_used_is_said_without_the_servers_paths(store, monkeypatch):
    found = uploaded(store, "a/1.png")
    path = found.source(store.root)
    finds(monkeypatch, DataError(f"{path} has pictures of one class only."))
    page = step("look")
    assert page.error[0].value == "pets has pictures of one class only."
    page.text_input(key="name_pattern").set_value("{class}_{number}")
    page.button(key="FormSubmitter:pattern-Use this pattern").click().run()
    assert options_of(store.root, path).pattern == "{class}_{number}"
    page.button(key="Discard, and start again pets").click().run()
    assert not Path(path).exists()


@pytest.mark.parametrize("folder", ["", "all/"])
def test_a_pattern_that_the_names_fit_is_offered_ready_to_be_used(store, folder):
    names = [f"{folder}{label}_{n}.png" for label in ("cat", "dog") for n in range(4)]
    found = uploaded(store, *names)
    page = step("look")
    assert "{class}_{number}" in page.error[0].value.replace("\\", "")
    assert page.text_input(key="name_pattern").value == "{class}_{number}"
    page.button(key="FormSubmitter:pattern-Use this pattern").click().run()
    assert options_of(store.root, found.source(store.root)).pattern == "{class}_{number}"
    assert page.header[0].value == "2 classes, 8 images"


def test_loose_pictures_are_put_into_one_class_and_a_second_is_asked_for(store, monkeypatch):
    uploaded(store, "1.png", "2.png")
    finds(monkeypatch, DataError("Nothing says their classes."))
    page = step("look")
    page.text_input(key="class_name").set_value("..")
    page.button(key="FormSubmitter:one_class-Put them into this class").click().run()
    assert "cannot be the name of a class" in page.toast[0].value
    page.text_input(key="class_name").set_value("cat")
    page.button(key="FormSubmitter:one_class-Put them into this class").click().run()
    folder = arriving.home(store.root) / "pets"
    assert sorted(path.name for path in (folder / "cat").iterdir()) == ["1.png", "2.png"]
    assert page.segmented_control(key="upload_way").value == "Pictures of one class"
    assert page.selectbox(key="upload_set pets").value == "pets"
    assert page.selectbox(key="upload_class pets").options == ["cat"]
    assert (zone(page)["into"], zone(page)["ready"]) == ("pets", False)


def test_pictures_are_dropped_into_a_class_that_is_chosen_first(store):
    uploaded(store, "cat/1.png", by_class=True)
    page = step("drop")
    assert (zone(page)["into"], zone(page)["ready"]) == ("pets", False)
    page.selectbox(key="upload_class pets").select("cat").run()
    assert (zone(page)["label"], zone(page)["prompt"]) == ("cat", "Drop pictures of cat here")
    page.selectbox(key="upload_set pets").select("").run()
    assert zone(page)["title"] == "My pictures"


def test_a_named_set_is_opened_and_the_log_says_who_named_it(store, monkeypatch):
    found, asked = uploaded(store, "cat/1.png"), []
    monkeypatch.setattr(naming, "go", lambda name, **query: asked.append((name, query)))
    page = step("name")
    page.text_input(key="set_title").set_value("Our pets")
    page.button(key="FormSubmitter:name-Open this set").click().run()
    source = found.source(store.root)
    assert asked == [("data", {"set": source})]
    assert options_of(store.root, source).title == "Our pets"
    assert sets.one(store.root, "pets").kept
    assert [line.did for line in action_log.latest(store.root)] == ["named the upload"]


def test_the_sets_of_others_are_not_offered_for_changes(store, monkeypatch):
    uploaded(store, "cat/1.png", by_class=True)
    monkeypatch.setattr("app.session.person", lambda: Person(name="ben", role=OPERATOR))
    page = step("drop")
    assert "pets" not in texts(page)
    assert page.selectbox[0].options == ["A new set"]
