"""The order of the queue: by whom and how it is changed, while runs start, and after a kill."""

import itertools
import random
import time
from dataclasses import replace

import pytest
from run_helpers import QUICK, queued, store_without_executor, supervisor, until

from cifar_core.errors import AccessError, RunError
from cifar_core.people import ADMIN, OPERATOR, VIEWER, Person
from cifar_core.runs.record import action_log, status
from cifar_core.runs.store.queue import order, places

ANA, BEN = (Person(name=name, role=OPERATOR) for name in ("ana", "ben"))
CHIEF = Person(name="chief", role=ADMIN)


@pytest.fixture
def store(tmp_path):
    with store_without_executor(tmp_path / "store") as made:
        yield made


def owned(store, *people):
    """Return waiting runs of these people, in this order."""
    runs = []
    for person in people:
        theirs = replace(store, by=person)
        run = theirs.create(QUICK)
        theirs.submit(run)
        runs.append(run)
    return runs


def numbers(store):
    return [row.number for row in store.queue()]


def ids(store):
    return [row.id for row in store.queue()]


def test_a_whole_order_is_taken_in_one_act_and_leaves_one_line(store):
    for _ in range(6):
        queued(store)
    seen = ids(store)
    wanted = [seen[i] for i in (5, 3, 1, 0, 2, 4)]
    before = len(action_log.latest(store.root))
    assert store.reorder(wanted, seen) == wanted
    assert ids(store) == wanted
    (line,) = action_log.latest(store.root)[: len(action_log.latest(store.root)) - before]
    assert (line.did, line.run, line.detail) == ("moved in the queue", "", "3 runs")


def test_moving_one_run_writes_one_file_and_the_log_names_the_run(store, monkeypatch):
    runs = [queued(store) for _ in range(5)]
    seen, written = ids(store), []
    real = status.set_position
    monkeypatch.setattr(status, "set_position", lambda *a: written.append(a) or real(*a))
    store.reorder([seen[1], seen[0], *seen[2:]], seen, moved=seen[1])
    assert numbers(store) == [2, 1, 3, 4, 5]
    assert [path.name for path, _ in written] == [runs[1].id]
    (line, *_) = runs[1].history()
    assert (line.did, line.detail) == ("moved in the queue", "to place 1")


def test_an_order_that_changes_nothing_leaves_no_line(store):
    queued(store)
    before = action_log.latest(store.root)
    store.reorder(ids(store), ids(store))
    assert action_log.latest(store.root) == before


def test_an_order_is_refused_if_someone_else_moved_a_run_since(store):
    a, b, c = (queued(store) for _ in range(3))
    seen = ids(store)
    store.to_front(c)
    with pytest.raises(RunError, match="has been changed since you saw it"):
        store.reorder([b.id, a.id, c.id], seen)
    assert numbers(store) == [3, 1, 2]


@pytest.mark.parametrize("wanted", [[], ["1-a"], ["1-a", "1-a"], ["1-a", "1-a", "2-b"]])
def test_an_order_must_name_each_run_once(store, wanted):
    with pytest.raises(RunError, match="each once"):
        store.reorder(wanted, ["1-a", "2-b"])


def test_runs_that_have_left_the_queue_are_skipped_and_new_ones_stay_behind(store):
    a, b, c, d = (queued(store) for _ in range(4))
    seen = ids(store)
    status.move(a.path, ("queued",), "starting")
    c.stop("now")
    late = queued(store)
    assert store.reorder([d.id, c.id, b.id, a.id], seen) == [d.id, b.id, late.id]
    assert [a.status.state, c.status.state] == ["starting", "stopped"]
    assert ids(store) == [d.id, b.id, late.id]


def test_a_run_that_starts_between_the_look_and_the_write_is_left_alone(store, monkeypatch):
    a, b, c = (queued(store) for _ in range(3))
    seen = ids(store)
    real = store.action

    def action(*args, **more):
        status.move(c.path, ("queued",), "running", attempt=1)
        return real(*args, **more)

    monkeypatch.setattr(type(store), "action", lambda self, *args, **more: action(*args, **more))
    store.reorder([c.id, b.id, a.id], seen)
    assert c.status.state == "running"
    assert ids(store) == [b.id, a.id]


def test_people_exchange_their_own_runs_and_give_way_but_get_ahead_of_no_one(store):
    a1, b1, a2 = owned(store, ANA, BEN, ANA)
    theirs = replace(store, by=ANA)
    theirs.move_up(theirs.run(a2.id))
    assert ids(store) == [a2.id, b1.id, a1.id]
    theirs.move_down(theirs.run(a2.id))
    assert ids(store) == [b1.id, a2.id, a1.id]
    with pytest.raises(AccessError, match="no run of another person may get a later place"):
        theirs.to_front(theirs.run(a2.id))
    theirs.to_front(theirs.run(a1.id))
    assert ids(store) == [b1.id, a1.id, a2.id]


def test_an_order_that_moves_a_run_of_someone_else_is_refused(store):
    a, b1, b2 = owned(store, ANA, BEN, BEN)
    seen = ids(store)
    theirs = replace(store, by=ANA)
    for moved in ("", a.id, b2.id):
        with pytest.raises(AccessError, match="belongs to ben"):
            theirs.reorder([a.id, b2.id, b1.id], seen, moved)
    assert ids(store) == seen
    assert replace(store, by=BEN).reorder([a.id, b2.id, b1.id], seen) == [a.id, b2.id, b1.id]
    viewer = replace(store, by=Person(name="vi", role=VIEWER))
    with pytest.raises(AccessError, match="is a viewer here"):
        viewer.reorder([b1.id, b2.id, a.id], ids(store))


def test_an_admin_brings_about_any_order(store):
    owned(store, ANA, BEN, ANA, BEN)
    seen = ids(store)
    assert replace(store, by=CHIEF).reorder(seen[::-1], seen) == seen[::-1]


def test_the_permitted_order_is_the_wanted_one_wherever_it_harms_no_one():
    for size in range(1, 6):
        now = [str(i) for i in range(size)]
        for own in itertools.chain.from_iterable(
            itertools.combinations(now, count) for count in range(size + 1)
        ):
            others = [run for run in now if run not in own]
            for wanted in itertools.permutations(now):
                if [run for run in wanted if run not in own] != others:
                    continue
                got = places.permitted(now, wanted, own)
                assert sorted(got) == now
                assert [run for run in got if run not in own] == others
                mine = [run for run in wanted if run in own]
                assert [run for run in got if run in own] == mine
                assert all(got.index(run) <= now.index(run) for run in others)
                if all(wanted.index(run) <= now.index(run) for run in others):
                    assert got == list(wanted)


def sorted_by(positions):
    """Return the runs in the order of a queue with these positions; ids count as numbers."""
    return sorted(positions, key=lambda run: (positions[run], int(run)))


@pytest.mark.parametrize("equal", [False, True])
def test_new_positions_give_the_order_in_few_moves_also_where_no_room_is_left(equal):
    draw = random.Random(0)
    for _ in range(300):
        size = draw.randint(1, 8)
        base = 1.8e9
        some = {str(i): base if equal else base + i * 2.4e-7 for i in range(size)}
        positions = {run: some[run] for run in sorted_by(some)}
        wanted = list(positions)
        draw.shuffle(wanted)
        new = places.moves(wanted, positions, at=base + 1)
        assert sorted_by(positions | new) == wanted
        assert max(new.values(), default=0) < base + 1


def test_a_run_that_is_queued_after_a_move_comes_last(store):
    a, b = queued(store), queued(store)
    store.move_down(a)
    late = queued(store)
    assert ids(store) == [b.id, a.id, late.id]
    assert store.run(a.id).status.position < time.time()


def test_an_order_that_a_kill_cut_is_an_order_and_can_be_completed(store, monkeypatch):
    for _ in range(5):
        queued(store)
    seen = ids(store)
    wanted = seen[::-1]
    real, left = status.set_position, iter([True, True])

    def killed(*arguments):
        if not next(left, False):
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(status, "set_position", killed)
    with pytest.raises(KeyboardInterrupt):
        store.reorder(wanted, seen)
    monkeypatch.setattr(status, "set_position", real)
    cut = ids(store)
    assert sorted(cut) == sorted(seen)
    assert cut not in (seen, wanted)
    assert store.reorder(wanted, cut) == wanted == ids(store)


def test_runs_start_in_an_order_that_was_just_made(store):
    a, b, c = (queued(store) for _ in range(3))
    store.reorder([c.id, b.id, a.id], ids(store))
    chief = supervisor(store, "obey")
    until(lambda: c.status.state == "running", chief.step)
    assert [a.status.state, b.status.state] == ["queued", "queued"]


def test_a_move_keeps_what_a_run_waits_for(store):
    a, b = queued(store), queued(store)
    status.move(b.path, ("queued",), "queued", reason="disk", message="It waits for space.")
    store.to_front(b)
    now = b.status
    assert (now.reason, now.message) == ("disk", "It waits for space.")
    assert ids(store) == [b.id, a.id]


def test_a_run_goes_to_a_place_and_no_further_than_the_ends(store):
    a, b, c = (queued(store) for _ in range(3))
    order.put(store, a, 1)
    assert ids(store) == [b.id, a.id, c.id]
    order.put(store, a, 99)
    order.put(store, c, -5)
    assert ids(store) == [c.id, b.id, a.id]
    c.stop("now")
    assert order.put(store, c, 0) == [b.id, a.id]


def test_positions_are_only_given_to_runs_that_wait(store):
    run = queued(store)
    before = run.status.position
    status.move(run.path, ("queued",), "running", attempt=1)
    assert not status.set_position(run.path, 1.0)
    assert run.status.position == before
    assert not status.set_position(store.root / "runs" / "99-gone", 1.0)
