import re
from dataclasses import replace

import numpy as np
import pytest
from pages import make_run, open_page, texts

from app import theme
from app.screens.run.result import charts
from app.shared.pictures.gallery import sheet
from cifar_core.evaluation.calibration import reliability
from cifar_core.evaluation.coverage import coverage
from cifar_core.runs.results import calibration
from cifar_core.runs.results.predictions import compute, keep, kept
from cifar_core.runs.results.test_looks import looks


@pytest.fixture
def run(page_store):
    run = make_run(page_store, "Done", train_fraction=0.02)
    compute(run, "val")
    return run


def metrics(page):
    return {metric.label: metric for metric in page.metric}


def open_tab(page, name):
    page.session_state["judgements"] = name
    return page.run()


def test_without_a_trained_run_the_page_says_what_to_do(page_store):
    make_run(page_store, "Waits", "queued", accuracies=())
    page = open_page("run", tab="result", id=1)
    assert not page.exception
    assert "has something to show when the first epoch is validated" in texts(page)


def test_the_validation_images_come_first_with_their_intervals(run):
    page = open_page("run", tab="result", id=run.number)
    assert not page.exception
    shown = metrics(page)
    in_sight, a_click_away = (
        {"Accuracy", "Confidence"},
        {"Top-3 accuracy", "Loss", "Macro F1"},
    )
    assert set(shown) == in_sight | a_click_away
    right = compute(run, "val").right
    assert shown["Accuracy"].value == f"{100 * right.mean():.1f}\xa0%"
    assert page.subheader[0].value == (
        f"{right.sum():,} of {len(right):,} validation images are classified correctly"
    )
    assert "validation images" in shown["Loss"].delta
    note = shown["Confidence"].delta
    assert re.match(r"calibration error [\d.]+\xa0%(, within|; ) ?chance", note)
    assert "Computed after training, in float32." in texts(page)
    assert len(looks(run)) == 1  # that of the training's end


@pytest.mark.parametrize(
    "tab", ["Confusion", "Classes", "Calibration", "Coverage", "Robustness", "Over time"]
)
def test_every_tab_draws_something_when_it_is_opened(run, tab):
    page = open_tab(open_page("run", tab="result", id=run.number), tab)
    assert not page.exception
    assert page.get("plotly_chart") or tab in ("Robustness", "Over time")


def test_the_test_images_are_behind_a_button_that_counts(run):
    compute(run, "test")
    page = open_page("run", tab="result", id=run.number, part="test")
    assert not page.exception
    assert metrics(page) == {}
    assert "viewed once" in texts(page)
    page = page.button(key="reveal").click().run()
    assert "viewed twice. Choose by validation, report by test." in texts(page)
    assert "test images" in metrics(page)["Loss"].delta
    assert [look.where for look in looks(run)] == ["the end of training", "the page"]
    (listed,) = [table.value for table in page.table if "Who" in table.value]
    assert list(listed["Who"]) == [run.by.name, theme.NONE]
    assert list(listed["From"]) == ["the page", "the end of training"]
    page.run()
    assert len(looks(run)) == 2  # drawing the page again is no further look


def test_another_run_has_looks_of_its_own(run, page_store):
    other = make_run(page_store, "Another")
    page = (
        open_page("run", tab="result", id=run.number, part="test")
        .button(key="reveal")
        .click()
        .run()
    )
    page.query_params["id"] = str(other.number)
    page.run()
    assert metrics(page) == {}
    assert len(looks(other)) == 1


def test_the_calibration_is_fitted_once_for_evaluate_and_explain(run, monkeypatch):
    place, fitted, real = int(kept(run, "val").indexes[0]), [], calibration.kept
    monkeypatch.setattr(calibration, "kept", lambda *given: fitted.append(1) or real(*given))
    assert not open_page("run", tab="result", id=run.number).exception
    assert len(fitted) == 1
    assert not open_page("predict", run=run.number, image=f"val-{place}").exception
    assert len(fitted) == 1


def test_the_address_keeps_the_run_and_the_part(run):
    page = open_page("run", tab="result", id=run.number, part="test")
    assert page.query_params["id"] == str(run.number)
    assert page.query_params["part"] == "test"


def test_a_linked_image_is_explained(run):
    place = int(compute(run, "val").indexes[0])
    page = open_page("predict", run=run.number, image=f"val-{place}")
    assert not page.exception
    assert f"Validation image {place}" in [c for each in page.get("image") for c in each.captions]


def test_predictions_of_the_trainer_are_shown_without_computing_anything(run, monkeypatch):
    monkeypatch.setattr("cifar_core.background.jobs.Job.start", lambda job: pytest.fail(str(job)))
    keep(replace(kept(run, "val"), precision="bfloat16", from_training=True))
    page = open_page("run", tab="result", id=run.number)
    assert not page.exception
    assert "Computed by the trainer, in bfloat16: the accuracy is the one that the run" in texts(
        page
    )


def test_predictions_for_other_images_are_said(run):
    made = kept(run, "val")
    keep(replace(made, indexes=made.indexes + 10**6))
    page = open_page("run", tab="result", id=run.number)
    assert not page.exception
    assert "are for other images than those of" in texts(page)


@pytest.mark.parametrize("image", ["val-99999999", "holdout-1", "test", "test--1", "*"])
def test_an_image_that_there_is_not_is_said(run, image):
    page = open_page("predict", run=run.number, image=image)
    assert not page.exception
    assert "There is no image called" in texts(page)


def test_the_sheet_holds_each_picture_in_its_place():
    pixels = np.arange(11, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 3), np.uint8)
    found = np.asarray(sheet(pixels, columns=8))
    assert found.shape == (8, 32, 3)
    assert (found[:4, 28:] == 7).all()
    assert (found[4:, 8:12] == 10).all()
    assert (found[4:, 12:] == 0).all()


def test_each_cell_of_the_confusion_matrix_can_be_clicked():
    figure = charts.confusion_figure(np.array([[5.0, 1.0], [0.0, 2.0]]), ["cat", "dog"])
    points = figure.data[1]
    texts_of = dict(zip(zip(points.y, points.x, strict=True), points.hovertext, strict=True))
    assert texts_of[0, 1] == "cat predicted as dog: 1"
    assert texts_of[1, 0] == "dog predicted as cat: 0"


def test_the_mark_on_the_coverage_curve_is_where_the_threshold_is():
    found = coverage(np.array([0.9, 0.8, 0.6, 0.3]), np.array([True, True, False, False]))
    mark = charts.coverage_figure(found, 0.7).data[1]
    assert (mark.x[0], mark.y[0]) == (0.5, 1.0)
    assert len(charts.coverage_figure(found, 0.95).data) == 1  # no confidence is that high


def test_empty_bins_are_not_drawn():
    found = reliability(np.array([[0.9, 0.1], [0.6, 0.4]]), np.array([0, 0]))
    _, before, after = charts.reliability_figure(found, found).data[:3]
    assert len(before.x) == len(after.x) == 2
