"""What an epoch costs: the typical speed, the measured one, and what fits a machine."""

import pytest

from cifar_core.proposals import cost
from cifar_core.proposals.cost import Cost, Measured, estimated, fits, speed, teaching
from cifar_core.proposals.networks import network_facts

SIMPLE = network_facts()["simple_cnn"]


def test_before_any_run_the_speed_is_a_typical_one(monkeypatch):
    monkeypatch.setattr(cost, "cpu_count", lambda: 5)
    assert speed([], gpu=False) == 4 * cost.CORE
    assert speed([], gpu=True) == cost.GPU


def test_runs_of_this_machine_decide_by_their_median():
    runs = [Measured(network="simple_cnn", images=1000, seconds=s) for s in (1, 2, 50)]
    assert speed(runs, gpu=False) == 1000 * 3 * SIMPLE.multiply_adds / 2


def test_the_size_of_the_images_of_a_run_counts():
    runs = [Measured(network="simple_cnn", images=1000, seconds=1, side=96)]
    assert speed(runs, gpu=False) == 1000 * 3 * SIMPLE.multiply_adds_at(96)
    assert SIMPLE.multiply_adds_at(96) > 3 * SIMPLE.multiply_adds_at(32)
    frozen = network_facts()["mobilenet_v2_imagenet"]
    runs = [Measured(network=frozen.key, images=1000, seconds=1, resolution=64)]
    assert speed(runs, gpu=False) == 1000 * 3 * frozen.multiply_adds / 4


@pytest.mark.parametrize(
    "strange",
    [
        Measured(network="of another version", images=10, seconds=1),
        Measured(network="resnet9", images=10, seconds=0),
        Measured(network="resnet9", images=0, seconds=1),
    ],
)
def test_a_run_that_says_nothing_about_speed_is_left_out(strange):
    assert speed([strange], gpu=True) == cost.GPU


def test_an_estimate_repeats_the_run_that_it_comes_from():
    a_second = speed([Measured(network="simple_cnn", images=500, seconds=7)], gpu=False)
    assert estimated(SIMPLE, 500, a_second) == Cost(seconds=pytest.approx(7))


def test_the_features_of_a_frozen_network_are_computed_once():
    frozen = network_facts()["mobilenet_v2_imagenet"]
    assert estimated(frozen, 100, 1e9) == Cost(
        seconds=pytest.approx(100 * frozen.multiply_adds / 1e9), once=True
    )


def test_a_network_fits_by_time_and_by_the_memory_of_its_weights():
    large = network_facts()["vgg16_imagenet"]
    assert fits(SIMPLE, Cost(seconds=cost.LONGEST), 8000)
    assert not fits(SIMPLE, Cost(seconds=cost.LONGEST + 1), 8000)
    assert fits(large, Cost(seconds=1), 8000)
    assert not fits(large, Cost(seconds=1), 4000)


def test_teachers_cost_a_pass_of_each_image_each_time_that_they_are_asked():
    assert teaching([3, 5], images=100, passes=4) == 100 * 8 * 4
    assert teaching([], images=100, passes=4) == 0
