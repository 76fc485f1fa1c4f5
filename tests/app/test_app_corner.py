"""The corner of every page: machines, alerts, help and the visitor."""

import json

import pytest
from pages import make_run, open_page, texts

from app.corner import machines
from cifar_core import devices, examples
from cifar_core.config import TrainConfig
from cifar_core.devices import Device, Inventory, Refused
from cifar_core.runs.notifications import outbox, subscriptions
from cifar_core.runs.notifications.news import News
from cifar_core.runs.record import status
from cifar_core.runs.sweeps import sweeps


@pytest.fixture
def store(page_store):
    return page_store


def opened(name):
    page = open_page()
    page.session_state[name] = True
    page.run()
    assert not page.exception
    return page


@pytest.mark.parametrize(
    ("running", "waiting", "said"),
    [(0, 0, "Idle"), (1, 0, "1 running"), (0, 2, "2 waiting"), (3, 1, "3 running, 1 waiting")],
)
def test_the_machine_says_how_busy_it_is(running, waiting, said):
    assert machines.counts(running, waiting) == said


@pytest.mark.parametrize(
    ("running", "waiting", "said"), [(0, 0, "Paused"), (1, 2, "1 running, 2 waiting, paused")]
)
def test_the_corner_says_that_the_queue_is_paused(running, waiting, said):
    assert machines.counts(running, waiting, paused=True) == said


def test_the_machines_menu_says_who_paused_the_queue(store):
    store.pause_queue("a talk")
    page = opened("machines")
    assert any('paused the queue ("a talk")' in one.value for one in page.markdown)


def test_a_device_that_cannot_be_used_is_listed_with_its_reason(store, monkeypatch):
    refused = Refused(id="cuda:0", name="An old GPU", reason="its driver is too old")
    found = Inventory(devices=[Device(id="cpu", name="A CPU")], refused=[refused])
    monkeypatch.setattr(devices, "known", lambda root: found)
    said = texts(opened("machines"))
    assert "**A CPU** :gray[cpu]: idle" in said
    assert "its driver is too old" in said
    assert "free on the disk" in said


def test_only_news_of_people_within_a_day_are_listed(store):
    make_run(store, "New", "failed", reason="bug")
    make_run(store, "Waits", "queued", accuracies=())
    make_run(store, "Full", "queued", accuracies=(), reason="disk")
    examples.restore(store)
    said = opened("alerts")
    listed = [link.proto.label for link in said.get("page_link")]
    assert {one.partition(" ")[2] for one in listed if "#" in one} == {"New", "Full"}


def test_a_sweep_is_one_alert_and_its_failures_are_listed_beside_it(store):
    axes = [[{"learning_rate": 0.1}, {"learning_rate": 0.2}]]
    sweeps.create(store, TrainConfig(data="synthetic"), axes, [0], name="Rates")
    for row, state in zip(store.index.rows(), ("finished", "failed"), strict=True):
        reason = "bug" if state == "failed" else ""
        words = status.described(state, reason=reason)
        status.write(store.run(row.id).path, status.RunStatus(**words, attempt=1))
    said = texts(opened("alerts"))
    assert said.count("Decided, ") == said.count("Failed, ") == 1
    assert "Finished, " not in said


def test_an_alert_is_counted_until_it_is_read(store):
    make_run(store, "New", "failed", reason="bug")
    page = opened("alerts")
    assert page.session_state["alerts_seen"] > 0
    assert "Failed" in texts(page)


def test_help_brings_deleted_examples_back_and_offers_it_only_then(store):
    page = opened("help")
    page.button(key="examples").click().run()
    assert not page.exception
    assert len(store.runs()) == len(examples.EXAMPLES)
    assert "examples" not in {button.key for button in opened("help").button}


def toggle_of(page):
    found = [c for c in page.get("bidi_component") if c.proto.component_name.endswith("notices")]
    (shown,) = [c for c in found if json.loads(c.proto.json)["mode"] == "toggle"]
    return shown


def press(page, value):
    """Click the toggle that follows a run or a sweep, as the browser reports it."""
    states = page._tree.get_widget_states()
    id_ = toggle_of(page).proto.id
    events = states.widgets.add(id=f"$$STREAMLIT_INTERNAL_KEY_{id_}__events")
    events.json_trigger_value = json.dumps([{"event": "wanted", "value": value}])
    page = page._run(states)
    assert not page.exception
    return page


def follows(store):
    return subscriptions.of_person(store.root, store.by.name)


def test_a_run_is_followed_by_a_click_beside_its_progress_and_no_longer_by_another(store):
    run = make_run(store, "Goes on", "running")
    page = press(open_page("run", id=run.number), True)
    assert list(follows(store).runs) == [run.id]
    assert json.loads(toggle_of(page).proto.json)["on"]
    press(page, False)
    assert not follows(store).follows_anything


def test_a_run_that_is_over_is_not_offered_to_be_followed(store):
    run = make_run(store)
    page = open_page("run", id=run.number)
    shown = [c for c in page.get("bidi_component") if c.proto.component_name.endswith("notices")]
    assert [json.loads(one.proto.json)["mode"] for one in shown] == ["watch"]


def test_the_choices_appear_with_the_first_subscription_and_name_no_secret(store, monkeypatch):
    monkeypatch.setenv("CIFAR_NOTIFY_TEAM", "ntfy://secret-4711")
    monkeypatch.setenv("CIFAR_NOTIFY_BEN", "ntfy://other ben@example.org")
    make_run(store)
    page = opened("alerts")
    assert not page.get("button_group")
    page.toggle(key="notify_mine").set_value(True).run()
    assert follows(store).mine
    kinds, addresses = page.get("button_group")
    assert "4711" not in str(page)
    addresses.set_value(["team"]).run()
    kinds = page.get("button_group")[0]
    kinds.set_value(["failed"]).run()
    assert not page.exception
    assert (follows(store).addresses, follows(store).kinds) == (["team"], ["failed"])


def test_a_message_that_failed_is_said_to_the_person_who_should_have_got_it(store, monkeypatch):
    monkeypatch.setenv("CIFAR_NOTIFY_TEAM", "ntfy://secret-4711")
    make_run(store)
    subscriptions.follow_mine(store, True)
    subscriptions.choose_addresses(store, ["team"])
    path = outbox.written(store.root, News(id="x", kind="failed", name="#1 x"), "team")
    outbox.change(path, outbox.read(path), outbox.GIVEN_UP, why="The server answered 404.")
    assert "team: 1 message not delivered. The server answered 404." in texts(opened("alerts"))


def test_only_news_that_a_person_follows_reach_the_browser(store):
    make_run(store, "Before")
    ids = watched_ids(open_page())
    assert ids == []
    subscriptions.follow_mine(store, True)
    run = make_run(store, "After")
    assert watched_ids(open_page()) == [f"{run.id}.1.finished"]


def watched_ids(page):
    shown = [json.loads(c.proto.json) for c in page.get("bidi_component")
             if c.proto.component_name.endswith("notices")]  # fmt: skip
    return [news["id"] for one in shown if one["mode"] == "watch" for news in one["news"]]
