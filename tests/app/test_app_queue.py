import time
from dataclasses import replace

import pytest
from pages import answer, make_run, open_page, run_list, texts

from app import theme
from app.screens.queue import page as queue_page
from app.screens.queue import remedies, running
from cifar_core.config import TrainConfig
from cifar_core.devices import Device, Inventory
from cifar_core.disk import files
from cifar_core.people import ADMIN, OPERATOR, VIEWER, Person
from cifar_core.runs import RATE_SEARCH, Store
from cifar_core.runs.listing.queue_forecast import starts
from cifar_core.runs.listing.run_lengths import UNKNOWN
from cifar_core.runs.record import control, status
from cifar_core.runs.store.queue import seen_failures

CPU = Device(id="cpu", name="A processor")
GPUS = [Device(id=f"cuda:{number}", name="A GPU") for number in range(2)]
ANN, BO = (Person(name=name, role=OPERATOR) for name in ("ann", "bo"))


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


def trains(store, name="Runs", *, left=400.0, **changes):
    """Return a run as if it was being trained, with so many seconds left."""
    run = make_run(store, name, "running", **changes)
    words = status.described("running")
    status.write(run.path, status.RunStatus(**words, attempt=1, device="cpu"))
    summary = files.read_json(run.path / "summary.json")
    files.write_json(run.path / "summary.json", {**summary, "eta_seconds": left})
    return run


def failed(store, name, reason, *, accuracies=(), suggestion=None, ago=60.0, **more):
    """Return a run that failed some seconds ago."""
    run = make_run(store, name, "failed", accuracies=accuracies, **more)
    words = status.described("failed", reason=reason, suggestion=suggestion or {},
                             since=time.time() - ago)  # fmt: skip
    status.write(run.path, status.RunStatus(**words, attempt=1))
    return run


@pytest.fixture
def lends(monkeypatch):
    """Return what lets the machine have these devices."""

    def lend(*found):
        monkeypatch.setattr("cifar_core.devices.known", lambda _: Inventory(devices=list(found)))

    return lend


@pytest.fixture
def visits(monkeypatch):
    """Return what lets a person be the visitor."""

    def visit(person):
        monkeypatch.setattr("app.session.person", lambda: person)

    return visit


def keys(page):
    return {button.key for button in page.button}


def labels(page):
    return [link.proto.label for link in page.get("page_link")]


def shown(page):
    """Return the runs of the list, as the browser gets them."""
    return run_list(page, "queue_list")["runs"]


def names(page):
    return [run["name"] for run in shown(page)]


def ask(page, event, value):
    """Do what a click in the list does."""
    return answer(page, event=event, value=value, of="queue_list")


def move(page, wanted, *, seen=None, run="", token=1):
    """Bring the list into an order, of the places that are shown now."""
    ids = [one["id"] for one in shown(page)]
    order = [ids[place] for place in wanted]
    value = {"ids": order, "seen": seen or ids, "run": run or order[0], "token": token}
    return ask(page, "moved", value)


def clocks(before, seconds):
    """Return what a page that was drawn since may have written for a time some seconds ahead."""
    return {theme.clock(at + seconds) for at in range(int(before), int(time.time()) + 2)}


def toasts(page):
    return " ".join(toast.value for toast in page.toast)


def test_an_empty_queue_leads_to_train(store):
    page = open_page("queue")
    assert not page.exception
    assert "Nothing waits. A run that you start now starts at once." in texts(page)
    assert "Train" in labels(page)
    assert not page.subheader
    assert "pause_queue" not in keys(page)


def test_what_runs_shows_how_far_it_is_and_when_it_is_done(store, lends):
    lends(CPU)
    trains(store, "Half *way*", accuracies=(0.3, 0.4), left=400.0)
    before = time.time()
    page = open_page("queue")
    assert not page.exception
    assert "#1 Half \\*way\\*" in labels(page)
    assert "epoch 3 of 5" in texts(page)
    assert any(f"done \u2248 {at}" in texts(page) for at in clocks(before, 400))
    assert page.get("progress")[0].proto.value == 40
    assert "cpu" not in texts(page)  # there is no other device
    assert [one.value for one in page.subheader] == ["Running now"]


def test_what_waits_shows_its_place_its_length_and_its_start(store, lends):
    lends(CPU)
    trains(store, accuracies=(0.3,), left=7200.0)
    wait_in(store, "First")
    wait_in(store, "Second")
    before = time.time()
    page = open_page("queue")
    assert not page.exception
    first, second = shown(page)
    assert (first["name"], second["name"]) == ("First", "Second")
    # an epoch of run 1 took 65 s
    assert first["takes"] == second["takes"] == "\u2248 5\u00a0min"
    assert first["starts"] in {f"starts \u2248 {at}" for at in clocks(before, 7200)}
    assert second["starts"] in {f"starts \u2248 {at}" for at in clocks(before, 7200 + 325)}
    ends = {f"All 3 runs are done \u2248 {at}." for at in clocks(before, 7200 + 650)}
    assert any(end in texts(page) for end in ends)


def test_a_whole_order_is_taken_and_the_browser_is_answered(store):
    for name in ("Alpha", "Beta", "Gamma"):
        wait_in(store, name)
    page = move(open_page("queue"), (2, 0, 1), token=7)
    assert not page.exception
    assert [row.name for row in store.queue()] == ["Gamma", "Alpha", "Beta"]
    assert names(page) == ["Gamma", "Alpha", "Beta"]
    assert run_list(page, "queue_list")["answered"] == 7
    assert not page.toast


def test_an_order_of_a_queue_that_has_changed_is_refused_and_drawn_as_it_is(store):
    runs = [wait_in(store, name) for name in ("Alpha", "Beta", "Gamma")]
    page = open_page("queue")
    store.to_front(runs[2])
    page = move(page, (1, 0, 2), token=3)
    assert "has been changed since you saw it" in toasts(page)
    assert names(page) == ["Gamma", "Alpha", "Beta"]
    assert run_list(page, "queue_list")["answered"] == 3


def test_a_run_that_starts_while_it_is_moved_drops_out(store):
    runs = [wait_in(store, name) for name in ("Alpha", "Beta")]
    page = open_page("queue")
    status.move(runs[1].path, ("queued",), "running", attempt=1, device="cpu")
    page = move(page, (1, 0))
    assert "#2 has started or left the queue meanwhile." in toasts(page)
    assert names(page) == ["Alpha"]


@pytest.mark.parametrize("value", [None, 3, {"ids": "all"}, {"ids": [1]}, {"token": -1}])
def test_a_request_that_no_list_sends_is_refused(store, value):
    wait_in(store, "Alpha")
    page = ask(open_page("queue"), "moved", value)
    assert not page.exception
    assert names(page) == ["Alpha"]


def test_a_run_is_removed_unless_it_has_started_meanwhile(store):
    first, second = wait_in(store, "Alpha"), wait_in(store, "Beta")
    page = ask(open_page("queue"), "removed", first.id)
    assert first.status.state == "stopped"
    assert "can be resumed" in toasts(page)
    status.move(second.path, ("queued",), "running", attempt=1, device="cpu")
    page = ask(page, "removed", second.id)
    assert second.status.state == "running"
    assert "#2 has started meanwhile." in toasts(page)


@pytest.mark.parametrize(("way", "asked"), [(running.EPOCH, "epoch"), (running.PAUSE, "pause")])
def test_a_run_can_be_stopped_in_several_ways(store, way, asked):
    run = trains(store)
    page = open_page("queue")
    (menu,) = [one for one in page.menu_button if one.key == f"stop {run.id}"]
    assert menu.options == [running.EPOCH, running.NOW, running.PAUSE]
    menu.click(way).run()
    assert not page.exception
    assert control.read(run.path).request == asked


def test_a_run_that_is_stopping_says_so_and_offers_no_other_way(store):
    run = trains(store)
    status.move(run.path, ("running",), "stopping")
    page = open_page("queue")
    assert "Stopping" in texts(page)
    assert not page.menu_button


def test_only_the_owner_and_an_admin_may_change_a_run(store, visits):
    visits(ANN)
    wait_in(replace(store, by=ANN), "Mine")
    other = wait_in(replace(store, by=BO), "Other")
    page = open_page("queue")
    assert not page.exception
    assert [(run["name"], run["mine"], run["owner"]) for run in shown(page)] == [
        ("Mine", True, ""), ("Other", False, "bo"),
    ]  # fmt: skip
    assert "You can move, change and remove your own runs" in texts(page)
    assert "pause_queue" not in keys(page)
    page = ask(page, "removed", other.id)
    assert other.status.state == "queued"
    assert "belongs to bo" in toasts(page)
    visits(Person(name="vi", role=VIEWER))
    page = open_page("queue")
    assert not any(run["mine"] for run in shown(page))
    assert "You can move" not in texts(page)


def test_people_are_asked_to_stay_behind_the_runs_of_others(store, visits):
    visits(ANN)
    wait_in(replace(store, by=ANN), "Mine 1")
    wait_in(replace(store, by=BO), "Other")
    mine = wait_in(replace(store, by=ANN), "Mine 2")
    page = move(open_page("queue"), (0, 2, 1), run=mine.id)
    assert "no run of another person may get a later place" in toasts(page)
    page = move(page, (2, 0, 1), run=mine.id, token=2)
    assert names(page) == ["Mine 2", "Other", "Mine 1"]
    assert "no run of another person gets a later place" in toasts(page)
    page = move(page, (1, 0, 2), run=mine.id, token=3)
    assert names(page) == ["Other", "Mine 2", "Mine 1"]


def test_with_several_devices_a_run_is_given_another_one(store, lends):
    lends(*GPUS, CPU)
    run = wait_in(store, "Any")
    wait_in(store, "Gone", device="cuda:7")
    page = open_page("queue")
    assert not page.exception
    list_ = run_list(page, "queue_list")
    assert [one["title"] for one in list_["choices"]] == ["any GPU", "cuda:0", "cuda:1", "cpu"]
    assert [(one["device"], one["starts"]) for one in list_["runs"]] == [
        ("auto", "starts soon"), ("cuda:7", ""),
    ]  # fmt: skip
    page = ask(page, "device", {"run": run.id, "device": "cuda:1"})
    assert run.settings["device"] == shown(page)[0]["device"] == "cuda:1"
    status.move(run.path, ("queued",), "running", attempt=1, device="cuda:1")
    page = ask(page, "device", {"run": run.id, "device": "cuda:0"})
    assert "Only a run that waits" in toasts(page)
    assert run.settings["device"] == "cuda:1"


def test_with_one_device_there_is_nothing_to_choose(store, lends):
    lends(CPU)
    wait_in(store, "Any")
    assert run_list(open_page("queue"), "queue_list")["choices"] == []


def test_a_run_that_waits_for_something_else_says_for_what(store, lends):
    lends(CPU)
    run = wait_in(store, "Alpha")
    status.move(run.path, ("queued",), "queued", reason="disk", message="Waiting for disk space.")
    (one,) = shown(open_page("queue"))
    assert one["why"] == "Waiting for disk space."


def test_a_rate_search_has_no_known_length_and_neither_has_what_follows_it(store, lends):
    lends(CPU)
    wait_in(store, "Rates", kind=RATE_SEARCH)
    wait_in(store, "Next")
    page = open_page("queue")
    rates, following = shown(page)
    assert (rates["takes"], rates["starts"]) == ("", "starts soon")
    assert following["takes"]
    assert following["starts"] == ""
    assert "are done" not in texts(page)


def test_an_admin_pauses_the_queue_with_a_note_and_resumes_it(store, lends):
    lends(CPU)
    wait_in(store, "Alpha")
    wait_in(store, "Beta")
    page = open_page("queue")
    page.text_input(key="queue_pause_note").input("a talk")
    page.button(key="pause_queue").click().run()
    assert not page.exception
    words = texts(page)
    assert 'paused the queue ("a talk").' in words
    assert "2 runs wait until it is resumed." in words
    assert {run["starts"] for run in shown(page)} == {""}
    assert "are done" not in words
    assert "pause_queue" not in keys(page)
    page.button(key="resume_queue").click().run()
    assert not store.queue_pause.is_on
    assert "resume_queue" not in keys(page)


def test_others_see_the_pause_and_who_can_end_it(store, visits):
    replace(store, by=Person(name="chief", role=ADMIN)).pause_queue()
    visits(ANN)
    page = open_page("queue")
    words = texts(page)
    assert "chief paused the queue." in words
    assert "A run that is started now waits until it is resumed." in words
    assert "starts at once" not in words
    assert "resume_queue" not in keys(page)
    wait_in(replace(store, by=ANN), "Alpha")
    assert "An admin can resume it." in texts(open_page("queue"))


def test_the_corner_the_train_page_and_the_run_say_that_the_queue_is_paused(store):
    store.pause_queue("a talk")
    page = open_page("train")
    assert 'paused the queue ("a talk").' in texts(page)
    assert "A run that is started now waits until it is resumed." in texts(page)
    assert "Done at about" not in texts(page)
    run = wait_in(store, "Alpha")
    page = open_page("run", id=run.number)
    assert "once the queue is resumed and a device is free" in texts(page)
    store.resume_queue()
    assert "paused the queue" not in texts(open_page("train"))
    page = open_page("run", id=run.number)
    assert "The curves appear here once a device is free." in texts(page)


def test_a_failure_says_when_why_and_is_cloned_with_the_suggestion_in_one_click(store):
    run = failed(store, "Big", "oom", batch_size=512, suggestion={"micro_batch": 256})
    page = open_page("queue")
    assert not page.exception
    assert "Failed since yesterday" in texts(page)
    assert run.status.message in texts(page)
    (button,) = [one for one in page.button if one.key == f"clone {run.id}"]
    assert button.label == "Clone with micro_batch 256"
    button.click().run()
    (waits,) = store.queue()
    assert waits.parent == run.id
    assert (waits.settings["batch_size"], waits.settings["micro_batch"]) == (512, 256)
    assert "Failed since yesterday" not in texts(page)
    assert "was made from #1" in toasts(page)


def test_two_clicks_make_one_clone(store):
    run = failed(store, "Big", "diverged", suggestion={"learning_rate": 0.01})
    page, other = open_page("queue"), open_page("queue")
    page.button(key=f"clone {run.id}").click().run()
    other.button(key=f"clone {run.id}").click().run()
    assert "was cloned already" in toasts(other)
    assert len(store.queue()) == 1


def test_a_failure_is_resumed_in_one_click(store):
    run = failed(store, "Night", "killed", accuracies=(0.3,))
    page = open_page("queue")
    page.button(key=f"resume {run.id}").click().run()
    assert run.status.state == "queued"
    assert "Failed since yesterday" not in texts(page)


@pytest.mark.parametrize(("reason", "label"), [
    ("data", "Go to the images"), ("weights", "Get the weights"), ("bug", "Read the log"),
    ("settings", "Change its settings"), ("oom", "Change its settings"),
])  # fmt: skip
def test_a_failure_leads_to_the_page_on_which_it_is_fixed(store, reason, label):
    failed(store, "Gone", reason)
    assert label in labels(open_page("queue"))


def test_every_reason_has_a_remedy(store):
    from cifar_core.runs import FAILURES

    run = failed(store, "Any", "killed")
    for reason in FAILURES:
        found = remedies.remedies(run, status.RunStatus(state="failed", reason=reason))
        assert found, reason


def test_what_was_dismissed_does_not_come_back_for_that_person(store, visits):
    run = failed(store, "Night", "killed")
    failed(store, "Other", "killed")
    page = open_page("queue")
    page.button(key=f"dismiss {run.id}").click().run()
    assert "#1 Night" not in labels(page)
    assert "#1 Night" not in labels(open_page("queue"))
    visits(ANN)
    page = open_page("queue")
    assert "#1 Night" in labels(page)
    page.button(key="dismiss all").click().run()
    assert "Failed since yesterday" not in texts(page)
    words = status.described("failed", reason="killed")  # it is resumed, and fails again
    status.write(run.path, status.RunStatus(**words, attempt=2))
    assert "#1 Night" in labels(open_page("queue"))


def test_old_failures_are_not_shown_and_many_are_counted(store):
    failed(store, "Old", "killed", ago=49 * 3600)
    for number in range(5):
        failed(store, f"New {number}", "killed")
    page = open_page("queue")
    assert "#1 Old" not in labels(page)
    assert "and 2 others" in labels(page)
    assert len([label for label in labels(page) if "New" in label]) == 3


def test_a_viewer_and_a_stranger_get_only_what_they_may_do(store, visits):
    theirs = replace(store, by=BO)
    run = failed(theirs, "Big", "killed")
    visits(ANN)
    page = open_page("queue")
    assert f"resume {run.id}" not in keys(page)
    assert f"dismiss {run.id}" in keys(page)
    visits(Person(name="vi", role=VIEWER))
    assert not {key for key in keys(open_page("queue")) if run.id in str(key)}


def test_yesterday_begins_at_midnight():
    noon = time.mktime((2026, 11, 30, 12, 0, 0, 0, 0, -1))
    assert time.localtime(seen_failures.yesterday(noon))[:5] == (2026, 11, 29, 0, 0)


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


def test_a_run_on_two_devices_starts_when_both_are_free_and_holds_up_those_behind_it():
    takes = {"a": 10.0, "b": 20.0, "c": 5.0}
    anywhere = dict.fromkeys(takes, ("x", "y"))
    free = {"x": 0.0, "y": 4.0}
    assert starts("abc", takes, anywhere, free, {"a": 2}) == {"a": 4, "b": 14, "c": 14}
    assert starts("ab", takes, {"a": ("x",), "b": ("x",)}, free, {"a": 2}) == {"a": UNKNOWN, "b": 0}


def seconds_of(run):
    """Return how long the page expects a run to take, drawn where Streamlit can keep results."""
    (row,) = [one for one in run_store(run).runs() if one.id == run.id]
    return queue_page.lengths(Inventory()).left(row)


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
