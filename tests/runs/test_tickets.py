import os
import sys
import threading
import time
from pathlib import Path

import pytest

from cifar_core.background import tickets
from cifar_core.background.jobs import Job
from cifar_core.disk import lock
from cifar_core.errors import BusyError


@pytest.fixture
def held():
    """Close the tickets at the end."""
    mine = []
    yield mine
    for ticket in mine:
        os.close(ticket.descriptor)


def test_a_person_has_so_many_jobs_and_the_store_so_many(tmp_path, held, monkeypatch):
    monkeypatch.setattr(tickets, "MOST", tickets.MOST_EACH + 2)
    held += [tickets.take(tmp_path, "ana") for _ in range(tickets.MOST_EACH)]
    with pytest.raises(BusyError, match=f"You already have {tickets.MOST_EACH} background jobs"):
        tickets.take(tmp_path, "ana")
    held += [tickets.take(tmp_path, "ben") for _ in range(2)]
    with pytest.raises(BusyError, match="There are already 10 background jobs"):
        tickets.take(tmp_path, "cleo")


def test_a_process_that_died_gives_its_place_away(tmp_path, held, monkeypatch):
    monkeypatch.setattr(tickets, "MOST_EACH", 1)
    os.close(tickets.take(tmp_path, "ana").descriptor)
    held.append(tickets.take(tmp_path, "ana"))
    assert len(tickets.in_order(tmp_path)) == 1
    assert len(list((tmp_path / ".jobs").glob("*.json"))) == 1


def test_those_who_came_first_go_first(tmp_path, held, monkeypatch):
    monkeypatch.setenv(tickets.VARIABLE, "1")
    monkeypatch.setattr(tickets, "LOOK_SECONDS", 0.01)
    first, second, third = (tickets.take(tmp_path, "ana") for _ in range(3))
    tickets.wait_for_turn(first.path, pytest.fail)  # at once
    told, order = [], []

    def wait(name, ticket):
        tickets.wait_for_turn(ticket.path, told.append)
        order.append(name)
        os.close(ticket.descriptor)

    others = [threading.Thread(target=wait, args=pair) for pair in (("c", third), ("b", second))]
    for thread in others:
        thread.start()
    time.sleep(0.1)
    assert (order, set(told)) == ([], {1, 2})
    os.close(first.descriptor)
    for thread in others:
        thread.join(10)
    assert order == ["b", "c"]


@pytest.mark.parametrize(("text", "slots"), [("", 2), ("5", 5), ("0", 2), ("-1", 2), ("many", 2)])
def test_an_impossible_number_of_slots_counts_as_the_usual_one(monkeypatch, text, slots):
    monkeypatch.setenv(tickets.VARIABLE, text)
    assert tickets.slots() == slots


def slow(request, report):
    """A job that works until its stop file exists, and notes that it began."""
    path = Path(request["path"])
    path.with_suffix(".began").touch()
    while not (path.parent / "stop").exists():
        time.sleep(0.02)
    path.touch()


def test_jobs_wait_for_each_other_and_can_be_cancelled_while_they_wait(tmp_path, monkeypatch):
    here = str(Path(__file__).parent)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([here, os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv(tickets.VARIABLE, "1")
    monkeypatch.setitem(sys.modules, "test_tickets", sys.modules[__name__])
    slow.__module__ = "test_tickets"
    jobs = [Job(root=tmp_path, by="ana", path=tmp_path / name, work=slow, request={})
            for name in "abc"]  # fmt: skip
    try:
        for number, job in enumerate(jobs):
            assert job.start()
            until(lambda job=job, number=number: job.ahead == number if number else began(job))
        assert [began(job) for job in jobs] == [True, False, False]
        until(jobs[1].cancel)
        until(lambda: jobs[2].ahead == 1)
        assert "canceled" in jobs[1].error
        assert jobs[2].asker == "ana"
    finally:
        (tmp_path / "stop").touch()
        until(lambda: not any(job.is_running for job in jobs))
    assert [job.is_done for job in jobs] == [True, False, True]
    assert not any(lock.is_locked(path) for path in (tmp_path / ".jobs").glob("*.json"))


def began(job):
    return job.path.with_suffix(".began").exists()


def until(is_true):
    end = time.monotonic() + 60
    while not is_true():
        assert time.monotonic() < end
        time.sleep(0.02)
