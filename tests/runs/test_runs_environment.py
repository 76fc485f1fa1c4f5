import os
import subprocess
import sys

from run_helpers import queued, store_without_executor, supervisor, until

from cifar_core.background.processes import trainer_environment


def test_no_secret_of_the_environment_is_written_into_a_run(tmp_path, monkeypatch):
    monkeypatch.setenv("SOME_API_TOKEN", "hunter2-hunter2")
    with store_without_executor(tmp_path / "store") as store:
        run = queued(store)
        chief = supervisor(store, "finish")
        until(lambda: run.status.state == "finished", chief.step)
        kept = b"".join(p.read_bytes() for p in run.path.rglob("*") if p.is_file())
    assert b"OMP_NUM_THREADS" in kept  # so this did read what was written down
    assert b"hunter2" not in kept


def test_the_package_can_be_imported_from_any_folder(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", "import cifar_core, os; print(os.environ['OMP_NUM_THREADS'])"],
        cwd=tmp_path,
        env={**os.environ, **trainer_environment(threads=3)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "3", done.stderr
