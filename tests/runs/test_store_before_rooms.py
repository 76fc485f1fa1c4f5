"""A store that the version before the rooms made opens, resumes and finishes.

store_before_rooms.zip holds a finished run (tagged, pinned, evaluated, with an edited report), one
that was stopped in its second epoch, a sweep without its weights, and a saved listing. It was made
with commit d062fe2; only the paths in it were changed.
"""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from pages import open_page, texts
from run_helpers import kill_all, store_without_executor, until

from cifar_core.background import processes
from cifar_core.disk import files, lock
from cifar_core.runs import Store
from cifar_core.runs.listing import saved_listings
from cifar_core.runs.record import metrics
from cifar_core.runs.results import predictions, report_texts, test_looks
from cifar_core.runs.store import damage
from cifar_core.runs.sweeps import sweeps

CORE = Path(__file__).parents[2] / "cifar_core"


@pytest.fixture
def root(tmp_path):
    with zipfile.ZipFile(Path(__file__).with_name("store_before_rooms.zip")) as archive:
        archive.extractall(tmp_path / "store")
    return tmp_path / "store"


def test_all_that_was_kept_is_there(root):
    with store_without_executor(root) as store:
        rows = {row.number: row for row in store.runs()}
        assert {n: row.state for n, row in rows.items()} == {
            1: "finished", 2: "stopped", 3: "finished", 4: "finished",
        }  # fmt: skip
        assert rows[1].tags == ["course", "good"]
        assert rows[1].test_accuracy == 0.1375
        run = store.run("1")
        assert run.is_pinned
        assert run.about.note == "A note of the old version"
        for number in ("1", "2"):
            assert damage.damages(store.run(number), thorough=True) == []
        assert len(predictions.kept(run, "test", run.checkpoint().name).labels) == 80
        assert test_looks.looks(run)
        assert report_texts.read(run) == {"loss": "It falls."}
        assert len(sweeps.runs_of(store, sweeps.find(store, "1"))) == 2
        listing = saved_listings.find(store, "good-ones").listing
        assert [row.number for row in listing.rows(store.runs())] == [1]


@pytest.mark.parametrize(
    ("page", "address", "shows"),
    [
        ("runs", {}, "Runs"),
        ("run", {"id": 1}, "Before the rooms"),
        ("run", {"id": 1, "tab": "result"}, "1 to 36 of 66"),
        ("sweep", {"id": 1}, "A grid"),
        ("compare", {"runs": "1,3"}, "Compare"),
        ("report", {"runs": "1"}, "Report"),
    ],
)
def test_every_page_draws_it(root, monkeypatch, page, address, shows):
    monkeypatch.setenv("CIFAR_STORE", str(root))
    with store_without_executor(root):
        shown = open_page(page, **address)
        assert not shown.exception
        assert shows in texts(shown)


def test_an_executor_started_by_a_shim_of_that_version_resumes_the_stopped_run(root):
    store = Store(root)
    try:
        run = store.run("2")
        before = run.metrics()
        old = files.read_json(metrics.attempt_folder(run.path, 1) / "attempt.json")["executor"]
        assert old[1:3] == ["-m", "cifar_core.runs.executor"]
        with lock.held(processes.executor_lock(root)):  # so that resuming starts none
            run.resume()
        subprocess.run(
            [sys.executable, *old[1:3], str(root)],
            env=processes.with_package({"PATH": "", "OMP_NUM_THREADS": "1"}), check=True,
        )  # fmt: skip
        until(lambda: run.status.state == "finished", seconds=100)
        rows = run.metrics()
        assert rows[: len(before)] == before
        assert [row["epoch"] for row in rows if row["kind"] == "epoch"] == list(range(1, 9))
        assert run.attempts()[1].from_step == 23
    finally:
        store.shutdown_executor()
        kill_all(store)


def test_an_executor_of_that_version_can_still_start_shims_and_trainers(root):
    """It is in memory; what it starts, it names as it was then."""
    with store_without_executor(root) as store:
        run = store.run("2")
        run.resume()  # takes the request to stop back
        folder = metrics.attempt_folder(run.path, 2)
        folder.mkdir()
        first = files.read_json(metrics.attempt_folder(run.path, 1) / "attempt.json")
        assert first["command"][1:3] == ["-m", "cifar_core.runs.worker"]
        plan = {
            **first,
            "command": [sys.executable, *first["command"][1:3], str(run.path), "2"],
            "environment": processes.trainer_environment(1),
            "executor_lock": str(processes.executor_lock(root)),
            "wake": str(processes.wake_file(root)),
        }
        files.write_json(folder / "attempt.json", plan)
        subprocess.run(
            [sys.executable, "-S", "-E", str(CORE / "runs" / "shim.py"), str(folder)], check=True
        )
        assert files.read_json(folder / "result.json")["outcome"] == "finished"
        assert files.read_json(folder / "shim.json")["ended"]["code"] == 0
