"""Files on paths that a person names: the earlier one stays until the new one is complete."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pages import make_run

from cifar_core.__main__ import main
from cifar_core.background import processes
from cifar_core.disk import output
from cifar_core.errors import OutputError

ROOT = Path(processes.PACKAGE_ROOT)
WRITES = re.compile(r"\.write_(text|bytes)\(|open\([^)]*[\"'][wxa]b?[\"']")


@pytest.fixture
def target(tmp_path):
    path = tmp_path / "out" / "report.html"
    path.parent.mkdir()
    path.write_text("the good one")
    return path


def in_a_process(code, *arguments):
    """Run some code in a process of its own, and return how it ended and what it said."""
    head = "import os, signal, sys; from pathlib import Path; from cifar_core.disk import output\n"
    words = [sys.executable, "-c", head + code, *map(str, arguments)]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_process_killed_while_it_writes_leaves_the_earlier_file(target):
    done = in_a_process(
        "with output.replacing(Path(sys.argv[1])) as draft:\n"
        "    draft.write_text('half of the n')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n",
        target,
    )
    assert done.returncode == -signal.SIGKILL
    assert target.read_text() == "the good one"
    assert len(list(target.parent.iterdir())) == 2
    output.write(target, "the new one")
    assert [path.name for path in target.parent.iterdir()] == [target.name]
    assert target.read_text() == "the new one"


def test_a_full_disk_leaves_the_earlier_file_and_says_so(target):
    done = in_a_process(
        "import resource; from cifar_core.errors import CifarError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "try: output.write(Path(sys.argv[1]), b'x' * 1000)\n"
        "except CifarError as error: print(error)\n",
        target,
    )
    assert "was not written, because the disk is full" in done.stdout, done.stderr
    assert target.read_text() == "the good one"
    assert len(list(target.parent.iterdir())) == 1


def test_an_error_while_writing_leaves_the_earlier_file(target):
    with pytest.raises(TypeError), output.replacing(target) as draft:
        draft.write_text(1)
    assert [path.name for path in target.parent.iterdir()] == [target.name]
    assert target.read_text() == "the good one"


def test_permissions_and_links_stay(target):
    target.chmod(0o640)
    link = target.with_name("link.html")
    link.symlink_to(target.name)
    output.write(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert target.stat().st_mode & 0o777 == 0o640


def test_a_device_is_written_to_and_stays_one():
    output.write(Path("/dev/null"), "x")
    assert not Path("/dev/null").is_file()


def test_a_draft_of_a_living_process_stays(target):
    theirs = target.with_name(f".{target.name}.{os.getppid()}-1.draft.html")
    theirs.write_text("x")
    output.write(target, "new")
    assert theirs.exists()


@pytest.mark.parametrize("name", ["", "no/such/report.html"])
def test_what_cannot_be_written_is_said(target, name):
    with pytest.raises(OutputError, match=r"is a folder|cannot be written: No such file"):
        output.write(target.parent / name, "x")


@pytest.mark.parametrize(
    "words",
    [
        ["export", "1", "--out", "out.zip"],
        ["export", "1", "--out", "out.csv"],
        ["report", "1", "--out", "out.html"],
        ["report", "1", "--out", "out.csv"],
        ["export-model", "1", "--out", "out.zip"],
    ],
    ids=lambda words: f"{words[0]} {words[-1]}",
)
def test_every_command_keeps_the_earlier_file_until_the_new_one_is_complete(
    page_store, tmp_path, monkeypatch, words
):
    make_run(page_store, "Alpha")
    path = tmp_path / words[-1]
    path.write_text("the good one")
    seen = []
    replace = Path.replace

    def watch(draft, to):
        if Path(to) == path:
            seen.append((path.read_text(), draft.stat().st_size))
        return replace(draft, to)

    monkeypatch.setattr(Path, "replace", watch)
    assert main([*words[:-1], str(path)]) == 0
    assert [before for before, _ in seen] == ["the good one"]
    assert path.stat().st_size == seen[0][1] > 0


def test_no_command_writes_a_file_in_place():
    for path in (ROOT / "cifar_core" / "terminal").glob("*.py"):
        assert not WRITES.findall(path.read_text("utf-8")), path
