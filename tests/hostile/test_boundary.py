"""Faults of the program and refusals of the system: a sentence, and the traceback in a log."""

import ast
import errno
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pages import ENTRY, listed, make_run, open_page, texts
from whole_store import as_an_owner, make_writable

from app import boundary
from app.session import Key
from cifar_core.__main__ import main
from cifar_core.disk import faults_log, lock
from cifar_core.disk.faults_log import record
from cifar_core.disk.os_errors import explained
from cifar_core.errors import RunError
from cifar_core.runs.engine.live_attempts import sentence_of
from cifar_core.runs.record.records import AttemptStart

APP = Path(ENTRY).parent
PURE = {"remember", "st.login", "st.logout", "st.session_state.update"}  # callbacks without a store
ROOT = Path("/store")


def failing():
    raise KeyError("rate")


def fault():
    try:
        failing()
    except KeyError as error:
        return error


def test_a_fault_is_kept_once_under_a_code_that_names_it(tmp_path, monkeypatch):
    monkeypatch.setattr(faults_log, "RECORDED", set())
    code, log = record(fault(), tmp_path)
    assert record(fault(), tmp_path) == (code, log)
    text = log.read_text()
    assert text.count(f"code {code}") == 1
    assert "KeyError: 'rate'" in text
    assert "in failing" in text
    assert record(ValueError("another"), tmp_path)[0] != code


def test_a_log_that_is_full_is_renamed(tmp_path, monkeypatch):
    monkeypatch.setattr(faults_log, "RECORDED", set())
    (tmp_path / faults_log.NAME).write_bytes(b"x" * (faults_log.LONGEST + 1))
    record(fault(), tmp_path)
    assert (tmp_path / faults_log.OLD).stat().st_size > faults_log.LONGEST
    assert (tmp_path / faults_log.NAME).stat().st_size < 10_000


def test_where_the_store_cannot_be_written_the_log_is_elsewhere(tmp_path, monkeypatch):
    monkeypatch.setattr(faults_log, "RECORDED", set())
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    _, log = record(fault(), tmp_path / "no" / "such" / "store")
    assert log.is_relative_to(tmp_path)
    assert "KeyError" in log.read_text()


def test_a_command_that_is_at_fault_ends_with_a_code_and_no_traceback(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr("cifar_core.disk.faults_log.record", record)
    monkeypatch.setattr("cifar_core.terminal.doctor.python", failing)
    assert main(["doctor", "--store", str(tmp_path)]) == 3
    said = capsys.readouterr().err
    assert "fault in the program" in said
    assert "Traceback" not in said
    code = said.rstrip(".\n").rpartition(" ")[2]
    assert f"code {code}" in (tmp_path / faults_log.NAME).read_text()


def test_the_server_shows_the_code_of_a_fault_instead_of_its_traceback(tmp_path, monkeypatch):
    monkeypatch.setattr("cifar_core.disk.faults_log.record", record)
    monkeypatch.setenv("CIFAR_STORE", str(tmp_path))
    shown = []
    monkeypatch.setattr("streamlit.error", lambda words, **_: shown.append(words))
    assert boundary.on_fault(fault()) is True
    assert boundary.on_fault(RunError("Stop it first.")) is True
    assert "errors.log in the store, under the code" in shown[0]
    assert "KeyError" not in shown[0]
    assert shown[1] == "Stop it first."


def test_the_server_uses_the_boundary():
    from app import server

    assert server.app._on_script_error is boundary.on_fault


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (FileNotFoundError(errno.ENOENT, "x", "/store/runs/3-a/best"), "Run 3-a is no longer in"),
        (FileNotFoundError(errno.ENOENT, "x", "/nope/m.png"), "there is no folder /nope"),
        (
            PermissionError(errno.EACCES, "x", "/store/.lock"),
            "read or write .lock in the store",
        ),
        (OSError(errno.EROFS, "x", "/store/runs/1-a/.about.json.1-2.tmp"), "about.json in the st"),
        (OSError(errno.ENOSPC, "x", "/store/a"), "no room on the disk for a in the store"),
        (OSError(errno.ENAMETOOLONG, "File name too long", "x" * 300), "Give a shorter name."),
        (OSError(errno.EMFILE, "Too many open files"), "too many open files"),
        (RunError("As it is."), "As it is."),
    ],
)
def test_what_the_system_refused_is_a_sentence(error, said):
    words = explained(error, ROOT)
    assert said in words
    assert "Errno" not in words
    assert words.endswith(".")


def calls():
    """Yield (file, call) for every call in the pages."""
    for path in sorted(APP.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                yield path.relative_to(APP), node


def test_every_part_and_every_click_passes_the_boundary():
    bare = [
        f"{path}:{call.lineno} {ast.unparse(call.func)}"
        for path, call in calls()
        if ast.unparse(call.func) in ("st.fragment", "st.dialog") and path.name != "boundary.py"
    ]
    for path, call in calls():
        for word in call.keywords:
            value = ast.unparse(word.value)
            if word.arg not in ("on_click", "on_change") or isinstance(word.value, ast.Constant):
                continue
            if value not in PURE and not value.startswith("boundary.callback("):
                bare.append(f"{path}:{call.lineno} {word.arg}={value}")
    assert bare == []


def test_no_widget_has_the_key_of_something_that_the_session_remembers():
    kept = {str(key) for key in Key}
    clashes = [
        f"{path}:{call.lineno}"
        for path, call in calls()
        if ast.unparse(call.func).startswith("st.")
        for word in call.keywords
        if word.arg == "key" and isinstance(word.value, ast.Constant) and word.value.value in kept
    ]
    assert clashes == []


@pytest.fixture
def read_only(page_store):
    """Return a store with a finished run that this program may only read."""
    make_run(page_store, "Good")
    page_store.runs()
    for path in page_store.root.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o555 if path.is_dir() else 0o444)
    page_store.root.chmod(0o555)
    with as_an_owner():
        yield page_store
    make_writable(page_store.root)


def test_a_store_that_may_only_be_read_is_shown_and_refuses_changes_in_sentences(read_only):
    page = open_page("run", id=1)
    assert not page.exception
    assert len(page.metric) == 3
    page.button(key="star").click().run()
    assert not page.exception
    assert "may not read or write" in page.toast[0].value
    assert len(page.metric) == 3
    assert not read_only.run(1).about.starred
    assert "Good" in str(listed(open_page()))


def test_looking_at_the_test_images_of_a_read_only_store_is_refused_in_a_sentence(read_only):
    page = open_page("run", tab="result", id=1, part="test")
    assert not page.exception
    page.button(key="reveal").click().run()
    assert not page.exception
    assert "may not read or write" in texts(page)


@pytest.mark.parametrize(
    "words",
    ["star 1", "note 1 x", "stop 1", "pin 1", "train --data synthetic:120", "tidy --dry-run",
     "tidy", "doctor", "runs", "show 1", "runs --save-view x", "evaluate 1 --split test"],
)  # fmt: skip
def test_no_command_over_a_read_only_store_ends_in_a_traceback(read_only, words, capsys):
    words = words.replace("star 1", "tag 1 --star").split()
    code = main([*words, "--store", str(read_only.root)])
    out, said = capsys.readouterr()
    assert "Errno" not in out + said
    assert code == 0 or "may not read or write" in said + out or words[0] == "doctor"


def test_a_run_that_waits_in_a_store_that_may_only_be_read_is_listed(page_store, monkeypatch):
    run = make_run(page_store, "Waits", "queued", accuracies=())
    monkeypatch.setattr("cifar_core.background.processes.is_running", lambda _: False)
    page_store.root.chmod(0o555)
    with as_an_owner():
        rows = page_store.runs()
    make_writable(page_store.root)
    assert [row.id for row in rows] == [run.id]


def test_where_an_attempt_starts_is_said_once_it_is_known(page_store):
    run = make_run(page_store, "Good")
    assert sentence_of(run, None, 2) == {}
    start = AttemptStart(checkpoint="00000030-a1", step=30)
    assert sentence_of(run, start, 2)["message"] == "Attempt 2 continues from step 30."
    assert sentence_of(run, AttemptStart(), 2)["message"] == "Attempt 2 starts from step 0."


def test_a_lock_that_may_only_be_read_is_still_seen(tmp_path):
    path = tmp_path / "lock"
    held = lock.take(path)
    path.chmod(0o444)
    with as_an_owner():
        assert lock.is_locked(path)
        os.close(held)
        assert not lock.is_locked(path)


@pytest.mark.parametrize("words", ["show", "read", "reproduce", "evaluate", "report", "export",
                                   "explain", "note", "tag"])  # fmt: skip
def test_a_run_that_is_deleted_while_it_is_read_is_said_to_be_gone(
    page_store, monkeypatch, capsys, words
):
    more = {"export": ["--out", "run.zip"], "report": ["--out", "r.html"], "note": ["A note."],
            "explain": [str(APP / "static" / "favicon.png"), "--out", "m.png"]}  # fmt: skip
    for count in (1, 3, 6, 10):
        run = make_run(page_store, "Good")
        command = [words, str(run.number), *more.get(words, [])]
        with monkeypatch.context() as patch:
            deleted_at(count, run, patch)
            assert main([*command, "--store", str(page_store.root)]) in (0, 1, 2)
        assert "Errno" not in capsys.readouterr().err


def deleted_at(count, run, monkeypatch):
    """Move a run to the trash just before its files are opened for the `count`th time."""
    opened, left = io.open, [count]

    def watched(file, *arguments, **options):
        if str(run.path) in str(file):
            left[0] -= 1
            if left[0] == 0:
                trash = run.store_root / "trash"
                trash.mkdir(exist_ok=True)
                run.path.rename(trash / run.id)
        return opened(file, *arguments, **options)

    monkeypatch.setattr(io, "open", watched)


def test_the_terminal_speaks_without_utf_8(page_store):
    make_run(page_store, "Größe ±")
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0",
                   "PYTHONPATH": str(APP.parent)}  # fmt: skip
    for words in (["runs"], ["read", "1"], ["show", "1"], ["log"]):
        command = [sys.executable, "-m", "cifar_core", *words, "--store", str(page_store.root)]
        done = subprocess.run(command, capture_output=True, env=environment, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout


def test_the_store_may_be_named_before_the_command_and_after_it(page_store, capsys, tmp_path):
    make_run(page_store, "Good")
    assert main(["--store", str(page_store.root), "runs"]) == 0
    before = capsys.readouterr().out
    assert main(["runs", "--store", str(page_store.root)]) == 0
    assert capsys.readouterr().out == before
    assert main(["--store", str(tmp_path / "other"), "runs", "--store", str(page_store.root)]) == 0
    assert capsys.readouterr().out == before
