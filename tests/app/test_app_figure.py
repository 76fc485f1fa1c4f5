import ast
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
from streamlit.testing.v1 import AppTest

from app.screens.run.result.charts import confusion_figure
from app.shared import figure
from app.theme import NONE

APP = Path(figure.__file__).parents[1]


def test_every_figure_is_drawn_with_its_numbers():
    calls = {
        path.relative_to(APP).as_posix()
        for path in APP.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "plotly_chart"
    }
    assert calls == {"shared/figure.py"}


def test_traces_over_the_same_positions_share_a_table():
    drawn = go.Figure()
    drawn.add_scatter(x=[1, 2, 3], y=[0.5, None, 0.75], name="First")
    drawn.add_scatter(x=[1, 2, 3], y=[0.25, 0.125, np.nan], name="Second")
    drawn.add_scatter(x=[1, 3, 1], y=[0, 1, 0], fill="toself", hoverinfo="skip")
    drawn.update_xaxes(title="Epoch")
    (table,) = figure.tables(drawn)
    assert table.head == ["Epoch", "First", "Second"]
    assert table.rows == [("1", "0.5", "0.25"), ("2", NONE, "0.125"), ("3", "0.75", NONE)]


def test_a_matrix_has_the_names_of_its_classes():
    (table,) = figure.tables(confusion_figure(np.array([[3.0, 1.0], [0.0, 4.0]]), ["cat", "dog"]))
    assert table.head == ["True class, by predicted class", "cat", "dog"]
    assert table.rows == [["cat", "3", "1"], ["dog", "0", "4"]]


def test_intervals_are_told_by_their_ends():
    drawn = go.Figure()
    drawn.add_scatter(x=[2.0], y=["cat"], error_x={"array": [1.5], "arrayminus": [0.5]}, name="A")
    (table,) = figure.tables(drawn)
    assert table.head[1:] == ["A", "A, from", "A, to"]
    assert table.rows == [("cat", "2", "1.5", "3.5")]


def test_a_long_table_is_thinned_and_names_are_escaped():
    drawn = go.Figure()
    drawn.add_scatter(x=list(range(1000)), y=list(range(1000)), name="<b>")
    text = figure.as_html(figure.tables(drawn), "Loss & more")
    assert text.count("<tr>") == 101
    assert "One row in 10" in text
    assert "&lt;b&gt;" in text
    assert 'aria-label="Numbers: Loss &amp; more"' in text


def script():
    import plotly.graph_objects as go

    from app.shared.figure import show_figure

    show_figure(go.Figure().add_bar(x=[3], y=["cat"], orientation="h"), key="k", alt="Cats")


def test_the_numbers_are_below_the_figure():
    page = AppTest.from_function(script).run()
    assert not page.exception
    assert "<td>3</td>" in page.main[1].proto.body


def test_shares_are_written_in_percent_as_on_their_axis():
    drawn = go.Figure()
    drawn.add_scatter(x=[0.25], y=[0.5], name="Accuracy")
    drawn.add_scatter(x=[0.25], y=[3.0], name="Loss", yaxis="y2")
    drawn.update_layout(xaxis_tickformat=".0%", yaxis_tickformat=".1~%", yaxis2={"title": "L"})
    (table,) = figure.tables(drawn)
    assert table.rows == [("25.0\xa0%", "50.0\xa0%", "3")]


def test_lines_of_one_axis_over_the_same_places_are_all_there():
    drawn = go.Figure()
    for group, value in (("Adam", 0.5), ("SGD", 0.25), ("SGD", 0.75)):
        drawn.add_scatter(x=[1], y=[value], legendgroup=group)
    drawn.update_yaxes(title="Accuracy")
    (table,) = figure.tables(drawn)
    assert table.head == ["", "Adam, Accuracy", "SGD, Accuracy", "SGD, Accuracy'"]
    assert table.rows == [("1", "0.5", "0.25", "0.75")]
