"""What the terminal says about the machine of a run."""

import json

import pytest
from machine_helpers import gpu, trained_on
from run_helpers import store_without_executor

from cifar_core.__main__ import main


@pytest.fixture
def say(tmp_path, capsys):
    """Run a command on a store with one run, whose GPU waited; return its exit code and words."""
    with store_without_executor(tmp_path / "store") as store:
        trained_on(store, gpus=[gpu(utilization=20.0)])

        def run(*words):
            code = main([*words, "--store", str(store.root)])
            said = capsys.readouterr()
            return code, said.out, said.err

        yield run


def test_show_has_a_line_about_the_machine(say):
    out = say("show", "1")[1]
    assert "machine: CPU 94\u00a0%, 1.2\u00a0GB; GPU 20\u00a0%, 8.1 of 12.0\u00a0GB" in out
    assert json.loads(say("show", "1", "--json")[1])["machine"].startswith("CPU 94")


def test_read_says_what_held_the_run_up(say):
    assert "computed for 20\u00a0% of the time" in " ".join(say("read", "1")[1].split(" "))


def test_the_use_of_the_machine_is_written_as_csv_only(say, tmp_path):
    target = tmp_path / "use.csv"
    assert say("export", "1", "--machine", "--out", str(target))[0] == 0
    head, *lines = target.read_text().splitlines()
    assert "cuda:0 utilization" in head
    assert len(lines) == 206
    code, _, err = say("export", "1", "--machine", "--out", str(tmp_path / "run.zip"))
    assert code != 0
    assert "is not a .csv" in err
    assert not (tmp_path / "run.zip").exists()
