"""The machine below the curves, in the corner and in the exports."""

import csv
import io

import numpy as np
import pytest
from machine_helpers import gpu, machine_row, trained_on
from pages import make_run, open_page, texts

from app.corner import machines
from app.screens.run.watch.charts import LiveOptions, live_figure
from app.screens.run.watch.machine_chart import machine_figure
from app.shared.live_chart import unpack
from cifar_core.disk import files
from cifar_core.reading.curves import curves
from cifar_core.reading.machine.samples import placed, samples
from cifar_core.runs.exchange.metric_files import machine_csv, metrics_csv
from cifar_core.runs.exchange.run_zip import pieces
from cifar_core.runs.record.machine import rows
from cifar_core.runs.record.machine.history import MachineHistory


@pytest.fixture
def store(page_store):
    return page_store


def watch(run, *, opened=False):
    page = open_page("run", id=run.number, tab="watch")
    if opened:
        page.session_state[f"row.machine-{run.number}"] = True
        page.run()
    assert not page.exception
    return page


def charts(page):
    """The live charts of a page, as the browser gets them."""
    found = [c.proto for c in page.get("bidi_component")]
    return [unpack(one.bytes) for one in found if one.component_name.endswith("live_chart")]


def test_a_run_without_rows_has_no_panel(store):
    page = watch(make_run(store))
    assert "**Machine**" not in [box.label for box in page.expander]


def test_a_closed_panel_says_what_is_in_it_and_draws_nothing(store):
    page = watch(trained_on(store, gpus=[gpu()]))
    assert (
        "CPU 94\u00a0%, 1.2\u00a0GB; GPU 88\u00a0%, 8.1 of 12.0\u00a0GB, 71\u00a0°C "
        "(mean load, highest memory and temperature)"
    ) in texts(page)
    assert len(charts(page)) == 1


def test_a_panel_without_gpus_names_no_temperature(store):
    page = watch(trained_on(store, gpus=[]))
    assert "CPU 94\u00a0%, 1.2\u00a0GB (mean load, highest memory)" in texts(page)


def test_an_open_panel_is_drawn_on_the_axis_of_the_curves(store):
    page = watch(trained_on(store, gpus=[gpu(), gpu("cuda:1")]), opened=True)
    curves_, machine = charts(page)
    assert machine.header["follows"]
    assert "follows" not in curves_.header
    assert machine.header["unit"] == curves_.header["unit"] == "step"
    titles = [note["text"] for note in machine.header["layout"]["annotations"]]
    assert titles == [
        f"<b>{title}</b>"
        for title in ("GPU, % of the time", "GPU memory, GB", "GPU temperature, °C", "GPU power, W",
                      "CPU, % of the cores", "Memory, GB", "Free disk space, GB")
    ]  # fmt: skip
    assert {trace["name"] for trace in machine.header["traces"]} == {
        "cuda:0", "cuda:1", "This run", "Machine",
    }  # fmt: skip
    named = [trace["name"] for trace in machine.header["traces"] if trace["showlegend"]]
    assert sorted(named) == ["Machine", "This run", "cuda:0", "cuda:1"]
    assert machine.arrays[0].max() <= curves_.arrays[2].max()


def test_a_machine_without_gpus_has_no_panel_of_them(store):
    page = watch(trained_on(store), opened=True)
    titles = [note["text"] for note in charts(page)[1].header["layout"]["annotations"]]
    assert titles == [
        "<b>CPU, % of the cores</b>", "<b>Memory, GB</b>", "<b>Free disk space, GB</b>"
    ]  # fmt: skip


def test_the_panel_opens_itself_once_when_something_is_wrong(store):
    run = trained_on(store, gpus=[gpu(utilization=20.0)], state="running")
    page = watch(run)
    key = f"row.machine-{run.number}"
    assert page.session_state[key] is True
    assert "GPU mostly idle. CPU 94\u00a0%" in texts(page)
    page.session_state[key] = False  # as a click of a person does
    page.run()
    assert page.session_state[key] is False
    assert len(charts(page)) == 1


def test_a_live_run_without_trouble_leaves_the_panel_closed(store):
    page = watch(trained_on(store, gpus=[gpu()], state="running"))
    assert "GPU 88\u00a0%" in texts(page)
    assert len(charts(page)) == 1


def test_a_finished_run_opens_nothing_but_says_what_was_wrong(store):
    page = watch(trained_on(store, gpus=[gpu(utilization=20.0)]))
    assert "GPU mostly idle. CPU" in texts(page)
    assert len(charts(page)) == 1


def test_between_two_attempts_the_lines_are_broken():
    reports = [{"kind": "step", "t": 100.0 + n, "step": n, "epoch": n / 50} for n in range(1, 40)]
    reports += [{"kind": "step", "t": 210.0 + n, "step": 39 + n, "epoch": 1.0} for n in range(1, 9)]
    sampled = samples([machine_row(t=100.0 + n) for n in range(1, 119)])
    where = placed(sampled, curves(reports), [100.0, 210.0])
    figure = machine_figure(where, LiveOptions())
    x, y = figure.arrays[:2]
    (gap,) = np.flatnonzero(np.isnan(y))
    assert x[gap] == x[gap + 1]
    assert len(y) == 39 + 8 + 1
    assert np.all(np.diff(x) >= 0)


def test_both_charts_change_their_axis_together():
    by_epoch = LiveOptions(by_epoch=True)
    none = placed(samples([]), curves([]), [])
    assert machine_figure(none, by_epoch).header["unit"] == "epoch"
    assert live_figure(curves([]), by_epoch).header["unit"] == "epoch"


def test_the_corner_says_how_a_run_uses_its_machine_now(store, monkeypatch):
    run = trained_on(store, state="running", name="Busy")
    (row,) = [row for row in store.runs() if row.id == run.id]
    used = machines.used_now([row])
    assert machines.busy_words(row, used) == "\\#1 Busy (CPU 94\u00a0%, 1.2\u00a0GB)"
    assert machines.machine_line(used.values()) == (
        "1.5 of 8 cores busy, 4.0 of 16.0\u00a0GB of memory in use"
    )
    old = files.plain_of(machine_row(t=1.0))
    rows.path_of(run.path, 1).write_bytes(files.line_of(old))
    assert machines.used_now([row]) == {}
    assert machines.busy_words(row, {}) == "\\#1 Busy"
    assert machines.machine_line([]).endswith("of memory in use")

    def denied():
        raise PermissionError

    monkeypatch.setattr(machines, "main_memory", denied)
    assert machines.machine_line([]) == ""


def test_the_use_of_the_machine_is_exported_as_csv_and_stays_out_of_zips(store):
    run = trained_on(store, gpus=[gpu(), gpu("cuda:1")], seconds=10)
    lines = list(csv.DictReader(io.StringIO(machine_csv([run]))))
    assert len(lines) == 16
    assert (lines[0]["run"], lines[0]["attempt"], lines[0]["cpu"]) == ("1", "1", "0.94")
    assert lines[0]["cuda:1 utilization"] == "88.0"
    assert "device" not in lines[0]
    assert "utilization" not in metrics_csv([run])
    assert not [piece for piece in pieces(run, "all") if "machine" in piece.name]
    assert machine_csv([make_run(store)]) == "\n"


def test_a_row_of_the_corner_is_read_from_the_end_of_a_long_file(store):
    run = trained_on(store, gpus=[gpu(f"cuda:{n}") for n in range(8)], seconds=300)
    assert rows.latest(run.path, 1).t == MachineHistory(run.path).poll().time[-1]
