"""How often the pages look at the folders of the runs: once for each drawing."""

import pytest
from pages import make_run, open_page

from app import boundary
from cifar_core.config import TrainConfig
from cifar_core.disk import files
from cifar_core.errors import RunError
from cifar_core.runs.store import index, looks
from cifar_core.runs.sweeps import sweeps

PAGES = [
    ("runs", {}),
    ("train", {}),
    ("train", {"clone": 1}),
    ("train", {"start": 1}),
    ("data", {}),
    ("predict", {}),
    *(("run", {"id": 1, "tab": tab}) for tab in ("watch", "result", "inside", "settings", "files")),
    ("run", {"id": 3}),
    ("run", {"id": 4}),
    ("sweep", {"id": 1}),
    ("queue", {}),
    ("compare", {"runs": "1,2"}),
    ("report", {"runs": "1,2"}),
]


@pytest.fixture
def store(page_store):
    """Return a store with runs that are over, a search, a run that waits and a sweep."""
    make_run(page_store, "First")
    make_run(page_store, "Second", seed=1)
    waiting = page_store.create(TrainConfig(data="synthetic"), name="Waiting")
    page_store.submit(waiting)
    search = make_run(page_store, "Search", accuracies=())
    files.edit(search.path / "about.json", dict, lambda _: {"kind": "rate_search"})
    base, axes = TrainConfig(data="synthetic"), [[{"learning_rate": 0.1}, {"learning_rate": 0.2}]]
    sweeps.begin(page_store, base, sweeps.planned(base, axes, [0]), [0])
    return page_store


@pytest.fixture
def looked(monkeypatch):
    """Return a list that grows with each look at the folders."""
    seen = []
    look = index.changes
    monkeypatch.setattr(index, "changes", lambda folder: seen.append(folder) or look(folder))
    return seen


@pytest.mark.parametrize(("name", "query"), PAGES)
def test_a_page_looks_at_the_runs_once(store, looked, name, query):
    page = open_page(name, **query)
    assert not page.exception
    del looked[:]
    page.run()
    assert not page.exception
    assert len(looked) == 1


def test_a_part_that_repeats_and_a_click_look_again(store, looked):
    page = open_page("runs")
    del looked[:]
    make_run(store, "Third")
    page.button(key="new").click().run()
    assert len(looked) == 2  # the page up to the button, and the page that it opens
    assert page.header[0].value == "Train"


def test_an_act_that_is_refused_lets_the_rest_of_the_page_look_again(store, looked, monkeypatch):
    monkeypatch.setattr(boundary.st, "toast", lambda *_, **__: None)

    def act():
        make_run(store, "Third")
        raise RunError("It cannot be done.")

    with looks.shared():
        before = store.seen()
        assert len(store.seen()) == len(before)
        assert len(looked) == 1
        boundary.attempt(act)
        assert next(row.name for row in store.seen()) == "Third"


def test_one_look_serves_nested_blocks_and_ends_with_the_outer_one(store, looked):
    with looks.shared():
        with looks.shared():
            store.seen()
        rows = store.seen()
        rows.clear()  # one's own list
        assert store.seen()
        assert len(looked) == 1
        store.runs()  # what changes something always looks
        assert len(looked) == 2
    store.seen()
    store.seen()
    assert len(looked) == 4
