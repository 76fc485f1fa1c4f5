"""The Train page as one screen: its cards, its closed rows, the search over them, and proposals."""

import numpy as np
import pytest
from pages import make_run, open_page, texts
from PIL import Image
from test_app_train import choose, keys, number, open_rows, open_train, prefix

from app import theme
from cifar_core.config import ROWS, TrainConfig
from cifar_core.config.presets import PRESETS
from cifar_core.data.decoding import Reading
from cifar_core.runs.prepare.epoch_time import Estimate


@pytest.fixture
def store(page_store):
    return page_store


@pytest.fixture
def own_images(tmp_path):
    """Return a folder of 30 pictures of each of two classes, and 5 of each for the test."""
    random = np.random.default_rng(0)
    for split, count in (("train", 30), ("test", 5)):
        for name in ("left shoe", "right shoe"):
            folder = tmp_path / "shoes" / split / name
            folder.mkdir(parents=True)
            for i in range(count):
                pixels = random.integers(0, 255, (40, 40, 3), np.uint8)
                Image.fromarray(pixels).save(folder / f"{i}.png")
    return tmp_path / "shoes"


def states(page):
    """Return what the rows state, by their titles."""
    captions = [c.value for c in page.caption]
    first = next(i for i, text in enumerate(captions) if text.startswith(("mirrored", "enlarged")))
    return dict(zip(ROWS, captions[first:], strict=False))


def test_closed_rows_state_their_values_and_draw_nothing(store):
    page = open_page("train", preset="lab_cnn_dropout")
    assert not page.exception
    stated = {title: text.replace("\\", "") for title, text in states(page).items()}
    assert stated["Changes to images"] == "mirrored by chance, shifted by up to 4 of 32 pixels"
    assert stated["Learning"] == "SGD, rate 0.1, one cycle, 128 images a step, dropout 0.3"
    assert stated["Starting point"] == "from the beginning"
    assert stated["Images kept back"] == f"10{theme.NARROW}% for validation"
    assert stated["Repeats and sweeps"] == "one run, seed 0"
    assert stated["Stopping"] == "after the last epoch"
    assert keys(page) == {"data", "epochs", "name"}


def test_the_row_of_changes_draws_and_states_a_policy(store):
    page = open_train(preset="lab_cnn")
    choose(page, "policy", "aug_mix")
    assert not page.exception
    assert "as they may appear in one epoch." in texts(page)
    assert states_when_closed(page)["Changes to images"].endswith("AugMix")


def test_a_row_states_what_is_chosen_in_it(store):
    page = open_train(preset="lab_cnn")
    choose(page, "optimizer", "yogi")
    number(page, "patience").set_value(3).run()
    number(page, "train_fraction").set_value(0.5).run()
    stated = states_when_closed(page)
    assert stated["Learning"].startswith("Yogi, rate 0.1, one cycle")
    epochs = TrainConfig(**PRESETS["lab_cnn"].values).epochs
    patience = "after 3 epochs without a higher validation accuracy"
    assert stated["Stopping"] == f"after {epochs} epochs, or {patience}"
    assert stated["Images kept back"].endswith(f"50{theme.NARROW}% of the others are used")


def test_the_row_of_stopping_names_every_end(store):
    page = open_train(preset="smoke")
    number(page, "goal").set_value(0.925).run()
    number(page, "most_hours").set_value(0.5).run()
    page.toggle(key=f"{prefix(page)}.stop_overfitting").set_value(True).run()
    number(page, "retries_diverged").set_value(2).run()
    assert not page.exception
    assert states_when_closed(page)["Stopping"] == (
        f"after 5 epochs, or at 92.5{theme.NARROW}% on validation, or after 30 minutes, or when it "
        "overfits; if it diverges, it continues at a tenth of the rate, twice at most"
    )
    assert "times over, for at most 30 minutes." in texts(page)


def test_a_goal_in_nats_is_named_as_a_loss(store):
    page = open_train(preset="smoke")
    choose(page, "best_by", "loss")
    number(page, "goal").set_value(1.5).run()
    assert states_when_closed(page)["Stopping"] == "after 5 epochs, or at loss 1.5 on validation"


def states_when_closed(page):
    for title in ROWS:
        page.session_state[f"row.{title.lower().replace(' ', '-')}"] = False
    return states(page.run())


def test_a_wrong_setting_opens_its_row(store):
    page = open_page("train", preset="smoke")
    open_rows(page, "Learning")
    number(page, "learning_rate").set_value(50.0).run()
    page.session_state["row.learning"] = False
    page.run()
    assert "learning\\_rate is 50" in texts(page)
    assert "needs to be corrected" in texts(page)
    assert page.button(key="start").disabled


def test_a_setting_is_found_by_its_label_its_key_or_its_help(store):
    page = open_page("train", preset="smoke")
    for words, name in [("clipping", "clip_norm"), ("clip_norm", "clip_norm"),
                        ("held out", "split_seed"), ("stopping patience", "patience")]:  # fmt: skip
        page.text_input(key="find_setting").set_value(words).run()
        assert not page.exception
        assert name in keys(page), words
        assert "learning_rate" not in keys(page)
    page.text_input(key="find_setting").set_value("dropout").run()
    assert "Not used with the present choices: Dropout." in texts(page)
    page.text_input(key="find_setting").set_value("epochs").run()
    assert "In the cards above: Epochs." in texts(page)
    page.text_input(key="find_setting").set_value("zebra").run()
    assert "No setting has these words" in texts(page)


def test_a_value_changed_in_the_search_is_kept(store):
    page = open_page("train", preset="smoke")
    page.text_input(key="find_setting").set_value("clipping").run()
    number(page, "clip_norm").set_value(2.5).run()
    page.text_input(key="find_setting").set_value("").run()
    open_rows(page, "Learning")
    assert number(page, "clip_norm").value == 2.5


def test_only_what_differs_from_the_defaults_can_be_shown(store):
    page = open_page("train", preset="lab_cnn_modern")
    (toggle,) = [t for t in page.toggle if t.key == "only_changed"]
    assert toggle.label.startswith("Only what differs from the defaults (3 of ")
    toggle.set_value(True).run()
    assert set(PRESETS["lab_cnn_modern"].values) == {"label_smoothing", "epochs", "model"}
    assert keys(page) - {"data", "epochs", "name"} == {"label_smoothing"}


def test_images_that_are_still_being_read_hold_nothing_up(store, own_images, monkeypatch):
    monkeypatch.setattr("app.cache.opening.PATIENCE", 0)
    monkeypatch.setattr("app.cache.opening.begin", lambda job: None)
    monkeypatch.setattr(
        "app.cache.opening.state_of", lambda job, source: Reading(done=0, total=0, ahead=2)
    )
    page = open_page("train", preset="smoke", data=own_images)
    assert page.get("progress")[0].proto.text == "Waiting for 2 other jobs to finish"
    assert "You can go on meanwhile" in texts(page)
    assert "Simple CNN learns from these images, 15 times over." in texts(page)
    assert not page.button(key="start").disabled


def test_own_images_begin_with_a_proposal_that_says_why(store, own_images):
    page = open_page("train", data=own_images)
    assert not page.exception
    words = texts(page).replace("\\", "")
    assert "MobileNetV2, pretrained" in words
    assert "With 30 images of 'left shoe', features learned on ImageNet" in words
    assert "Images are not mirrored" in words
    assert page.session_state["draft"]["flip"] is False
    page.segmented_control(key=f"{prefix(page)}.length").set_value("best").run()
    assert not page.exception
    assert number(page, "epochs").value == 80
    assert page.segmented_control(key=f"{prefix(page)}.length").value == "best"
    number(page, "epochs").set_value(7).run()
    assert page.segmented_control(key=f"{prefix(page)}.length").value is None


def test_a_network_that_the_person_chose_is_not_replaced_by_a_proposal(store, own_images):
    page = open_page("train")
    choose(page, "model", "resnet9")
    page.session_state["picked.images"] = str(own_images)
    page.run()
    assert not page.exception
    assert "**ResNet-9**" in texts(page)
    assert "shoes" in texts(page)


def test_images_of_which_a_class_has_too_few_are_said_to_get_no_proposal(store, own_images):
    for picture in list((own_images / "train" / "left shoe").iterdir())[4:]:
        picture.unlink()
    page = open_page("train", data=own_images)
    assert "has 4 training images, but" in texts(page)
    assert "**Simple CNN**" in texts(page)


def test_the_time_is_that_of_an_earlier_run_or_marked_as_an_estimate(store):
    page = open_page("train")
    assert "\u2248" in texts(page)
    assert "from multiply-adds" in texts(page)
    make_run(store)
    page.run()
    assert "as fast as run #1" in texts(page)
    assert "Done at about" in texts(page)


def test_runs_that_train_or_wait_are_before_a_new_one(store):
    make_run(store, "Waits", "queued", accuracies=())
    assert "1 run is before it." in texts(open_page("train"))


def test_the_same_can_be_trained_from_a_terminal(store):
    page = open_train(preset="smoke")
    number(page, "learning_rate").set_value(0.01).run()
    (command,) = [c.value for c in page.code]
    assert command.endswith("train --preset smoke --set learning_rate=0.01 --data auto")


def test_the_time_can_be_measured_again(store, monkeypatch):
    times = iter((10.0, 20.0))
    monkeypatch.setattr(
        "app.screens.train.plan.time.measure",
        lambda *_: Estimate(
            seconds_per_epoch=next(times), images_per_second=1000, total_seconds=60,
            device="CPU", steps=3, step_plan="",
        ),
    )  # fmt: skip
    page = open_page("train", preset="smoke")
    assert page.button(key="measure").label == "Measure the time"
    page.button(key="measure").click().run()
    assert f"10{theme.NARROW}s per epoch" in texts(page)
    assert page.button(key="measure").label == "Measure again"
    page.button(key="measure").click().run()
    assert f"20{theme.NARROW}s per epoch" in texts(page)
