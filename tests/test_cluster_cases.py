"""`make cluster` takes minutes and a network; here only that it still starts and cleans up."""

import os
import runpy
import subprocess
import sys
import time
from pathlib import Path

import pytest

FOLDER = Path(__file__).with_name("cluster")
ORPHAN = """
import os, subprocess, sys, time
from own_processes import adopt_orphans, below, is_alive, kill_all_below
adopt_orphans()
code = "import subprocess as s; print(s.Popen(['sleep', '60'], start_new_session=True).pid)"
parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
daemon = int(parent.stdout.readline())
parent.wait()
print(daemon in below(os.getpid()), is_alive(daemon), kill_all_below(), is_alive(daemon))
"""
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def output_of(*words):
    done = subprocess.run(
        [sys.executable, *words],
        cwd=FOLDER,
        env={**os.environ, "PYTHONPATH": str(FOLDER)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_daemon_whose_parent_has_ended_is_found_and_killed():
    begun = time.monotonic()
    code, text = output_of("-c", ORPHAN)
    assert (code, text) == (0, "True True [] False\n")
    assert time.monotonic() - begun < 50  # not because it ended by itself


def ended(monkeypatch, capsys, *words):
    """Run the script in this process, which has loaded torch; return its exit code and words."""
    monkeypatch.syspath_prepend(FOLDER)
    monkeypatch.setattr(sys, "argv", ["cluster.py", *words])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(FOLDER / "cluster.py"), run_name="__main__")
    return end.value.code, "".join(capsys.readouterr())


def test_its_cases_can_be_listed_and_an_unknown_one_is_refused(monkeypatch, capsys):
    code, text = ended(monkeypatch, capsys, "--help")
    assert code == 0
    for word in ("slurm", "ray", "plain", "node", "asleep"):
        assert word in text
    code, text = ended(monkeypatch, capsys, "slurmm")
    assert code == 2
    assert "unknown: slurmm" in text
