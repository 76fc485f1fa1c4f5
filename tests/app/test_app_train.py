import sys
from dataclasses import fields

import numpy as np
import pytest
from msgspec.structs import replace
from pages import make_run, open_page, texts
from PIL import Image

from app import theme
from app.screens.run.page import TABS
from cifar_core import data, devices, timm_names
from cifar_core.config import ROWS, TrainConfig
from cifar_core.config.presets import PRESETS
from cifar_core.data.augmentation.policies import POLICIES
from cifar_core.devices import Inventory, Refused
from cifar_core.disk import files
from cifar_core.errors import DataError
from cifar_core.optim import OPTIMIZERS
from cifar_core.runs import RATE_SEARCH
from cifar_core.runs.prepare.largest_batch import LargestBatch
from cifar_core.runs.record import status
from cifar_core.schedules import SCHEDULES


@pytest.fixture
def store(page_store):
    return page_store


def prefix(page):
    return f"new{page.session_state['draft_number']}"


def open_train(**query):
    """Open the page with all rows open, so that all their settings are drawn."""
    page = open_page("train", **query)
    open_rows(page)
    return page


def open_rows(page, *titles):
    for title in titles or ROWS:
        page.session_state[f"row.{title.lower().replace(' ', '-')}"] = True
    page.run()


def number(page, name):
    return page.number_input(key=f"{prefix(page)}.{name}")


def choose(page, name, value):
    if name == "model":  # from cards, which only a browser draws
        page.session_state["picked.network"] = value
        page.run()
        return
    page.selectbox(key=f"{prefix(page)}.{name}").select(value).run()


def keys(page):
    drawn = (page.number_input, page.selectbox, page.toggle, page.text_input)
    return {w.key.split(".")[1] for kind in drawn for w in kind if "." in (w.key or "")}


def test_start_makes_a_queued_run_with_the_chosen_settings_and_opens_it(store):
    page = open_train(preset="smoke")
    assert not page.exception
    choose(page, "optimizer", "adamw")
    number(page, "learning_rate").set_value(0.002).run()
    page.text_input(key=f"{prefix(page)}.name").set_value("Mine").run()
    page.button(key="start").click().run()
    assert not page.exception
    (row,) = store.runs()
    assert (row.name, row.state, row.optimizer) == ("Mine", "queued", "adamw")
    assert row.learning_rate == 0.002
    assert "Mine" in page.header[0].value
    assert "".join(page.query_params["id"]) == "1"


def test_a_second_click_on_start_finds_the_run_of_the_first(store):
    page = open_train(preset="smoke")
    page.session_state["started"] = make_run(store, "First click", "queued", accuracies=()).id
    page.button(key="start").click().run()
    assert [row.name for row in store.runs()] == ["First click"]


def test_a_run_started_later_is_another_one(store):
    for _ in range(2):
        page = open_train(preset="smoke")
        page.button(key="start").click().run()
    assert [row.number for row in store.runs()] == [2, 1]


def test_all_problems_are_said_at_once_and_nothing_can_be_started(store):
    page = open_train()
    number(page, "learning_rate").set_value(50.0)
    number(page, "epochs").set_value(0).run()
    assert not page.exception
    words = texts(page)
    assert "learning\\_rate is 50, but it must lie between" in words
    assert "epochs is 0, but it must be a whole number" in words
    assert "2 settings need to be corrected first." in words
    assert page.button(key="start").disabled
    number(page, "learning_rate").set_value(0.1)
    number(page, "epochs").set_value(3).run()
    assert not page.button(key="start").disabled


def test_a_wrong_shift_is_said_in_place_of_the_pictures_of_it(store):
    page = open_train()
    number(page, "crop_padding").set_value(-1).run()
    assert not page.exception
    assert "crop\\_padding is -1, but it must be a whole number" in texts(page)
    assert "Top: what the network is tested on" not in texts(page)
    number(page, "crop_padding").set_value(2).run()
    assert "Top: what the network is tested on" in texts(page)


def test_settings_that_do_not_go_together_are_said_beside_the_field(store):
    page = open_train()
    choose(page, "schedule", "cosine")
    number(page, "warmup_epochs").set_value(20.0).run()
    assert "but the run has only 15 epochs" in texts(page).replace("\\", "")


def test_images_that_are_not_there_are_a_problem_of_the_data_setting(store):
    run = make_run(store, "Old", accuracies=())
    files.write_json(run.path / "config.json", {"schema": 1, "data": "/nowhere/at/all"})
    page = open_train(clone=1)
    assert not page.exception
    assert "/nowhere/at/all" in texts(page).replace("\\", "")
    assert page.button(key="start").disabled


def test_a_batch_larger_than_the_data_is_a_problem(store):
    page = open_train(preset="smoke")
    number(page, "batch_size").set_value(4096).run()
    assert "there are only" in texts(page)
    assert page.button(key="start").disabled


def test_only_settings_that_mean_something_are_drawn(store):
    page = open_train()
    assert {"learning_rate", "epochs", "optimizer"} <= keys(page)
    assert not {"dropout", "beta1", "warmup_epochs"} & keys(page)
    choose(page, "model", "simple_cnn_dropout")
    assert "dropout" in keys(page)
    assert {"momentum", "nesterov", "split_seed"} <= keys(page)
    choose(page, "optimizer", "adam")
    assert {"beta1", "beta2"} <= keys(page)
    assert "momentum" not in keys(page)


def test_every_setting_can_be_reached(store):
    make_run(store, "Teacher")
    files.write_json(store.root / "backend.json", {"slurm": {}})  # so that there is a choice
    page = open_train(teacher=1)
    found = keys(page)
    choose(page, "run_on", "slurm")
    found |= keys(page)
    for name, value in [("model", "simple_cnn_dropout"),
                        ("model", "speed_net"), ("model", "mobilenet_v2_imagenet"),
                        ("plan", "gradual"), ("optimizer", "muon"),
                        ("rest_optimizer", "sgd")]:  # fmt: skip
        choose(page, name, value)
        found |= keys(page)
    choices = [("optimizer", OPTIMIZERS), ("schedule", SCHEDULES), ("policy", POLICIES)]
    for name, registry in choices:
        for value, spec in registry.items():
            if not found.issuperset(spec.uses):
                choose(page, name, value)
                found |= keys(page)
    assert {f.name for f in fields(TrainConfig)} == {*found - {"name"}, "model"}


def test_another_preset_fills_the_form_anew(store):
    page = open_train()
    number(page, "epochs").set_value(99).run()
    page.menu_button(key="source").click("smoke").run()
    assert number(page, "epochs").value == PRESETS["smoke"].values["epochs"]
    assert number(page, "train_fraction").value == PRESETS["smoke"].values["train_fraction"]


def test_a_preset_keeps_the_images_that_are_in_the_form(store):
    page = open_train(preset="lab_cnn")
    assert page.session_state["draft"]["data"] == "auto"
    page.session_state["picked.images"] = "synthetic"
    page.run()
    page.menu_button(key="source").click("few_images").run()
    assert page.session_state["draft"]["data"] == "synthetic"
    assert page.session_state["draft"]["model"] == PRESETS["few_images"].config.model


def test_the_buttons_of_the_image_size_lead_to_sizes_that_are_possible(store):
    page = open_train(preset="lab_cnn")
    number(page, "image_size").increment().run()
    assert number(page, "image_size").value == 16
    assert not page.button(key="start").disabled


def test_a_clone_starts_from_the_settings_of_its_run_and_remembers_it(store):
    make_run(store, "Old", learning_rate=0.03, momentum=0.5)
    page = open_train(clone=1)
    assert not page.exception
    assert number(page, "learning_rate").value == 0.03
    assert number(page, "momentum").value == 0.5  # advanced, but not the default
    page.button(key="start").click().run()
    assert store.runs()[0].parent == "1-old"
    assert store.runs()[0].learning_rate == 0.03


@pytest.mark.parametrize(
    "query",
    [
        {"clone": "77"},
        {"clone": "../x", "set": "epochs=3"},
        {"preset": "nothing"},
        {"data": "a folder that is gone"},
        {"search": "1"},  # without a rate
        {"search": "1", "rate": "0.1"},  # of a training run
        {"search": "77", "rate": "0.1"},
    ],
)
def test_an_address_that_names_nothing_starts_from_the_first_preset_and_says_so_once(store, query):
    make_run(store)
    page = open_page("train", **query)
    assert not page.exception
    assert len(page.toast) == 1
    assert not set(query) & set(page.query_params)
    open_rows(page)
    assert number(page, "epochs").value == 15
    number(page, "epochs").set_value(99).run()
    assert not page.toast
    assert number(page, "epochs").value == 99


def test_a_rate_search_without_a_rate_in_the_address_says_what_to_do(store):
    store.create(TrainConfig(), kind=RATE_SEARCH)
    page = open_page("train", search=1)
    assert not page.exception
    assert "but no rate. Open the search" in page.toast[0].value


def test_a_clone_whose_run_was_deleted_stays_and_can_be_started(store):
    run = make_run(store, "Old", learning_rate=0.03)
    page = open_train(clone=1)
    store.delete(run)
    page.run()
    assert not page.error
    assert "Copied from run 1, which is no longer in the store." in texts(page)
    assert number(page, "learning_rate").value == 0.03
    page.button(key="start").click().run()
    assert store.runs()[0].parent == ""
    assert store.runs()[0].learning_rate == 0.03


def test_the_plan_says_what_will_happen_in_one_sentence(store):
    page = open_train()
    words = texts(page)
    assert "Simple CNN learns 10 classes from 9,000 images, 15 times over." in words
    assert "1,050 steps of 128 images, with SGD at a peak rate of 0.1." in words
    assert "not photographs" in words
    assert "no GPU was found" in words or "fastest device" in words
    assert "finds the fastest way to compute a step" in words


def with_gpu(monkeypatch, store, **about):
    """Let a probe of this machine have found a GPU that cannot be used."""
    monkeypatch.setattr("cifar_core.devices.hints.may_have_gpu", lambda: True)
    gpu = Refused(id="cuda:0", name="H100", **about)
    devices.keep(store.root, Inventory(devices=devices.cpus(), refused=[gpu]))


def test_a_gpu_that_cannot_be_used_is_named_with_its_reason(store, monkeypatch):
    with_gpu(monkeypatch, store, reason="driver 535 is too old", trouble="unsupported")
    page = open_train(preset="smoke")
    words = texts(page).replace("\\", "")
    assert "no GPU can be used. H100 (cuda:0) cannot be used: driver 535 is too old." in words
    assert "cuda:0" not in page.selectbox(key=f"{prefix(page)}.device").options
    make_run(store, device="cuda:0")
    page = open_train(clone=1)
    assert "Choose one of these, or 'auto'" in texts(page)
    assert page.button(key="start").disabled


def test_a_run_can_be_queued_for_a_gpu_that_is_out_of_service(store, monkeypatch):
    with_gpu(monkeypatch, store, reason="its memory is full", awaited=True)
    page = open_train(preset="smoke")
    assert "H100 (cuda:0) is out of service: its memory is full." in texts(page).replace("\\", "")
    choose(page, "device", "cuda:0")
    page.button(key="start").click().run()
    assert store.run("1").status.state == "queued"


def test_a_damaged_config_of_a_cloned_run_is_said_and_not_raised(store):
    run = make_run(store, "Old")
    files.write_json(run.path / "config.json", {"schema": 1, "optimizer": "gone"})
    page = open_page("train", clone=1)
    assert not page.exception
    assert "gone" in page.toast[0].value


def test_a_rate_far_from_the_optimizers_usual_one_is_offered_to_be_changed(store):
    page = open_train(preset="lab_cnn")
    assert "usual_rate" not in {b.key for b in page.button}
    choose(page, "optimizer", "adam")
    assert page.button(key="usual_rate").label == "Use 0.001, the usual rate for Adam"
    page.button(key="usual_rate").click().run()
    assert number(page, "learning_rate").value == 0.001
    assert "usual_rate" not in {b.key for b in page.button}


@pytest.mark.parametrize("optimizer", ["adadelta", "lamb", "lars"])
def test_every_kind_of_optimizer_offers_its_usual_rate(store, optimizer):
    page = open_train(preset="transfer_quick")
    choose(page, "optimizer", optimizer)
    if optimizer != "lamb":  # which is usual at five times the preset's rate
        page.button(key="usual_rate").click().run()
        assert number(page, "learning_rate").value == OPTIMIZERS[optimizer].usual_rate
    assert OPTIMIZERS[optimizer].summary in texts(page)


def test_a_schedule_that_follows_the_loss_says_what_cannot_be_drawn(store):
    page = open_train(preset="lab_cnn")
    choose(page, "schedule", "plateau")
    assert "not known in advance" in texts(page)
    choose(page, "schedule", "triangular2")
    assert "not known in advance" not in texts(page)


def test_the_chosen_network_is_described_by_its_size_and_by_runs_of_it(store):
    make_run(store)
    page = open_train(preset="lab_cnn")
    assert "94.8" in texts(page)
    assert "per epoch in run #1" in texts(page)
    choose(page, "model", "resnet18")
    assert "Residual network" in texts(page)
    assert "per epoch in run" not in texts(page)


def test_the_time_of_a_run_on_few_images_says_how_few(store):
    make_run(store, train_fraction=0.05)
    assert "per epoch in run #1 on 5\xa0% of " in texts(open_train(preset="lab_cnn"))


def test_a_pretrained_network_without_its_weights_cannot_be_started_and_says_how_to_get_them(store):
    page = open_train(preset="lab_cnn")
    choose(page, "model", "mobilenet_v2_imagenet")
    assert not page.exception
    assert page.button(key="start").disabled
    assert "The weights of the network have to be downloaded first." in texts(page)
    assert page.button(key="fetch_weights").label == f"Download the weights, 14{theme.NARROW}MB"
    said = texts(page).replace("\\", "")
    assert "mobilenet_v2-b0353104.pth, 14 MB, sha256 beginning with b0353104" in said
    assert str(store.root / "weights") in said


def test_the_diagram_shows_what_a_transfer_plan_trains_and_from_when(store):
    page = open_train(preset="lab_cnn")
    choose(page, "model", "mobilenet_v2_imagenet")
    assert "12.8 k of 2.24 M parameters are trained. Frozen layers stay" in words(page)
    assert "97.8 M multiply-adds per image at 128 x 128" in words(page).replace("**", "")
    number(page, "resolution").set_value(64).run()
    assert "at 64 x 64 pixels" in words(page)
    choose(page, "plan", "gradual")
    assert "2.24 M of 2.24 M parameters are trained." in words(page)
    assert "Stem, from epoch 3" in words(page)


def words(page):
    return texts(page).replace(theme.NARROW, " ")


def test_the_time_per_epoch_of_an_earlier_run_leaves_out_what_its_features_took(store):
    run = make_run(store, model="mobilenet_v2_imagenet")
    kept = files.read_json(run.path / "summary.json")
    kept |= {"seconds": 100.0, "epochs_done": 2, "features": {"seconds": 90.0}}
    files.write_json(run.path / "summary.json", kept)
    page = open_train(preset="transfer_quick")
    assert "5.0 s per epoch in run #1" in words(page)


def measured(monkeypatch, largest):
    """Let the measurement of the largest batch come out in a way, and count how often it ran."""
    asked = []

    def measure(config, root, teachers):
        asked.append(config)
        return LargestBatch(largest=largest, tried=largest, megabytes_per_image=2.0, at_most=8192,
                   limit_megabytes=4000.0, device="cpu")  # fmt: skip

    monkeypatch.setattr("app.screens.train.rows.largest_batch.measure", measure)
    return asked


def test_the_largest_batch_is_one_click_from_the_form(store, monkeypatch):
    asked = measured(monkeypatch, 704)
    page = open_train(preset="smoke")
    page.button(key="find_fit").click().run()
    assert "The largest batch that fits now is 704" in texts(page)
    page.button(key="use_fit").click().run()
    assert not page.exception
    assert number(page, "batch_size").value == 704
    assert "704 fits" in texts(page)  # still known: only the batch has changed
    assert len(asked) == 1


def test_a_batch_that_does_not_fit_is_computed_in_pieces_by_one_click(store, monkeypatch):
    measured(monkeypatch, 24)
    page = open_train(preset="smoke")
    batch = number(page, "batch_size").value
    page.button(key="find_fit").click().run()
    page.button(key="use_fit").click().run()
    assert not page.exception
    assert number(page, "batch_size").value == batch
    assert 0 < number(page, "micro_batch").value <= 24


def test_a_clone_of_a_failed_run_begins_with_what_its_failure_asks_for(store):
    run = make_run(store, state="failed", reason="oom", batch_size=256)
    status.write(run.path, replace(run.status, suggestion={"micro_batch": 128}))
    page = open_train(clone=run.number)
    assert number(page, "micro_batch").value == 128
    assert "micro_batch 128 so that the failure is not repeated" in texts(page).replace("\\", "")


def test_the_address_changes_settings_of_the_run_that_it_clones(page_store):
    make_run(page_store, epochs=5)
    page = open_train(clone=1, set="epochs=9;flip=False")
    assert not page.exception
    assert page.session_state["draft"]["epochs"] == 9
    assert page.session_state["draft"]["flip"] is False
    assert any("with epochs 9, flip False" in caption.value for caption in page.caption)


# networks of timm


def offered(page, name):
    """Type a name, which AppTest itself cannot."""
    states = page._tree.get_widget_states()
    typed = states.widgets.add(id=page.selectbox(key="timm_name").id)
    typed.string_value = name
    return page._run(states)


@pytest.mark.skipif(bool(timm_names.obstacle()), reason="timm is not installed")
def test_a_network_of_timm_is_chosen_from_a_list_or_by_its_name(store):
    page = open_train(preset="lab_cnn")
    assert len(page.selectbox(key="timm_name").options) == len(timm_names.SUGGESTIONS) == 12
    lines = " ".join(page.selectbox(key="timm_name").options).replace(theme.NARROW, " ")
    assert "DINOv2 ViT-S/14, 88 MB, Apache 2.0, pretrained on 142 million pictures" in lines
    offered(page, "timm:vit_small_patch14_dinov2.lvd142m").button(key="use_timm").click().run()
    assert not page.exception
    assert number(page, "resolution").value == 126  # a multiple of 14
    assert "vit_small_patch14_dinov2.lvd142m" in words(page)
    assert "license of the weights: apache-2.0" in words(page)
    assert page.button(key="fetch_weights").label == f"Download the weights, 88{theme.NARROW}MB"
    assert page.button(key="start").disabled


@pytest.mark.skipif(bool(timm_names.obstacle()), reason="timm is not installed")
def test_a_name_that_timm_does_not_have_is_a_sentence_with_close_ones(store):
    page = offered(open_train(preset="lab_cnn"), "test_resnet")
    assert "Close to it: timm:test_resnet.r160_in1k." in texts(page).replace("\\", "")
    assert not [button for button in page.button if button.key == "use_timm"]


def test_without_timm_the_list_is_a_sentence_that_says_how_to_install_it(store, monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    page = open_train(preset="lab_cnn")
    assert "pip install -r requirements-timm.txt" in texts(page).replace("\\", "")
    assert not [box for box in page.selectbox if box.key == "timm_name"]


def test_a_run_of_timm_is_listed_without_timm_and_its_page_says_what_is_missing(store, monkeypatch):
    run = make_run(store)
    settings = {**files.read_json(run.path / "config.json"), "model": "timm:test_vit.r160_in1k"}
    files.write_json(run.path / "config.json", settings)
    monkeypatch.setitem(sys.modules, "timm", None)
    assert not open_page("runs").exception
    said = {}
    for tab in TABS:
        page = open_page("run", id=run.id, tab=tab)
        assert not page.exception, tab
        said[tab] = texts(page).replace("\\", "")
    assert "Ran to completion." in said["watch"]
    assert "pip install -r requirements-timm.txt" in said["inside"]


@pytest.fixture
def pets(page_store, tmp_path, monkeypatch):
    """Make a set of larger pictures, read and chosen."""
    noise, folder = np.random.default_rng(0), tmp_path / "pets"
    for name in ("train/cat", "train/dog", "test/cat", "test/dog"):
        (folder / name).mkdir(parents=True)
        for n in range(6):
            pixels = noise.integers(0, 256, (70, 90, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{n}.png")
    data.load(str(folder), page_store.root)
    monkeypatch.setenv("CIFAR_DATA", str(folder))
    return folder


def test_the_size_of_larger_images_is_said_and_shown(pets, monkeypatch):
    page = open_train()
    assert "64 x 64 pixels, because a quarter of the pictures have at most 70" in texts(page)
    assert "multiply-adds per image at 64 x 64 pixels" in texts(page)
    assert "what the network is tested on, 64 x 64 pixels" in texts(page)
    monkeypatch.setenv("CIFAR_DATA", "synthetic:100")
    assert "pixels, because" not in texts(open_page("train"))


def test_a_size_that_cannot_be_decided_leaves_the_page_usable(pets, monkeypatch):
    monkeypatch.setenv("CIFAR_IMAGES_GB", "much")
    page = open_train()
    assert not page.exception
    assert "must be a number of gigabytes" in texts(page)
    assert page.button(key="start").disabled
    assert page.number_input(key=f"{prefix(page)}.epochs").value


def test_pictures_that_cannot_be_shown_leave_the_page_usable(pets, monkeypatch):
    monkeypatch.setattr("app.cache.image_sizes.some", refuse)
    page = open_train()
    assert not page.exception
    assert "Some pictures are gone." in [error.value for error in page.error]
    assert page.number_input(key=f"{prefix(page)}.batch_size").value  # of a later row


def refuse(*_):
    raise DataError("Some pictures are gone.")
