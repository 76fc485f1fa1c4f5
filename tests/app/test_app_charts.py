import numpy as np
import pytest

from app.screens.data.one_set.charts import size_figure
from app.screens.run.watch.charts import MORE, LiveOptions, live_figure
from app.screens.train.rows.charts import schedule_figure
from app.shared.charts import PIXELS, picture_rows
from app.shared.live_chart import pack, publish_plotly, unpack
from cifar_core.data.review.sizes import Bar
from cifar_core.reading.curves import curves
from cifar_core.runs.listing.goals import COURSE

STEPS = [
    {"kind": "step", "step": n, "epoch": n / 100, "loss": 2.3 - n / 1000, "accuracy": 0.1,
     "learning_rate": 0.1}
    for n in range(20, 1000, 20)
]  # fmt: skip
EPOCHS = [
    {"kind": "epoch", "step": 100 * n, "epoch": n, "val_loss": 2.0, "val_accuracy": accuracy}
    for n, accuracy in enumerate([0.3, 0.5, 0.4], 1)
]
NAMES = ["Training, each report", "Training", "Validation", "Best epoch"]


def drawn(rows, **look):
    figure = live_figure(curves(rows), LiveOptions(**look))
    traces = figure.header["traces"]
    pairs = zip(figure.arrays[::2], figure.arrays[1::2], strict=True)
    return figure, {
        (t["name"], t["yaxis"]): (x.tolist(), y.tolist())
        for t, (x, y) in zip(traces, pairs, strict=True)
    }


def test_the_first_steps_are_drawn_before_any_epoch_is_over():
    _, lines = drawn(STEPS[:1])
    assert lines["Training", "y"] == ([20], [2.28])
    assert lines["Validation", "y"] == ([], [])
    assert lines["Best epoch", "y2"] == ([], [])


def test_a_run_without_rows_has_empty_lines():
    figure, lines = drawn([])
    assert figure.header["step"] == 0
    assert all(line == ([], []) for line in lines.values())


def test_the_lines_are_always_the_same_ones_so_that_a_hidden_one_stays_hidden():
    headers = [drawn(rows)[0].header for rows in ([], STEPS[:1], STEPS + EPOCHS)]
    assert headers[0]["traces"] == headers[1]["traces"] == headers[2]["traces"]
    assert len({trace["uid"] for trace in headers[0]["traces"]}) == len(headers[0]["traces"])


def test_every_name_has_exactly_one_legend_entry_except_what_has_a_panel_of_its_own():
    shown = [t["name"] for t in drawn([], more=MORE)[0].header["traces"] if t["showlegend"]]
    assert shown == NAMES


def test_more_curves_get_panels_below_the_two_that_are_always_there():
    figure, lines = drawn(STEPS, more=["gradient", "rate"])
    assert lines["Learning rate", "y3"][1][0] == pytest.approx(0.1)
    layout = figure.header["layout"]
    panels = [layout[axis]["domain"] for axis in ("yaxis2", "yaxis", "yaxis3", "yaxis4")]
    edges = [edge for low, high in panels for edge in (high, low)]
    assert edges == sorted(edges, reverse=True), "none lies over another"
    assert (edges[0], edges[-1]) == (1, pytest.approx(0, abs=1e-9))
    assert layout["xaxis"]["anchor"] == "y4"
    assert layout["height"] > drawn(STEPS)[0].header["layout"]["height"]
    assert figure.header["alt"] == "Accuracy, loss, learning rate, gradient norm of the run"


def test_the_star_marks_the_best_epoch_on_either_axis():
    assert drawn(STEPS + EPOCHS)[1]["Best epoch", "y2"] == ([200], [0.5])
    assert drawn(STEPS + EPOCHS, by_epoch=True)[1]["Best epoch", "y2"] == ([2], [0.5])
    marked = [{**row, "best": row["epoch"] != 2} for row in EPOCHS]
    assert drawn(STEPS + marked)[1]["Best epoch", "y2"] == ([300], [0.4])


def test_smoothing_changes_training_and_nothing_else():
    noisy = [{**row, "loss": row["loss"] + (-1) ** i} for i, row in enumerate(STEPS)] + EPOCHS
    plain, smooth = drawn(noisy, more=MORE)[1], drawn(noisy, half_life=100, more=MORE)[1]
    assert np.std(smooth["Training", "y"][1]) < 0.5 * np.std(plain["Training", "y"][1])
    assert smooth["Training, each report", "y"] == plain["Training", "y"]
    assert plain["Training, each report", "y"] == ([], [])
    for name in (("Validation", "y"), ("Validation", "y2"), ("Learning rate", "y3")):
        assert smooth[name] == plain[name]


def test_a_long_run_is_drawn_with_few_points_and_an_enlarged_part_with_all():
    rows = [{**STEPS[0], "step": n, "loss": n % 7} for n in range(50_000)]
    everywhere = drawn(rows)[1]["Training", "y"][0]
    assert len(everywhere) <= 2 * PIXELS + 2
    part = drawn(rows, window=(100, 300))[1]["Training", "y"][0]
    assert set(range(100, 301)) <= set(part)


def test_zoom_is_kept_by_the_same_run_and_dropped_when_the_axis_changes():
    first, later = drawn(STEPS[:9], revision="1")[0], drawn(STEPS, revision="1")[0]
    assert first.header["revision"] == later.header["revision"]
    assert first.header["layout"]["uirevision"] == later.header["layout"]["uirevision"]
    other = drawn(STEPS, revision="1", by_epoch=True)[0]
    assert other.header["revision"] != later.header["revision"]
    assert (
        other.header["layout"]["xaxis"]["uirevision"]
        != (later.header["layout"]["xaxis"]["uirevision"])
    )


def test_the_goal_line_is_drawn_only_when_asked_for():
    assert "shapes" not in drawn([])[0].header["layout"]
    line, _ = drawn([], goals=COURSE)[0].header["layout"]["shapes"]
    assert (line["y0"], line["yref"]) == (0.6671, "y2")


def test_a_logarithmic_loss_leaves_the_other_panels_alone():
    layout = drawn([], log_loss=True)[0].header["layout"]
    assert layout["yaxis"]["type"] == "log"
    assert "type" not in layout["yaxis2"]


def test_what_is_packed_can_be_unpacked_and_starts_on_four_bytes():
    figure, _ = drawn(STEPS + EPOCHS, window=(1.0, 2.0), revision="3-é")
    packed = pack(figure)
    assert len(packed) % 4 == 0
    back = unpack(packed)
    assert back.header["layout"] == figure.header["layout"]
    assert back.header["window"] == [1.0, 2.0]
    for one, other in zip(back.arrays, figure.arrays, strict=True):
        assert one == pytest.approx(other, rel=1e-6)


def test_a_figure_of_a_long_run_is_small():
    rows = [{**STEPS[0], "step": n, "loss": n % 7, "accuracy": n % 5 / 5} for n in range(50_000)]
    assert len(pack(drawn(rows, half_life=100)[0])) < 60_000


def test_plotly_is_published_once_and_whole(tmp_path):
    target = tmp_path / "plotly.min.js"
    publish_plotly(target)
    written = target.stat()
    assert written.st_size > 1_000_000
    publish_plotly(target)
    assert target.stat().st_mtime_ns == written.st_mtime_ns
    assert list(tmp_path.iterdir()) == [target]


def test_pictures_are_laid_out_in_rows_with_see_through_gaps():
    row = np.full((3, 32, 32, 3), 200, np.uint8)
    sheet = picture_rows([row, row], zoom=2, gap=2)
    assert sheet.size == (2 * (3 * 34 - 2), 2 * (2 * 34 - 2))
    assert sheet.getpixel((0, 0)) == (200, 200, 200, 255)
    assert sheet.getpixel((2 * 33, 0))[3] == 0


def test_the_schedule_is_drawn_as_given():
    assert list(schedule_figure([0, 1], [0.1, 0.0]).data[0].y) == [0.1, 0.0]
    rate, momentum = schedule_figure([0, 1], [0.1, 0.0], [0.9, 0.85]).data
    assert (list(rate.y), list(momentum.y)) == ([0.1, 0.0], [0.9, 0.85])


def test_the_sizes_of_pictures_are_bars_of_their_counts():
    bars = [Bar(low=8, high=9, label="8", count=3), Bar(low=9, high=20, label="9 to 19", count=1)]
    (drawn,) = size_figure(bars, "Width in pixels").data
    assert (list(drawn.x), list(drawn.y)) == (["8", "9 to 19"], [3, 1])
