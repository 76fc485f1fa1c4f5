import io
import json
import os
import re
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch
from pages import make_run, open_page, texts
from PIL import Image

from app.cache.explain import saliency
from app.cache.results import images_of
from app.shared.pictures.picture import Picture
from cifar_core.data.pictures.images import open_image
from cifar_core.disk import files, lock
from cifar_core.explain import SALIENCY
from cifar_core.explain.first import ORDER
from cifar_core.explain.trust import Label
from cifar_core.runs.results import neighbors, predictions
from cifar_core.runs.results.calibration import kept as calibration
from cifar_core.runs.results.sanity_cards import CardFile


@pytest.fixture
def store(page_store, monkeypatch):
    monkeypatch.setattr("app.cache.explain.QUICK", 1e9)  # seconds, however busy the machine
    monkeypatch.setattr("app.screens.predict.request.PATIENCE", 1e9)
    return page_store


def png(size=(40, 30), color=(200, 30, 30)):
    file = io.BytesIO()
    Image.new("RGB", size, color).save(file, "PNG")
    return file.getvalue()


def upload(page, **files):
    for name, content in files.items():
        page.file_uploader(key="upload").upload(f"{name}.png", content)
    return page.run(timeout=120)


def captions(page):
    return [caption for element in page.get("image") for caption in element.captions]


def maps(page):
    """Return the captions of the maps."""
    titles = {spec.title for spec in SALIENCY.values()}
    return [caption for caption in captions(page) if caption.split(" for ")[0] in titles]


def pick(page, *names):
    """Choose small pictures, as clicks on them do: a component cannot be clicked here."""
    page.session_state["picked"] = names
    return page.run(timeout=120)


def button(page, label):
    return next(each for each in page.button if label in each.label)


FIRST = SALIENCY[ORDER[0]].title


def test_without_a_trained_run_the_page_says_what_to_do(store):
    make_run(store, "Not yet", "queued", accuracies=())
    page = open_page("predict")
    assert not page.exception
    assert "There is no trained network here yet." in texts(page)


def test_an_upload_is_answered_in_a_sentence_with_three_bars_and_one_map(store):
    make_run(store, "Done")
    page = upload(open_page("predict"), red=png())
    assert not page.exception
    assert re.search(r"^An? \w+, \d+\xa0% confident$", texts(page), re.MULTILINE)
    bars = page.get("progress")
    shares = [float(re.search(r"([\d.]+)\xa0%", bar.proto.text)[1]) for bar in bars]
    assert len(shares) == 3
    assert shares == sorted(shares, reverse=True)
    assert [caption.split(" for ")[0] for caption in captions(page)] == [
        "red.png", FIRST, "What the network sees"
    ]  # fmt: skip
    row = page.get("expander")[0].label
    assert row == f"How it is explained: {FIRST}, for the class that it predicts"


def test_the_other_methods_are_one_click_away_on_the_card(store):
    make_run(store, "Done")
    page = upload(open_page("predict"), red=png())
    button(page, f"Other methods ({len(SALIENCY) - 1})").click().run(timeout=120)
    assert not page.exception
    titles = [caption.split(" for ")[0] for caption in maps(page)]
    assert titles == [FIRST, *(s.title for s in SALIENCY.values() if s.title != FIRST)]
    button(page, "Hide the other methods").click().run()
    assert len(maps(page)) == 1


def test_every_method_can_explain_any_class(store):
    make_run(store, "Done")
    page = open_page("predict")
    page.session_state["how"] = True
    page.run().selectbox(key="target").select("heart").run()
    page.session_state["methods"] = list(SALIENCY)
    page = upload(page, red=png())
    assert not page.exception
    assert maps(page) == [f"{spec.title} for heart" for spec in SALIENCY.values()]
    page.session_state["how"] = False  # what was chosen outlives the controls
    page.run(timeout=120)
    assert maps(page) == [f"{spec.title} for heart" for spec in SALIENCY.values()]
    assert page.get("expander")[0].label == "How it is explained: 13 methods, for heart"


def test_a_bad_upload_gets_an_error_and_a_good_one_beside_it_a_prediction(store):
    make_run(store, "Done")
    page = upload(open_page("predict"), broken=b"no picture at all", good=png())
    assert not page.exception
    assert "broken.png is no" in page.error[0].value
    assert "good.png" in captions(page)


def test_test_images_come_with_the_truth_and_are_in_the_address(store):
    make_run(store, "Done")
    page = pick(open_page("predict"), "test-5", "test-7")
    assert not page.exception
    assert "The true class is" in texts(page) or "Correct." in texts(page)
    assert {"Test image 5", "Test image 7"} <= set(captions(page))
    assert page.query_params["image"] in ("test-5,test-7", ["test-5,test-7"])
    linked = open_page("predict", image="test-7,val-3,test-99999")
    assert {"Test image 7", "Validation image 3"} <= set(captions(linked))
    assert "There is no image called test-99999." in texts(linked)


def test_own_pictures_take_the_place_of_picked_ones_and_are_not_lost(store):
    make_run(store, "Done")
    page = upload(pick(open_page("predict"), "test-5"), red=png())
    assert "red.png" in captions(page)
    assert "Test image 5" not in captions(page)
    page = pick(page, "test-5")
    assert "Test image 5" in captions(page)
    button(page, "Back to 1 picture of yours").click().run()
    assert "red.png" in captions(page)


def test_the_address_chooses_the_run_and_a_wrong_one_chooses_none(store):
    make_run(store, "First")
    make_run(store, "Second")
    assert open_page("predict", run=1).selectbox(key="run").value == "1"
    assert open_page("predict").selectbox(key="run").value == "2"
    wrong = open_page("predict", run=99)
    assert wrong.selectbox(key="run").value is None
    assert "There is no run '99'" in texts(wrong).replace("\\", "")


def test_the_runs_follow_the_address_back_and_a_choice_comes_first(store):
    for name in ("First", "Second", "Third"):
        make_run(store, name)

    def go(**query):
        page.query_params.clear()
        page.query_params.update(query)
        page.run()
        assert not page.exception
        return page.session_state["run"], page.query_params.get("beside", [""])[0]

    page = open_page("predict", run=1)
    page.selectbox(key="run").select("2").run()
    assert "".join(page.query_params["run"]) == "2"
    assert go(run="1") == ("1", "")  # Back
    assert go(run="3", beside="2") == ("3", "2")
    assert go(run="2", beside="3") == ("2", "3")
    assert go(run="2") == ("2", "")
    assert go(run="77") == (None, "")
    assert "There is no run '77'" in texts(page).replace("\\", "")
    page.selectbox(key="run").select("3").run()
    page.query_params["run"] = "1"  # the browser was slower than the person
    page.selectbox(key="run").select("2").run()
    assert page.session_state["run"] == "2"


def test_an_address_with_too_many_further_runs_shows_two_and_says_so(store):
    for name in ("First", "Second", "Third", "Fourth"):
        make_run(store, name)
    page = open_page("predict", run=1, beside="2,2,3,1,4")
    assert not page.exception
    assert page.multiselect(key="beside").value == ["2", "3"]
    assert "Only the first 2 further networks are shown." in texts(page)
    assert "Not shown" not in texts(page)


@pytest.mark.parametrize("name", ["test-", "sample-"])
def test_an_address_with_an_endless_number_names_no_image(store, name):
    make_run(store, "Done")
    page = open_page("predict", image=f"{name}{'1' * 5000}")
    assert not page.exception
    assert "There is no image called" in texts(page)


def test_damaged_weights_are_said_and_not_used(store):
    run = make_run(store, "Done")
    weights = run.checkpoint().path / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(bytes(content))
    page = open_page("predict")
    assert not page.exception
    assert "checksum differs" in page.error[0].value
    assert not page.file_uploader


def test_the_same_picture_is_explained_once(store):
    run = make_run(store, "Done")
    name = run.checkpoint().name
    view = torch.rand(1, 3, 32, 32)
    first = saliency(str(run.path), name, "gradient", (0,), "one", view)
    again = saliency(str(run.path), name, "gradient", (0,), "one", view * 0)
    other = saliency(str(run.path), name, "gradient", (0,), "two", view * 0)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_why_one_class_rather_than_another_names_both(store):
    make_run(store, "Done")
    page = upload(open_page("predict", why="Rather than", target="ring", rival="disc"), red=png())
    assert not page.exception
    assert maps(page) == [f"{FIRST} for ring rather than disc"]


def test_why_not_the_next_class_is_one_click_away_and_so_is_the_way_back(store):
    make_run(store, "Done")
    page = upload(open_page("predict"), red=png())
    button(page, "Why not ").click().run()
    assert " rather than " in maps(page)[0]
    button(page, "Why ").click().run()
    assert " rather than " not in maps(page)[0]


def test_every_class_gets_a_map_in_one_row_the_likeliest_first(store):
    make_run(store, "Done")
    page = upload(open_page("predict", why="Every class", methods="hires_cam"), red=png())
    assert not page.exception
    shares = [int(re.search(r"(\d+)\xa0%", caption)[1]) for caption in captions(page)[2:]]
    assert len(shares) == 10
    assert shares == sorted(shares, reverse=True)


def test_runs_are_shown_side_by_side(store):
    for name in ("First", "Second", "Third"):
        make_run(store, name)
    page = upload(open_page("predict", run=1, beside="2,3", methods="gradient"), red=png())
    assert not page.exception
    assert all(f"#{number} " in texts(page) for number in (1, 2, 3))
    assert len(maps(page)) == 3


def test_covering_a_part_shows_the_predictions_before_and_after(store):
    make_run(store, "Done")
    page = upload(open_page("predict", methods="gradient"), red=png())
    cover = next(w for w in page.segmented_control if (w.key or "").startswith("cover "))
    cover.set_value("Gray").run()
    assert not page.exception
    assert {"Uncovered", "Covered"} <= {caption.value for caption in page.caption}
    assert len(page.get("progress")) == 6


def test_test_images_are_offered_by_whether_they_are_right_and_by_confidence(store):
    make_run(store, "Done")
    page = open_page("predict")
    page.selectbox(key="prediction").select("Wrong").run(timeout=120)
    page.selectbox(key="order").select("Most confident first").run(timeout=120)
    assert not page.exception
    assert page.button(key="others").label == "More"
    page.selectbox(key="class").select("ring").run()
    assert not page.exception


def test_a_slow_method_says_its_cost_and_waits_for_a_click(store, monkeypatch):
    make_run(store, "Done")
    monkeypatch.setattr("app.screens.predict.request.PATIENCE", 0.0)
    page = open_page("predict", methods="rise")
    page.session_state["rise.masks"] = 4096
    page = upload(page, red=png())
    assert not page.exception
    assert maps(page) == []
    assert "4,096 forward passes" in page.button(key="ask rise").label
    page.session_state["rise.masks"] = 16
    page.button(key="ask rise").click().run(timeout=120)
    assert len(maps(page)) == 1


def test_the_download_holds_pictures_arrays_records_and_predictions(store):
    from app.screens.predict.predictions import explanations, predict
    from app.screens.predict.request import ONE, PREDICTED, SECOND, Request
    from app.screens.predict.share import zipped
    from app.shared.networks import Network
    from cifar_core.runs.results.classifier import load_classifier
    from cifar_core.runs.results.explanation import Drawing

    run = make_run(store, "Done")
    network = Network(run=run, checkpoint=run.checkpoint(), classifier=load_classifier(run))
    request = Request(
        why=ONE, target=PREDICTED, rival=SECOND, opacity=0.8, keep=0.5, shared=False,
        methods={"gradient": SALIENCY["gradient"].settings()},
    )  # fmt: skip
    picture = Picture(name="red.png", image=Image.new("RGB", (40, 30), "red"))
    prediction = predict(network, picture)
    shown = [(made, Drawing(keep=0.5)) for made in explanations(prediction, request, "gradient")]
    archive = zipfile.ZipFile(io.BytesIO(zipped(shown, [prediction])))
    kinds = sorted(name.rsplit(".")[-1] for name in archive.namelist())
    assert kinds == ["csv", "json", "npy", "png", "png"]
    record = json.loads(next(archive.read(n) for n in archive.namelist() if n.endswith("json")))
    assert (record["run"], record["keep"], record["target"]) == (
        run.id,
        0.5,
        prediction.ranked[0][0],
    )


def badges(page):
    return [button for button in page.button if (button.key or "").startswith("trust ")]


def test_every_map_has_a_verdict_that_opens_its_evidence(store, monkeypatch):
    monkeypatch.setattr(
        "app.screens.predict.trust.UNASKED", 1e9
    )  # seconds, however busy the machine
    make_run(store, "Done")
    page = pick(open_page("predict", methods="hires_cam,gradient"), "test-5")
    found = badges(page)
    assert len(found) == 2
    labels = [badge.label.split(": ")[-1].rstrip("]") for badge in found]
    assert all(any(each in label.lower() for each in Label) for label in labels)
    found[0].click().run(timeout=120)
    assert not page.exception
    assert "squares of four sizes are hidden one at a time" in texts(page)
    assert "Insertion minus deletion is" not in texts(page)
    assert not page.toggle(key="trust curves").value
    assert "of the map lies on the object, which covers" in texts(page)
    assert page.button(key="card start").label == "Compute"


def test_a_map_tested_after_a_click_keeps_its_verdict_on_its_badge(store, monkeypatch):
    monkeypatch.setattr("app.screens.predict.trust.UNASKED", -1.0)  # no map is tested unasked
    make_run(store, "Done")
    page = upload(open_page("predict", methods="hires_cam,gradient"), red=png())
    assert all("Can this map be trusted?" in badge.label for badge in badges(page))
    badges(page)[0].click().run(timeout=120)
    assert "squares of four sizes are hidden one at a time" in texts(page)
    copies = [str(row["Moved copies as good"]) for _, row in page.table[0].value.iterrows()]
    assert all(re.fullmatch(r"\d+ of 287", text) for text in copies)
    page.run()
    tested, *others = badges(page)
    assert any(each in tested.label.lower() for each in Label)
    assert others
    assert all("Can this map be trusted?" in badge.label for badge in others)


def test_a_kept_sanity_card_is_shown_and_weighs_in_the_verdict(store, monkeypatch):
    monkeypatch.setattr(
        "app.screens.predict.trust.UNASKED", 1e9
    )  # seconds, however busy the machine
    monkeypatch.setattr("cifar_core.explain.trust.verdict.STAKE", -1.0)  # it has hardly learned
    run = make_run(store, "Done")
    place = CardFile(run=run, checkpoint=run.checkpoint().name, method="gradient")
    place.path.parent.mkdir()
    stages = [{"layers": 1, "of": 2, "similarity": 0.7}, {"layers": 2, "of": 2, "similarity": 0.6}]
    shares = {"mass": 0.72, "area": 0.21}
    files.write_json(
        place.path, {"method": "gradient", "stays": 0.7, "stages": stages, "object": shares}
    )
    page = upload(open_page("predict", methods="gradient"), red=png())
    badge = next(each for each in badges(page) if " gradient " in each.key)
    assert "random network (0.70)" in badge.help
    badge.click().run(timeout=120)
    assert "Stays at 0.7: shows the picture rather than the network." in texts(page)
    assert [str(cell) for cell in page.table[-1].value.iloc[0]] == [
        "Gradient", "72.0\xa0%", "21.0\xa0%"
    ]  # fmt: skip


def test_uncalibrated_probabilities_are_called_so_and_calibrating_is_offered(store):
    make_run(store, "Done")
    page = upload(open_page("predict", methods="gradient"), red=png())
    assert "Uncalibrated probabilities." in texts(page)
    (offer,) = [button for button in page.button if (button.key or "").startswith("do ")]
    assert offer.label == "Calibrate the probabilities"
    assert re.search("^about .*, once, in the background$", texts(page), re.MULTILINE)


def test_a_job_that_runs_shows_its_progress_and_can_be_cancelled(store):
    job = predictions.job(make_run(store, "Done"), "val")
    job.path.parent.mkdir()
    descriptor = lock.take(job.lock)  # as its process would
    page = upload(open_page("predict", methods="gradient"), red=png())
    said = [bar.proto.text for bar in page.get("progress")]
    assert "Calibrating on the validation images: In progress" in said
    assert page.button(key=f"do {job.path} cancel").label == "Cancel"
    os.close(descriptor)
    job.log.write_text("It was canceled.\n")
    page.run()
    assert "Calibrating on the validation images\\: It was canceled." in texts(page)
    assert page.button(key=f"do {job.path} start")


def test_calibrated_probabilities_say_their_temperature_and_what_they_were(store):
    run = make_run(store, "Done", train_fraction=0.05)
    raw = upload(open_page("predict", methods="gradient"), red=png())
    before = re.search(r"(\d+\.\d\xa0%)", raw.get("progress")[0].proto.text)[1]
    made = predictions.compute(run, "val")
    page = upload(open_page("predict", methods="gradient"), red=png())
    assert "Uncalibrated probabilities." in texts(page)  # it has not learned: no T is better than 1
    overconfident = np.eye(10, dtype=np.float32)[(made.labels + (made.indexes % 3 == 0)) % 10]
    predictions.keep(replace(made, logits=8 * overconfident))
    page = upload(open_page("predict", methods="gradient"), red=png())
    known = calibration(run)
    assert known.temperature > 1.5
    (worth,) = [each for each in page.caption if "of 100 such predictions are" in each.value]
    assert f"Calibrated on {known.images:,} validation images, " in worth.help
    assert f"T\xa0=\xa0{known.temperature:.2f}; uncalibrated {before}." in worth.help
    after = re.search(r"(\d+\.\d\xa0%)", page.get("progress")[0].proto.text)[1]
    assert (float(after[:-2]) < float(before[:-2])) == (known.temperature > 1)


def test_an_unlike_picture_has_a_badge_and_the_nearest_images_are_a_click_away(store):
    run = make_run(store, "Done", train_fraction=0.05)
    predictions.compute(run, "val")
    neighbors.compute(run)
    page = upload(open_page("predict", methods="gradient"), red=png(color=(255, 0, 255)))
    assert not page.exception
    assert "Unlike the training images" in texts(page)
    assert "Farther from the training images than" in texts(page)
    assert not [button for button in page.button if (button.key or "").startswith("do ")]
    assert len(maps(page)) == 1
    picture = Picture(name="red.png", image=open_image(png(color=(255, 0, 255))))
    page.session_state[f"nearest {run.number} {picture.key}"] = True
    page.run(timeout=120)
    assert not page.exception
    row = captions(page)
    assert len([each for each in row if re.fullmatch(r"\w+ -?[01]\.\d\d", each)]) == 6


def of_few_images(store, **changes):
    """Make a run of drawn images that are few enough to be drawn at any size."""
    small = "synthetic:200"
    run = make_run(store, data=small, **changes)
    path = run.path / "environment.json"
    files.edit(path, dict, lambda old: {"data": {**old["data"], "source": small}})


def test_networks_of_two_sizes_see_a_test_image_each_as_it_was_trained(store):
    for side in (64, 32):
        of_few_images(store, image_size=side)
    page = open_page("predict", run="1", beside="2", image="test-5")
    seen = [words for words in captions(page) if words.startswith("What the network sees")]
    assert seen == [f"What the network sees, {side} x {side} pixels" for side in (64, 32)]
    for number, side in (("1", 64), ("2", 32)):
        assert images_of(store.run(number)).test.pixels.shape[1:] == (side, side, 3)
    assert len(maps(page)) == 2


def test_an_upload_is_seen_at_the_size_of_the_network_and_a_chosen_region_too(store):
    of_few_images(store, image_size=64, fit="stretch")
    page = upload(open_page("predict"), wide=png((200, 50)))
    assert "64 x 64 pixels, whatever the size of the picture. The whole" in texts(page)
    assert "squeezed along its longer side" in texts(page)
    (size,) = [each for each in page.slider if each.key.startswith("region_size")]
    size.set_value(50).run(timeout=120)
    assert "You chose the region." in texts(page)
