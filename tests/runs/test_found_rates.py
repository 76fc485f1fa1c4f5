"""Sweeps whose settings each take the rate that searches found for them."""

import pytest
from run_helpers import store_without_executor
from test_app_rate_search import make_search

from cifar_core.__main__ import main
from cifar_core.config import TrainConfig
from cifar_core.config.presets import PRESETS
from cifar_core.disk import files
from cifar_core.errors import ConfigError
from cifar_core.runs.sweeps import rate_searches, sweeps
from cifar_core.runs.sweeps.found_rates import axis_of, begin_missing, found_rates

SETTINGS = {"data": "synthetic", "epochs": 3}
BASE = TrainConfig(**SETTINGS)
TWO = [[{"optimizer": "sgd"}, {"optimizer": "adam"}]]


@pytest.fixture
def store(tmp_path):
    with store_without_executor(tmp_path / "store") as made:
        yield made


def test_each_setting_takes_the_rate_of_its_own_search(store):
    make_search(store, 0.05, **SETTINGS)
    make_search(store, 0.002, optimizer="adam", **SETTINGS)
    found = found_rates(store, BASE, TWO)
    assert axis_of(found) == [
        {"optimizer": "sgd", "learning_rate": 0.05},
        {"optimizer": "adam", "learning_rate": 0.002},
    ]


def test_several_searches_give_their_middle(store):
    for seed, rate in enumerate((0.02, 0.08)):
        make_search(store, rate, seed=seed, **SETTINGS)
    (one,) = found_rates(store, BASE, [])
    assert one.rate == pytest.approx(0.04)


def test_a_search_with_other_settings_answers_another_question(store):
    make_search(store, 0.05, **{**SETTINGS, "epochs": 9})
    (one,) = found_rates(store, BASE, [])
    assert one.rate is None
    assert one.is_missing


def test_a_setting_that_means_nothing_to_an_optimizer_does_not_count(store):
    make_search(store, 0.002, optimizer="adam", momentum=0.5, **SETTINGS)
    assert found_rates(store, BASE, TWO)[1].rate == 0.002


def test_a_search_made_before_a_setting_existed_had_its_default(store):
    run = make_search(store, 0.05, **SETTINGS)
    kept = files.read_json(run.path / "config.json")
    del kept["cutout"]
    files.write_json(run.path / "config.json", kept)
    assert found_rates(store, BASE, [])[0].rate == 0.05


def test_only_what_was_never_searched_is_searched(store):
    make_search(store, 0.05, **SETTINGS)
    found = found_rates(store, BASE, TWO)
    (begun,) = begin_missing(store, found)
    assert (begun.settings["optimizer"], begun.status.state) == ("adam", "queued")
    again = found_rates(store, BASE, TWO)
    assert begin_missing(store, again) == []
    with pytest.raises(
        ConfigError, match=f"Adam: its rate search, run {begun.number}, has not finished"
    ):
        axis_of(again)


def test_a_search_without_an_answer_is_not_made_again(store):
    run = make_search(store, advice="none", **SETTINGS)
    (one,) = found_rates(store, BASE, [])
    assert not one.is_missing
    with pytest.raises(ConfigError, match=f"run {run.number}, found no reliable rate"):
        axis_of([one])


def test_rates_that_are_given_are_not_found(store):
    with pytest.raises(ConfigError, match="learning_rate is set already"):
        found_rates(store, BASE, [[{"learning_rate": 0.1}]])


def test_a_found_rate_is_that_of_a_search_begun_with_the_same_settings(store):
    run = rate_searches.begin(store, BASE)
    assert [r.id for r in found_rates(store, BASE, [])[0].searches] == [run.id]


def test_the_terminal_sweeps_at_found_rates_or_says_what_to_search(store, capsys):
    words = ["sweep", "--preset", "smoke", "--data", "synthetic", "--found-rates", "--vary",
             "optimizer=sgd,adam", "--vary", "seed=1-2", "--store", str(store.root)]  # fmt: skip
    assert main(words) == 2
    told = capsys.readouterr().err
    assert "SGD: no rate search with these settings has found a rate" in told
    assert "find-rate ... --set optimizer=adam" in told
    base = {**PRESETS["smoke"].values, "data": "synthetic"}
    make_search(store, 0.05, **{**base, "optimizer": "sgd"})
    make_search(store, 0.002, **{**base, "optimizer": "adam"})
    assert main(words) == 0
    (sweep,) = sweeps.listed(store)
    assert [cell.changes["learning_rate"] for cell in sweep.cells] == [0.05, 0.002]
    assert len(sweeps.runs_of(store, sweep)) == 4
