"""What belongs to a person is changed by that person and admins, and each change leaves a line."""

from dataclasses import replace

import pytest
from pages import make_run
from run_helpers import QUICK, store_without_executor

from cifar_core.disk import files
from cifar_core.errors import AccessError
from cifar_core.people import ADMIN, OPERATOR, VIEWER, Person
from cifar_core.runs.listing import saved_listings
from cifar_core.runs.listing.table import Listing
from cifar_core.runs.record import action_log
from cifar_core.runs.results import predictions, verify
from cifar_core.runs.store import sweep_files
from cifar_core.runs.sweeps import edits, hyperparameter_search, sweeps
from cifar_core.runs.sweeps.edits import Edit

ANA, BEN = (Person(name=name, role=OPERATOR) for name in ("ana", "ben"))
CHIEF, GUEST = Person(name="chief", role=ADMIN), Person(name="guest", role=VIEWER)
RATES = [[{"learning_rate": 0.1}, {"learning_rate": 0.2}]]
SPACE = {"learning_rate": {"low": 0.01, "high": 0.1, "log": True}}
LAB = Listing(query="lab")


@pytest.fixture
def store(tmp_path):
    with store_without_executor(tmp_path / "store") as made:
        yield made


@pytest.fixture
def hers(store):
    return replace(store, by=ANA)


def lines(store):
    """Return the lines of the log, newest first."""
    return [f"{a.by} {a.did} {a.detail}".strip() for a in action_log.latest(store.root)]


def newest(store):
    return lines(store)[0]


def everything(store):
    """Return the bytes of all files of the store but locks and the table of runs."""
    return {
        path.relative_to(store.root): path.read_bytes()
        for path in store.root.rglob("*")
        if path.is_file() and not path.name.startswith((".", "index.db", "executor"))
    }


def a_sweep(hers):
    return sweeps.create(hers, QUICK, RATES, [1])


def a_search(hers):
    return hyperparameter_search.create(hers, QUICK, SPACE, budget=3)


def ended(hers):
    hyperparameter_search.end(hers, search := a_search(hers))
    return sweeps.find(hers, search.id)


CHANGES = {
    "edit": (a_sweep, lambda s, x: edits.apply(s, x, Edit(add_seeds=[9])), "edited sweep 1"),
    "queue missing": (
        lambda s: sweeps.begin(s, QUICK, [sweep_files.Cell(title="x", changes={})], [1]),
        lambda s, x: sweeps.complete(s, x), "queued the runs of sweep 1",
    ),
    "stop": (a_sweep, lambda s, x: sweeps.cancel(s, x), "stopped the runs of sweep 1"),
    "end a search": (a_search, lambda s, x: hyperparameter_search.end(s, x), "ended search 1"),
    "resume a search": (ended, lambda s, x: hyperparameter_search.go_on(s, x), "resumed search 1"),
    "delete a listing": (
        lambda s: saved_listings.save(s, "Lab", LAB), saved_listings.delete,
        "deleted the listing Lab",
    ),
    "replace a listing": (
        lambda s: saved_listings.save(s, "Lab", LAB),
        lambda s, x: saved_listings.save(s, "Lab", Listing(query="mine")),
        "saved the listing Lab",
    ),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_what_ana_made_is_not_bens_to_change(store, hers, change):
    make, do, did = CHANGES[change]
    thing = make(hers)
    before = everything(store)
    for person, why in ((GUEST, "is a viewer here"), (BEN, "it belongs to ana")):
        with pytest.raises(AccessError, match=why):
            do(replace(store, by=person), thing)
    assert everything(store) == before
    do(replace(store, by=CHIEF), thing)
    assert f"chief {did}" in lines(store)
    assert [a.by for a in action_log.latest(store.root)].count("ben") == 0


def test_runs_that_an_admin_adds_to_a_sweep_belong_to_its_owner(store, hers):
    sweep = a_sweep(hers)
    edits.apply(replace(store, by=CHIEF), sweep, Edit(add_seeds=[9]))
    assert {row.owner for row in store.runs()} == {"ana"}


def test_a_sweep_from_before_sweeps_had_owners_belongs_to_whoever_made_its_runs(store, hers):
    sweep = a_sweep(hers)
    path = sweep_files.folder(store.root) / f"{sweep.id}.json"
    old = {key: value for key, value in files.read_json(path).items() if key != "owner"}
    files.write_json(path, old)
    with pytest.raises(AccessError, match="belongs to ana"):
        edits.apply(replace(store, by=BEN), sweeps.find(store, 1), Edit(add_seeds=[9]))


def test_a_listing_from_before_listings_had_owners_belongs_to_all_operators(store, hers):
    saved = saved_listings.save(hers, "Lab", LAB)
    path = saved_listings.path_of(store, saved.id)
    old = {key: value for key, value in files.read_json(path).items() if key != "owner"}
    files.write_json(path, old)
    saved_listings.delete(replace(store, by=BEN), saved)
    assert saved_listings.listed(store) == []


def test_only_who_started_a_job_and_admins_cancel_it(page_store, monkeypatch):
    run = make_run(page_store, "Done", train_fraction=0.02)

    def job_for(person):
        return predictions.job(replace(page_store, by=person).run(run.number), "val")

    monkeypatch.setattr("cifar_core.background.jobs.Job.cancel", lambda job: True)
    monkeypatch.setattr("cifar_core.background.jobs.Job._launch", launched)
    assert job_for(GUEST).begin()
    assert newest(page_store) == "guest began to compute predictions for the validation images"
    assert [job_for(who).may_stop() for who in (GUEST, ANA, CHIEF)] == [True, False, True]
    with pytest.raises(AccessError, match="belongs to guest"):
        job_for(ANA).stop()
    assert job_for(CHIEF).stop()
    assert newest(page_store).startswith("chief canceled the computation of predictions")


def launched(job, descriptor, ticket):
    """Write what a started process is known by, without starting one."""
    files.write_json(job.path.with_name(job.path.name + ".progress"), {"by": job.by})


def test_only_operators_who_own_a_run_verify_it(page_store, monkeypatch):
    monkeypatch.setattr("cifar_core.background.jobs.Job._launch", launched)
    run = make_run(page_store, "Done")
    run.edit_about(owner="ana")
    for person in (GUEST, BEN):
        with pytest.raises(AccessError):
            verify.job(replace(page_store, by=person).run(run.number)).begin(again=True)
    assert verify.job(replace(page_store, by=ANA).run(run.number)).begin()
