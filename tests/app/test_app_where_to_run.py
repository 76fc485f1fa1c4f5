"""Where to run, and on how many devices: nothing of it is seen where there is no choice."""

import pytest
from pages import make_run, open_page, texts

from cifar_core.config import ROWS
from cifar_core.devices import Device, Inventory
from cifar_core.disk import files
from cifar_core.runs.backends import settings

CPU = Device(id="cpu", name="A processor")
GPUS = [Device(id=f"cuda:{number}", name="A GPU") for number in range(2)]
SLURM = {"slurm": {"partition": "gpu"}}
BOTH = {**SLURM, "ray": {"address": "http://10.0.0.5:8265", "gpus": 0}}
MENTIONS = ("Where to run", "Devices", "Slurm", "cluster")


@pytest.fixture
def store(page_store, monkeypatch):
    lend(monkeypatch, CPU)
    return page_store


def lend(monkeypatch, *found):
    monkeypatch.setattr("cifar_core.devices.known", lambda _: Inventory(devices=list(found)))


def set_up(store, clusters=SLURM):
    files.write_json(store.root / settings.NAME, clusters)


def open_train(**query):
    page = open_page("train", **{"preset": "smoke", **query})
    for title in ROWS:
        page.session_state[f"row.{title.lower().replace(' ', '-')}"] = True
    page.run()
    assert not page.exception
    return page


def key(page, name):
    return f"new{page.session_state['draft_number']}.{name}"


def drawn(page):
    every = (page.number_input, page.selectbox, page.toggle, page.text_input)
    return {w.key.split(".")[-1] for kind in every for w in kind if "." in (w.key or "")}


def go_to(page, place):
    page.selectbox(key=key(page, "run_on")).select(place).run()
    assert not page.exception


def share_among(page, count):
    page.number_input(key=key(page, "devices")).set_value(count).run()
    assert not page.exception


def plan(page):
    return texts(page)


def test_one_machine_with_one_device_shows_nothing_new(store):
    page = open_train()
    assert not {"run_on", "devices"} & drawn(page)
    labels = [w.label for kind in (page.selectbox, page.number_input) for w in kind]
    assert not [word for word in MENTIONS for said in [texts(page), *labels] if word in said]
    page.text_input(key="find_setting").set_value("gradients are averaged").run()
    assert "No setting has these words" in texts(page)


def test_the_count_of_settings_leaves_out_the_choices_that_are_not_there(store):
    def total(page):
        (toggle,) = (t for t in page.toggle if t.label.startswith("Only what differs"))
        return int(toggle.label.rpartition(" ")[2].rstrip(")"))

    before = total(open_train())
    set_up(store)
    assert total(open_train()) == before + 1  # the place; devices once a cluster is chosen


def test_a_cluster_is_offered_where_one_is_set_up(store):
    set_up(store, BOTH)
    page = open_train()
    box = page.selectbox(key=key(page, "run_on"))
    assert box.options == ["This machine", "Slurm (gpu)", "Ray"]
    assert "devices" not in drawn(page)
    go_to(page, "slurm")
    assert "Slurm (gpu) chooses the machine and gives the run 1 GPU." in plan(page).replace(
        "\\", ""
    )
    assert "devices" in drawn(page)
    assert page.selectbox(key=key(page, "device")).options == ["auto", "cuda", "cpu"]
    go_to(page, "ray")
    assert "Ray chooses the machine and gives the run no GPU." in plan(page)


def test_only_those_that_are_set_up_are_offered(store):
    set_up(store)
    page = open_train()
    assert page.selectbox(key=key(page, "run_on")).options == ["This machine", "Slurm (gpu)"]


def test_a_run_goes_where_the_form_says(store):
    set_up(store)
    page = open_train()
    go_to(page, "slurm")
    share_among(page, 2)
    page.button(key="start").click().run()
    assert not page.exception
    (row,) = store.runs()
    assert (row.settings["run_on"], row.settings["devices"], row.state) == ("slurm", 2, "queued")


def test_figures_of_this_machine_are_not_those_of_a_cluster(store):
    set_up(store)
    page = open_train()
    assert {"measure", "find_fit"} <= {b.key for b in page.button}
    assert "estimated from multiply-adds" in plan(page)
    go_to(page, "slurm")
    assert not {"measure", "find_fit"} & {b.key for b in page.button}
    words = plan(page).replace("\\", "")
    assert "estimated from multiply-adds" not in words
    assert "How long it takes is known once a run like it has trained on Slurm (gpu)." in words
    assert "(chosen automatically)" not in words


def test_the_time_on_a_cluster_is_that_of_a_run_there(store):
    set_up(store, {"slurm": {"gpus": 0}})
    there = {"model": "simple_cnn", "epochs": 2}
    make_run(store, "Here", **there)
    page = open_train(clone=1)
    assert "as fast as run #1" in plan(page)
    go_to(page, "slurm")
    assert "as fast as run" not in plan(page)
    make_run(store, "There", run_on="slurm", **there)
    page.run()
    assert "as fast as run #2" in plan(page)
    assert "Slurm decides when it starts." in plan(page)


def test_several_devices_are_offered_with_what_to_expect(store, monkeypatch):
    lend(monkeypatch, *GPUS, CPU)
    page = open_train()
    assert "run_on" not in drawn(page)
    share_among(page, 2)
    words = plan(page)
    batch = page.number_input(key=key(page, "batch_size")).value
    assert f"Each of the 2 devices computes {batch // 2} of the {batch} images of a batch" in words
    assert f"with *Images at once* at {batch // 2}, but not always the same" in words
    assert "a small network may not be faster at all" in words
    assert "2 devices of the kind A GPU share each batch." in words
    assert "A GPU (chosen automatically), 2 devices" in words
    assert not {"measure", "find_fit"} & {b.key for b in page.button}


def test_one_device_says_nothing_of_several(store, monkeypatch):
    lend(monkeypatch, *GPUS, CPU)
    page = open_train()
    assert "devices" in drawn(page)
    assert "of the kind A GPU share each batch" not in plan(page)
    assert "gradients are averaged. The result" not in plan(page)


def test_more_devices_than_there_are_is_said_beside_the_setting(store, monkeypatch):
    lend(monkeypatch, *GPUS, CPU)
    page = open_train()
    share_among(page, 4)
    assert "of the kind that is chosen this machine has 2 devices. Choose at most 2." in plan(page)
    assert page.button(key="start").disabled
    page.selectbox(key=key(page, "device")).select("cuda:1").run()
    share_among(page, 2)
    assert "this machine has 1 device. Choose at most 1." in plan(page)


def test_a_rate_search_is_for_one_device(store, monkeypatch):
    lend(monkeypatch, *GPUS, CPU)
    page = open_train()
    assert "find_rate" in {b.key for b in page.button}
    share_among(page, 2)
    assert "find_rate" not in {b.key for b in page.button}
    assert "A rate search computes on one device." in plan(page)


def test_a_clone_of_a_run_on_a_cluster_that_is_gone_says_what_to_do(store):
    make_run(store, "There", run_on="slurm")
    page = open_train(clone=1)
    words = plan(page).replace("\\", "")
    assert "run_on is 'slurm', but Slurm is not set up in this store. Choose 'local'" in words
    assert page.button(key="start").disabled
    go_to(page, "local")
    assert not page.button(key="start").disabled


def test_a_sweep_goes_to_one_place_and_may_vary_the_devices(store, monkeypatch):
    def options():
        page = open_train()
        page.session_state["several_how"] = "grid"
        page.run()
        return page.multiselect(key=f"{key(page, 'vary')}").options

    assert not {"Where to run", "Devices"} & set(options())
    set_up(store)
    lend(monkeypatch, *GPUS, CPU)
    assert "Devices" in options()
    assert "Where to run" not in options()


def test_the_settings_of_a_run_name_only_choices_that_were_made(store):
    make_run(store, "Here")
    make_run(store, "There", run_on="slurm", devices=2)
    words = [str([t.value for t in open_page("run", id=n, tab="settings").table]) for n in (1, 2)]
    assert "Where to run" not in words[0]
    assert "Devices" not in words[0]
    assert "Where to run" in words[1]
    assert "Slurm" in words[1]
