"""The queue in a terminal: listed with likely starts, reordered, paused and resumed."""

import json
from dataclasses import replace

import pytest
from run_helpers import queued

from cifar_core.__main__ import REFUSED
from cifar_core.people import OPERATOR, Person
from cifar_core.runs import RATE_SEARCH
from cifar_core.runs.record import status


def test_an_empty_queue_says_so(say):
    assert say("queue")[:2] == (0, "Nothing here yet.\n")


def test_the_queue_is_listed_with_places_and_likely_starts(say, store):
    runs = [queued(store) for _ in range(3)]
    status.move(runs[0].path, ("queued",), "running", attempt=1, device="cpu")
    code, out, _ = say("queue")
    lines = out.splitlines()
    assert code == 0
    assert [line.split()[:2] for line in lines] == [
        ["place", "run"], ["-", "1"], ["1", "2"], ["2", "3"],
    ]  # fmt: skip
    assert lines[1].endswith("running")
    assert "starts about" in lines[2]
    rows = json.loads(say("queue", "list", "--json")[1])
    assert [row["place"] for row in rows] == [None, 1, 2]
    assert rows[0]["starts_in"] is None
    assert 0 < rows[1]["starts_in"] < rows[2]["starts_in"]
    assert rows[2]["starts_in"] == pytest.approx(
        rows[1]["starts_in"] + rows[1]["seconds_left"], abs=0.2
    )


def test_a_start_that_nothing_tells_is_left_out(say, store):
    run = store.create(queued(store).config, kind=RATE_SEARCH)
    store.submit(run)
    queued(store)
    store.move_up(run)
    rows = json.loads(say("queue", "--json")[1])
    assert [row["seconds_left"] is None for row in rows] == [True, False, False]
    assert [row["starts_in"] for row in rows] == [0, None, None]


def test_a_run_is_moved_to_a_place(say, store):
    first, second, third = (queued(store) for _ in range(3))
    assert say("queue", "move", "3", "--to", "1")[:2] == (0, f"{third.id}: place 1 of 3\n")
    assert say("queue", "move", "3", "--to", "99")[1] == f"{third.id}: place 3 of 3\n"
    assert [row.id for row in store.queue()] == [first.id, second.id, third.id]
    code, _, err = say("queue", "move", "3", "--to", "0")
    assert (code, "it must be 1" in err) == (REFUSED, True)
    third.stop("now")
    code, _, err = say("queue", "move", "3", "--to", "1")
    assert (code, "is stopped. Only a run that waits" in err) == (REFUSED, True)


def test_the_queue_is_paused_and_resumed_and_lists_say_so(say, store):
    run = queued(store)
    code, out, _ = say("queue", "pause", "--note", "a talk")
    assert code == 0
    assert 'paused the queue ("a talk").' in out
    assert "queue resume" in out
    for words in (["queue"], ["runs"]):
        assert 'paused the queue ("a talk").' in say(*words)[1]
        assert json.loads(say(*words, "--json")[1])[0]["name"] == run.name
    assert json.loads(say("queue", "--json")[1])[0]["starts_in"] is None
    assert say("queue", "resume")[1] == "The queue was resumed; 1 run waits.\n"
    assert say("queue", "resume")[1] == "The queue was not paused; 1 run waits.\n"
    assert "paused" not in say("queue")[1]


def test_a_run_that_waits_for_something_else_says_for_what(say, store):
    run = queued(store)
    status.move(run.path, ("queued",), "queued", reason="disk", message="Waiting for disk space.")
    assert "Waiting for disk space." in say("queue")[1]
    (row,) = json.loads(say("queue", "--json")[1])
    assert (row["waits_for"], row["starts_in"]) == ("Waiting for disk space.", None)


def test_the_owner_of_each_run_is_listed(say, store):
    theirs = replace(store, by=Person(name="ana", role=OPERATOR))
    theirs.submit(theirs.create(queued(store).config))
    assert [row["owner"] for row in json.loads(say("queue", "--json")[1])][1] == "ana"
