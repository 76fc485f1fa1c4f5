"""The table of rules: what is proposed for which images on which machine, and that it can train."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from cifar_core import data
from cifar_core.config import TrainConfig
from cifar_core.devices.device import Device, Inventory, Refused
from cifar_core.errors import DataError
from cifar_core.models import MODELS
from cifar_core.models.measure import card
from cifar_core.proposals import ImageFacts, MachineFacts, propose
from cifar_core.proposals.facts import facts_of, machine_facts
from cifar_core.proposals.mirroring import is_one_sided
from cifar_core.proposals.networks import network_facts
from cifar_core.proposals.rules import FEWEST, RULES
from cifar_core.weights import WEIGHTS

CLASSES = ("cat", "dog", "frog")
CPU, GPU = MachineFacts(), MachineFacts(gpu=True)
OFFLINE, GPU_OFFLINE = MachineFacts(fetchable=False), MachineFacts(gpu=True, fetchable=False)

NO_NUMBER = ("many_cpu", "scratch_cpu", "scratch_gpu")


def images(smallest, **facts):
    return ImageFacts(classes=CLASSES, per_class=(smallest + 7, smallest, 3 * smallest), **facts)


@pytest.mark.parametrize(
    ("smallest", "pixels", "machine", "network", "plan"),
    [
        (5, 32, CPU, "mobilenet_v2_imagenet", "head"),
        (19, 32, CPU, "mobilenet_v2_imagenet", "head"),
        (19, 32, GPU, "mobilenet_v2_imagenet", "head"),
        (20, 32, CPU, "mobilenet_v2_imagenet", "head"),
        (20, 32, GPU, "efficientnet_b0_imagenet", "gradual"),
        (499, 32, CPU, "mobilenet_v2_imagenet", "head"),
        (499, 32, GPU, "efficientnet_b0_imagenet", "gradual"),
        (500, 32, CPU, "mobilenet_v2_imagenet", "head"),
        (500, 32, GPU, "convnext_tiny_imagenet", "gradual"),
        (999, 32, CPU, "mobilenet_v2_imagenet", "head"),
        (1000, 32, CPU, "speed_net_strided", ""),
        (5000, 32, CPU, "speed_net_strided", ""),
        (5000, 32, GPU, "resnet18", ""),
        (5000, 224, CPU, "mobilenet_v2_imagenet", "head"),
        (5000, 224, GPU, "convnext_tiny_imagenet", "gradual"),
        (5, 32, OFFLINE, "speed_net_strided", ""),
        (400, 32, OFFLINE, "speed_net_strided", ""),
        (400, 32, GPU_OFFLINE, "resnet9", ""),
        (600, 224, GPU_OFFLINE, "resnet9", ""),
        (5000, 32, OFFLINE, "speed_net_strided", ""),
        (5000, 32, GPU_OFFLINE, "resnet18", ""),
    ],
)
def test_the_table_of_rules(smallest, pixels, machine, network, plan):
    proposal = propose(images(smallest, pixels=pixels), machine)
    assert proposal.network == proposal.settings["model"] == network
    assert proposal.settings.get("plan", "") == plan
    assert f"{smallest:,}" in proposal.reason or proposal.rule in NO_NUMBER
    assert network_facts()[network].title.removesuffix(", pretrained") in proposal.reason


@pytest.mark.parametrize("here", ["resnet18_imagenet", "mobilenet_v3_large_imagenet"])
def test_weights_that_are_here_are_used_when_none_can_be_fetched(here):
    machine = MachineFacts(fetchable=False, weights=frozenset({here}))
    assert propose(images(100), machine).network == here


GRID = list(
    product(
        (5, 6, 19, 20, 100, 499, 500, 999, 1000, 5000, 100_000),
        (32, 224),
        (CPU, GPU, OFFLINE, GPU_OFFLINE),
        (("cat", "dog"), ("3", "8"), tuple(f"class {i}" for i in range(100))),
    )
)


@pytest.mark.parametrize(("smallest", "pixels", "machine", "classes"), GRID)
def test_every_proposal_can_be_trained_and_says_why(smallest, pixels, machine, classes):
    facts = ImageFacts(classes=classes, per_class=(smallest,) * len(classes), pixels=pixels)
    proposal = propose(facts, machine)
    assert [one.key for one in proposal.durations] == ["quick", "good", "best"]
    views = []
    for one in proposal.durations:
        config = TrainConfig.from_dict(proposal.values(one.key))
        assert config.epochs == one.epochs
        trained = facts.total * (1 - config.val_fraction) * config.train_fraction
        assert trained >= config.batch_size
        same = config.plan == proposal.settings.get("plan", config.plan)
        views += [trained * config.epochs] if same else []  # an epoch of another plan costs more
    assert views == sorted(views)
    sentences = [proposal.reason, *proposal.reasons.values()]
    sentences += [one.reason for one in proposal.durations]
    assert all(words.endswith(".") and "{" not in words for words in sentences)


def test_every_rule_is_reached():
    rules = {
        propose(images(smallest, pixels=pixels), machine).rule
        for smallest, pixels, machine in product(
            (5, 100, 600, 5000), (32, 224), (CPU, GPU, OFFLINE, GPU_OFFLINE)
        )
    }
    assert rules == {rule.key for rule in RULES}


@pytest.mark.parametrize("smallest", range(FEWEST))
def test_a_class_with_too_few_images_is_refused_in_a_sentence(smallest):
    with pytest.raises(DataError, match=rf"'dog' has {smallest} training image.* at least 5"):
        propose(ImageFacts(classes=CLASSES, per_class=(9, smallest, 9)), CPU)


def test_a_single_class_is_refused():
    with pytest.raises(DataError, match="at least 2"):
        propose(ImageFacts(classes=("cat",), per_class=(100,)), CPU)


def test_few_images_come_with_a_caution():
    assert "'dog' has only 12 training images" in propose(images(12), CPU).caution
    assert propose(images(20), CPU).caution == ""


@pytest.mark.parametrize(
    ("name", "one_sided"),
    [
        ("3", True), ("10", True), ("seven", True), ("digit_3", True), ("Number 12", True),
        ("b", True), ("B", True), ("letter_b", True), ("upper Q", True), ("ß", True),
        ("turn left", True), ("LeftHand", True), ("arrow-right", True), ("clockwise", True),
        ("cat", False), ("bright", False), ("cleft", False), ("leftover", False),
        ("Boeing 747", False), ("F-16", False), ("type b", False), ("", False), ("_", False),
        ("letter", False), ("copyright", False),
    ],
)  # fmt: skip
def test_a_name_says_whether_its_images_may_be_mirrored(name, one_sided):
    assert is_one_sided(name) == one_sided


def test_images_of_digits_are_not_mirrored_and_the_proposal_says_why():
    facts = ImageFacts(classes=tuple("0123456789"), per_class=(6000,) * 10)
    proposal = propose(facts, CPU)
    assert proposal.values()["flip"] is False
    assert "'0', '1', '2' and 7 others" in proposal.reasons["mirror"]
    assert "mirror" not in propose(images(6000), CPU).reasons


def test_facts_about_networks_need_no_torch_and_are_those_of_the_registry():
    facts = network_facts()
    assert list(facts) == list(MODELS)
    for key, spec in MODELS.items():
        one = facts[key]
        assert (one.title, one.summary, one.family, one.weights) == (
            spec.title, spec.summary, spec.family, spec.weights
        )  # fmt: skip


@pytest.mark.parametrize(
    ("key", "side", "resolution"),
    [
        ("simple_cnn", 16, 0), ("simple_cnn", 48, 0), ("simple_cnn", 96, 0), ("resnet18", 224, 0),
        ("vig_nano", 160, 0), ("vig_ti", 32, 0), ("mobilenet_v2_imagenet", 32, 64),
        ("mobilenet_v2_imagenet", 32, 0), ("mobilenet_v2_imagenet", 192, 64),
    ],
)  # fmt: skip
def test_multiply_adds_at_a_size_are_about_those_of_the_network_itself(key, side, resolution):
    counted = card(MODELS[key], side=side, resolution=resolution).multiply_adds
    found = network_facts()[key].multiply_adds_at(side, resolution)
    assert found == pytest.approx(counted, rel=0.1)


def test_gray_images_keep_their_colors():
    proposal = propose(images(100, gray=True), CPU)
    assert proposal.values()["color_jitter"] == 0
    assert "gray" in proposal.reasons["color"]
    assert "color" not in propose(images(100), CPU).reasons


def test_the_facts_of_a_data_set_are_read_from_its_images(tmp_path):
    drawn = data.load("synthetic:100", tmp_path)
    facts = facts_of(drawn)
    assert facts.classes == drawn.classes
    assert sum(facts.per_class) == facts.total == len(drawn.train)
    assert (facts.pixels, facts.gray) == (32, False)
    flat = replace(drawn.train, pixels=np.repeat(drawn.train.pixels[..., :1], 3, axis=-1))
    assert facts_of(replace(drawn, train=flat)).gray


def test_the_facts_of_a_machine_count_only_a_gpu_that_can_be_used(tmp_path):
    cpu, card = Device(id="cpu", name="CPU"), Device(id="cuda:0", name="H200")
    assert not machine_facts(Inventory(devices=[cpu]), tmp_path).gpu
    refused = Refused(id="cuda:0", name="H200", reason="it is lost")
    assert not machine_facts(Inventory(devices=[cpu], refused=[refused]), tmp_path).gpu
    assert machine_facts(Inventory(devices=[card, cpu]), tmp_path).gpu
    assert machine_facts(Inventory(devices=[cpu]), tmp_path).weights <= set(WEIGHTS)


def test_for_very_uneven_classes_every_class_is_shown_equally_often():
    uneven = ImageFacts(classes=CLASSES, per_class=(3100, 1000, 2000))
    proposal = propose(uneven, CPU)
    assert proposal.settings["order"] == "balanced"
    assert proposal.settings["best_by"] == "balanced_accuracy"
    assert "'cat' has 51\xa0% of the images" in proposal.reasons["rare classes"]
    TrainConfig(**proposal.values("quick"))
    mild = propose(replace(uneven, per_class=(3000, 1000, 2000)), CPU)
    assert "order" not in mild.settings
    assert "rare classes" not in mild.reasons
