"""The names of runs that no one named."""

import pytest
from run_helpers import QUICK, store_without_executor

from cifar_core.config import TrainConfig
from cifar_core.runs.store import naming
from cifar_core.runs.store.naming import Twin, differences, of_cell, proposed
from cifar_core.runs.sweeps import sweeps

BASE = TrainConfig(model="simple_cnn_dropout")
FIRST = "Simple CNN with dropout on CIFAR-10"


def config(**changes):
    return TrainConfig(**{**BASE.to_dict(), **changes})


def named(*settings):
    """Return the names of runs that are made one after the other."""
    twins = []
    for changes in settings:
        name = proposed(config(**changes), "CIFAR-10", twins)
        twins.append(Twin(name=name, settings=config(**changes).to_dict()))
    return [twin.name.removeprefix(FIRST) for twin in twins]


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ([{}], [""]),
        ([{}, {"dropout": 0.5}], ["", ", dropout 0.5"]),
        ([{}, {"seed": 2}, {"seed": 3}], ["", ", seed 2", ", seed 3"]),
        ([{}, {}, {}], ["", ", repeat 2", ", repeat 3"]),
        ([{"seed": 4}, {"seed": 4}], ["", ", repeat 2"]),
        ([{}, {"flip": False}, {"flip": False, "seed": 2}],
         ["", ", no mirror", ", no mirror, seed 2"]),
        # what is often varied comes first, what is rarely changed last
        ([{}, {"label_smoothing": 0.1, "dropout": 0.5, "learning_rate": 0.01}],
         ["", ", learning rate 0.01, dropout 0.5"]),
        # two others, where the two most important ones do not tell it from a twin
        ([{}, {"learning_rate": 0.01, "epochs": 3, "dropout": 0.5},
          {"learning_rate": 0.01, "epochs": 3, "dropout": 0.6}],
         ["", ", learning rate 0.01, epochs 3", ", learning rate 0.01, dropout 0.6"]),
        # what only the new optimizer has is not named while it has its default
        ([{}, {"optimizer": "adamw", "learning_rate": 0.003}],
         ["", ", AdamW, learning rate 0.003"]),
        # where it trains and how many checkpoints are kept makes no other network
        ([{}, {"threads": 1, "keep_checkpoints": 0}], ["", ", repeat 2"]),
    ],
)  # fmt: skip
def test_a_name_says_what_tells_a_run_from_its_oldest_twin(settings, names):
    assert named(*settings) == names


def test_no_two_names_are_equal_and_none_is_too_long():
    rates = [{"learning_rate": rate, "epochs": epochs, "dropout": dropout, "seed": seed}
             for rate in (0.1, 0.012345) for epochs in (15, 900) for dropout in (0.3, 0.4)
             for seed in (0, 2**31 - 1, 0)]  # fmt: skip
    names = named(*rates)
    assert len(set(names)) == len(names)
    assert max(len(FIRST + name) for name in names) <= naming.LONGEST


def test_a_twin_that_a_person_named_leaves_the_plain_name_free():
    twin = Twin(name="Mine", settings=BASE.to_dict())
    assert proposed(BASE, "CIFAR-10", [twin]) == FIRST
    assert proposed(config(epochs=3), "CIFAR-10", [twin]) == f"{FIRST}, epochs 3"


def test_settings_that_this_version_does_not_know_stop_no_one():
    assert differences(BASE, {"optimizer": "from the future", "model": BASE.model}) == ["SGD"]


def test_a_run_of_a_sweep_says_all_that_varies_and_its_seed():
    name = of_cell(config(learning_rate=0.01), "CIFAR-10", {"model": "x", "learning_rate": 0.01})
    assert name == f"{FIRST}, learning rate 0.01, seed 0"
    assert of_cell(BASE, "CIFAR-10", {}) == f"{FIRST}, seed 0"
    long = of_cell(BASE, "x" * 90, {})
    assert (len(long), long[-9:]) == (naming.LONGEST, "\u2026, seed 0")


def test_a_store_names_what_no_one_named_and_changes_no_name(tmp_path):
    with store_without_executor(tmp_path / "store") as store:
        first, typed = store.create(QUICK), store.create(QUICK, name="Mine")
        assert store.proposed_name(QUICK) == "Simple CNN on Synthetic shapes, repeat 2"
        made = sweeps.create(store, QUICK, [], [1, 2])
        names = [row.name for row in reversed(store.runs())]
        assert names == [
            "Simple CNN on Synthetic shapes", "Mine",
            "Simple CNN on Synthetic shapes, seed 1", "Simple CNN on Synthetic shapes, seed 2",
        ]  # fmt: skip
        assert first.id == "1-simple-cnn"
        assert (typed.name, made.name) == ("Mine", "Sweep 1")


def test_a_row_knows_titles_without_torch_and_before_the_run_starts(tmp_path):
    with store_without_executor(tmp_path / "store") as store:
        store.create(config(data="synthetic:200", optimizer="adamw"))
        (row,) = store.runs()
        assert (row.model_title, row.optimizer_title) == ("Simple CNN with dropout", "AdamW")
        assert row.data_title == "Synthetic shapes"
