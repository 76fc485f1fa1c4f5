import json
import time

from cifar_core.disk import files
from cifar_core.runs import MetricsReader
from cifar_core.runs.record import metrics, summary


def start(folder, attempt, *, after=0, size=0):
    """Begin an attempt that starts from `size` bytes of the rows of attempt `after`."""
    path = metrics.attempt_folder(folder, attempt)
    path.mkdir(parents=True)
    values = {"from_attempt": after, "from_bytes": size, "step": 0, "checkpoint": "x"}
    files.write_json(path / "start.json", values)


def write(folder, attempt, *steps):
    """Append rows; return how many bytes there are then."""
    path = metrics.metrics_path(folder, attempt)
    for step in steps:
        files.append_line(path, {"step": step, "by": attempt})
    return path.stat().st_size


def steps(rows):
    return [(row["step"], row["by"]) for row in rows]


def test_rows_after_the_checkpoint_are_superseded(tmp_path):
    start(tmp_path, 1)
    size = write(tmp_path, 1, 1, 2)
    write(tmp_path, 1, 3, 4)
    start(tmp_path, 2, after=1, size=size)
    write(tmp_path, 2, 3)
    assert steps(MetricsReader(tmp_path).poll().rows) == [(1, 1), (2, 1), (3, 2)]


def test_a_row_of_the_checkpoints_own_step_that_came_after_it_is_not_doubled(tmp_path):
    start(tmp_path, 1)
    size = write(tmp_path, 1, 10)  # saved here, before the validation of the same step
    write(tmp_path, 1, 10)
    start(tmp_path, 2, after=1, size=size)
    write(tmp_path, 2, 10)
    assert steps(MetricsReader(tmp_path).poll().rows) == [(10, 1), (10, 2)]


def test_an_attempt_without_a_checkpoint_of_its_own_is_skipped(tmp_path):
    start(tmp_path, 1)
    size = write(tmp_path, 1, 1, 2)
    start(tmp_path, 2, after=1, size=size)
    write(tmp_path, 2, 3, 4)
    start(tmp_path, 3, after=1, size=size)
    write(tmp_path, 3, 3)
    assert steps(MetricsReader(tmp_path).poll().rows) == [(1, 1), (2, 1), (3, 3)]


def test_a_run_that_begins_anew_supersedes_everything(tmp_path):
    start(tmp_path, 1)
    write(tmp_path, 1, 1, 2)
    start(tmp_path, 2)
    write(tmp_path, 2, 1)
    assert steps(MetricsReader(tmp_path).poll().rows) == [(1, 2)]


def test_an_attempt_that_has_not_begun_changes_nothing(tmp_path):
    start(tmp_path, 1)
    write(tmp_path, 1, 1)
    metrics.attempt_folder(tmp_path, 2).mkdir()
    assert steps(MetricsReader(tmp_path).poll().rows) == [(1, 1)]


def test_polling_gives_each_row_once(tmp_path):
    reader = MetricsReader(tmp_path)
    assert reader.poll().rows == []
    start(tmp_path, 1)
    write(tmp_path, 1, 1)
    assert steps(reader.poll().rows) == [(1, 1)]
    assert reader.poll().rows == []
    size = write(tmp_path, 1, 2)
    assert steps(reader.poll().rows) == [(2, 1)]
    start(tmp_path, 2, after=1, size=size)
    write(tmp_path, 2, 3)
    fresh = reader.poll()
    assert (steps(fresh.rows), fresh.reset) == ([(3, 2)], False)


def test_polling_starts_over_when_rows_that_were_given_are_superseded(tmp_path):
    reader = MetricsReader(tmp_path)
    start(tmp_path, 1)
    size = write(tmp_path, 1, 1)
    write(tmp_path, 1, 2)
    reader.poll()
    start(tmp_path, 2, after=1, size=size)
    write(tmp_path, 2, 2)
    fresh = reader.poll()
    assert (steps(fresh.rows), fresh.reset) == ([(1, 1), (2, 2)], True)
    assert not reader.poll().reset


def test_polling_a_long_run_costs_about_a_millisecond(tmp_path):
    start(tmp_path, 1)
    line = json.dumps({"step": 1, "by": 1, "loss": 1.234567, "accuracy": 0.5}) + "\n"
    metrics.metrics_path(tmp_path, 1).write_text(line * 10_000)
    reader = MetricsReader(tmp_path)
    assert len(reader.poll().rows) == 10_000
    begin = time.process_time()
    for _ in range(20):
        reader.poll()
    assert (time.process_time() - begin) / 20 < 0.005


def test_a_long_curve_is_thinned_evenly_from_its_first_value_to_its_last():
    values = [float(value) for value in range(391)]
    assert summary.thinned(values) == [10.0 * place for place in range(40)]
    assert summary.thinned(values[:40]) == values[:40]
