"""The picker's cards: what they say of networks, data sets and runs, and the choice coming back."""

import time

import msgspec
import pytest
from pages import make_run, open_page
from streamlit.testing.v1 import AppTest

from app.cache import opening
from app.shared.networks import MANY
from app.shared.picker import Card, Filter, Group, history, networks
from app.shared.picker.cards import payload
from app.shared.picker.datasets import UNOPENED, dataset_card, to_get
from app.shared.picker.networks import about, network_groups
from app.shared.picker.runs import run_card
from cifar_core import data
from cifar_core.data.decoding import Reading
from cifar_core.disk import files
from cifar_core.models import MODELS
from cifar_core.runs.record.records import Origin


@pytest.fixture
def store(page_store):
    return page_store


CARDS = [Card(key=key, title=key, passes=("odd",) if key in "ac" else ()) for key in "abc"]


def all_cards(groups):
    return {card.key: card for group in groups for card in group.cards}


def test_a_card_is_shown_once_under_the_first_heading_that_has_it():
    groups = [
        Group(title="Used lately", cards=CARDS[:1]),
        Group(title="Empty", cards=CARDS[:1]),
        Group(title="All", cards=CARDS),
    ]
    shown = payload(groups, [], "b")
    assert [(g["title"], [c["key"] for c in g["cards"]]) for g in shown["groups"]] == [
        ("Used lately", ["a"]),
        ("All", ["b", "c"]),
    ]
    assert shown["chosen"] == "b"
    assert payload(groups, [], "gone")["chosen"] == ""


def test_a_filter_that_divides_nothing_is_absent():
    filters = [Filter(key="odd", label="Odd"), Filter(key="none", label="None")]
    shown = payload([Group(title="All", cards=CARDS)], filters, "")
    assert [one["key"] for one in shown["filters"]] == ["odd"]
    all_odd = [Group(title="All", cards=[CARDS[0], CARDS[2]])]
    assert payload(all_odd, filters, "")["filters"] == []


@pytest.mark.parametrize(("chosen", "on"), [("", True), ("a", True), ("b", False)])
def test_a_filter_never_hides_the_card_that_is_chosen_now(chosen, on):
    filters = [Filter(key="odd", label="Odd", on=True)]
    (one,) = payload([Group(title="All", cards=CARDS)], filters, chosen)["filters"]
    assert one["on"] is on


def test_every_network_has_a_card_with_its_size_time_and_result(store):
    cards = all_cards(network_groups("synthetic", 10_000, ""))
    assert list(cards) == list(MODELS)
    simple = cards["simple_cnn"]
    assert simple.title == MODELS["simple_cnn"].title
    assert simple.facts[0] == "94.8\u00a0k weights"
    assert simple.facts[1].startswith("\u2248 ")
    assert simple.facts[2] == "not tried"
    assert "MB to fetch" in cards["resnet18_imagenet"].badges[0]
    assert cards["resnet18_imagenet"].facts[1].startswith("features \u2248 ")
    assert len(cards["vig_ti"].facts) == 3
    assert "multiply-adds" in simple.hint


def test_without_images_no_time_is_named(store):
    assert network_groups("", 0, "")[2].cards[0].facts == ("94.8\u00a0k weights", "not tried")


def test_runs_of_this_store_say_how_long_it_takes_and_how_good_it_was(store):
    make_run(store, accuracies=(0.4, 0.5), model="simple_cnn")  # 65 s for two epochs of 9,000
    make_run(store, accuracies=(0.7, 0.6), model="resnet9")
    lately, fitting, _ = groups = network_groups("synthetic", 10_000, "speed_net_strided")
    assert [card.key for card in lately.cards] == ["resnet9", "simple_cnn"]
    assert fitting.cards[0].badges == ("proposed for these images",)
    simple = all_cards(groups)["simple_cnn"]
    assert simple.facts[1:] == ("32\u00a0s an epoch", "50.0\u00a0% here")
    other = all_cards(network_groups("cifar10", 10_000, ""))["simple_cnn"]
    assert other.facts[1].startswith("\u2248 ")
    assert other.facts[2] == "not tried"


def test_a_measured_time_does_not_count_for_many_more_images(store):
    make_run(store, model="simple_cnn")
    card = all_cards(network_groups("synthetic", 50_000, ""))["simple_cnn"]
    assert card.facts[1] == "\u2248 3\u00a0min an epoch"


@pytest.mark.parametrize("mark", [{"example": "shapes"}, {"imported": Origin()}])
def test_runs_from_elsewhere_and_examples_say_nothing_about_this_machine(store, mark):
    run = make_run(store, model="simple_cnn")
    marked = msgspec.structs.replace(run.about, **mark)
    files.write_json(run.path / "about.json", msgspec.to_builtins(marked))
    past = history.history("synthetic", 9000, gpu=False)
    assert (past.costs, past.measured) == ({}, [])
    assert bool(past.best) == ("example" not in mark)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "1\u00a0s"), (59, "59\u00a0s"), (89, "89\u00a0s"), (90, "2\u00a0min"),
     (3600, "60\u00a0min"), (5400, "2\u00a0h"), (100_000, "28\u00a0h")],
)  # fmt: skip
def test_an_estimate_is_written_in_one_unit(seconds, text):
    assert about(seconds) == f"\u2248 {text}"


def test_the_cards_of_networks_are_gathered_quickly(store):
    for seed in range(20):
        make_run(store, accuracies=(), seed=seed)
    network_groups("synthetic", 10_000, "")
    start = time.process_time()
    network_groups("synthetic", 10_000, "")
    assert time.process_time() - start < 0.3


def test_a_data_set_shows_pictures_once_it_is_decoded(store):
    data.load("synthetic:100", store.root)
    cards = {one.source: dataset_card(one) for one in data.status(store.root)}
    drawn = cards["synthetic:100"]
    assert len(drawn.pictures) == 4
    assert all(one.startswith("data:image/png;base64,") for one in drawn.pictures)
    assert drawn.facts[0] == "10 classes"
    assert drawn.facts[-1] == "here"
    assert cards["cifar10"].facts[-1] == "170 MB to fetch"
    assert cards["cifar10"].pictures == ()
    (official,) = (one for one in data.status(store.root) if one.source == "cifar10")
    assert to_get(official) == "170 MB to fetch"


def test_a_data_set_that_was_not_opened_yet_says_so_and_that_it_is_being_read(
    store, tmp_path, monkeypatch
):
    folder = tmp_path / "pets"
    for name in ("train/cat", "test/cat"):
        (folder / name).mkdir(parents=True)
        (folder / name / "1.png").touch()
    monkeypatch.setenv("CIFAR_DATA", str(folder))
    pets, *_ = data.status(store.root)
    assert dataset_card(pets).summary == UNOPENED
    now = Reading(done=5, total=60)
    monkeypatch.setattr(opening, "state_of", lambda job, source: now)
    assert dataset_card(pets).summary.startswith("Being read: 5 of 60. Its classes")
    now = None
    assert dataset_card(pets).summary == UNOPENED


def test_a_run_shows_its_curve_and_what_it_reached(store):
    make_run(store, "<b>Bold</b>", accuracies=(0.4, 0.5))
    make_run(store, "Waits", accuracies=())
    waits, bold = (run_card(row) for row in store.runs())
    assert bold.title == "#1 <b>Bold</b>"
    assert bold.summary == "Simple CNN on Synthetic shapes"
    assert bold.facts == ("50.0\u00a0% validation", "Finished")
    assert bold.curve == (0.4, 0.5)
    assert waits.facts[0] == "no epoch yet"


def script():
    import streamlit as st

    from app.session import store
    from app.shared.picker import choose_dataset, choose_network, choose_run, picked

    kind = st.segmented_control("Kind", ["network", "data", "run"])
    if kind == "network":
        choose_network("one", source="synthetic", images=10_000, chosen="simple_cnn")
    if kind == "data":
        choose_dataset("one")
    if kind == "run":
        choose_run("one", store().runs(), images="Synthetic shapes")
    st.text(f"picked {picked('one')}")


@pytest.mark.parametrize("kind", ["network", "data", "run"])
def test_a_choice_comes_back_once(store, kind):
    make_run(store)
    page = AppTest.from_function(script, default_timeout=60).run()
    page.segmented_control[0].set_value(kind).run()
    assert not page.exception
    page.session_state["picked.one"] = "resnet9"
    page.segmented_control[0].set_value(None).run()
    assert page.text[0].value == "picked resnet9"
    assert page.run().text[0].value == "picked None"


def test_predict_offers_cards_once_there_are_several_networks(store):
    for number in range(MANY):
        make_run(store, f"Run {number}")
        if number == MANY - 2:
            assert "Browse" not in [one.label for one in open_page("predict").button]
    page = open_page("predict")
    (browse,) = (one for one in page.button if one.label == "Browse")
    page = browse.click().run()
    assert not page.exception
    page.session_state["picked.run"] = "2"
    page = page.run()
    assert page.selectbox(key="run").value == "2"
    assert page.query_params["run"] == "2"


def test_alternatives_are_the_networks_of_the_same_rules():
    assert networks.alternatives("") == []
    found = networks.alternatives("mobilenet_v2_imagenet")
    assert found[0] == "mobilenet_v2_imagenet"
    assert {"mobilenet_v3_large_imagenet", "resnet18_imagenet"} <= set(found)
