import dataclasses
import json
import math

import numpy as np
import pytest
import torch

from cifar_core import data
from cifar_core.config import TrainConfig
from cifar_core.errors import DataError
from cifar_core.optim import OPTIMIZERS
from cifar_core.rate_search import parabola, race, range_test, rules, verdict
from cifar_core.rate_search.events import Bracket, RacePoint, RangeTestPoint, Suggestion, row
from cifar_core.rate_search.probe import hold_out, losses_of
from cifar_core.rate_search.search import RateSearch
from cifar_core.training.events import Tick
from cifar_core.training.setup import prepare

SETTINGS = {
    "data": "synthetic:200",
    "batch_size": 16,
    "epochs": 2,
    "precision": "float32",
    "learning_rate": 0.05,
}


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return data.load("synthetic:200", tmp_path_factory.mktemp("store"))


@pytest.fixture
def short(monkeypatch):
    """Races of a tenth of their length, so that a test takes a second."""
    monkeypatch.setattr(race, "FIRST", 4)
    monkeypatch.setattr(race, "CONSTANT", 8)
    monkeypatch.setattr(race, "WHOLE", 12)
    monkeypatch.setattr(race, "MARKS", (3, 4))
    monkeypatch.setattr(range_test, "STEPS", 12)
    monkeypatch.setattr(range_test, "LOW", 1e-3)
    monkeypatch.setattr("cifar_core.rate_search.race.FEWEST", 3)
    monkeypatch.setattr("cifar_core.rate_search.race.MOST", 3)


@pytest.fixture
def shortest(short, monkeypatch):
    """Races of two candidates and six steps, where only their end counts."""
    for name, value in {"FIRST": 2, "CONSTANT": 4, "WHOLE": 6, "MARKS": (2,)}.items():
        monkeypatch.setattr(race, name, value)
    monkeypatch.setattr(race, "FEWEST", 2)
    monkeypatch.setattr(race, "MOST", 2)
    monkeypatch.setattr(range_test, "STEPS", 8)


def ready(images, **settings):
    return prepare(TrainConfig(**{**SETTINGS, **settings}), images, "cpu")


def found(images, rows=(), **settings):
    search = RateSearch(ready(images, **settings), images, rows=rows)
    return [event for event in search.run() if not isinstance(event, Tick)]


def everything_of(trainer):
    """All that a search could have touched."""
    snapshot = trainer.snapshot()
    tensors = {**snapshot.model, **snapshot.state}
    return (
        {name: tensor.numpy().tobytes() for name, tensor in tensors.items()},
        snapshot.meta,
        [(m.training, type(m)) for m in trainer.model.modules()],
        [(w.requires_grad, w.grad is None) for w in trainer.model.parameters()],
        [group["lr"] for group in trainer.optimizer.param_groups],
        trainer.train_batches,
        trainer.steps_per_epoch,
        torch.get_rng_state().numpy().tobytes(),
        str(np.random.get_state()[1][:5]),
    )


def test_a_search_tests_the_range_then_races_then_suggests(images, short):
    events = found(images)
    kinds = [event.kind for event in events]
    assert kinds == sorted(kinds, key=["sweep", "bracket", "race", "suggestion"].index)
    suggestion = events[-1]
    assert suggestion.low < suggestion.rate < suggestion.high
    assert suggestion.plateau_low <= suggestion.plateau_high
    finals = [e for e in events if isinstance(e, RacePoint) and e.losses]
    assert {e.step for e in finals} == {12}
    assert min(finals, key=lambda e: e.loss).loss < events[kinds.index("bracket")].start_loss


def test_the_rates_of_the_person_and_of_the_books_race_too(images, short):
    events = found(images, learning_rate=0.0171, optimizer="adam")
    raced = {event.rate for event in events if isinstance(event, RacePoint)}
    assert 0.0171 in raced
    assert OPTIMIZERS["adam"].usual_rate in raced


def test_no_rate_is_raced_twice(images, short, monkeypatch):
    monkeypatch.setattr(race, "lattice", lambda usual, found: [0.4, 0.8, 1.6])  # all too high
    events = found(images, optimizer="sgd", learning_rate=0.2)
    raced = [(e.rate, e.step) for e in events if isinstance(e, RacePoint)]
    assert len(raced) == len(set(raced))
    assert 0.1 in {rate for rate, _ in raced}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_can_be_searched_for(images, shortest, optimizer):
    suggestion = found(images, optimizer=optimizer, batch_size=8)[-1]
    assert isinstance(suggestion, Suggestion)
    assert math.isfinite(suggestion.rate)


@pytest.mark.parametrize("plan", ["last_stage", "gradual"])  # a head alone: see kept features
def test_every_transfer_plan_can_be_searched_for(images, short, plan):
    settings = {"model": "mobilenet_v2_imagenet", "plan": plan, "resolution": 32, "epochs": 3}
    suggestion = found(images, **settings, batch_size=8)[-1]
    assert isinstance(suggestion, Suggestion)


@pytest.mark.parametrize("ending", ["success", "cancel", "exception"])
def test_a_search_leaves_everything_as_it_was(images, short, ending):
    setup = ready(images)
    trainer = setup.trainer
    running = trainer.run()
    for _ in range(9):  # in the middle of an epoch, with momentum
        next(running)
    trainer.optimizer.zero_grad(set_to_none=True)
    before = everything_of(trainer)
    events = RateSearch(setup, images).run()
    if ending == "success":
        list(events)
    else:
        while not isinstance(next(events), RacePoint):
            pass
        if ending == "cancel":
            events.close()
        else:
            with pytest.raises(KeyboardInterrupt):
                events.throw(KeyboardInterrupt)
    assert everything_of(trainer) == before


def test_training_after_a_search_is_the_same_as_without_one(images, short):
    plain, searched = (
        ready(images, dropout=0.3, model="simple_cnn_dropout"),
        ready(images, dropout=0.3, model="simple_cnn_dropout"),
    )
    list(RateSearch(searched, images).run())
    torch.manual_seed(5)
    list(plain.trainer.run())
    torch.manual_seed(5)
    list(searched.trainer.run())
    for a, b in zip(plain.trainer.model.parameters(), searched.trainer.model.parameters(),
                    strict=True):  # fmt: skip
        assert torch.equal(a, b)


def test_the_same_seed_gives_the_same_answer_and_another_another_race(images, short):
    first, again, other = found(images), found(images), found(images, seed=1)
    assert [row(e) for e in first] == [row(e) for e in again]
    assert [row(e) for e in first] != [row(e) for e in other]


def test_a_search_goes_on_from_any_row_to_the_same_answer(images, short):
    whole = [json.loads(json.dumps(row(event))) for event in found(images)]
    swept = [r["kind"] for r in whole].index("bracket") + 1
    for kept in (swept, swept + 3, len(whole) - 3):  # a first lap's middle, the finals' middle
        known = whole[:kept]
        rest = [json.loads(json.dumps(row(e))) for e in found(images, rows=known)]
        assert known + rest == whole


def test_what_is_known_is_not_tried_again(images, short):
    whole = [row(event) for event in found(images)]
    search = RateSearch(ready(images), images, rows=whole[:-1])
    ticks = [event for event in search.run() if isinstance(event, Tick)]
    assert ticks == []


def test_a_rate_that_explodes_falls_out_and_the_race_goes_on(images, short, monkeypatch):
    monkeypatch.setattr(race, "lattice", lambda usual, found: [0.05, 0.1, 10.0])
    events = found(images, optimizer="sgd", model="simple_cnn", momentum=0.99)
    last = [e for e in events if isinstance(e, RacePoint) and e.rate == 10.0][-1]
    assert isinstance(events[-1], Suggestion)
    assert not last.alive or last.step == 4


def test_the_probe_is_taken_from_the_training_images_alone(images):
    setup = ready(images)
    steps, probe = hold_out(setup, images)
    whole = setup.trainer.train_batches.images
    assert steps.images + probe.full.images == whole
    assert probe.quick.images <= probe.full.images == whole // 5
    validation = {x.numpy().tobytes() for b, _ in setup.trainer.val_batches.epoch() for x in b}
    tested = {x.numpy().tobytes() for b, _ in setup.test.epoch() for x in b}
    looked_at = {x.numpy().tobytes() for b, _ in probe.full.epoch() for x in b}
    assert not looked_at & (validation | tested)


def test_looking_leaves_averages_and_modes_alone_and_draws_nothing(images):
    setup = ready(images, model="simple_cnn_dropout")
    setup.trainer.model.train()
    _, probe = hold_out(setup, images)
    before = everything_of(setup.trainer)
    first = torch.cat(list(losses_of(setup.trainer, probe.full)))
    assert everything_of(setup.trainer)[:3] == before[:3]
    assert torch.equal(first, torch.cat(list(losses_of(setup.trainer, probe.full))))


def test_too_few_images_are_refused_with_what_to_do(images):
    with pytest.raises(DataError, match="too few"):
        RateSearch(ready(images, batch_size=170), images)


def test_kept_features_are_searched_like_images(images, short):
    setup = ready(images, model="mobilenet_v2_imagenet", plan="head", resolution=32)
    random = torch.Generator().manual_seed(0)
    wide = setup.trainer.model.get_submodule(setup.trainer.spec.head).in_features
    features = [
        torch.randn(len(each.labels), wide, generator=random)
        + torch.from_numpy(each.labels)[:, None]
        for each in setup.features
    ]
    setup.read_features(features)
    events = [e for e in RateSearch(setup, images).run() if not isinstance(e, Tick)]
    assert isinstance(events[-1], Suggestion)
    assert events[-1].advice in ("take", "keep", "none")


# the arithmetic, without a network


def test_the_parabola_finds_the_lowest_point_of_a_parabola():
    x = np.array([-3.0, -2.7, -2.4, -2.1])
    assert parabola.vertex(x, 1 + 0.5 * (x + 2.6) ** 2, 2.3) == pytest.approx(-2.6)


def test_the_vertex_stays_within_half_a_step_and_at_an_end():
    x = np.array([-3.0, -2.7, -2.4])
    assert parabola.vertex(x, np.array([1.0, 2.0, 3.0]), 4.0) == -3.0
    assert -2.85 <= parabola.vertex(x, np.array([1.0, 0.999, 5.0]), 4.0) <= -2.55
    assert parabola.vertex(x, np.array([1.0, 0.9, np.inf]), 4.0) == pytest.approx(-2.7)


def test_the_chance_of_one_point_moves_a_parabola_among_many_less_than_one_through_three():
    x = np.array([-3.3, -3.0, -2.7, -2.4, -2.1])
    losses = 1 + 0.1 * (x + 2.7) ** 2
    luckier = losses - 0.005 * (x == -2.4)
    through_three = parabola.vertex(x[1:4], luckier[1:4], 2.3)
    assert -2.7 < parabola.vertex(x, luckier, 2.3) < through_three


def test_a_point_that_made_hardly_any_progress_does_not_bend_the_parabola():
    x = np.array([-3.3, -3.0, -2.7, -2.4])
    losses = 1 + 0.5 * (x + 2.65) ** 2
    losses[0] = 2.2
    assert parabola.vertex(x, losses, 2.3) == pytest.approx(-2.65)


def test_an_interval_holds_its_vertex_and_a_tenth_of_a_decade_on_each_side():
    random = np.random.default_rng(0)
    x = np.array([-3.0, -2.7, -2.4, -2.1])
    images_ = random.normal(1, 0.01, 500) + 0.5 * (x[:, None] + 2.6) ** 2
    low, high = parabola.interval(x, images_, 2.3)
    assert low <= -2.7 + 1e-9
    assert high >= -2.5 - 1e-9
    noisy = images_ + random.normal(0, 2, images_.shape)
    low2, high2 = parabola.interval(x, noisy, 2.3)
    assert high2 - low2 > high - low


def test_a_plateau_ends_where_a_twentieth_of_the_progress_is_lost():
    x = np.array([-3.0, -2.0, -1.0])
    low, high = parabola.plateau(x, np.array([1.1, 1.0, 1.2]), start=2.0)
    assert (low, high) == (pytest.approx(-2.5), pytest.approx(-1.75))


def test_better_is_judged_image_by_image():
    random = np.random.default_rng(0)
    hard = random.gamma(2, 1, 500)
    assert parabola.clearly_better(hard, hard + 0.05 + random.normal(0, 0.1, 500))
    assert not parabola.clearly_better(hard, random.permutation(hard))


@pytest.mark.parametrize(
    ("steps", "annealed", "normalized", "wanted"),
    [(480, True, False, 2**0.5), (480, False, False, 2), (480, False, True, 1),
     (10, True, False, 1),
     (10**6, False, False, 4)],
)  # fmt: skip
def test_a_longer_training_wants_a_smaller_rate_without_normalization(
    steps, annealed, normalized, wanted
):
    got = parabola.longer(steps, raced=120, annealed=annealed, normalized=normalized)
    assert got == pytest.approx(wanted)


def test_the_range_is_found_on_a_curve_known_by_hand():
    rates = list(range_test.rates())
    losses = [2.3 if r < 1e-3 else 1.5 if r < 0.5 else 9.0 for r in rates]
    range_ = range_test.find_range(rates, losses, 2.3)
    assert range_.learned
    assert 3e-4 < range_.onset < 3e-3
    assert range_.edge == pytest.approx(min(r for r in rates if r >= 0.5))


def test_a_collapse_back_to_chance_ends_the_range_test_though_it_is_not_an_explosion():
    losses = [2.3, 2.2, 1.8, 1.6, 2.303, 2.303, 2.303, 2.303]
    assert range_test.end_of(losses, 2.3) == 4
    assert range_test.end_of(losses[:6], 2.3) is None


def test_a_range_test_without_progress_races_around_the_usual_rate():
    rates = list(range_test.rates())
    range_ = range_test.find_range(rates, [2.3] * len(rates), 2.3)
    assert not range_.learned
    raced = race.lattice(0.1, range_)
    assert raced[0] < 0.1 < raced[-1]


def test_smoothing_keeps_a_straight_line_straight():
    line = np.linspace(3, 1, 20)
    assert range_test.smoothed(line) == pytest.approx(line)


@pytest.mark.parametrize("edge", [0.31, 0.35, 0.4])
def test_two_searches_race_the_same_rates_a_factor_of_two_apart(edge):
    rates = race.lattice(0.1, range_test.Range(1e-3, edge, learned=True))
    assert 0.1 in rates
    ratios = np.diff(np.log10(rates))
    assert ratios == pytest.approx(np.full(len(ratios), np.log10(2)))


def test_every_racer_cools_down_to_nothing():
    assert race.rate_at(0.1, 0) == race.rate_at(0.1, 79) == 0.1
    assert race.rate_at(0.1, 119) == pytest.approx(0.1 / 40)


def test_the_other_rules_agree_with_their_tools_on_a_curve_known_by_hand():
    rates = np.geomspace(1e-5, 1, 51)
    losses = np.concatenate([np.full(20, 2.3), np.linspace(2.3, 1.3, 20), np.linspace(1.3, 9, 11)])
    assert rules.steepest(rates, losses) == pytest.approx(rates[39], rel=0.3)
    assert rules.tenth_of_minimum(rates, losses) < 0.1
    assert rates[15] < rules.valley(rates, losses) < rates[40]
    assert set(rules.opinions(list(rates), list(losses))) == set(rules.RULES)


def test_a_debiased_average_of_a_constant_is_the_constant():
    assert rules.averaged(np.full(10, 3.0), 0.98) == pytest.approx(np.full(10, 3.0))


def test_every_event_can_be_written_as_json():
    events = [
        RangeTestPoint(rate=0.1, loss=None, train_loss=2.3),
        Bracket(start_loss=2.3, onset=0.01, edge=1.0, rates=[0.1]),
        RacePoint(rate=0.1, step=40, loss=1.0, alive=True),
    ]
    for event in events:
        again = json.loads(json.dumps(row(event)))
        assert again.pop("kind") == event.kind
        assert again == dataclasses.asdict(event)


def altered(images, *, pixels=None, labels=None):
    """Images of which the pixels or the labels are others."""
    train = dataclasses.replace(
        images.train,
        pixels=images.train.pixels if pixels is None else pixels,
        labels=images.train.labels if labels is None else labels,
    )
    return dataclasses.replace(images, train=train)


@pytest.fixture(scope="module")
def more_images(tmp_path_factory):
    return data.load("synthetic:400", tmp_path_factory.mktemp("store"))


@pytest.mark.parametrize("nothing", ["random labels", "constant images"])
@pytest.mark.parametrize("seed", [0, 1])
def test_where_nothing_can_be_learned_no_rate_is_suggested(more_images, short, nothing, seed):
    train = more_images.train
    images = (
        altered(more_images, labels=np.random.default_rng(seed).permutation(train.labels))
        if nothing == "random labels"
        else altered(more_images, pixels=np.full_like(train.pixels, 128))
    )
    suggestion = found(images, seed=seed, optimizer="adam", learning_rate=0.05)[-1]
    assert suggestion.advice == "none"
    assert "No rate learned more than guessing" in suggestion.verdict


def test_guessing_knows_the_shares_of_the_classes_only():
    losses = [0.3, 0.5, 0.4] * 100
    assert parabola.learned(losses, np.full(300, 0.45))
    assert not parabola.learned(losses, np.full(300, 0.41))
    assert not parabola.learned([], np.full(300, 0.41))


def raced(rate, losses=None, *, alive=True, step=120):
    return race.Racer(rate, step=step, alive=alive, final=losses)


@pytest.mark.parametrize(
    ("mine", "advice", "words"),
    [
        (raced(1.0, [0.9, 1.1] * 50), "take", "clearly better in the race than your rate of 1,"),
        (raced(1.0, [0.5, 0.5] * 50), "keep", "no other rate was clearly better"),
        (raced(1.0, alive=False, step=33), "take", "dropped out of the race after 33 steps"),
        (raced(1.0, step=40), "take", "was not raced to the end, so the two are not compared"),
    ],
)
def test_only_rates_raced_to_the_same_end_are_compared(mine, advice, words):
    finalists = [raced(r, losses * 50) for r, losses in
                 ((0.1, [0.7, 0.9]), (0.2, [0.4, 0.6]), (0.4, [0.7, 0.8]))]  # fmt: skip
    guess = np.full(100, 2.3)
    said = verdict.advise(finalists, [*finalists, mine], guess, 1.0, 0.2, (0.15, 0.25))
    assert said[0] == advice
    assert words in said[1]


def test_the_own_rate_is_raced_to_the_end_unless_it_drops_out(images, short):
    events = found(images, learning_rate=1e-4)
    mine = [e for e in events if isinstance(e, RacePoint) and e.rate == 1e-4]
    assert mine[-1].step == 12
    assert mine[-1].losses
