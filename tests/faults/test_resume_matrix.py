"""A run that is cut and resumed ends bit for bit like one that was not, whatever it is made of.

So does a run that trains another one on, at a constant rate.

Every two of the families, optimizers, schedules, averaging and number formats meet in some case:
a fault of resuming lies in one of them, or where two meet. Each case is also tried with a head
that reads kept features. `make faults` tries all of the cases.
"""

from itertools import combinations

import torch
from test_trainer import events, pictures, resumed, through_files, trainer, uninterrupted, values

from cifar_core.models import MODELS
from cifar_core.optim import OPTIMIZERS
from cifar_core.schedules import SCHEDULES
from cifar_core.training.events import EpochEvent, StepEvent
from cifar_core.training.features import FeatureBatches, width_of
from cifar_core.training.progress import trained_on
from cifar_core.training.snapshot import select

FAMILIES = (  # one small network of each file that defines networks of its own
    *("simple_cnn_dropout", "convmixer_256_8", "speed_net_strided", "resnet9", "wide_resnet16_4"),
    *("densenet121", "mobilenet_v2", "vit_small", "vig_nano"),
)
AVERAGING = (0.0, 0.3)  # epochs
FORMATS = ("float32", "bfloat16")
STOPS = (2, 3, 4, 7)  # events: in both epochs, in validation and at an end
FEW_IMAGES = {"images": 8, "batch_size": 4, "held_out": 3}  # two steps an epoch


def case(number):
    """Return the settings of a case, and after how many events it is cut."""
    optimizers, schedules = list(OPTIMIZERS), list(SCHEDULES)
    optimizer = number % len(optimizers)
    around = number // len(optimizers)  # how often each optimizer has had its turn
    return {
        "model": FAMILIES[(number + around) % len(FAMILIES)],
        "optimizer": optimizers[optimizer],
        "schedule": schedules[number % len(schedules)],
        "ema_epochs": AVERAGING[(number + around // 2) % 2],
        "precision": FORMATS[(number // 2 + around) % 2],
    }, STOPS[(number // 4) % len(STOPS)]


ALL = len(OPTIMIZERS) * len(SCHEDULES)
FEW = range(0, ALL, 31)


def test_every_two_choices_meet_in_some_case():
    cases = [case(number)[0] for number in range(ALL)]
    choices = {"model": FAMILIES, "optimizer": OPTIMIZERS, "schedule": SCHEDULES,
               "ema_epochs": AVERAGING, "precision": FORMATS}  # fmt: skip
    for one, other in combinations(choices, 2):
        met = {(each[one], each[other]) for each in cases}
        missing = {(a, b) for a in choices[one] for b in choices[other]} - met
        assert not missing, (one, other, missing)
    assert {spec.family for spec in MODELS.values() if not spec.weights} == {
        MODELS[name].family for name in FAMILIES
    }


def pytest_generate_tests(metafunc):
    if "number" in metafunc.fixturenames:
        from small_runs import IS_LONG

        metafunc.parametrize("number", range(ALL) if IS_LONG else FEW)


def test_a_run_that_was_cut_ends_like_one_that_was_not(number):
    settings, stop = case(number)
    settings |= {"learning_rate": 0.005, "epochs": 2, "warmup_epochs": 0.5, **FEW_IMAGES}
    said, ends = uninterrupted(**settings)
    said_later, ends_later = resumed(stop, **settings)
    assert said_later == said
    assert torch.equal(ends_later, ends), settings


def head(*, images=16, held_out=6, **settings):
    """Return a trainer whose head reads kept features; two views of each training image."""
    it = trainer(images=images, held_out=held_out, **settings)
    drawn = torch.Generator().manual_seed(3)
    width = width_of(it.model.get_submodule(it.spec.head))
    *views, val = (
        torch.randn(count, width, generator=drawn) for count in (images, images, held_out)
    )
    it.read_features(
        FeatureBatches(
            views,
            pictures(0, images)[1],
            batch_size=it.config.batch_size,
            device="cpu",
            seed=it.config.seed,
            shuffle=True,
            drop_last=True,
        ),
        FeatureBatches([val], pictures(1, held_out)[1], batch_size=25, device="cpu"),
    )
    return it


def test_a_head_on_kept_features_that_was_cut_ends_like_one_that_was_not(number):
    settings, stop = case(number)
    settings |= {"learning_rate": 0.005, "batch_size": 8, "epochs": 2, "warmup_epochs": 0.5}
    settings |= {"model": "mobilenet_v2_imagenet", "plan": "head", "resolution": 32}
    said, ends = uninterrupted.__wrapped__(make=head, **settings)  # too large to be kept
    said_later, ends_later = resumed(stop, make=head, **settings)
    assert said_later == said
    assert torch.equal(ends_later, ends), settings


def extended(first, more, make=trainer, **settings):
    """Return what a run and the one that trains it on say, and the state at the end."""
    one = make(epochs=first, **settings)
    said = events(one, StepEvent | EpochEvent)
    snapshot = through_files(one.snapshot())
    snapshot.meta["progress"] = trained_on(snapshot.meta["progress"])
    other = make(epochs=first + more, **settings)
    other.restore(snapshot)
    said += events(other, StepEvent | EpochEvent)
    return [values(event) for event in said], end_of(other)


def whole(epochs, make=trainer, **settings):
    """Return the same of a run that was planned as long from the start."""
    it = make(epochs=epochs, **settings)
    return [values(event) for event in events(it, StepEvent | EpochEvent)], end_of(it)


def end_of(it):
    """Return the weights and the optimizer's memory."""
    snapshot = it.snapshot()
    return {**snapshot.model, **select(snapshot.state, "latest/")}, select(
        snapshot.state, "optimizer/"
    )


def assert_adds_up(first, more, **settings):
    said, (weights, memory) = whole(first + more, **settings)
    said_later, (weights_later, memory_later) = extended(first, more, **settings)
    assert said_later == said
    for one, other in ((weights, weights_later), (memory, memory_later)):
        assert one.keys() == other.keys()
        assert all(torch.equal(one[name], other[name]) for name in one), settings


def at_constant_rate(settings):
    """Return the settings of a case at a rate for which the number of epochs is all the same."""
    return {**settings, "schedule": "constant", "learning_rate": 0.005}


def test_epochs_that_are_added_are_those_of_a_longer_run(number):
    settings = at_constant_rate(case(number)[0])
    changed = {"mixup": 0.3, "rotation": 10.0, "erasing": 0.3}
    changed = changed if number % 2 else {}
    assert_adds_up(1, 1, **settings, **changed, **FEW_IMAGES)


def test_a_head_is_trained_on_like_a_whole_network(number):
    settings = at_constant_rate(case(number)[0])
    settings |= {"model": "mobilenet_v2_imagenet", "plan": "head", "resolution": 32}
    assert_adds_up(1, 1, make=head, batch_size=8, **settings)


def test_a_gradual_plan_goes_on_with_the_whole_network():
    settings = {"model": "mobilenet_v2_imagenet", "plan": "gradual", "head_epochs": 1}
    settings |= {"resolution": 32, **FEW_IMAGES}
    assert_adds_up(2, 1, **at_constant_rate(settings))
