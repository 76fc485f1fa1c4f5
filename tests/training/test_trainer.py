import dataclasses
import math
from functools import cache
from itertools import islice

import numpy as np
import pytest
import torch
from safetensors.torch import load, save
from torch import nn

from cifar_core.config import TrainConfig
from cifar_core.config.presets import PRESETS
from cifar_core.data.augmentation.augment import Augment
from cifar_core.data.batches import Batches
from cifar_core.disk import files
from cifar_core.errors import ConfigError, TrainingDivergedError
from cifar_core.models import MODELS
from cifar_core.optim import OPTIMIZERS
from cifar_core.reading.ends import EARLY_STOPPING, GOAL
from cifar_core.schedules import SCHEDULES
from cifar_core.training.evaluate import evaluate, evaluate_test
from cifar_core.training.events import EpochEvent, StepEvent, TestEvent, Tick
from cifar_core.training.phases import (
    BACKWARD,
    DATA,
    FORWARD,
    LOGGING,
    OPTIMIZER,
    PHASES,
    phase,
)
from cifar_core.training.snapshot import Snapshot
from cifar_core.training.step.precision import choose_precision
from cifar_core.training.trainer import Trainer

NUM_CLASSES = 4


def pictures(seed, count):
    """Images whose class is visible in their mean brightness."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, NUM_CLASSES, count)
    noise = random.integers(0, 40, (count, 32, 32, 3))
    return (noise + 50 * labels[:, None, None, None]).astype(np.uint8), labels


def trainer(*, images=88, held_out=40, **settings):
    config = TrainConfig(**{"batch_size": 16, "epochs": 2, "precision": "float32", **settings})
    train = Batches(
        *pictures(0, images),
        batch_size=config.batch_size,
        augment=Augment.from_settings(config.to_dict()),
        seed=config.seed,
        shuffle=True,
        drop_last=True,
    )
    val = Batches(*pictures(1, held_out), batch_size=25)
    return Trainer(config, train=train, val=val, num_classes=NUM_CLASSES, device="cpu")


@pytest.fixture
def no_norms(monkeypatch):
    """The smallest network without batch norm, which would see one piece at a time."""

    def build(num_classes, side):
        return nn.Sequential(
            nn.Conv2d(3, 16, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(3600, num_classes)
        )

    spec = dataclasses.replace(MODELS["simple_cnn"], build=build)
    monkeypatch.setitem(MODELS._specs, "simple_cnn", spec)


def events(it, kind):
    return [event for event in it.run() if isinstance(event, kind)]


def weights(it):
    return torch.cat([tensor.double().flatten() for tensor in it.model.state_dict().values()])


def score(it):
    """The validation loss and accuracy of the trainer's own network."""
    ticks = evaluate(it.model, it.val_batches, it.precision, phase="validate")
    while True:
        try:
            next(ticks)
        except StopIteration as end:
            return end.value.loss, end.value.accuracy


def values(event):
    """What an event says, but for the clock."""
    timed = {"seconds", "cpu_seconds", "images_per_second"}
    return {k: v for k, v in dataclasses.asdict(event).items() if k not in timed}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_learns_to_tell_bright_from_dark(optimizer):
    rate = OPTIMIZERS[optimizer].usual_rate / 3
    epochs = events(trainer(optimizer=optimizer, epochs=6, learning_rate=rate), EpochEvent)
    assert [event.epoch for event in epochs] == [1, 2, 3, 4, 5, 6]
    assert epochs[-1].train_loss < 0.7 * epochs[0].train_loss
    assert max(event.val_accuracy for event in epochs) > 0.6


def test_an_epoch_reports_its_steps_its_ticks_and_its_end():
    seen = list(trainer(epochs=1).run())
    assert [e.step for e in seen if isinstance(e, StepEvent)] == [1, 2, 3, 4, 5]
    ticks = [(e.phase, e.done, e.total) for e in seen if isinstance(e, Tick)]
    assert ticks == [("train", n, 5) for n in range(1, 6)] + [("validate", n, 2) for n in (1, 2)]
    assert isinstance(seen[-1], EpochEvent)


def returned(generator):
    """Run a generator to its end, and return what it returns."""
    while True:
        try:
            next(generator)
        except StopIteration as end:
            return end.value


class AlwaysFirst(nn.Module):
    """A network that names the first class, whatever it sees."""

    def forward(self, images):
        return torch.tensor([[2.0, 0.0, 0.0]]).repeat(len(images), 1)


def test_an_evaluation_gives_each_class_the_same_weight_besides():
    pixels, labels = pictures(0, 60)[0], np.array([0] * 54 + [1] * 6)
    batches = Batches(pixels, labels, batch_size=25)
    score = returned(evaluate(AlwaysFirst(), batches, choose_precision("float32", "cpu"), "val"))
    assert score.accuracy == pytest.approx(0.9)
    assert score.balanced_accuracy == pytest.approx(0.5)
    assert score.macro_f1 == pytest.approx(2 * 54 / 114 / 3)


def test_the_epochs_loss_is_the_mean_over_its_steps():
    seen = list(trainer(epochs=1).run())
    steps = [e.loss for e in seen if isinstance(e, StepEvent)]
    assert seen[-1].train_loss == pytest.approx(sum(steps) / len(steps))


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_reported_rate_is_the_schedule_at_the_middle_of_the_step(schedule):
    it = trainer(epochs=3, schedule=schedule, step_epochs=1)
    rates = [event.learning_rate for event in events(it, StepEvent)]
    factor = SCHEDULES[schedule].factor
    assert rates == [it.config.learning_rate * factor((i + 0.5) / 15, it.config) for i in range(15)]


def test_the_same_seed_gives_the_same_run_and_another_seed_another():
    first, second, other = trainer(), trainer(), trainer(seed=1)
    said = [values(e) for e in events(first, StepEvent | EpochEvent)]
    assert said == [values(e) for e in events(second, StepEvent | EpochEvent)]
    assert torch.equal(weights(first), weights(second))
    assert said != [values(e) for e in events(other, StepEvent | EpochEvent)]


@cache
def uninterrupted(make=trainer, **settings):
    """What a whole run says, and the weights it ends with."""
    it = make(**settings)
    return [values(e) for e in events(it, StepEvent | EpochEvent)], weights(it)


def through_files(snapshot):
    """What is left of a snapshot in the formats of a checkpoint's files, as when it is resumed."""
    model, state = (load(save(tensors)) for tensors in (snapshot.model, snapshot.state))
    meta = files.unchecked(files.as_text({"meta": snapshot.meta}))["meta"]
    return Snapshot(model=model, state=state, meta=meta)


def resumed(stop_after, make=trainer, **settings):
    """The same of a run that was cut after so many events and restored."""
    first, items = make(**settings), []
    for item in first.run():
        items.append(item)
        if len(items) == stop_after:
            break
    snapshot, second = through_files(first.snapshot()), make(**settings)
    second.restore(snapshot)
    later = events(second, StepEvent | EpochEvent)
    said = [e for e in items if not isinstance(e, Tick)] + later
    return [values(e) for e in said], weights(second)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("stop_after", [3, 6, 9, 13])  # mid-epoch, in validation, at both ends
def test_a_trainer_restored_from_a_snapshot_ends_bit_for_bit_where_the_other_does(
    optimizer, stop_after
):
    settings = {"optimizer": optimizer, "model": "simple_cnn_dropout", "learning_rate": 0.01}
    said, ends = uninterrupted(**settings)
    said_later, ends_later = resumed(stop_after, **settings)
    assert said_later == said
    assert torch.equal(ends_later, ends)


@pytest.mark.parametrize(
    "settings",
    [
        {"schedule": "plateau", "plateau_epochs": 1, "step_factor": 0.5, "learning_rate": 1e-6},
        {"schedule": "triangular2", "cycle_epochs": 3.0, "cycle_momentum": True},
        {"schedule": "one_cycle", "cycle_momentum": True, "optimizer": "adamw"},
    ],
    ids=lambda settings: settings["schedule"],
)
@pytest.mark.parametrize("stop_after", [9, 26, 30, 44])  # eight events an epoch
def test_a_schedule_with_a_memory_or_a_momentum_goes_on_exactly(settings, stop_after):
    settings = {"epochs": 6, **settings}
    said, ends = uninterrupted(**settings)
    said_later, ends_later = resumed(stop_after, **settings)
    assert said_later == said
    assert torch.equal(ends_later, ends)


@pytest.mark.parametrize("stop_after", [3, 9])  # while the whitening's biases learn, and after
def test_the_recipe_of_the_record_goes_on_exactly(stop_after):
    settings = {**PRESETS["record_94"].values, "model": "speed_net_strided", "batch_size": 16}
    settings |= {"epochs": 2, "whitening_epochs": 1}
    said, ends = uninterrupted(**settings)
    said_later, ends_later = resumed(stop_after, **settings)
    assert said_later == said
    assert torch.equal(ends_later, ends)


def test_on_a_plateau_the_rate_falls_by_the_factor_after_the_epochs_it_waits():
    it = trainer(
        epochs=7, schedule="plateau", plateau_epochs=1, step_factor=0.5, learning_rate=1e-6
    )
    it.progress.plateau.lowest = 0.0  # which no epoch gets below
    rates = [event.learning_rate for event in events(it, StepEvent)]
    assert rates[::5] == [1e-6 * share for share in (1, 1, 0.5, 0.5, 0.25, 0.25, 0.125)]


@pytest.mark.parametrize("optimizer", [k for k, o in OPTIMIZERS.items() if o.momentum_setting])
def test_a_cycled_momentum_reaches_every_optimizer_that_has_one(optimizer):
    it = trainer(
        epochs=2, schedule="triangular", cycle_epochs=2.0, cycle_momentum=True,
        optimizer=optimizer, learning_rate=1e-3, nesterov=False,
    )  # fmt: skip
    found = []
    for event in it.run():
        if isinstance(event, StepEvent):
            group = it.optimizer.param_groups[0]
            found.append(group["betas"][0] if "betas" in group else group["momentum"])
    heights = [1 - abs((i + 0.5) / 5 - 1) for i in range(10)]
    assert found == pytest.approx([0.9 - 0.05 * height for height in heights])


def test_a_snapshot_from_before_there_were_plateaus_is_restored():
    first = trainer()
    next(first.run())
    snapshot = first.snapshot()
    del snapshot.meta["progress"]["plateau"]
    second = trainer()
    second.restore(snapshot)
    assert second.progress == first.progress


@pytest.mark.parametrize("stop_after", [3, 6, 9])
def test_a_trainer_with_averaged_weights_is_restored_bit_for_bit_too(stop_after):
    settings = {"ema_epochs": 0.3, "learning_rate": 0.01}
    whole, first, second = trainer(**settings), trainer(**settings), trainer(**settings)
    said = events(whole, StepEvent | EpochEvent)
    before = list(islice(first.run(), stop_after))
    second.restore(first.snapshot())
    later = events(second, StepEvent | EpochEvent)
    resumed = [e for e in before if not isinstance(e, Tick)] + later
    assert [values(e) for e in resumed] == [values(e) for e in said]
    assert torch.equal(weights(whole), weights(second))
    assert not torch.equal(weights(whole), torch.cat([
        tensor.double().flatten() for tensor in whole.snapshot().model.values()]))  # fmt: skip


def test_averaged_weights_are_the_average_of_the_weights_after_each_step():
    it, name = trainer(ema_epochs=1.0, learning_rate=0.01), "block1.0.weight"
    decay, mean, steps = 0.5 ** (1 / 5), torch.zeros(()), 0
    for event in it.run():
        if isinstance(event, StepEvent):
            steps += 1
            kept = min(decay, (steps - 1) / (steps + 9))
            mean = kept * mean + (1 - kept) * it.model.state_dict()[name]
    assert steps == 10
    assert torch.allclose(it.snapshot().model[name], mean, atol=1e-6)


def test_the_saved_network_is_the_one_that_was_validated():
    it, other = trainer(ema_epochs=0.5), trainer()
    epoch = events(it, EpochEvent)[-1]
    other.model.load_state_dict(it.snapshot().model)
    assert score(other) == (epoch.val_loss, epoch.val_accuracy)
    assert score(it) != score(other)  # the latest weights are others


def test_averaging_changes_nothing_of_the_training():
    plain, averaged = trainer(), trainer(ema_epochs=1.0)
    said = [values(event) for event in events(plain, StepEvent)]
    assert [values(event) for event in events(averaged, StepEvent)] == said
    assert torch.equal(weights(plain), weights(averaged))


def test_a_snapshot_is_a_copy_that_further_training_does_not_change():
    it = trainer()
    running = it.run()
    next(running)
    snapshot = it.snapshot()
    before = {name: tensor.clone() for name, tensor in (snapshot.model | snapshot.state).items()}
    list(running)
    assert all(
        torch.equal(t, before[name]) for name, t in (snapshot.model | snapshot.state).items()
    )


def test_every_tensor_of_a_snapshot_can_be_written_to_a_file():
    it = trainer(optimizer="adam")
    next(it.run())
    snapshot = it.snapshot()
    assert all(t.is_contiguous() and t.device.type == "cpu" for t in snapshot.model.values())
    assert all(t.is_contiguous() and t.device.type == "cpu" for t in snapshot.state.values())


def test_the_gradient_is_clipped_to_the_length_asked_for():
    free, clipped = (
        trainer(epochs=1),
        trainer(epochs=1, clip_norm=1e-3, momentum=0.0, nesterov=False),
    )
    start = torch.cat([p.detach().flatten() for p in clipped.model.parameters()])
    event = events(clipped, StepEvent)[0]
    assert event.grad_norm > 1e-3  # reported before clipping
    moved = torch.cat([p.detach().flatten() for p in clipped.model.parameters()]) - start
    rates = [clipped.config.learning_rate] * 5
    assert moved.norm() <= 1.05 * 1e-3 * sum(rates) + 5e-4 * sum(rates) * start.norm()
    list(free.run())
    unbounded = torch.cat([p.detach().flatten() for p in free.model.parameters()]) - start
    assert unbounded.norm() > 10 * moved.norm()


@pytest.mark.parametrize("settings", [{}, {"label_smoothing": 0.2}, {"precision": "bfloat16"}])
@pytest.mark.parametrize("micro_batch", [1, 5, 6, 15])  # 16 images: even pieces and uneven ones
def test_a_batch_in_pieces_has_the_gradient_of_the_whole(micro_batch, settings, no_norms):
    whole, pieces = trainer(**settings), trainer(micro_batch=micro_batch, **settings)
    for it in (whole, pieces):
        it.optimizer.step = lambda: None  # look at the gradient of the first step alone
        (it.first, *_) = it.run()
    exact = 0.04 if settings.get("precision") else 1e-5  # of the largest, for rounding
    for one, other in zip(whole.trained, pieces.trained, strict=True):
        assert torch.allclose(one.grad, other.grad, atol=exact * one.grad.abs().max())
    assert pieces.first.loss == pytest.approx(whole.first.loss, rel=exact)
    assert pieces.first.grad_norm == pytest.approx(whole.first.grad_norm, rel=exact)


@pytest.mark.parametrize(("micro_batch", "sizes"), [(0, [16]), (16, [16]), (9, [8, 8]),
                                                    (6, [4] * 4)])  # fmt: skip
def test_no_more_images_pass_at_once_than_asked_for(micro_batch, sizes):
    it, seen = trainer(micro_batch=micro_batch), []
    it.model.register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
    next(it.run())
    assert seen == sizes


def test_pieces_with_a_scaled_loss_add_up_too(no_norms):
    whole, pieces = trainer(), trainer(micro_batch=6)
    for it in (whole, pieces):
        it.scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
        next(it.run())
    assert torch.allclose(weights(whole), weights(pieces), atol=1e-6)
    assert not torch.equal(weights(whole), weights(trainer()))


def test_a_run_that_began_without_a_scaled_loss_can_continue_with_one(no_norms):
    began, continued = trainer(), trainer()
    next(began.run())
    continued.scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)  # as on another device
    continued.restore(began.snapshot())
    assert continued.scaler.get_scale() == 1024.0
    list(began.run())
    list(continued.run())
    assert torch.allclose(weights(began), weights(continued), atol=1e-5)


@pytest.mark.parametrize("clip_norm", [0.0, 1000.0])
def test_the_gradients_length_is_reported_whether_it_is_clipped_or_not(clip_norm):
    it = trainer(epochs=1, clip_norm=clip_norm)
    event = next(e for e in it.run() if isinstance(e, StepEvent))
    lengths = [w.grad.double().norm() for w in it.trained]
    assert event.grad_norm == pytest.approx(float(torch.stack(lengths).norm()), rel=1e-5)


def test_label_smoothing_raises_the_training_loss_and_not_the_validation_loss():
    plain = events(trainer(epochs=8, learning_rate=0.03), EpochEvent)[-1]
    smooth = events(trainer(epochs=8, learning_rate=0.03, label_smoothing=0.4), EpochEvent)[-1]
    floor = -(0.7 * math.log(0.7) + 3 * 0.1 * math.log(0.1))  # entropy of the smoothed target
    assert smooth.train_loss >= floor > plain.train_loss


def test_early_stopping_ends_after_so_many_epochs_without_improvement():
    it = trainer(epochs=50, patience=3, learning_rate=1e-6)
    epochs = events(it, EpochEvent)
    assert it.stop_reason == EARLY_STOPPING
    best = max(range(len(epochs)), key=lambda i: epochs[i].val_accuracy)
    assert len(epochs) == best + 1 + 3


@pytest.mark.parametrize(("best_by", "goal"), [("accuracy", 0.6), ("loss", 1.2)])
def test_a_goal_ends_with_the_first_epoch_that_reaches_it(best_by, goal):
    it = trainer(epochs=50, learning_rate=0.03, best_by=best_by, goal=goal)
    *before, last = [getattr(event, f"val_{best_by}") for event in events(it, EpochEvent)]
    worth = it.measure.worth
    assert it.stop_reason == GOAL
    assert worth(last) >= worth(goal) > max(map(worth, before), default=-math.inf)


def test_a_goal_of_more_than_everything_right_is_refused():
    with pytest.raises(ConfigError, match=r"Write 90 % as 0\.9"):
        TrainConfig(goal=90)


def test_a_gain_below_the_smallest_improvement_is_the_best_yet_but_no_reason_to_go_on():
    it = trainer(epochs=50, patience=2, min_delta=0.5)
    epochs = events(it, EpochEvent)
    assert len(epochs) < 50
    best = [event for event in epochs if event.best][-1]
    assert best.val_accuracy == max(event.val_accuracy for event in epochs)


def test_the_best_epoch_is_marked_once_for_each_record():
    epochs = events(trainer(epochs=5), EpochEvent)
    records = [max(e.val_accuracy for e in epochs[: i + 1]) for i in range(5)]
    marks = [i == 0 or records[i] > records[i - 1] for i in range(5)]
    assert [event.best for event in epochs] == marks


def test_a_loss_that_is_no_number_stops_the_run_with_advice():
    it = trainer()
    with torch.no_grad():
        it.model.head.weight.fill_(float("nan"))
    with pytest.raises(TrainingDivergedError, match=r"loss became nan.*peak rate of 0.01"):
        list(it.run())


def test_a_gradient_that_is_no_number_stops_the_run_before_it_is_saved():
    it = trainer()
    it.model.head.weight.register_hook(lambda gradient: gradient * math.nan)
    with pytest.raises(TrainingDivergedError, match="gradient became nan"):
        list(it.run())


def test_evaluation_leaves_the_mode_the_weights_and_the_statistics_alone():
    it = trainer()
    before = weights(it).clone()
    for training in (True, False):
        it.model.train(training)
        list(evaluate(it.model, it.val_batches, it.precision, phase="validate"))
        assert it.model.training is training
    assert torch.equal(weights(it), before)


def test_evaluation_does_not_depend_on_the_batch_size():
    it = trainer(epochs=1)
    list(it.run())
    results = []
    for size in (1, 7, 40):
        batches = Batches(*pictures(1, 40), batch_size=size)
        results.append(list(evaluate_test(it.model, batches, it.precision, step=5, epoch=1))[-1])
    assert {result.test_accuracy for result in results} == {results[0].test_accuracy}
    assert [r.test_loss for r in results] == pytest.approx([results[0].test_loss] * 3, rel=1e-5)
    assert isinstance(results[0], TestEvent)
    assert results[0].images == 40


def test_bfloat16_trains_and_keeps_its_weights_in_float32():
    it = trainer(precision="bfloat16", epochs=3, learning_rate=0.03)
    epochs = events(it, EpochEvent)
    assert epochs[-1].train_loss < epochs[0].train_loss
    assert {p.dtype for p in it.model.parameters()} == {torch.float32}


def test_float16_on_a_cpu_is_refused_with_what_to_choose():
    with pytest.raises(ConfigError, match="does not benefit from it"):
        choose_precision("float16", "cpu")


def test_every_automatic_choice_gives_its_reason():
    precision = choose_precision("auto", "cpu")
    assert precision.key in ("float32", "bfloat16")
    assert precision.reason.endswith(".")


def test_a_profiler_sees_the_phases_of_every_step():
    it = trainer(epochs=1)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as seen:
        steps = len(events(it, StepEvent))
    counts = {found.key: found.count for found in seen.key_averages() if found.key in PHASES}
    assert counts[FORWARD] == counts[BACKWARD] == counts[OPTIMIZER] == steps == 5
    assert counts[DATA] == 2 * steps + 1  # fetched, mixed; once more as the epoch is over
    assert counts[LOGGING] == 4 * steps  # counted, added, sent and read: here after every step


def test_without_a_profiler_no_phase_is_labeled():
    assert phase(FORWARD) is phase(BACKWARD)
