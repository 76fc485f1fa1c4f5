import time

import pytest
from pages import make_run, open_page, texts

from app import theme
from app.screens.queue import lengths, lines
from app.screens.queue import page as queue_page
from app.screens.queue.forecast import UNKNOWN, starts
from cifar_core.config import TrainConfig
from cifar_core.devices import Device, Inventory
from cifar_core.disk import files
from cifar_core.people import OPERATOR, VIEWER, Person
from cifar_core.runs import RATE_SEARCH, Store
from cifar_core.runs.record import control, status

CPU = Device(id="cpu", name="A processor")
GPUS = [Device(id=f"cuda:{number}", name="A GPU") for number in range(2)]


@pytest.fixture
def store(page_store):
    return page_store


def wait_in(store, name, **settings):
    """Return a new run that waits in the queue of a store."""
    kind = settings.pop("kind", "training")
    config = TrainConfig(**{"data": "synthetic", "epochs": 5, **settings})
    run = store.create(config, name=name, kind=kind)
    store.submit(run)
    return run


def running(store, name="Runs", *, left=400.0, **changes):
    """Return a run as if it was being trained, with so many seconds left."""
    run = make_run(store, name, "running", **changes)
    words = status.described("running")
    status.write(run.path, status.RunStatus(**words, attempt=1, device="cpu"))
    summary = files.read_json(run.path / "summary.json")
    files.write_json(run.path / "summary.json", {**summary, "eta_seconds": left})
    return run


def names(page):
    """Return the names of the runs on the page, in its order."""
    labels = [link.proto.label for link in page.get("page_link")]
    return [label for label in labels if label.startswith("#")]


@pytest.fixture
def lends(monkeypatch):
    """Return what lets the machine have these devices."""

    def lend(*found):
        monkeypatch.setattr("cifar_core.devices.known", lambda _: Inventory(devices=list(found)))

    return lend


def keys(page):
    return {button.key for button in page.button}


def test_an_empty_queue_leads_to_train(store):
    page = open_page("queue")
    assert not page.exception
    assert "Nothing waits. A run that you start now starts at once." in texts(page)
    assert "Train" in [link.proto.label for link in page.get("page_link")]
    assert not page.subheader


def test_what_runs_shows_how_far_it_is_and_when_it_is_done(store, lends):
    lends(CPU)
    running(store, "Half *way*", accuracies=(0.3, 0.4), left=400.0)
    page = open_page("queue")
    assert not page.exception
    assert names(page) == ["#1 Half \\*way\\*"]
    assert "epoch 3 of 5" in texts(page)
    assert f"done \u2248 {theme.clock(time.time() + 400)}" in texts(page)
    assert page.get("progress")[0].proto.value == 40
    assert "cpu" not in texts(page)  # there is no other device
    assert [one.value for one in page.subheader] == ["Running now"]


def test_what_waits_shows_its_place_its_length_and_its_start(store, lends):
    lends(CPU)
    running(store, accuracies=(0.3,), left=7200.0)
    wait_in(store, "First")
    wait_in(store, "Second")
    page = open_page("queue")
    assert not page.exception
    assert names(page) == ["#1 Runs", "#2 First", "#3 Second"]
    words = texts(page)
    assert "**1**" in words
    assert "**2**" in words
    # an epoch of run 1 took 65 s, and it has two more
    assert f"starts \u2248 {theme.clock(time.time() + 7200)}" in words
    assert words.count("starts \u2248") == 2
    assert words.count("\u2248 5\u00a0min") == 2


def test_the_buttons_move_a_run_and_take_it_out(store):
    runs = [wait_in(store, name) for name in ("Alpha", "Beta", "Gamma")]
    a, b, c = (run.id for run in runs)
    page = open_page("queue")
    assert keys(page) >= {f"down {a}", f"up {b}", f"down {b}", f"first {c}", f"up {c}"}
    assert not keys(page) & {f"up {a}", f"first {a}", f"first {b}", f"down {c}"}
    page.button(key=f"first {c}").click().run()
    assert [row.id for row in store.queue()] == [c, a, b]
    page.button(key=f"up {b}").click().run()
    page.button(key=f"down {c}").click().run()
    assert [row.id for row in store.queue()] == [b, c, a]
    assert names(page) == ["#2 Beta", "#3 Gamma", "#1 Alpha"]
    page.button(key=f"remove {c}").click().run()
    assert [row.id for row in store.queue()] == [b, a]
    assert store.run(c).status.state == "stopped"
    assert "can be resumed" in page.toast[0].value


def test_a_run_that_has_started_meanwhile_is_not_stopped(store):
    run = wait_in(store, "Alpha")
    page = open_page("queue")
    status.move(run.path, ("queued",), "running", attempt=1, device="cpu")
    lines.remove(run)
    assert run.status.state == "running"
    page.button(key=f"remove {run.id}").click().run()
    assert run.status.state == "running"
    assert not page.exception


@pytest.mark.parametrize(("way", "asked"), [(lines.EPOCH, "epoch"), (lines.PAUSE, "pause")])
def test_a_run_can_be_stopped_in_several_ways(store, way, asked):
    run = running(store)
    page = open_page("queue")
    (menu,) = [one for one in page.menu_button if one.key == f"stop {run.id}"]
    assert menu.options == [lines.EPOCH, lines.NOW, lines.PAUSE]
    menu.click(way).run()
    assert not page.exception
    assert control.read(run.path).request == asked


def test_a_run_that_is_stopping_says_so_and_offers_no_other_way(store):
    run = running(store)
    status.move(run.path, ("running",), "stopping")
    page = open_page("queue")
    assert "Stopping" in texts(page)
    assert not page.menu_button


def test_only_the_owner_and_an_admin_may_change_a_run(store, monkeypatch):
    monkeypatch.setattr("app.session.person", lambda: Person(name="ann", role=OPERATOR))
    mine = wait_in(Store(store.root, Person(name="ann", role=OPERATOR)), "Mine")
    other = wait_in(Store(store.root, Person(name="bo", role=OPERATOR)), "Other")
    page = open_page("queue")
    assert not page.exception
    assert f"remove {mine.id}" in keys(page)
    assert f"remove {other.id}" not in keys(page)
    assert "bo" in [caption.value for caption in page.caption]
    assert "You can move and remove your own runs" in texts(page)
    monkeypatch.setattr("app.session.person", lambda: Person(name="vi", role=VIEWER))
    page = open_page("queue")
    assert not any("remove" in str(key) for key in keys(page))
    assert "You can move" not in texts(page)


def test_with_several_devices_each_run_says_which_one_it_wants(store, lends):
    lends(*GPUS, CPU)
    wait_in(store, "Any")
    wait_in(store, "This", device="cuda:1")
    wait_in(store, "Gone", device="cuda:7")
    page = open_page("queue")
    assert not page.exception
    captions = [caption.value for caption in page.caption]
    assert captions.count("any GPU") == 1
    assert "cuda\\:1" in captions
    assert captions.count("starts soon") == 2  # the third waits for a device that is not there


def test_a_run_that_waits_for_something_else_says_for_what(store):
    run = wait_in(store, "Alpha")
    status.move(run.path, ("queued",), "queued", reason="disk", message="Waiting for disk space.")
    page = open_page("queue")
    assert "Waiting for disk space." in texts(page)
    assert "starts" not in texts(page)


def test_a_rate_search_has_no_known_length_and_neither_has_what_follows_it(store, lends):
    lends(CPU)
    wait_in(store, "Rates", kind=RATE_SEARCH)
    wait_in(store, "Next")
    page = open_page("queue")
    assert not page.exception
    assert texts(page).count("starts") == 1
    assert texts(page).count("\u2248") == 1  # the length of the second


def test_a_long_queue_is_shown_by_pages(store, monkeypatch):
    monkeypatch.setattr(queue_page, "MOST", 2)
    for name in "ABC":
        wait_in(store, name)
    page = open_page("queue")
    assert names(page) == ["#1 A", "#2 B"]
    page.session_state["queue_page"] = 2
    assert names(page.run()) == ["#3 C"]
    assert "**3**" in texts(page)


def test_starts_follow_the_order_and_the_devices():
    takes = {"a": 10.0, "b": 20.0, "c": 5.0, "d": 1.0}
    anywhere = dict.fromkeys(takes, ("x", "y"))
    free = {"x": 0.0, "y": 4.0}
    assert starts("abcd", takes, anywhere, free) == {"a": 0, "b": 4, "c": 10, "d": 15}
    assert starts("ab", takes, {"a": ("x",), "b": ("x",)}, free) == {"a": 0, "b": 10}
    assert starts("a", takes, {"a": ()}, free) == {"a": UNKNOWN}
    assert starts("a", takes, {"a": ("z",)}, free) == {"a": UNKNOWN}
    unknown = {**takes, "a": UNKNOWN}
    one = dict.fromkeys("ab", ("x",))
    assert starts("ab", unknown, one, {"x": 3.0}) == {"a": 3, "b": UNKNOWN}
    assert free == {"x": 0.0, "y": 4.0}


def seconds_of(run):
    """Return how long the page expects a run to take, drawn where Streamlit can keep results."""
    (row,) = [one for one in run_store(run).runs() if one.id == run.id]
    return lengths.seconds_left(row, gpu=False)


def run_store(run):
    return Store(run.path.parent.parent)


def test_a_run_takes_as_long_as_an_earlier_one_of_its_network_on_its_images(store):
    make_run(store, "Earlier", accuracies=(0.3, 0.4))  # an epoch took 32.5 s on 9,000 images
    assert seconds_of(wait_in(store, "Next", epochs=4)) == pytest.approx(4 * 32.5)


def test_a_run_that_continues_takes_as_long_an_epoch_as_before(store):
    run = make_run(store, "Half", "queued", accuracies=(0.3, 0.4))
    assert seconds_of(run) == pytest.approx(3 * 32.5)


def test_without_an_earlier_run_the_length_is_estimated_from_multiply_adds(store):
    long, short = (
        seconds_of(wait_in(store, "Estimated", epochs=epochs, train_fraction=share))
        for epochs, share in ((10, 1.0), (5, 0.5))
    )
    assert long == pytest.approx(4 * short, rel=0.01)
    assert 1 < short < 3600


def test_only_a_head_takes_the_time_of_its_features_and_other_plans_every_epoch(store):
    model = "mobilenet_v2_imagenet"
    once = seconds_of(wait_in(store, "", model=model, plan="head", cached_views=1, epochs=10))
    all_of_it = seconds_of(wait_in(store, "", model=model, plan="full", epochs=10))
    assert all_of_it == pytest.approx(30 * once)


def test_what_is_not_known_about_a_run_leaves_its_length_unknown(store, tmp_path):
    folder = tmp_path / "mine" / "train"
    folder.mkdir(parents=True)
    (folder / "1.png").touch()
    run = wait_in(store, "Never opened", data=str(folder.parent))
    assert seconds_of(run) == UNKNOWN
    assert seconds_of(wait_in(store, "Rates", kind=RATE_SEARCH)) == UNKNOWN


def test_a_run_takes_no_longer_than_its_longest_time(store):
    run = make_run(store, "Half", "queued", accuracies=(0.3, 0.4), most_hours=0.025)
    assert seconds_of(run) == pytest.approx(90.0 - 65.0)  # of which 65 s are spent
