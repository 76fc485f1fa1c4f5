"""The queue as a person orders it: by mouse, finger, keyboard and buttons, while it changes."""

import os
import re
import time

import axe
import pytest
from dashboards import free_port, serving
from playwright.sync_api import expect

from cifar_core.background import processes
from cifar_core.config import TrainConfig
from cifar_core.disk import lock
from cifar_core.people import OPERATOR, Person
from cifar_core.runs import Store
from cifar_core.runs.record import status

FOCUSED = """() => {
    let found = document.activeElement;
    while (found.shadowRoot?.activeElement) found = found.shadowRoot.activeElement;
    return found.ariaLabel ?? found.textContent;
}"""
RUNS = 6


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Return a store of this module alone, in which six runs wait and nothing starts them."""
    store = Store(tmp_path_factory.mktemp("store"))
    mine = lock.take(processes.executor_lock(store.root))
    other = Store(store.root, Person(name="bo", role=OPERATOR))
    for number in range(1, RUNS + 1):
        owner = other if number == 4 else store
        owner.submit(owner.create(TrainConfig(data="synthetic", epochs=number), name=f"R{number}"))
    yield store
    os.close(mine)


@pytest.fixture(scope="module")
def url(store, tmp_path_factory):
    with serving(store, tmp_path_factory.mktemp("server") / "log.txt", free_port()) as address:
        yield address


@pytest.fixture(autouse=True)
def in_order(store):
    """Bring the runs into the order of their numbers, each waiting and the queue not paused."""
    store.resume_queue()
    for row in store.runs():
        if row.state != "queued":
            status.move(store.run(row.number).path, (row.state,), "queued")
    seen = [row.id for row in store.queue()]
    store.reorder(sorted(seen, key=lambda id_: int(id_.split("-")[0])), seen)
    assert order(store) == [1, 2, 3, 4, 5, 6]


def order(store):
    return [row.number for row in store.queue()]


def becomes(store, wanted):
    """Wait until the queue has an order."""
    deadline = time.monotonic() + 15
    while order(store) != wanted:
        assert time.monotonic() < deadline, order(store)
        time.sleep(0.05)


def shows(tab, numbers):
    """Wait until the page shows an order, with its places."""
    names = [f"{place}#{n} R{n}" for place, n in enumerate(numbers, 1)]
    expect(tab.locator(".queue-list li")).to_contain_text(names)


def grip(tab, number):
    return tab.get_by_role("button", name=re.compile(f"^Move #{number} R{number}, place"))


def middle(element):
    box = element.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def ready(tab):
    """Wait until rows can be dragged."""
    tab.wait_for_function("window.Sortable !== undefined")
    expect(tab.locator(".queue-list li")).to_have_count(RUNS)


def test_a_run_is_dragged_by_the_mouse(visit, store):
    tab = visit("/queue")
    ready(tab)
    x, y = middle(grip(tab, 5))
    _, above = middle(grip(tab, 2))
    tab.mouse.move(x, y)
    tab.mouse.down()
    for part in range(1, 13):
        tab.mouse.move(x, y + (above - 12 - y) * part / 12)
        tab.wait_for_timeout(25)
    tab.mouse.up()
    becomes(store, [1, 5, 2, 3, 4, 6])
    shows(tab, [1, 5, 2, 3, 4, 6])
    (line, *_) = store.run(5).history()
    assert (line.did, line.detail) == ("moved in the queue", "to place 2")


def test_a_run_is_dragged_by_a_finger_on_a_phone(chromium, url, store):
    context = chromium.new_context(
        base_url=url, viewport={"width": 400, "height": 800}, has_touch=True, is_mobile=True
    )
    tab = context.new_page()
    tab.set_default_timeout(30_000)
    tab.goto("/queue")
    ready(tab)
    assert tab.evaluate("document.documentElement.scrollWidth") == 400
    grip(tab, 1).scroll_into_view_if_needed()
    x, y = middle(grip(tab, 1))
    _, below = middle(grip(tab, 3))
    send = context.new_cdp_session(tab).send

    def touch(kind, at):
        points = [] if kind == "touchEnd" else [{"x": x, "y": at}]
        send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", y)
    for part in range(1, 15):
        touch("touchMove", y + (below + 30 - y) * part / 14)
        tab.wait_for_timeout(40)
    touch("touchEnd", 0)
    becomes(store, [2, 3, 1, 4, 5, 6])
    shows(tab, [2, 3, 1, 4, 5, 6])
    context.close()


def test_arrow_keys_move_a_run_step_by_step_and_keep_the_focus(visit, store):
    tab = visit("/queue")
    grip(tab, 4).focus()
    tab.keyboard.press("ArrowUp")
    becomes(store, [1, 2, 4, 3, 5, 6])
    shows(tab, [1, 2, 4, 3, 5, 6])
    assert tab.evaluate(FOCUSED).startswith("Move #4 R4, place 3 of 6")
    expect(tab.locator(".queue-list [role=status]")).to_have_text("#4 R4: place 3 of 6")
    for _ in range(2):  # faster than the page answers
        tab.keyboard.press("ArrowDown")
    tab.keyboard.press("ArrowDown")
    becomes(store, [1, 2, 3, 5, 6, 4])
    shows(tab, [1, 2, 3, 5, 6, 4])
    tab.keyboard.press("Home")
    becomes(store, [4, 1, 2, 3, 5, 6])
    tab.wait_for_timeout(4000)  # an update of the page later
    assert tab.evaluate(FOCUSED).startswith("Move #4 R4, place 1 of 6")


def test_the_buttons_move_a_run_and_the_focus_stays(visit, store):
    tab = visit("/queue")
    tab.get_by_role("button", name="Up: #3 R3").focus()
    tab.keyboard.press("Enter")
    becomes(store, [1, 3, 2, 4, 5, 6])
    shows(tab, [1, 3, 2, 4, 5, 6])
    assert tab.evaluate(FOCUSED) == "Up: #3 R3"
    tab.keyboard.press("Enter")
    becomes(store, [3, 1, 2, 4, 5, 6])
    assert tab.evaluate(FOCUSED).startswith("Move #3 R3, place 1")  # Up is off at the top
    tab.get_by_role("button", name="Next: #6 R6").click()
    becomes(store, [6, 3, 1, 2, 4, 5])
    tab.get_by_role("button", name="Down: #6 R6").click()
    becomes(store, [3, 6, 1, 2, 4, 5])
    tab.get_by_role("button", name="Remove: #6 R6").click()
    expect(tab.get_by_text("#6 was removed from the queue.")).to_be_visible()
    becomes(store, [3, 1, 2, 4, 5])


def test_a_move_in_a_queue_that_someone_else_changed_is_refused_and_shown_as_it_is(visit, store):
    tab = visit("/queue")
    ready(tab)
    store.to_front(store.run(6))  # the page has not seen this yet
    grip(tab, 3).focus()
    tab.keyboard.press("ArrowUp")
    expect(tab.get_by_text("has been changed since you saw it")).to_be_visible()
    shows(tab, [6, 1, 2, 3, 4, 5])
    assert order(store) == [6, 1, 2, 3, 4, 5]
    tab.keyboard.press("ArrowUp")
    becomes(store, [6, 1, 3, 2, 4, 5])


def test_the_queue_is_paused_with_a_note_and_resumed(visit, store):
    tab = visit("/queue")
    tab.get_by_role("button", name="Pause the queue").click()
    tab.get_by_label("Why (optional)").fill("a talk")
    tab.get_by_test_id("stPopoverBody").get_by_role("button", name="Pause the queue").click()
    expect(tab.get_by_text('paused the queue ("a talk")')).to_be_visible()
    assert store.queue_pause.note == "a talk"
    expect(tab.get_by_role("button", name="6 waiting, paused")).to_be_visible()
    tab.get_by_role("button", name="Resume the queue").click()
    expect(tab.get_by_role("button", name="Pause the queue")).to_be_visible()
    assert not store.queue_pause.is_on


def test_a_run_is_opened_from_the_queue_without_loading_the_dashboard_again(visit):
    tab = visit("/queue")
    tab.evaluate("window.same = true")
    tab.get_by_role("link", name="#2 R2").click()
    expect(tab.get_by_role("heading", name="R2")).to_be_visible()
    assert tab.evaluate("window.same")


@pytest.mark.parametrize("width", [1280, 400])
def test_assistive_technology_finds_nothing_amiss(visit, tab, store, width):
    tab.set_viewport_size({"width": width, "height": 900})
    store.pause_queue("a talk")
    visit("/queue")
    ready(tab)
    assert axe.problems(tab, rules=axe.WCAG) == set()
    assert tab.evaluate("document.documentElement.scrollWidth") == width
