from dataclasses import fields

import pytest

from cifar_core.config import TrainConfig
from cifar_core.errors import ConfigError
from cifar_core.settings.parameter_grid import axis_of, combinations, example, in_words, values_of

SETTINGS = {f.name: f for f in fields(TrainConfig)}


@pytest.mark.parametrize(
    ("name", "text", "values"),
    [
        ("learning_rate", "0.01, 0.03,0.1", [0.01, 0.03, 0.1]),
        ("learning_rate", "0.001..0.1 x5", [0.001, 0.00316, 0.01, 0.0316, 0.1]),
        ("learning_rate", "1e-3..1e-1x3", [0.001, 0.01, 0.1]),
        ("dropout", "0..0.4 x3", [0.0, 0.2, 0.4]),  # not a setting that moves by factors
        ("seed", "1-5", [1, 2, 3, 4, 5]),
        ("seed", "1-3, 7, 2", [1, 2, 3, 7]),
        ("batch_size", "32..128 x3", [32, 64, 128]),
        ("epochs", "10..20 x3", [10, 15, 20]),
        ("optimizer", "sgd, adam", ["sgd", "adam"]),
        ("flip", "yes, no", [True, False]),
        ("weight_decay", "0, 5e-4", [0, 5e-4]),
    ],
)
def test_a_list_is_read_as_a_person_types_it(name, text, values):
    assert values_of(SETTINGS[name], text) == values


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("learning_rate", "0.1, 50", "learning_rate is 50"),
        ("learning_rate", "fast", "learning_rate is 'fast'"),
        ("learning_rate", "0..0.1 x5", "learning_rate is 0"),
        ("optimizer", "sgd, addam", "Did you mean 'adam'"),
        ("epochs", "1.5", "must be a whole number"),
        ("seed", "5-1", "seed is '5-1'"),
        ("seed", " , ", "such as 1-5"),
    ],
)
def test_what_cannot_be_a_value_is_said(name, text, said):
    with pytest.raises(ConfigError, match=said):
        values_of(SETTINGS[name], text)


@pytest.mark.parametrize("name", [name for name in SETTINGS if name not in ("data", "device")])
def test_the_example_of_every_setting_can_be_typed(name):
    assert values_of(SETTINGS[name], example(SETTINGS[name]))


def test_settings_that_vary_together_make_one_axis():
    text = "optimizer=sgd,learning_rate=0.06 | optimizer=adam, learning_rate=0.003"
    axis = axis_of(TrainConfig, text)
    assert axis == [
        {"optimizer": "sgd", "learning_rate": 0.06},
        {"optimizer": "adam", "learning_rate": 0.003},
    ]
    cells = combinations([axis, axis_of(TrainConfig, "flip=yes,no")])
    assert len(cells) == 4
    assert cells[1] == {"optimizer": "sgd", "learning_rate": 0.06, "flip": False}


def test_a_setting_that_varies_twice_is_refused():
    axes = [axis_of(TrainConfig, "seed=1,2"), axis_of(TrainConfig, "seed=3")]
    with pytest.raises(ConfigError, match="seed is varied twice"):
        combinations(axes)


def test_a_name_that_is_no_setting_is_refused_with_the_nearest():
    with pytest.raises(ConfigError, match="Did you mean 'learning_rate'"):
        axis_of(TrainConfig, "learning_rat=0.1")
    with pytest.raises(ConfigError, match="not of the form NAME=VALUES"):
        axis_of(TrainConfig, "seed")


def test_more_combinations_than_anybody_wants_are_refused():
    with pytest.raises(ConfigError, match="1,600 settings, but at most 1,000 are allowed"):
        combinations([[{"seed": i} for i in range(40)], [{"epochs": i} for i in range(40)]])


def test_a_combination_is_written_in_words():
    words = in_words(TrainConfig, {"optimizer": "adam", "learning_rate": 0.003, "flip": False})
    assert words == "Adam, learning rate 0.003, no mirror"
