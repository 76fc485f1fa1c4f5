import pytest
import run_helpers
from run_helpers import store_without_executor
from test_rate_search import short  # noqa: F401 - a fixture

from cifar_core.config import TrainConfig
from cifar_core.disk import files
from cifar_core.errors import ConfigError
from cifar_core.runs import RATE_SEARCH, TRAINING
from cifar_core.runs.engine.live_attempts import has_saved, sentence_of, trainer_command
from cifar_core.runs.engine.worker.rate_search_worker import RateSearchWorker
from cifar_core.runs.record import control, metrics
from cifar_core.runs.sweeps.rate_searches import (
    alike,
    begin,
    compared_settings,
    repeat,
    suggested_rate,
)

SETTINGS = {"data": "synthetic:200", "epochs": 2, "batch_size": 16, "threads": 1, "device": "cpu"}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with store_without_executor(tmp_path_factory.mktemp("searches") / "store") as store:
        yield store


def new_search(store, **settings):
    return begin(store, TrainConfig(**{**SETTINGS, **settings}))


def attempt(run, number):
    return run_helpers.attempt(run, number, RateSearchWorker)


def timeless(run):
    return run_helpers.timeless(run.metrics(), ("t",))


@pytest.mark.usefixtures("short")
def test_a_search_is_a_run_that_ends_with_a_verdict(store):
    run = new_search(store)
    assert run.kind == RATE_SEARCH
    assert "rate_search_worker" in " ".join(trainer_command(run, 1))
    result = attempt(run, 1).work()
    assert result.outcome == "finished"
    suggestion = run.summary.suggestion
    assert result.message == suggestion.verdict
    assert run.metrics()[-1]["rate"] == suggestion.rate
    row = store.index.rows()[0]
    assert (row.kind, row.suggested_rate) == (RATE_SEARCH, suggestion.rate)
    assert run.summary.step == run.summary.total_steps == suggestion.steps


@pytest.mark.usefixtures("short")
def test_a_search_that_was_cut_off_ends_like_one_that_was_not(store):
    whole = new_search(store)
    attempt(whole, 1).work()
    for rows, request_, outcome in ((5, "pause", "paused"), (18, "epoch", "stopped")):
        run = new_search(store)
        cut_off_then_end(run, rows, request_, outcome)
        assert timeless(run) == timeless(whole)


def cut_off_then_end(run, rows, request_, outcome):
    """Interrupt a search after so many rows, and let a second attempt end it."""
    worker = attempt(run, 1)
    keep, kept = worker.keep, []

    def keep_and_ask(event):
        keep(event)
        kept.append(event)
        if len(kept) == rows:
            control.write(run.path, request_)

    worker.keep = keep_and_ask
    assert worker.work().outcome == outcome
    control.write(run.path, "")
    second = attempt(run, 2)
    assert second.work().outcome == "finished"


@pytest.mark.usefixtures("short")
def test_what_a_killed_attempt_found_is_not_tried_again(store):
    run = new_search(store)
    worker = attempt(run, 1)
    keep, kept = worker.keep, []

    def keep_or_die(event):
        keep(event)
        kept.append(event.kind)
        if kept.count("race") == 4:
            raise KeyboardInterrupt

    worker.keep = keep_or_die
    with pytest.raises(KeyboardInterrupt):
        worker.work()
    assert has_saved(run, 1)
    with (metrics.metrics_path(run.path, 1)).open("ab") as file:
        file.write(b'{"kind": "race", "half')  # the line at which it was killed
    attempt(run, 2).work()
    second = files.read_lines(metrics.metrics_path(run.path, 2))[0]
    assert "sweep" not in {row["kind"] for row in second}
    rows = [(row["rate"], row["step"]) for row in run.metrics() if row["kind"] == "race"]
    assert len(rows) == len(set(rows))
    assert run.metrics()[-1]["kind"] == "suggestion"


def test_searches_for_the_same_thing_are_found_whatever_their_seed(store):
    first = new_search(store, batch_size=8)
    other = new_search(store, batch_size=4)
    second = repeat(store, first)
    assert [run.id for run in alike(store, first)] == [first.id, second.id]
    assert second.settings["seed"] == first.settings["seed"] + 1
    assert compared_settings(second) == compared_settings(first) != compared_settings(other)
    assert suggested_rate(second) is None  # not finished yet
    for run in (first, second, other):
        run.stop()


def test_a_search_is_for_one_device(store):
    with pytest.raises(ConfigError, match="Set devices to 1 for the search"):
        new_search(store, devices=2, batch_size=8)


def test_a_run_made_before_there_were_kinds_is_a_training(store):
    run = store.create(TrainConfig(**SETTINGS))
    about = files.read_json(run.path / "about.json")
    del about["kind"]
    files.write_json(run.path / "about.json", about)
    assert run.kind == TRAINING
    assert store.index.rows()[0].kind == TRAINING
    assert trainer_command(run, 1)[2] == "cifar_core.runs.engine.worker.training_worker"


def test_a_living_search_does_not_say_that_it_trains(store):
    run = new_search(store)
    assert sentence_of(run, {"at": 1.0}, 1)["message"] == "Learning rates are being tried."
    run.stop()
