"""Two ranks train as one does that cuts each batch in two; and what they must agree on."""

import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from rank_cases import BATCH, DATASET, DROPS, EQUAL, config_of, followed, setup_of

from cifar_core.config import TrainConfig
from cifar_core.config.presets import PRESETS
from cifar_core.data.augmentation.augment import Augment
from cifar_core.data.batches import Batches
from cifar_core.data.test_views import TEST_VIEWS
from cifar_core.errors import ConfigError, DataError
from cifar_core.models import MODELS
from cifar_core.runs.prepare import epoch_time, step_plans
from cifar_core.training.averaging import statistics
from cifar_core.training.ranks.exchange import drops_at_random, seed_of
from cifar_core.training.ranks.ranks import ALONE, Ranks
from cifar_core.training.setup import prepare
from cifar_core.training.step.step_plan import ONE_DEVICE, by_rule, images_at_once, may_compile
from cifar_core.training.task.task import task_of

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 300.0  # seconds; 20 on two free cores
MOVED = ("running_mean", "running_var", "num_batches_tracked")  # once a step, not once a piece


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Return what two ranks, connected by gloo over loopback, make of the cases."""
    folder = tmp_path_factory.mktemp("ranks")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = {
        "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port),
        "GLOO_SOCKET_IFNAME": "lo", "CIFAR_REPORTS": "", "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    command = [sys.executable, Path(__file__).with_name("rank_cases.py"), folder]
    processes = [
        subprocess.Popen(command, env={**os.environ, **common, "RANK": str(rank)}, cwd=ROOT)
        for rank in range(2)
    ]
    try:
        assert [process.wait(LONGEST) for process in processes] == [0, 0]
    finally:
        for process in processes:
            process.kill()
    return [torch.load(folder / f"rank-{rank}.pt", weights_only=False) for rank in range(2)]


def same(found, wanted, *, but=()):
    """Tell whether two states are equal bit for bit, in all but some tensors."""
    names = {name for name in wanted if not name.endswith(but)}
    assert names <= found.keys()
    return all(torch.equal(found[name], wanted[name]) for name in names)


def dropped_by_rank(trainer):
    """Let what one rank drops in the pieces of a batch be what the ranks drop."""
    pieces = {}

    def forward(images):
        piece = pieces[trainer.step] = pieces.get(trainer.step, -1) + 1
        torch.manual_seed(seed_of(trainer.config.seed, trainer.step, piece))
        return trainer.learner(images)

    trainer.forward = forward
    return trainer


# the same steps as one rank


@pytest.mark.parametrize("name", EQUAL)
def test_two_ranks_train_as_one_that_cuts_each_batch_in_two(pair, name):
    alone = followed(setup_of(ALONE, EQUAL[name]).trainer)
    for rank in pair:
        found = rank[name]
        assert found["step"] == alone["step"] > 0
        assert same(found["state"], alone["state"], but=MOVED)
        assert same(found["result"], alone["result"], but=MOVED)


def test_what_is_dropped_depends_on_seed_step_and_rank_alone(pair):
    alone = followed(dropped_by_rank(setup_of(ALONE, DROPS).trainer))
    for rank in pair:
        assert same(rank["dropout"]["state"], alone["state"], but=MOVED)
    seeds = [seed_of(*numbers) for numbers in np.ndindex(4, 50, 8)]
    assert len({seed & 0xFFFFFFFF for seed in seeds}) == len(seeds)
    assert 0 <= min(seeds) < max(seeds) < 2**63


def test_kept_answers_of_a_teacher_are_shared_like_the_images(pair):
    alone = followed(setup_of(ALONE, {"distill_share": 0.7}).trainer)
    for rank in pair:
        for name, weight in alone["state"].items():
            if not name.endswith(MOVED):
                torch.testing.assert_close(rank["kept answers"]["state"][name], weight)


def test_only_the_last_of_a_ranks_pieces_exchanges_gradients(pair):
    alone = followed(setup_of(ALONE, {"micro_batch": 6}).trainer)
    for name, weight in alone["state"].items():
        if not name.endswith(MOVED):
            torch.testing.assert_close(pair[0]["pieces"]["state"][name], weight)


def test_running_statistics_are_the_mean_over_the_ranks_of_one_update_each(pair):
    name = "batch norm"
    trainer = setup_of(ALONE, {**EQUAL[name], "epochs": 1}).trainer
    batch = next(trainer.train_batches.epoch(0))
    before = {key: value.clone() for key, value in trainer.model.state_dict().items()}
    updated = []
    for half in batch[0].split(BATCH // 2):
        trainer.model.load_state_dict(before)
        trainer.model.train()(half)
        updated.append([tensor.clone() for tensor in statistics(trainer.model, set())])
    means = [(one + other) / 2 for one, other in zip(*updated, strict=True)]
    assert len(means) > 2
    for found, mean in zip(pair[0]["first statistics"], means, strict=True):
        torch.testing.assert_close(found, mean)


# what all ranks see alike


def test_all_ranks_have_the_same_weights_statistics_rows_and_logits(pair):
    one, other = pair
    trained = [name for name, found in one.items() if isinstance(found, dict) and "rows" in found]
    assert len(trained) > len(EQUAL)
    for name in trained:
        assert one[name]["rows"] == other[name]["rows"]
        assert one[name]["ticks"] == other[name]["ticks"]
        if name == "diverging":  # perhaps in the first step already, whose report is never made
            continue
        assert one[name]["rows"]
        assert one[name]["ticks"]
        assert same(one[name]["state"], other[name]["state"])
        assert same(one[name]["result"], other[name]["result"])
        assert torch.equal(one[name]["logits"], other[name]["logits"])
        assert np.array_equal(one[name]["seen"], other[name]["seen"])


def test_rows_count_the_images_of_all_ranks(pair):
    alone = followed(setup_of(ALONE, EQUAL["attention"]).trainer)  # without batch norm
    *_, (train_loss, val_loss, val_accuracy, best) = pair[0]["attention"]["rows"]
    *_, wanted = alone["rows"]
    assert (train_loss, val_loss) == pytest.approx(wanted[:2], rel=1e-5)
    assert (val_accuracy, best) == wanted[2:]


def test_all_ranks_stop_at_the_same_number_that_is_not_finite(pair):
    one, other = (rank["diverging"] for rank in pair)
    assert "became" in one["failure"]
    assert (one["failure"], one["step"]) == (other["failure"], other["step"])


def test_all_ranks_stop_early_after_the_same_epoch(pair):
    one, other = (rank["early"] for rank in pair)
    assert one["end"] == other["end"] == "early_stopping"
    assert one["step"] == other["step"] < 9 * 3


def test_a_snapshot_of_the_first_rank_continues_all_of_them_exactly(pair):
    for rank in pair:
        assert same(rank["resumed"]["state"], rank["dropout"]["state"])
        assert same(rank["resumed"]["result"], rank["dropout"]["result"])
        assert rank["resumed"]["rows"][-1] == rank["dropout"]["rows"][-1]


@pytest.mark.parametrize("views", TEST_VIEWS)
def test_ranks_classify_a_set_together_as_one_does_alone(pair, views):
    for rank in pair:
        score, logits, ticks = rank["classified"][views, "together"]
        wanted, expected, as_many = rank["classified"][views, "alone"]
        assert ticks == as_many
        assert logits.shape == expected.shape == (len(DATASET.test), 4)
        torch.testing.assert_close(logits, expected)
        assert [value for value in score if not isinstance(value, float)] == [
            value for value in wanted if not isinstance(value, float)
        ]
        assert [value for value in score if isinstance(value, float)] == pytest.approx(
            [value for value in wanted if isinstance(value, float)], rel=1e-5
        )
    assert torch.equal(*(rank["classified"][views, "together"][1] for rank in pair))


def test_the_highest_wish_of_any_rank_counts(pair):
    assert [rank["agreed"] for rank in pair] == [[1, 1, 0]] * 2


# without other processes


@pytest.mark.parametrize("world", [1, 2, 3, 4])
@pytest.mark.parametrize("start", [0, 2])
def test_the_shares_of_all_ranks_are_the_batch(world, start):
    augment = Augment(crop_padding=4, flip=True, cutout=8)
    settings = {"batch_size": 12, "augment": augment, "seed": 3, "shuffle": True}

    def read(share=None):
        chosen = {"share": share} if share else {}
        part = np.arange(41)
        batches = Batches(*pixels_and_labels(), part=part, **settings, **chosen)
        return [(images.clone(), labels) for images, labels in batches.epoch(1, start)]

    shares = [read(Ranks(rank, world).share) for rank in range(world)]
    for (images, labels), *parts in zip(read(), *shares, strict=True):
        assert torch.equal(torch.cat([part[0] for part in parts]), images)
        assert torch.equal(torch.cat([part[1] for part in parts]), labels)


def pixels_and_labels():
    return DATASET.train.pixels, DATASET.train.labels


def test_a_part_is_mixed_with_the_image_before_it_which_is_another_ranks():
    settings = {"batch_size": 12, "seed": 3, "shuffle": True}
    config = TrainConfig(mixup=0.8, cutmix=1.0, seed=3, batch_size=12)
    plan, truth = by_rule(config, "cpu"), DATASET.train.labels
    alone = Batches(*pixels_and_labels(), **settings)
    whole = task_of(config, truth, 4, "cpu", plan)
    for rank in range(3):
        share = Ranks(rank, 3).share
        own = Batches(*pixels_and_labels(), **settings, share=share, before=1)
        part = task_of(config, truth, 4, "cpu", plan, before=1)
        read = zip(own.epoch(), alone.epoch(), strict=True)
        for number, (mine, all_of_it) in enumerate(read):
            found = part.batch(*mine, epoch=0, number=number)
            wanted = whole.batch(*all_of_it, epoch=0, number=number)
            here = share(slice(0, 12))
            assert torch.equal(found.images, wanted.images[here])
            assert torch.equal(found.labels, wanted.labels[here])
            assert torch.equal(found.others, wanted.others[here])
            assert found.share == wanted.share


def test_only_networks_that_drop_at_random_are_seeded_in_each_step():
    def built(**settings):
        return TrainConfig(**settings).build_model(4)

    assert not drops_at_random(built(model="simple_cnn"))
    assert not drops_at_random(built(model="simple_cnn_dropout", dropout=0.0))
    assert drops_at_random(built(model="simple_cnn_dropout", dropout=0.1))
    assert drops_at_random(MODELS["efficientnet_b0"].build(4))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"devices": 3, "batch_size": 128}, "batch size that can, such as 129"),
        ({"devices": 4, "batch_size": 6}, "batch size of at least 8, or 3 devices"),
        ({**PRESETS["lab_cnn"].values, "devices": 5}, "cannot be divided evenly"),
        ({"devices": 2, "model": "resnet18_imagenet", "plan": "head", "cached_views": 3},
         "Choose 1, or set cached_views to 0"),
    ],
)  # fmt: skip
def test_settings_that_several_devices_cannot_share_are_refused(settings, says):
    with pytest.raises(ConfigError, match=says) as raised:
        TrainConfig(**settings)
    assert set(raised.value.problems) == {"devices"}


def test_one_device_can_have_every_batch():
    assert TrainConfig(batch_size=3).devices == 1
    assert TrainConfig(batch_size=4, devices=2).devices == 2
    settings = {"model": "resnet18_imagenet", "plan": "head", "cached_views": 0}
    assert TrainConfig(**settings, devices=2).devices == 2


def test_as_many_ranks_train_as_the_run_has_devices():
    config = replace(config_of(2, {}))
    with pytest.raises(ConfigError, match="devices is 2, but 4 processes"):
        prepare(config, DATASET, "cpu", ranks=Ranks(0, 4))


def test_every_rank_needs_an_image_of_each_set():
    few = replace(DATASET, test=replace(DATASET.test, pixels=DATASET.test.pixels[:1],
                                        labels=DATASET.test.labels[:1]))  # fmt: skip
    with pytest.raises(DataError, match="1 test image, but each of its 2"):
        prepare(config_of(2, {}), few, "cpu", ranks=Ranks(0, 2))


def test_several_devices_compile_nothing_and_a_trial_takes_one_ranks_part():
    config = TrainConfig(startup="fast_run", devices=2, batch_size=64)
    assert not may_compile(config, "cuda:0")
    assert may_compile(replace(config, devices=1), "cuda:0")
    assert images_at_once(config, "cuda:0") == 32
    plan = replace(by_rule(config, "cpu"), compiled=True, compiled_evaluation=True)
    assert plan.shared(1) is plan
    shared = plan.shared(2)
    assert not shared.compiled
    assert not shared.compiled_evaluation
    assert shared.sentence.endswith(ONE_DEVICE)


def test_the_time_of_an_epoch_is_measured_with_the_part_of_one_device(tmp_path, monkeypatch):
    seen = []

    def noted(config, *_, **__):
        seen.append((config.batch_size, config.devices))
        raise InterruptedError

    monkeypatch.setattr("cifar_core.training.setup.prepare", noted)
    config = config_of(2, {"data": "synthetic:200", "device": "cpu", "startup": "fast_start"})
    with pytest.raises(InterruptedError):
        epoch_time.trial(config, tmp_path)
    assert seen == [(BATCH // 2, 1)]


def test_trials_of_one_device_stay_valid_and_others_are_told_apart():
    config = TrainConfig(batch_size=64)
    alone = step_plans.identity_of(config, "cpu", 1)
    assert "devices" not in alone
    both = step_plans.identity_of(replace(config, devices=2), "cpu", 1)
    assert both == {**alone, "devices": 2}
