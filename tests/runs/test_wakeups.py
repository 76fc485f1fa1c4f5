"""An executor at rest: it wakes up when it is asked to, and otherwise hardly ever."""

import contextlib
import threading
import time
from pathlib import Path

import pytest

from cifar_core.background import processes, wakeups
from cifar_core.background.wakeups import Wakeups

LONG = 60.0  # seconds, which no test waits


@pytest.fixture(params=["reported", "looked for"])
def waiting(tmp_path, monkeypatch, request):
    """Yield what waits for the wake file of a store, with and without the kernel's help."""
    if request.param == "looked for":
        monkeypatch.setattr(wakeups, "LIBC", None)
    elif wakeups.LIBC is None:
        pytest.skip("only Linux reports touches")
    processes.wake(tmp_path)
    with Wakeups(processes.wake_file(tmp_path)) as made:
        assert made.are_reported() == (request.param == "reported")
        yield made


@contextlib.contextmanager
def soon(act):
    """Do something in a moment."""
    timer = threading.Timer(0.05, act)
    timer.start()
    yield
    timer.join()


def test_a_touch_ends_the_wait(waiting):
    for _ in range(3):
        seen = waiting.last()
        with soon(lambda: processes.wake(waiting.file.parent)):
            waiting.wait(LONG, seen)
        assert waiting.last() > seen


def test_a_touch_since_the_last_look_is_not_waited_for(waiting):
    seen = waiting.last()
    processes.wake(waiting.file.parent)
    waiting.wait(LONG, seen)


def test_nothing_ends_a_wait_but_its_time(waiting):
    begun = time.monotonic()
    with soon(lambda: (waiting.file.parent / "other").touch()):
        waiting.wait(0.2, waiting.last())
    assert time.monotonic() - begun >= 0.2


def test_an_interrupt_ends_the_present_wait_or_the_next_one(waiting):
    with soon(waiting.interrupt):
        waiting.wait(LONG, waiting.last())
    waiting.interrupt()
    waiting.wait(LONG, waiting.last())
    for _ in range(100_000):  # more than a pipe takes
        waiting.interrupt()


def test_a_wake_file_that_is_deleted_may_come_back(waiting):
    waiting.file.unlink()
    assert waiting.last() == 0
    with soon(lambda: processes.wake(waiting.file.parent)):
        waiting.wait(LONG, 0)
    seen = waiting.last()
    with soon(lambda: processes.wake(waiting.file.parent)):
        waiting.wait(LONG, seen)


def test_a_wait_looks_at_the_file_twice_where_touches_are_reported(tmp_path, monkeypatch):
    processes.wake(tmp_path)
    with Wakeups(processes.wake_file(tmp_path)) as made:
        if not made.are_reported():
            pytest.skip("only Linux reports touches")
        looks, last = [], made.last
        monkeypatch.setattr(made, "last", lambda: looks.append(1) or last())
        made.wait(0.3, last())
    assert len(looks) == 2


def open_files():
    return {descriptor.name for descriptor in Path("/proc/self/fd").iterdir()}


def test_every_descriptor_is_closed(tmp_path):
    before = open_files()
    made = Wakeups(tmp_path / "none")
    with made:
        assert open_files() != before
    made.interrupt()  # too late, as a signal may be
    assert open_files() == before
