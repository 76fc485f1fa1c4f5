"""The corner of every page: machines, alerts, help and the visitor."""

import pytest
from pages import make_run, open_page, texts

from app.corner import alerts, machines
from cifar_core import devices, examples
from cifar_core.devices import Device, Inventory, Refused


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
    assert machines.words(running, waiting, paused=True) == said


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


def test_only_runs_of_people_that_ended_within_a_day_are_listed(store):
    make_run(store, "New", "failed", reason="bug")
    make_run(store, "Waits", "queued", accuracies=())
    examples.restore(store)
    rows = store.runs()
    now = max(row.ended_at for row in rows if row.name == "New")
    assert [row.name for row in alerts.recently_ended(rows, now + 60)] == ["New"]
    assert alerts.recently_ended(rows, now + alerts.RECENT) == []


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
