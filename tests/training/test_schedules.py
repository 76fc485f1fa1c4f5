import pytest
import torch
from torch import nn
from torch.optim import lr_scheduler as reference

from cifar_core.config import TrainConfig
from cifar_core.errors import ConfigError
from cifar_core.optim import OPTIMIZERS
from cifar_core.schedules import SCHEDULES, Plateau

CONFIG = TrainConfig(epochs=20, warmup_epochs=2.0, step_epochs=5, step_factor=0.5, cycle_decay=0.95)
STEPS = 200  # of 20 epochs


@pytest.mark.parametrize("key", SCHEDULES)
def test_every_schedule_stays_between_nothing_and_the_peak_and_reaches_it(key):
    factors = [SCHEDULES[key].factor((i + 0.5) / 1000, CONFIG) for i in range(1000)]
    assert all(0 < factor <= 1 for factor in factors)
    assert max(factors) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("key", SCHEDULES)
def test_every_schedule_is_a_pure_function(key):
    factor = SCHEDULES[key].factor
    assert factor(0.3, CONFIG) == factor(0.3, CONFIG)


def test_the_step_schedule_drops_every_five_epochs():
    factors = [SCHEDULES["step"].factor((epoch + 0.5) / 20, CONFIG) for epoch in range(20)]
    assert factors == [1.0] * 5 + [0.5] * 5 + [0.25] * 5 + [0.125] * 5


def test_cosine_rises_linearly_for_two_epochs_and_is_half_way_down_in_the_middle_of_the_rest():
    factor = SCHEDULES["cosine"].factor
    assert factor(0.05, CONFIG) == pytest.approx(0.5)
    assert factor(0.55, CONFIG) == pytest.approx(0.5)
    assert factor(1.0, CONFIG) == pytest.approx(0.0)


def test_linear_rises_for_two_epochs_and_falls_straight_to_nothing():
    factor = SCHEDULES["polynomial"].factor
    assert [factor(p, CONFIG) for p in (0.05, 0.1, 0.325, 0.55, 1.0)] == pytest.approx(
        [0.5, 1.0, 0.75, 0.5, 0.0]
    )


def test_one_cycle_starts_at_a_25th_and_peaks_after_a_quarter():
    factor = SCHEDULES["one_cycle"].factor
    assert factor(0.0, CONFIG) == pytest.approx(1 / 25)
    assert factor(0.25, CONFIG) == pytest.approx(1.0)
    assert factor(1.0, CONFIG) == pytest.approx(0.0)


def torchs(make, rate=1.0, steps=STEPS):
    """Rates and momenta of a scheduler of torch, before each of the steps and after the last."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=rate, momentum=0.9)
    scheduler, rates, momenta = make(optimizer), [], []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        momenta.append(optimizer.param_groups[0]["momentum"])
        optimizer.step()
        scheduler.step()
    return rates, momenta


def ours(places, **settings):
    config = TrainConfig(**{"epochs": 20, "cycle_momentum": False, **settings})
    spec = SCHEDULES[config.schedule]
    rates = [spec.factor(place, config) for place in places]
    momenta = [spec.momentum(p, 0.9, config) for p in places] if config.cycle_momentum else []
    return rates, momenta


def exactly(values):
    return pytest.approx(values, rel=0, abs=1e-9)


@pytest.mark.parametrize("mode", ["triangular", "triangular2", "exp_range"])
def test_cyclic_rates_and_momenta_are_torchs(mode):
    rates, momenta = torchs(
        lambda o: reference.CyclicLR(
            o, base_lr=0.2, max_lr=1.0, step_size_up=20, mode=mode, gamma=0.05 ** (1 / STEPS),
            base_momentum=0.8, max_momentum=0.9,
        )
    )  # fmt: skip
    found = ours(
        [i / STEPS for i in range(STEPS)],
        schedule=mode, cycle_epochs=4.0, cycle_base=0.2, cycle_decay=0.05,
        cycle_momentum=True, lowest_momentum=0.8,
    )  # fmt: skip
    assert found == (exactly(rates), exactly(momenta))


def test_one_cycle_with_a_cosine_rise_is_torchs():
    rates, momenta = torchs(
        lambda o: reference.OneCycleLR(
            o, max_lr=1.0, total_steps=STEPS, pct_start=0.3, div_factor=25, final_div_factor=1e4,
            base_momentum=0.85, max_momentum=0.9,
        ),
        steps=STEPS - 1,
    )  # fmt: skip
    peak, last = 0.3 * STEPS - 1, STEPS - 1  # torch's steps at the peak and at the end
    places = [
        0.3 * i / peak if i <= peak else 0.3 + 0.7 * (i - peak) / (last - peak)
        for i in range(STEPS - 1)
    ]
    found = ours(
        places, schedule="one_cycle", peak_at=0.3, start_share=1 / 25, end_share=1 / 25e4,
        cosine_rise=True, cycle_momentum=True,
    )  # fmt: skip
    assert found == (exactly(rates), exactly(momenta))


@pytest.mark.parametrize("power", [1.0, 2.5])
def test_the_polynomial_is_torchs(power):
    rates, _ = torchs(lambda o: reference.PolynomialLR(o, total_iters=STEPS, power=power))
    places = [i / STEPS for i in range(STEPS)]
    found, _ = ours(places, schedule="polynomial", decay_power=power, warmup_epochs=0.0)
    assert found == exactly(rates)


@pytest.mark.parametrize("growth", [1, 2])
def test_warm_restarts_are_torchs(growth):
    rates, _ = torchs(
        lambda o: reference.CosineAnnealingWarmRestarts(o, T_0=30, T_mult=growth, eta_min=0.1)
    )
    found, _ = ours(
        [i / STEPS for i in range(STEPS)],
        schedule="warm_restarts", restart_epochs=3, restart_growth=growth, end_share=0.1,
    )  # fmt: skip
    assert found == exactly(rates)


def test_multi_step_is_torchs():
    rates, _ = torchs(lambda o: reference.MultiStepLR(o, milestones=[100, 150], gamma=0.2))
    places = [i / STEPS for i in range(STEPS)]
    found, _ = ours(places, schedule="multi_step", step_factor=0.2, warmup_epochs=0.0)
    assert found == exactly(rates)


def test_a_plateau_lowers_the_rate_when_torchs_does():
    losses = [2.0, 1.5, 1.5, 1.49999, 1.6, 1.2, 1.3, 1.3, 1.3, 1.3, 1.3, 1.3, 1.1, 1.0, 1.2] * 3
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = reference.ReduceLROnPlateau(optimizer, factor=0.5, patience=2)
    plateau, found, wanted = Plateau(), [], []
    for loss in losses:
        scheduler.step(loss)
        plateau.update(loss, patience=2, factor=0.5)
        found.append(plateau.share)
        wanted.append(optimizer.param_groups[0]["lr"])
    assert found == wanted
    assert found[-1] < 0.1


@pytest.mark.parametrize("schedule", ["cosine", "polynomial", "multi_step"])
def test_a_warm_up_must_end_before_the_run(schedule):
    with pytest.raises(ConfigError, match="has only 2 epochs"):
        TrainConfig(schedule=schedule, warmup_epochs=2.0, epochs=2)


@pytest.mark.parametrize("text", ["", "fifty", "50, 100", "0", "50,,75", "nan"])
def test_milestones_that_are_no_percentages_are_refused(text):
    with pytest.raises(ConfigError, match="percentages of the run"):
        TrainConfig(schedule="multi_step", milestones=text)


def test_a_momentum_is_cycled_only_where_there_is_one_and_downwards():
    without = [key for key, spec in OPTIMIZERS.items() if not spec.momentum_setting]
    assert "adagrad" in without
    for key in without:
        with pytest.raises(ConfigError, match="no momentum that can be changed"):
            TrainConfig(optimizer=key, cycle_momentum=True)
    with pytest.raises(ConfigError, match="Choose at most that"):
        TrainConfig(optimizer="adam", beta1=0.5, cycle_momentum=True)
    TrainConfig(optimizer="adagrad", schedule="cosine", cycle_momentum=True)  # not in use


def test_the_drawn_momentum_is_lowest_where_the_rate_is_highest():
    config = TrainConfig(cycle_momentum=True)
    spec = SCHEDULES["one_cycle"]
    places = [i / 100 for i in range(101)]
    rates = [spec.factor(p, config) for p in places]
    momenta = [spec.momentum(p, config.momentum, config) for p in places]
    assert momenta.index(min(momenta)) == rates.index(max(rates)) == 25
    assert (min(momenta), max(momenta)) == pytest.approx((0.85, 0.9))
