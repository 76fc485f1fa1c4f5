"""Runs on clusters as the pages show them: where they are, what a cluster says, and its silence."""

import time

import pytest
from pages import answer, listed, make_run, open_page, run_list, texts

from app import theme
from app.corner import machines
from cifar_core.config import TrainConfig
from cifar_core.devices import Device, Inventory
from cifar_core.disk import files
from cifar_core.runs.backends import settings
from cifar_core.runs.record import status
from cifar_core.runs.record.machine import balance

CPU = Device(id="cpu", name="A processor")
GPUS = [Device(id=f"cuda:{number}", name="A GPU") for number in range(2)]
WORDS = "Slurm says: waits for Priority; expected to start 14:20."


@pytest.fixture
def store(page_store, monkeypatch):
    lend(monkeypatch, CPU)
    files.write_json(page_store.root / settings.NAME, {"slurm": {"partition": "gpu"}})
    return page_store


def lend(monkeypatch, *found):
    monkeypatch.setattr("cifar_core.devices.known", lambda _: Inventory(devices=list(found)))


def there(store, name, state="running", *, device="Slurm n1", silent=0.0, words="", **changes):
    """Return a run as if it had been handed over to Slurm."""
    run = make_run(store, name, state, run_on="slurm", **changes)
    said = status.described(state) | ({"message": words} if words else {})
    status.write(run.path, status.RunStatus(**said, attempt=1, device=device, unanswered=silent))
    return run


def waits_there(store, name="Pending", **more):
    return there(store, name, "starting", device="Slurm", words=WORDS, accuracies=(), **more)


def queued(store, name, **changes):
    run = store.create(TrainConfig(data="synthetic", epochs=5, **changes), name=name)
    store.submit(run)
    return run


def page_of(name, **query):
    page = open_page(name, **query)
    assert not page.exception
    return page


def subheaders(page):
    return [one.value for one in page.subheader]


def plain(page):
    return texts(page).replace("\\", "")


def badges(page):
    return [one.value for one in page.markdown if "badge" in one.value]


def shown(page):
    return run_list(page, "queue_list")


def test_the_queue_tells_what_runs_from_what_waits_at_a_cluster_and_here(store):
    there(store, "On a node", accuracies=(0.3,))
    waits_there(store)
    queued(store, "Not yet", run_on="slurm")
    page = page_of("queue")
    assert subheaders(page) == ["Running now", "Handed over", "Next"]
    words = plain(page)
    assert "Slurm n1" in words
    assert WORDS in words
    (waiting,) = shown(page)["runs"]
    assert (waiting["name"], waiting["device"]) == ("Not yet", "slurm")
    assert waiting["starts"] == ""
    assert {"key": "slurm", "title": "Slurm (gpu)"} in shown(page)["choices"]


def test_without_clusters_the_queue_is_as_it_was(store):
    (store.root / settings.NAME).unlink()
    run = make_run(store, "Here", "running")
    status.write(run.path, status.RunStatus(**status.described("running"), device="cpu"))
    queued(store, "Next one")
    page = page_of("queue")
    assert subheaders(page) == ["Running now", "Next"]
    assert shown(page)["choices"] == []
    assert "Handed over" not in texts(page)


def test_a_run_waits_for_room_at_the_cluster_in_words(store):
    run = queued(store, "Not yet", run_on="slurm")
    words = "Waiting until Slurm has fewer than 2 runs of this store."
    status.move(run.path, ("queued",), "queued", message=words)
    (waiting,) = shown(page_of("queue"))["runs"]
    assert waiting["why"] == words


def test_silence_is_a_badge_and_never_a_state(store):
    since = time.time() - 600
    run = there(store, "On a node", silent=since, accuracies=(0.3,))
    words = f"Slurm has not answered since {theme.clock(since)}"
    assert words in plain(page_of("queue"))
    page = page_of("run", id=run.number)
    assert words in plain(page)
    assert "Running" in plain(page)
    (line,) = listed(page_of("runs"))
    assert words in str(line["state"])
    assert "Running" in str(line["state"])
    answered = there(store, "Another", accuracies=(0.3,))
    assert "has not answered" not in plain(page_of("run", id=answered.number))


def test_the_list_of_runs_shows_where_they_are_once_any_is_on_a_cluster(store):
    make_run(store, "Here")
    assert "device" not in listed(page_of("runs"))[0]
    there(store, "On a node", accuracies=(0.3,))
    waits_there(store)
    pending, running, _ = listed(page_of("runs"))
    assert (running["device"], pending["device"]) == ("Slurm n1", "Slurm")
    assert "waits there" in str(pending["state"])
    assert "waits" not in str(running["state"])


def test_a_run_that_waits_at_a_cluster_says_so_on_its_page(store):
    run = waits_there(store)
    words = plain(page_of("run", id=run.number))
    assert WORDS in words
    assert "It was handed over to Slurm and starts when Slurm gives it a machine." in words
    assert "PyTorch is being loaded" not in words
    assert " left, done at " not in words


def test_a_later_attempt_that_waits_there_shows_no_time_left(store):
    run = there(store, "Again", "starting", device="Slurm", words=WORDS, accuracies=(0.3,))
    summary = files.read_json(run.path / "summary.json")
    files.write_json(run.path / "summary.json", {**summary, "eta_seconds": 900.0})
    page = page_of("run", id=run.number)
    assert not page.get("progress")
    assert not page_of("queue").get("progress")


def test_a_run_that_starts_on_a_node_is_no_longer_in_the_queue_there(store):
    run = there(store, "Loading", "starting", device="Slurm n1", accuracies=())
    words = plain(page_of("run", id=run.number))
    assert "Slurm n1" in words
    assert "handed over" not in words
    assert "Handed over" not in subheaders(page_of("queue"))


def test_a_run_for_a_cluster_names_no_device_of_this_machine(store):
    make_run(store, "Here", "running")
    run = queued(store, "Not yet", run_on="slurm")
    words = plain(page_of("run", id=run.number))
    assert "The curves appear here once Slurm has given it a machine." in words
    assert "Using a device now" not in words
    local = queued(store, "Local")
    there(store, "On a node", accuracies=(0.3,))
    page = page_of("run", id=local.number)
    assert "Using a device now" in plain(page)
    linked = [link.proto.label for link in page.get("page_link")]
    assert any("Here" in label for label in linked)
    assert not any("On a node" in label for label in linked)


def test_the_corner_has_a_line_for_each_cluster(store):
    there(store, "On a node", silent=time.time() - 60, accuracies=(0.3,))
    waits_there(store)
    queued(store, "Not yet", run_on="slurm")
    rows = store.runs()
    (line,) = machines.cluster_lines(rows)
    assert line.replace("\\", "").startswith("**Slurm (gpu)**: 1 running, 1 waiting there, has not")
    page = page_of("runs")
    (menu,) = (p for p in page.get("popover") if "running" in p.proto.popover.label)
    assert menu.proto.popover.label == "1 running, 2 waiting"


def test_a_cluster_that_was_removed_is_named_as_long_as_it_has_runs(store):
    there(store, "On a node", accuracies=(0.3,))
    (store.root / settings.NAME).unlink()
    assert machines.cluster_lines(store.runs()) == ["**Slurm**: 1 running"]
    store.run(1).stop("now")
    status.move(store.run(1).path, ("running", "stopping"), "stopped")
    assert machines.cluster_lines(store.runs()) == []


def test_a_waiting_run_is_sent_to_a_cluster_and_back(store):
    run = queued(store, "Not yet", device="cpu")
    page = page_of("queue")
    page = answer(page, event="device", value={"run": run.id, "device": "slurm"}, of="queue_list")
    assert not page.exception
    assert (run.settings["run_on"], run.settings["device"]) == ("slurm", "auto")
    assert shown(page)["runs"][0]["device"] == "slurm"
    page = answer(page, event="device", value={"run": run.id, "device": "auto"}, of="queue_list")
    assert run.settings["run_on"] == "local"


def test_a_run_that_has_begun_is_sent_only_where_it_gets_the_same_kind(store):
    run = make_run(store, "Begun", "queued")
    page = page_of("queue")
    page = answer(page, event="device", value={"run": run.id, "device": "slurm"}, of="queue_list")
    assert "its numbers would change in the middle on cuda" in " ".join(t.value for t in page.toast)
    assert run.settings["run_on"] == "local"
    files.write_json(store.root / settings.NAME, {"slurm": {"gpus": 0}})
    page = answer(page, event="device", value={"run": run.id, "device": "slurm"}, of="queue_list")
    assert run.settings["run_on"] == "slurm"


def test_many_runs_on_a_cluster_are_not_all_drawn(store, monkeypatch):
    monkeypatch.setattr("app.screens.queue.page.MOST", 2)
    for name in "abcd":
        there(store, name, accuracies=(0.3,))
    page = page_of("queue")
    labels = [link.proto.label for link in page.get("page_link")]
    assert "and 2 others" in labels


def test_several_devices_of_this_machine_are_named(store, monkeypatch):
    lend(monkeypatch, *GPUS)
    run = make_run(store, "Both", "running", devices=2)
    status.write(run.path, status.RunStatus(**status.described("running"), attempt=1,
                                            device="cuda:0, cuda:1"))  # fmt: skip
    assert "cuda:0, cuda:1" in plain(page_of("queue"))


def shares(run, *work, seconds=0.1):
    parts = [balance.Share(device=f"cuda:{n}", work=w) for n, w in enumerate(work)]
    files.write_json(
        balance.path_of(run.path, 1), balance.Balance(at=1.0, seconds=seconds, shares=parts)
    )


def machine_row_of(run):
    page = page_of("run", id=run.number, tab="watch")
    page.session_state[f"row.machine-{run.number}"] = True
    page.run()
    assert not page.exception
    return page


def test_the_balance_of_several_devices_is_drawn_while_they_train(store):
    run = make_run(store, "Both", "running", devices=2)
    shares(run, 0.08, 0.08)
    page = machine_row_of(run)
    bars = [str(one.proto.text) for one in page.get("progress")]
    assert len([bar for bar in bars if "computes its part of a batch for 80" in bar]) == 2
    assert "2 devices, equally busy" in plain(page)
    assert "All devices take about the same time" in plain(page)
    assert "is slower" not in plain(page)


def test_a_slower_device_is_named(store):
    run = make_run(store, "Both", "running", devices=2)
    shares(run, 0.09, 0.04)
    page = machine_row_of(run)
    assert "cuda:0 is slower than the others, and each step takes as long as it does" in plain(page)


def test_one_device_has_no_balance(store):
    run = make_run(store, "One", "running")
    page = page_of("run", id=run.number, tab="watch")
    assert "All devices" not in plain(page)
