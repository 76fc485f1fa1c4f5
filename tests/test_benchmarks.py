"""The guard of speeds: what it calls slower, and that every committed figure is still measured."""

import importlib
import json
import shutil
from pathlib import Path

import pytest

from benchmarks import chromium, guard
from benchmarks.lr_finder import refitted


@pytest.mark.parametrize(("found", "good"), [(2.0, True), (1.51, True), (1.49, False), (9.0, True)])
def test_a_ratio_may_fall_to_three_quarters_of_the_baseline(found, good):
    text, all_good = guard.table({"loop": found}, {"loop": 2.0})
    assert all_good == good
    assert ("slower" in text) != good


def test_one_slower_ratio_among_many_is_enough():
    _, good = guard.table({"a": 5.0, "b": 1.0}, {"a": 5.0, "b": 2.0})
    assert not good


def test_a_new_kind_of_processor_has_no_baseline_yet():
    text, good = guard.table({"loop": 1.0}, {})
    assert good
    assert "no baseline yet" in text


def test_the_committed_baselines_are_of_what_is_measured():
    baselines = json.loads(guard.BASELINE.read_text("utf-8"))
    assert baselines
    for figures in baselines.values():
        assert set(figures) == set(guard.CHECKS)
        assert all(ratio > 0 for ratio in figures.values())


def test_a_recorded_race_of_the_rate_finder_is_read_anew():
    ends = [[10**x, 120, 1 + 0.5 * (x + 2.6) ** 2] for x in (-3.0, -2.7, -2.4, -2.1)]
    row = {"race": [[0.001, 40, 2.0], *ends, [0.1, 35, None]], "divisor": 2.0, "rate": 1.0}
    assert refitted(row)["rate"] == pytest.approx(10**-2.6 / 2, rel=0.01)


@pytest.mark.parametrize(
    "path", sorted(Path(guard.__file__).parent.glob("*.py")), ids=lambda p: p.stem
)
def test_every_benchmark_finds_what_it_imports(path):
    importlib.import_module(f"benchmarks.{path.stem}")


def test_any_chromium_will_do_and_the_one_of_people_comes_first(monkeypatch):
    there = [chromium.SHELL]
    monkeypatch.setattr(shutil, "which", lambda name: name if name in there else None)
    assert chromium.program() == chromium.program(sparing=True) == chromium.SHELL
    there.append("chromium")
    assert chromium.program() == "chromium"
    assert chromium.program(sparing=True) == chromium.SHELL
    there.clear()
    assert chromium.program() is None
