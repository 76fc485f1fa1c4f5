"""News: found in what is on disk, each with an id that never changes."""

import itertools
import math

import pytest
from pages import make_run
from run_helpers import store_without_executor

from cifar_core.config import TrainConfig
from cifar_core.disk import files
from cifar_core.people import ADMIN, OPERATOR, Person
from cifar_core.reading import Situation, read
from cifar_core.reading.curves import curves
from cifar_core.runs import Store
from cifar_core.runs.notifications import found, news, subscriptions
from cifar_core.runs.notifications.news import ENDS, NEWS, USUAL, News
from cifar_core.runs.notifications.subscriptions import Subscriptions
from cifar_core.runs.record import metrics, status
from cifar_core.runs.sweeps import edits, sweeps
from cifar_core.runs.sweeps.edits import Edit


@pytest.fixture
def store(tmp_path):
    with store_without_executor(tmp_path / "store") as made:
        yield made


def of(store, now=None):
    rows = store.index.rows()
    return found.of_rows(store, rows, now or max(row.created_at for row in rows) + 60)


@pytest.mark.parametrize(
    ("state", "reason", "kind"),
    [("finished", "", "finished"), ("stopped", "", "stopped"), ("failed", "bug", "failed"),
     ("failed", "diverged", "diverged"), ("paused", "disk", "disk"), ("queued", "disk", "disk")],
)  # fmt: skip
def test_the_state_of_a_run_is_news(store, state, reason, kind):
    run = make_run(store, "New", state, reason=reason)
    (one,) = of(store)
    assert (one.kind, one.id, one.run) == (kind, f"{run.id}.1.{kind}", run.id)
    assert one.title == f"{NEWS[kind].title}: #{run.number} New"


@pytest.mark.parametrize("state", ["draft", "queued", "running", "paused", "stopping"])
def test_a_run_that_goes_on_or_waits_for_its_turn_is_not(store, state):
    make_run(store, "Goes on", state)
    assert of(store) == []


def test_the_same_state_gives_the_same_news_to_every_process(store):
    make_run(store, "New", "failed", reason="bug")
    assert of(store) == of(Store(store.root))
    assert of(store, now=store.index.rows()[0].ended_at + found.RECENT) == []


def test_a_resumed_run_that_ends_again_is_news_again(store):
    run = make_run(store, "Twice", "failed", reason="bug")
    (first,) = of(store)
    status.write(run.path, status.RunStatus(**status.described("failed", reason="bug"), attempt=2))
    (second,) = of(store)
    assert first.id != second.id


def test_a_sweep_gives_one_message_when_all_its_runs_are_over(store):
    axes = [[{"learning_rate": 0.1}, {"learning_rate": 0.2}]]
    sweeps.create(store, TrainConfig(data="synthetic"), axes, [0], name="Rates")
    runs = [store.run(row.id) for row in store.index.rows()]
    mine = Subscriptions(person=store.by.name, mine=1.0)
    for run in runs:
        assert [one for one in of(store) if one.kind == "decided"] == []
        status.write(run.path, status.RunStatus(**status.described("finished"), attempt=1))
    wanted = [one for one in of(store) if mine.wants(one)]
    assert len(wanted) == 1
    assert "None of its runs finished" in wanted[0].text  # none has an accuracy here


def decided(store):
    return [one.id for one in of(store) if one.kind == "decided"]


def test_a_sweep_is_decided_again_after_more_training_but_not_after_a_deletion(store):
    axes = [[{"learning_rate": 0.1}, {"learning_rate": 0.2}]]
    sweep = sweeps.create(store, TrainConfig(data="synthetic"), axes, [0])
    rows = sweeps.runs_of(store, sweep)
    for row in rows:
        ended(store, row)
    first = decided(store)
    store.delete(store.run(rows[-1].id))
    assert decided(store) == first

    ended(store, rows[0], attempt=2)  # it failed, and was resumed
    second = decided(store)
    assert len(second) == 1
    assert second != first

    other = [[{"learning_rate": 0.3}]]  # as many runs are planned as before
    edits.apply(store, sweep, Edit(add=other, remove=[1]))
    for row in store.queue():
        ended(store, row)
    assert len({*first, *second, *decided(store)}) == 3


def ended(store, row, attempt=1):
    words = status.described("finished")
    status.write(store.root / "runs" / row.id, status.RunStatus(**words, attempt=attempt))


def test_an_imported_run_is_news_only_for_what_it_trains_here(store):
    run = make_run(store, "From elsewhere", "finished")
    run.edit_about(imported={"run": "7-there", "at": 1.0})
    (metrics.attempt_folder(run.path, 1) / "shim.json").unlink()  # which no zip holds
    assert of(store) == []
    metrics.attempt_folder(run.path, 2).mkdir()
    files.write_json(metrics.attempt_folder(run.path, 2) / "shim.json", {})
    ended(store, store.index.rows()[0], attempt=2)
    assert [one.kind for one in of(store)] == ["finished"]


def overfitted(epochs=30, best=12):
    """Return rows of a run that memorizes its images after its best epoch."""
    for epoch in range(1, epochs + 1):
        loss = 2.0 * math.exp(-epoch / 6) + 0.05
        rise = 0.06 * max(0, epoch - best)
        noise = 0.004 * math.sin(7 * epoch)
        yield {"kind": "step", "step": 50 * epoch, "epoch": float(epoch), "loss": loss,
               "accuracy": 0.9, "learning_rate": 0.01, "grad_norm": 1.0,
               "images_per_second": 1.0}  # fmt: skip
        yield {"kind": "epoch", "step": 50 * epoch, "epoch": epoch, "train_loss": loss,
               "train_accuracy": 1 - loss / 3, "val_loss": loss + 0.3 + rise + noise,
               "val_accuracy": 0.7 - rise / 3 - 0.3 * math.exp(-epoch / 4),
               "best": epoch <= best, "seconds": 1.0}  # fmt: skip


def test_overfitting_is_news_where_the_reading_of_the_page_says_so_and_once(store):
    make_run(store, "Fits", "running", epochs=60)
    (row,) = store.index.rows()
    seen = []
    for epochs in range(5, 31):
        measured = curves(list(itertools.islice(overfitted(), 2 * epochs)))
        reading = read(measured, Situation(settings={"epochs": 60}))
        says = any(one.kind == "overfitting" for one in reading.findings)
        ids = [one.id for one in news.of_curves(row, measured, reading, 0.0)]
        assert (f"{row.id}.overfits" in ids) == says
        seen += ids
    assert set(seen) == {f"{row.id}.overfits", f"{row.id}.12.no_better"}


def test_no_better_waits_for_a_fifth_of_the_planned_epochs(store):
    make_run(store, "Waits", "running", epochs=60)
    (row,) = store.index.rows()
    for epochs, expected in ((23, False), (24, True)):
        measured = curves(list(itertools.islice(overfitted(), 2 * epochs)))
        reading = read(measured, Situation(settings={"epochs": 60}))
        kinds = {one.kind for one in news.of_curves(row, measured, reading, 0.0)}
        assert ("no_better" in kinds) == expected


def test_a_watch_reads_the_curves_only_of_runs_that_someone_wants_news_of(store):
    wanted, other = (make_run(store, name, "running", epochs=60) for name in ("A", "B"))
    for run in (wanted, other):
        lines = "".join(f"{line}\n" for line in map(_json, overfitted()))
        (run.path / "attempts/1/metrics.jsonl").write_text(lines)
    watch = found.Watch(store)
    said = watch.look(store.index.rows(), lambda row: row.id == wanted.id)
    assert {one.run for one in said} == {wanted.id}
    assert {one.kind for one in said} == {"overfits", "no_better"}
    assert set(watch.looked) == {wanted.id}


def _json(row):
    import json

    return json.dumps(row)


def about(kind="finished", **changes):
    return News(**{"id": "x", "kind": kind, "at": 100.0, "run": "1-a", "owner": "ann", **changes})


@pytest.mark.parametrize(
    ("follows", "one", "wanted"),
    [
        ({"mine": 50.0}, about(), True),
        ({"mine": 150.0}, about(), False),  # before the subscription
        ({"mine": 50.0}, about(owner="ben"), False),
        ({"mine": 50.0}, about(owner=""), True),
        ({"mine": 50.0}, about(sweep="1-s"), False),  # the sweep has news of its own
        ({"mine": 50.0}, about("decided", run="", sweep="1-s"), True),
        ({"mine": 50.0}, about("overfits"), False),
        ({"mine": 50.0, "kinds": ["overfits"]}, about("overfits"), True),
        ({"runs": {"1-a": 50.0}}, about(owner="ben", sweep="1-s"), True),
        ({"runs": {"1-a": 50.0}, "kinds": []}, about("failed"), True),
        ({"runs": {"1-a": 50.0}, "kinds": []}, about("disk"), False),
        ({"runs": {"1-b": 50.0}}, about(), False),
        ({"sweeps": {"1-s": 50.0}}, about(sweep="1-s"), False),
        ({"sweeps": {"1-s": 50.0}, "kinds": []}, about("decided", run="", sweep="1-s"), True),
    ],
)
def test_who_gets_which_news(follows, one, wanted):
    assert Subscriptions(person="ann", **follows).wants(one) == wanted


def test_subscriptions_are_kept_for_each_person(store):
    run = make_run(store)
    ann = Store(store.root, Person(name="ann@example.org", role=OPERATOR))
    subscriptions.follow_run(ann, run, True)
    subscriptions.follow_mine(store, True)
    subscriptions.choose_kinds(store, ["failed"])
    assert list(subscriptions.of_person(store.root, "ann@example.org").runs) == [run.id]
    mine = subscriptions.of_person(store.root, store.by.name)
    assert (mine.mine > 0, mine.runs, mine.kinds) == (True, {}, ["failed"])
    subscriptions.follow_run(ann, run, False)
    assert len(subscriptions.everyone(store.root)) == 1


def test_own_addresses_are_used_until_others_are_chosen(store, monkeypatch):
    monkeypatch.setenv("CIFAR_NOTIFY_TEAM", "ntfy://team")
    monkeypatch.setenv("CIFAR_NOTIFY_ANN", "ntfy://ann ann@example.org")
    ann = Store(store.root, Person(name="ann@example.org", role=ADMIN))
    subscriptions.follow_mine(ann, True)
    assert subscriptions.of_person(store.root, ann.by.name).addresses == ["ann"]
    subscriptions.choose_addresses(ann, ["team"])
    subscriptions.follow_mine(ann, True)
    assert subscriptions.of_person(store.root, ann.by.name).addresses == ["team"]


def test_the_usual_kinds_are_kinds():
    assert set(USUAL) | set(ENDS) <= set(NEWS)
