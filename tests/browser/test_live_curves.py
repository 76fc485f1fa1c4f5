import json
import os
import threading

import pytest

from cifar_core.config import TrainConfig
from cifar_core.disk import files, lock
from cifar_core.runs.record import status

CHART = ".live-chart"
HIDDEN = f"""() => document.querySelector('{CHART}')._fullData
    .filter(t => t.visible === 'legendonly').map(t => t.uid).sort()"""
RANGE = f"() => document.querySelector('{CHART}')._fullLayout.xaxis.range.map(Math.round)"
UPDATES = f"() => Number(document.querySelector('{CHART}').dataset.updates)"


class Writer:
    """Stands for a trainer: appends rows to a run's metrics until it is told to stop."""

    def __init__(self, store):
        self.run = store.create(TrainConfig(epochs=1000), name="growing")
        self.folder = self.run.path / "attempts" / "1"
        self.folder.mkdir(parents=True)
        self.lock = lock.take(self.folder / "lock")  # so that it counts as alive
        files.write_json(self.folder / "start.json", {"checkpoint": "", "step": 0})
        words = status.described("running")
        status.write(self.run.path, status.RunStatus(**words, attempt=1, device="cpu"))
        self.step, self.done = 0, threading.Event()
        self.write(60)
        self.thread = threading.Thread(target=self.go_on)

    def write(self, rows):
        with (self.folder / "metrics.jsonl").open("a") as file:
            for _ in range(rows):
                self.step += 10
                share = self.step / (self.step + 500)
                row = {"kind": "step", "step": self.step, "epoch": self.step / 200,
                       "loss": 2.3 - share, "accuracy": share, "learning_rate": 0.1}  # fmt: skip
                file.write(json.dumps(row) + "\n")
                if self.step % 200 == 0:
                    row = {"kind": "epoch", "step": self.step, "epoch": self.step // 200,
                           "train_loss": 2.3 - share, "train_accuracy": share, "best": True,
                           "val_loss": 2.4 - share, "val_accuracy": share}  # fmt: skip
                    file.write(json.dumps(row) + "\n")

    def go_on(self):
        while not self.done.wait(0.1):
            (self.folder / "lock").touch()
            self.write(1)


@pytest.fixture
def growing(store):
    writer = Writer(store)
    writer.thread.start()
    yield writer
    writer.done.set()
    writer.thread.join()
    words = status.described("stopped")
    status.write(writer.run.path, status.RunStatus(**words, attempt=1))
    os.close(writer.lock)


def drag_across(tab, start, end):
    """Enlarge a part of the loss panel with the mouse."""
    box = tab.locator(f"{CHART} .nsewdrag").first.bounding_box()
    middle = box["y"] + box["height"] / 2
    tab.mouse.move(box["x"] + start * box["width"], middle)
    tab.mouse.down()
    tab.mouse.move(box["x"] + end * box["width"], middle, steps=5)
    tab.mouse.up()


def test_zoom_and_hidden_legend_entries_survive_the_updates(visit, growing):
    tab = visit(f"/run?id={growing.run.number}")
    tab.wait_for_function(f"() => document.querySelector('{CHART}')?.dataset.updates > 0")
    tab.locator(f"{CHART} .legendtoggle").nth(2).click()  # hides Validation
    tab.wait_for_function(f"({HIDDEN})().length == 2")
    before = tab.evaluate(RANGE)
    drag_across(tab, 0.3, 0.6)
    tab.wait_for_function(f"r => ({RANGE})()[0] > r[0] + 50", arg=before)
    zoomed, start = tab.evaluate(RANGE), tab.evaluate(UPDATES)
    assert zoomed[1] < growing.step
    step = float(tab.locator(CHART).get_attribute("data-step"))
    tab.wait_for_function(f"n => ({UPDATES})() >= n", arg=start + 8)
    assert tab.evaluate(RANGE) == zoomed
    assert tab.evaluate(HIDDEN) == ["Validation y", "Validation y2"]
    assert float(tab.locator(CHART).get_attribute("data-step")) >= step + 100


def test_the_address_keeps_how_the_curves_are_shown(visit, growing):
    tab = visit(f"/run?id={growing.run.number}")
    tab.get_by_role("button", name="Axis, smoothing").click()
    tab.locator(".st-key-axis").get_by_role("radio", name="Epoch").click()
    tab.wait_for_url("**axis=Epoch**")
    shared = tab.url
    tab = visit(shared)
    tab.wait_for_function(
        f"() => document.querySelector('{CHART}')?._fullLayout?.xaxis.title.text == 'Epoch'"
    )


def test_a_run_that_ends_keeps_its_zoom_and_is_no_longer_asked_about(visit, growing):
    tab = visit(f"/run?id={growing.run.number}")
    tab.wait_for_function(f"() => document.querySelector('{CHART}')?.dataset.updates > 1")
    before = tab.evaluate(RANGE)
    drag_across(tab, 0.2, 0.5)
    tab.wait_for_function(f"r => ({RANGE})()[0] > r[0] + 50", arg=before)
    zoomed = tab.evaluate(RANGE)
    growing.done.set()
    growing.thread.join()
    words = status.described("finished")
    status.write(growing.run.path, status.RunStatus(**words, attempt=1))
    tab.get_by_text("Ran to completion").wait_for()
    tab.wait_for_timeout(1000)  # what was under way arrives
    before = tab.evaluate(UPDATES)
    tab.wait_for_timeout(2500)
    assert tab.evaluate(UPDATES) == before
    assert tab.evaluate(RANGE) == zoomed
