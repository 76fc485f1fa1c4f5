import threading
from dataclasses import replace

import pytest
from pages import make_run
from run_helpers import QUICK, queued, store_without_executor, supervisor, until

from cifar_core.errors import AccessError
from cifar_core.people import ADMIN, OPERATOR, VIEWER, Person
from cifar_core.runs import Store
from cifar_core.runs.record import action_log
from cifar_core.runs.sweeps import sweeps

ANA, BEN = (Person(name=name, role=OPERATOR) for name in ("ana", "ben"))
CHIEF, GUEST = Person(name="chief", role=ADMIN), Person(name="guest", role=VIEWER)
CHANGES = {
    "start": lambda store, run: store.submit(run),
    "rename": lambda store, run: run.rename("mine now"),
    "stop": lambda store, run: run.stop("now"),
    "pause": lambda store, run: run.pause(),
    "resume": lambda store, run: run.resume(),
    "profile": lambda store, run: run.ask_profile(),
    "delete": lambda store, run: store.delete(run),
    "move": lambda store, run: store.to_front(run),
}


def on_behalf_of(person, store, run):
    theirs = replace(store, by=person)
    return theirs, theirs.run(run.number)


@pytest.fixture
def store(tmp_path):
    with store_without_executor(tmp_path / "store") as made:
        yield made


@pytest.fixture
def run(store):
    made = replace(store, by=ANA).create(QUICK)
    store.submit(made)
    return made


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("person", [GUEST, BEN], ids=lambda person: person.name)
def test_a_run_is_changed_neither_by_viewers_nor_by_other_operators(store, run, change, person):
    if change == "resume":
        run.stop("now")
    before = run.status, run.about
    with pytest.raises(AccessError):
        CHANGES[change](*on_behalf_of(person, store, run))
    assert (run.status, run.about) == before


@pytest.mark.parametrize("person", [ANA, CHIEF], ids=lambda person: person.name)
def test_the_owner_and_admins_change_a_run_and_it_is_written_down(store, run, person):
    _, theirs = on_behalf_of(person, store, run)
    theirs.rename("another name")
    theirs.stop("now")
    done = [(deed.by, deed.did, deed.detail) for deed in run.history()]
    assert done[:2] == [(person.name, "stopped", "now"), (person.name, "renamed", "another name")]


def test_a_deleted_run_is_restored_by_its_owner_alone(store, run):
    run.stop("now")
    mine, theirs = replace(store, by=ANA), replace(store, by=BEN)
    mine.delete(run)
    with pytest.raises(AccessError):
        theirs.restore(run)
    assert mine.restore(run).owner == "ana"


def test_only_admins_empty_the_trash(store, run):
    run.stop("now")
    store.delete(run)
    with pytest.raises(AccessError):
        replace(store, by=ANA).empty_trash(0)
    assert replace(store, by=CHIEF).empty_trash(0) == 1


def test_viewers_make_neither_runs_nor_sweeps(store):
    guest = replace(store, by=GUEST)
    with pytest.raises(AccessError):
        guest.create(QUICK)
    with pytest.raises(AccessError):
        sweeps.create(guest, QUICK, [[{"learning_rate": 0.1}]], [1, 2])
    assert store.runs() == []
    assert sweeps.listed(store) == []


def test_a_refusal_is_not_written_down_as_done(store, run):
    before = action_log.latest(store.root)
    with pytest.raises(AccessError):
        on_behalf_of(GUEST, store, run)[1].stop("kill")
    assert action_log.latest(store.root) == before


def test_a_run_from_before_there_were_owners_belongs_to_all_operators(page_store):
    run = make_run(page_store, "Old", "stopped")
    from cifar_core.disk import files

    path = run.path / "about.json"
    values = {key: value for key, value in files.read_json(path).items() if key != "owner"}
    files.write_json(path, values)
    on_behalf_of(BEN, page_store, run)[1].rename("still ours")
    assert run.name == "still ours"


def test_the_record_makes_room_for_itself_and_keeps_the_newest(tmp_path, monkeypatch):
    monkeypatch.setattr(action_log, "LONGEST", 2000)
    for number in range(200):
        action_log.note(tmp_path, by="ana", did="started", run=f"{number}-run")
    found = action_log.latest(tmp_path)
    assert [deed.run for deed in found] == [f"{199 - n}-run" for n in range(len(found))]
    assert len(found) > 10
    assert sum(path.stat().st_size for path in tmp_path.glob("activity*.jsonl")) < 4200


def test_a_damaged_line_of_the_record_is_passed_over(tmp_path):
    action_log.note(tmp_path, by="ana", did="started")
    with (tmp_path / action_log.NAME).open("a") as file:
        file.write('{"at": "yesterday"}\n[1]\nnot json\n{"at": 1, "by": 7, "odd": 1}\n')
    assert [deed.by for deed in action_log.latest(tmp_path)] == ["7", "ana"]


def at_once(count, act):
    """Do something in many threads at the same moment; return what they raised."""
    gate, raised = threading.Barrier(count), []

    def work(number):
        gate.wait()
        try:
            act(number)
        except Exception as error:
            raised.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def test_a_run_that_many_start_at_once_is_queued_once(store):
    run = store.create(QUICK)
    assert at_once(16, lambda _: store.submit(store.run(run.number))) == []
    assert [deed.did for deed in run.history()] == ["started", "made"]
    assert [row.id for row in store.queue()] == [run.id]


def test_a_run_that_is_started_while_it_runs_elsewhere_goes_on_as_it_was(store):
    run = queued(store)
    chief = supervisor(store, "obey")
    until(lambda: run.status.state == "running", chief.step)
    assert at_once(8, lambda _: store.submit(store.run(run.number))) == []
    chief.step()
    assert run.status.state == "running"
    assert len(run.attempts()) == 1


def test_two_tabs_that_stop_a_run_stop_it_once(store):
    run = queued(store)
    assert at_once(16, lambda _: Store(store.root).run(run.number).stop("now")) == []
    assert run.status.state == "stopped"
    assert store.queue() == []


def test_all_runs_that_are_made_at_once_get_numbers_of_their_own(store):
    assert at_once(8, lambda _: store.create(QUICK)) == []
    assert sorted(row.number for row in store.runs()) == list(range(1, 9))
