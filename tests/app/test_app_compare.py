import json

import numpy as np
import pytest
from pages import make_run, open_page, texts

from app.screens.compare import charts, curve_charts, runs_and_predictions
from cifar_core import palette
from cifar_core.background.jobs import Job
from cifar_core.disk import files
from cifar_core.reading.curves import curves
from cifar_core.reading.ends import GOAL, LAST_EPOCH
from cifar_core.runs.record.figures.summary_record import Summary
from cifar_core.runs.record.records import About
from cifar_core.runs.results.predictions import Predictions, indexes_of, keep
from cifar_core.runs.results.side_by_side import facts
from cifar_core.runs.results.test_looks import looks
from cifar_core.statistics.same_images import Counts


@pytest.fixture
def store(page_store):
    return page_store


def predict_all(run, right, part="val"):
    """Keep predictions for a run's images, of which the first `right` are correct."""
    from cifar_core.data import load

    dataset = load("synthetic", run.store_root)
    images = dataset.test if part == "test" else dataset.train
    indexes = indexes_of(run, part, images)
    labels = np.asarray(images.labels[indexes])
    predicted = np.where(np.arange(len(labels)) < right, labels, (labels + 1) % 10)
    keep(
        Predictions(
            run=run, checkpoint=run.checkpoint().name, part=part, classes=dataset.classes,
            indexes=indexes, labels=labels, logits=3 * np.eye(10, dtype=np.float32)[predicted],
        )
    )  # fmt: skip
    return len(labels)


def shown(page):
    """Return the page's tables in one string."""
    return " ".join(table.value.to_string() for table in page.table)


def test_an_empty_store_says_what_to_do(store):
    page = open_page("compare")
    assert not page.exception
    assert "There is no trained network here yet." in texts(page)


def test_the_two_best_runs_are_offered(store):
    for accuracy in (0.4, 0.6, 0.5):
        make_run(store, "A run", accuracies=(accuracy,))
    page = open_page("compare")
    page.button(key="two best").click().run()
    assert not page.exception
    assert page.multiselect[0].value == ["2", "3"]
    assert "#2 has the highest validation accuracy" in texts(page)


def test_it_is_told_which_run_ended_early_and_by_what(store):
    for name, end in (("All epochs", LAST_EPOCH), ("Ninety", GOAL)):
        run = make_run(store, name)
        files.edit(run.path / "summary.json", Summary, lambda _, end=end: {"end": end})
    page = open_page("compare", runs="1,2")
    table = next(table.value for table in page.table if "Test" in table.value.columns)
    assert list(table["Ended by"]) == ["Last epoch", "Goal reached"]
    assert not page.exception


def test_the_two_best_are_of_the_same_images_and_no_examples(store):
    example = make_run(store, "An example", accuracies=(0.9,))
    files.edit(example.path / "about.json", About, lambda _: {"example": "photographs"})
    make_run(store, "Others", accuracies=(0.8,), split_seed=7)
    for accuracy in (0.4, 0.6):
        make_run(store, "A run", accuracies=(accuracy,))
    page = open_page("compare")
    assert "on Synthetic shapes, #4 and #3" in page.button(key="two best").label
    for number in (3, 4):
        store.delete(store.run(number))
    assert "two best" not in {button.key for button in open_page("compare").button}


def test_the_address_names_the_runs_and_unknown_ones_are_said(store):
    make_run(store, "First"), make_run(store, "Second")
    page = open_page("compare", runs="2,1,99")
    assert not page.exception
    assert page.multiselect[0].value == ["2", "1"]
    assert "not in this store): \\#99" in texts(page)
    assert "".join(page.query_params["runs"]) == "2,1"


def test_kept_predictions_give_the_verdict_at_once(store):
    a, b = make_run(store, "A", accuracies=(0.4,)), make_run(store, "B", learning_rate=0.01)
    count = predict_all(a, 300)
    predict_all(b, 400)
    page = open_page("compare", runs="1,2")
    assert not page.exception
    words = texts(page)
    assert "\\#2 is better than \\#1 on these images" in words
    assert f"Of {count:,} validation images, 100 are classified correctly only by" in words
    assert "only by \\#2, and 0 only by \\#1 (McNemar" in words
    assert "needs more seeds" in words
    assert not [button for button in page.button if button.key == "predictions start"]


@pytest.fixture
def begun(monkeypatch):
    """Return the work that was started; none of it is done."""
    begun = []
    monkeypatch.setattr(Job, "start", lambda job: begun.append(str(job.path)) or True)
    return begun


def test_missing_predictions_that_take_long_are_offered_and_not_computed_unasked(
    store, begun, monkeypatch
):
    monkeypatch.setattr(runs_and_predictions, "job_seconds", lambda *_: 16.0)
    make_run(store, "A"), make_run(store, "B")
    page = open_page("compare", runs="1,2")
    assert not page.exception
    assert page.button(key="predictions start").label == "Compare on the validation images"
    assert begun == []


def test_missing_predictions_are_computed_at_once_where_that_is_quick(store, begun, monkeypatch):
    monkeypatch.setattr(runs_and_predictions, "job_seconds", lambda *_: 14.0)
    predict_all(make_run(store, "A"), 300)
    make_run(store, "B"), make_run(store, "C")
    page = open_page("compare", runs="1,2,3")
    assert not page.exception
    assert len(begun) == 1  # the others follow one after the other
    assert "2-b" in begun[0]
    assert not [button for button in page.button if button.key == "predictions start"]


def test_a_comparison_that_was_canceled_waits_for_a_click(store, begun, monkeypatch):
    monkeypatch.setattr(runs_and_predictions, "job_seconds", lambda *_: 1.0)
    make_run(store, "A"), make_run(store, "B")
    page = open_page("compare", runs="1,2")
    page.button(key="predictions cancel").click().run()
    before = len(begun)
    page.run()
    assert len(begun) == before
    page.button(key="predictions start").click().run()
    assert len(begun) > before


def test_three_runs_are_compared_with_the_best_with_corrected_values(store):
    for accuracy, right in ((0.5, 300), (0.6, 400), (0.4, 301)):
        predict_all(make_run(store, "A run", accuracies=(accuracy,)), right)
    page = open_page("compare", runs="1,2,3")
    assert not page.exception
    assert page.selectbox(key="base").value == "2"
    assert "\\#2 is better than \\#1 and \\#3" in texts(page)
    assert "all 3 pairs (Holm)" in texts(page)
    assert "p < 0.001" in shown(page)


def test_the_test_images_wait_behind_a_button_that_counts_as_a_look(store):
    runs = [make_run(store, name) for name in "AB"]
    for run, right in zip(runs, (300, 500), strict=True):
        predict_all(run, right, "test")
    before = len(looks(runs[0]))
    page = open_page("compare", runs="1,2", images="Test")
    assert "on these images" not in texts(page)
    page.button(key="look").click().run()
    assert not page.exception
    assert "\\#2 is better than \\#1 on these images" in texts(page)
    assert [len(looks(run)) for run in runs] == [before + 1] * 2


def test_runs_with_other_validation_images_say_why_there_is_no_test(store):
    make_run(store, "A"), make_run(store, "B", split_seed=7)
    page = open_page("compare", runs="1,2")
    assert not page.exception
    assert "they use different ones" in texts(page)


def test_only_the_settings_that_differ_are_shown_unless_all_are_wanted(store):
    make_run(store, "A"), make_run(store, "B", learning_rate=0.01)
    page = open_page("compare", runs="1,2")
    page.session_state["parts"] = "Settings"
    page.run()
    assert not page.exception
    assert "(\u00d70.1)" in shown(page)
    assert "Epochs" not in shown(page)
    page.toggle(key="all_settings").set_value(True).run()
    assert "Epochs" in shown(page)


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ("Images", "most confident mistakes come first"),
        ("Classes", "Each interval is for its class alone"),
        ("Cost", "the Pareto front"),
        ("All settings", "One line per run"),
    ],
)
def test_every_part_is_drawn(store, part, words):
    for number in range(3):
        run = make_run(store, "A run", learning_rate=0.1 / (1 + number))
        size = {"parameters": 94_762}
        files.edit(run.path / "environment.json", dict, lambda _, size=size: size)
        predict_all(run, 300 - number)
    page = open_page("compare", runs="1,2,3")
    page.session_state["parts"] = part
    page.run()
    assert not page.exception
    assert not page.error
    assert words in texts(page)


def test_a_cost_that_no_run_has_is_said_and_not_drawn(store):
    for _ in range(2):
        run = make_run(store, "Curves of another tool")
        files.edit(run.path / "summary.json", dict, lambda _: {"seconds": 0})
    page = open_page("compare", runs="1,2")
    page.session_state["parts"] = "Cost"
    page.run()
    assert "No run here has both a validation accuracy and a known time" in texts(page)
    assert "the Pareto front" not in texts(page)


def tracks(count):
    rows = [{"kind": "epoch", "step": 10 * n, "epoch": n, "val_loss": 1 / n, "val_accuracy": n / 9}
            for n in range(1, 4)]  # fmt: skip
    return [curve_charts.Track(number=n, title=f"#{n}", curves=curves(rows), seconds=120.0)
            for n in range(1, count + 1)]  # fmt: skip


def test_a_run_has_the_same_color_and_dash_whatever_it_is_drawn_with():
    def pens(figure):
        return {t["name"]: (t["color"], t["line"]["dash"]) for t in figure.header["traces"]}

    few, many = (curve_charts.curves_figure(tracks(n), curve_charts.CurveOptions()) for n in (2, 9))
    assert pens(few).items() <= pens(many).items()
    assert len(set(pens(many).values())) == 9
    assert len({palette.pen(number) for number in range(100, 128)}) == 28


def test_time_is_that_of_training_up_to_each_epoch():
    figure = curve_charts.curves_figure(tracks(1), curve_charts.CurveOptions(axis="Time"))
    assert figure.arrays[0].tolist() == pytest.approx([2 / 3, 4 / 3, 2])


def test_a_small_multiple_has_its_run_in_front_of_the_others():
    figure = curve_charts.curves_figure(tracks(3), curve_charts.CurveOptions(apart="Accuracy"))
    traces = figure.header["traces"]
    assert [t["yaxis"] for t in traces] == ["y"] * 3 + ["y2"] * 3 + ["y3"] * 3
    assert [t["name"] for t in traces[2::3]] == ["#1", "#2", "#3"]
    assert all("opacity" not in t for t in traces[2::3])
    assert len({t["uid"] for t in traces}) == 9
    json.dumps(figure.header)


def test_the_pareto_front_is_drawn_through_the_runs_that_nothing_cheaper_beats(store):
    found = []
    for accuracy, seconds in ((0.5, 60), (0.4, 120), (0.7, 600)):
        run = make_run(store, "A run", accuracies=(accuracy,))
        files.edit(run.path / "summary.json", dict, lambda _, s=seconds: {"seconds": s})
        found.append(facts(run))
    figure = charts.cost_figure(charts.cost_points(found, "Time"), "Time")
    assert figure.arrays[0].tolist() == [1, 10]
    assert figure.arrays[1].tolist() == [0.5, 0.7]
    assert figure.header["layout"]["yaxis"]["range"] == pytest.approx([0.37, 0.73])
    assert charts.around([0.99, 0.99]) == pytest.approx([0.97, 1.0])
    assert not charts.cost_points(found, "Parameters")  # Plotly cannot draw a chart without ends


def test_classes_are_ordered_by_their_difference():
    counts = [Counts(both=5, only_first=a, only_second=b, neither=5) for a, b in ((1, 3), (4, 0))]
    figure = charts.class_figure(counts, ("cat", "dog"), "#1", "#2")
    assert list(figure.data[0].y) == ["cat", "dog"]
    assert figure.data[0].x[1] == pytest.approx(100 * 4 / 14)


def test_rates_have_a_log_axis_and_words_one_position_each():
    known = [{"learning_rate": rate, "model": model, "epochs": 3}
             for rate, model in ((0.1, "simple_cnn"), (0.001, "vig_nano"))]  # fmt: skip
    figure = charts.parallel_figure(known, [0.5, 0.6], ["learning_rate"])
    model, rate, best = figure.data[0].dimensions
    assert list(rate.values) == [-1, -3]
    assert list(rate.ticktext) == ["0.001", "0.1"]
    assert list(model.values) == [0, 1]
    assert list(best.values) == [50, 60]
