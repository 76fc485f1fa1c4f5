import pytest
from msgspec.structs import replace
from pages import make_run

from app.shared import goal_lines as lines
from cifar_core.data.sources.cifar10 import CLASSES
from cifar_core.disk import files
from cifar_core.runs.listing.goals import COURSE, goals
from cifar_core.runs.record.computed.how import DataRecord


@pytest.fixture
def store(page_store):
    return page_store


def test_the_courses_numbers_count_for_its_classes_only():
    assert goals(DataRecord(classes=["cat", "dog"]), []) == []
    assert goals(DataRecord(classes=list(CLASSES)), []) == list(COURSE)


def test_ones_own_best_is_the_best_tested_run_on_the_same_images(store):
    make_run(store, "First", accuracies=(0.4, 0.5))
    best = make_run(store, "Second", accuracies=(0.4, 0.7))
    files.edit(best.path / "summary.json", dict, lambda _: {"test_accuracy": 0.55})
    make_run(store, "Not over", "running", accuracies=(0.9,))
    data = best.environment.data
    (own,) = [goal for goal in goals(data, store.runs()) if goal.run]
    assert (own.run, own.accuracy) == (2, 0.55)
    assert [g for g in goals(replace(data, test_images=7), store.runs()) if g.run] == []


def test_a_goals_line_says_that_it_is_on_test():
    shapes, words = lines.goal_shapes(COURSE, axis="y2")
    assert [(s["y0"], s["yref"]) for s in shapes] == [(0.6671, "y2"), (0.9027, "y2")]
    assert words[0]["text"] == "Course CNN 66.71\u00a0% on test"


def test_goals_far_from_the_points_are_left_out_of_a_figure():
    import plotly.graph_objects as go

    figure = lines.add_goals(go.Figure(go.Scatter(x=[1, 2], y=[0.62, 0.66])), COURSE)
    assert [shape.y0 for shape in figure.layout.shapes] == [0.6671]
