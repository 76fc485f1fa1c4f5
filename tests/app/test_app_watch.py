"""The Watch tab: the same pictures and the confusions after each epoch, and what comes before."""

import json

import pytest
from pages import make_run, open_page, texts, watching

from cifar_core.disk import files
from cifar_core.runs.record import status
from cifar_core.runs.record.watched import rows


@pytest.fixture
def store(page_store):
    return page_store


def components(page):
    """The data of each component that is sent as JSON."""
    sent = [component.proto for component in page.get("bidi_component")]
    return [json.loads(proto.json) for proto in sent if proto.json]


def drawn(page, name):
    """The data of the component that has an entry of a name."""
    return next((data for data in components(page) if name in data), None)


def test_the_same_pictures_say_what_they_were_taken_for(store):
    run = watching(store, (0, 0, 0), (0, 1, 1))
    page = open_page("run", id=run.number)
    assert not page.exception
    shown = drawn(page, "pictures")
    assert [(p["key"], p["right"], p["words"], p["recent"]) for p in shown["pictures"]] == [
        ("val-3", True, "disc, right", [True, True]),
        ("val-4", True, "ring, right", [False, True]),
        ("val-5", False, "star, taken for ring", [False, False]),
    ]
    assert shown["news"] == "Just learned: ring."
    assert shown["sheet"].startswith("data:image/png;base64,")


def test_images_that_join_later_have_an_empty_dot_and_no_news(store):
    run = watching(store, (0, 0), images=(3, 4), labels=(0, 1))
    row = {"step": 100, "epoch": 2, "images": [3, 4, 5], "labels": [0, 1, 2],
           "predicted": [0, 0, 2]}  # fmt: skip
    files.append_line(rows.path_of(run.path, 1), row)
    shown = drawn(open_page("run", id=run.number), "pictures")
    assert [p["recent"] for p in shown["pictures"]] == [[True, True], [False, False], [None, True]]
    assert shown["news"] == "None of the first 2 has changed since the epoch before."


@pytest.mark.parametrize(
    ("log", "words"),
    [("", "The trainer is starting"),
     ("12:03:04  Loading the images: synthetic", "The images are being opened"),
     ("12:03:04  Loading the images: x\n12:03:09  Attempt 1 starts from the beginning, at step 0.\n"
      "a warning", "The first steps are being computed")],
)  # fmt: skip
def test_before_its_first_steps_a_run_says_what_it_does(store, log, words):
    run = make_run(store, "Starts", "starting", accuracies=())
    (run.path / "attempts" / "1" / "log.txt").write_text(log)
    assert words in texts(open_page("run", id=run.number))


def links(page):
    return [link.proto.label for link in page.get("page_link")]


def test_the_result_is_a_click_away_except_on_its_own_tab(store):
    run = make_run(store)
    page = open_page("run", id=run.number)
    assert "Look at the results" in links(page)
    assert "Look at the results" not in texts(page)
    assert "Look at the results" not in links(open_page("run", id=run.number, tab="result"))


def test_what_is_forgotten_is_said_too(store):
    run = watching(store, (0, 0, 0), (1, 1, 2))
    shown = drawn(open_page("run", id=run.number), "pictures")
    assert shown["news"] == "Just learned: ring, star; forgotten: disc."


def test_nothing_new_and_a_first_epoch_are_said_without_a_claim(store):
    first = watching(store, (0, 0, 0))
    assert drawn(open_page("run", id=first.number), "pictures")["news"] == ""
    same = watching(store, (0, 0, 0), (0, 2, 1))
    news = drawn(open_page("run", id=same.number), "pictures")["news"]
    assert news == "None of them has changed since the epoch before."


def test_the_confusions_have_a_frame_for_each_epoch(store):
    run = watching(store, (0, 0, 0), (0, 1, 1))
    shown = drawn(open_page("run", id=run.number), "frames")
    assert shown["names"] == ["disc", "ring", "star"]
    assert [frame["epoch"] for frame in shown["frames"]] == [1, 2]
    assert shown["frames"][1]["counts"] == [2, 1, 1, 1, 2, 1, 1, 1, 2]


def test_of_many_classes_the_pairs_are_named(store):
    run = watching(store, (0, 1, 2), counts={"pairs": [[0, 1, 9], [5, 900, 3]]})
    shown = drawn(open_page("run", id=run.number), "frames")
    assert shown["names"] == []
    assert shown["frames"][0]["pairs"] == [["disc", "ring", 9], ["heart", "class 900", 3]]


def test_a_long_run_looks_back_at_few_epochs(store):
    run = watching(store, *[(0, 0, 0)] * 100)
    frames = drawn(open_page("run", id=run.number), "frames")["frames"]
    assert (len(frames), frames[0]["epoch"], frames[-1]["epoch"]) == (40, 1, 100)


def test_other_images_are_not_shown_as_those_of_the_run(store):
    run = watching(store, (0, 0, 0))
    wrong = {"fingerprint": "0" * 64}
    files.edit(run.path / "environment.json", dict, lambda old: {"data": old["data"] | wrong})
    page = open_page("run", id=run.number)
    assert not page.exception
    assert drawn(page, "pictures") is None
    assert "The pictures are not shown" in texts(page)
    assert drawn(page, "frames"), "the confusions need no pictures"


def test_an_index_beyond_the_images_is_said(store):
    run = watching(store, (0, 0, 0), images=(3, 4, 10**6))
    page = open_page("run", id=run.number)
    assert not page.exception
    assert drawn(page, "pictures") is None
    assert "has only" in texts(page)


def test_a_run_of_an_earlier_version_has_only_its_curves(store):
    make_run(store)
    page = open_page("run", id=1)
    assert not page.exception
    assert components(page)[1:] == [] or drawn(page, "frames") is None
    assert "What is taken for what" not in texts(page)


def test_before_its_start_a_run_says_its_place_and_shows_no_empty_cards(store):
    make_run(store, "Busy", "running")
    first = make_run(store, "First", "queued", accuracies=())
    second = make_run(store, "Second", "queued", accuracies=())
    page = open_page("run", id=second.number)
    said = texts(page)
    assert "Number 2 of 2 in the queue" in said
    assert "once a device is free" in said
    links = [link.label for link in page.get("page_link") if link.label.startswith("#")]
    assert links == [f"#{first.number} First", "#1 Busy"]
    assert not page.metric
    shown = [component.proto.component_name for component in page.get("bidi_component")]
    assert not [
        name for name in shown if name.endswith(("live_chart", "watched", "confused", "reading"))
    ]


def test_more_curves_are_a_click_away_and_kept_in_the_address(store):
    run = make_run(store)
    page = open_page("run", id=run.number, more="Learning rate")
    assert not page.exception
    page.button_group(key="more").set_value(["Learning rate", "Gradient norm"]).run()
    assert not page.exception


def test_a_run_that_ends_while_it_is_watched_turns_to_its_result_once(store):
    run = make_run(store, "Ends", "running")
    page = open_page("run", id=run.number)
    words = status.described("finished")
    status.write(run.path, status.RunStatus(**words, attempt=1))
    files.edit(run.path / "summary.json", dict, lambda _: {"test_accuracy": 0.45})
    page.run()
    assert page.query_params["tab"] == "result"
    page.query_params.pop("tab")
    page.run()
    assert "tab" not in page.query_params


def test_a_run_that_had_ended_before_stays_where_it_is(store):
    run = make_run(store)
    assert "tab" not in open_page("run", id=run.number).query_params
