"""Constructed runs with labels: what may be said of each, what must be said, what may be advised.

Every kind of run is drawn at random from a seed: length, levels, paces, noise, classes, number of
validation images. Even seeds are the half to design with, odd ones the half to report.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from cifar_core.reading import Situation
from cifar_core.reading.curves import Curves, Values

REPORTS = 20  # training reports an epoch
Random = np.random.Generator
Shape = Callable[[Values], Values]  # epochs done -> loss in nats
ALWAYS = frozenset({"fast_descent"})  # may be said of every run that learned


@dataclass(frozen=True, kw_only=True)
class Labels:
    """What is true of a run, known by construction or given by a person who viewed its curves."""

    must: frozenset[str] = frozenset()  # kinds of findings; "a|b": one of the two
    may: frozenset[str] = frozenset()
    onset: float | None = None  # epoch at which overfitting begins
    flat_from: float = 0.0  # first epoch of which "plateau" is true
    rate: str = ""  # "low" or "high": what the curves show of the rate; empty if nothing
    longer: bool = False  # whether more epochs may be advised
    shorter: bool = False  # or fewer
    regularize: bool = False  # or what works against memorizing
    calm: bool = False  # or what makes the loss steadier: a lower or falling rate, clipping
    larger: bool = False  # or a larger network


@dataclass(frozen=True, kw_only=True)
class Labeled:
    """A run with its labels; `true_val` is the validation loss [E] without noise, if known."""

    name: str
    curves: Curves
    situation: Situation
    labels: Labels
    true_val: Values | None = None
    sigma: float = 0.0  # noise of the validation loss, one standard deviation


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a constructed run is made of, before the noise."""

    train: Shape
    val: Shape
    labels: Labels
    rate: Shape = lambda t: np.full_like(t, 0.1)
    train_accuracy: Shape | None = None
    val_accuracy: Shape | None = None
    epochs: int = 20
    ended: float = 0.0  # epochs after which it ended; 0 for its planned end
    settings: dict[str, Any] = field(default_factory=dict)
    state: str = "finished"
    reason: str = ""
    nan_at: float = 0.0
    noisier: float = 1.0
    counts: tuple[int, ...] = ()  # validation images of each class, if uneven
    balanced: Shape | None = None
    pretrained: bool = False


def labels(must: str = "", may: str = "", **more: Any) -> Labels:
    """Return labels; kinds are separated by blanks."""
    return Labels(must=frozenset(must.split()), may=frozenset(may.split()) | ALWAYS, **more)


def fall(start: float, end: float, pace: float) -> Shape:
    """Return an exponential fall by a factor e every `pace` epochs."""
    return lambda t: end + (start - end) * np.exp(-t / pace)


def power(start: float, end: float, scale: float) -> Shape:
    """Return a fall by a power law, which slows down for longer."""
    return lambda t: end + (start - end) / (1 + t / scale)


def cosine(epochs: int) -> Shape:
    """Return a rate that falls to 0 along half a cosine."""
    return lambda t: 0.05 * (1 + np.cos(np.pi * np.minimum(t, epochs) / epochs)) + 1e-9


def one_cycle(epochs: int) -> Shape:
    """Return a rate that rises over a quarter of the run and falls to 0."""
    return lambda t: np.where(
        t < epochs / 4, 0.02 + 0.08 * t / (epochs / 4), 0.1 * (epochs - t) / (0.75 * epochs) + 1e-9
    )


def still_falling(r: Random) -> Plan:
    """Draw a run that was still getting better."""
    epochs, slope = int(r.integers(8, 30)), r.uniform(0.015, 0.05)
    end = r.uniform(1.4, 1.6) + slope * epochs
    shape = lambda t: fall(2.3 + slope * epochs / 2, end, 2)(t) - slope * t  # noqa: E731
    return Plan(
        train=shape,
        val=lambda t: shape(t) + 0.03,
        epochs=epochs,
        labels=labels("too_short", "rate_too_low spikes", longer=True, rate="low"),
    )


def leveled(r: Random) -> Plan:
    """Draw a run that has leveled off at a good accuracy."""
    epochs, pace = int(r.integers(18, 40)), r.uniform(1, 2.5)
    return Plan(
        train=fall(2.3, 0.15, pace),
        val=fall(2.3, r.uniform(0.25, 0.35), pace),
        epochs=epochs,
        labels=labels("plateau", "cannot_tell", flat_from=3 * pace, calm=True),
    )


def overfitted(r: Random) -> Plan:
    """Draw a run whose validation loss rises from an epoch on."""
    epochs = int(r.integers(16, 36))
    at, rise = r.uniform(0.25, 0.6) * epochs, r.uniform(0.02, 0.06)
    low, pace = r.uniform(0.7, 1.1), r.uniform(2, 3)
    val = lambda t: low + (2.3 - low) * np.exp(-t / pace) + rise * np.clip(t - at, 0, None)  # noqa: E731
    return Plan(
        train=fall(2.3, 0.02, epochs / 4),
        val=val,
        epochs=epochs,
        labels=labels(
            "overfitting",
            "over_confidence gap plateau",
            onset=at,
            flat_from=pace,
            regularize=True,
            shorter=True,
            calm=True,
        ),
    )


def underfitted(r: Random) -> Plan:
    """Draw a run that came to rest at a low accuracy, with validation as good."""
    level, pace = r.uniform(1.1, 1.5), r.uniform(1, 2)
    return Plan(
        train=fall(2.3, level, pace),
        val=fall(2.3, level + 0.02, pace),
        epochs=int(r.integers(16, 32)),
        labels=labels(
            "underfitting|plateau",
            "plateau underfitting cannot_tell",
            flat_from=3 * pace,
            larger=True,
            calm=True,
        ),
    )


def at_chance(r: Random) -> Plan:
    """Draw a run that stays at the level of guessing, for no visible reason."""
    flat: Shape = lambda t: np.full_like(t, 2.303)  # noqa: E731
    return Plan(
        train=flat,
        val=flat,
        epochs=int(r.integers(6, 30)),
        noisier=0.3,
        labels=Labels(must=frozenset({"dead_start"}), may=frozenset({"val_at_chance"})),
    )


def rate_high(r: Random) -> Plan:
    """Draw a run whose loss shot up at once and came back to guessing only."""
    top = 10 ** r.uniform(0.7, 8)
    train: Shape = lambda t: 2.32 + top * np.exp(-t * r_pace)  # noqa: E731
    r_pace = r.uniform(8, 25)
    return Plan(
        train=train,
        val=lambda t: np.full_like(t, 2.32),
        epochs=int(r.integers(8, 24)),
        rate=lambda t: np.full_like(t, 10.0),
        settings={"learning_rate": 10.0},
        labels=Labels(
            must=frozenset({"dead_start"}), may=frozenset({"val_at_chance"}), rate="high", calm=True
        ),
    )


def blown_up(r: Random) -> Plan:
    """Draw a run whose loss is astronomically high to the end."""
    top = 10 ** r.uniform(6, 26)
    return Plan(
        train=lambda t: top * (1 + 0.5 * np.sin(7 * t)),
        val=lambda t: top * 0.1 + 0 * t,
        epochs=int(r.integers(6, 20)),
        settings={"learning_rate": 10.0, "flip": True},
        rate=lambda t: np.full_like(t, 10.0),
        labels=Labels(
            must=frozenset({"dead_start|divergence"}),
            rate="high",
            calm=True,
            may=frozenset({"dead_start", "divergence", "val_at_chance"}),
        ),
    )


def diverged(r: Random) -> Plan:
    """Draw a run that learned, and then lost it for good."""
    epochs = int(r.integers(12, 26))
    at, level = r.uniform(0.3, 0.6) * epochs, r.uniform(2.1, 2.6)
    train: Shape = lambda t: np.where(t < at, fall(2.3, 0.9, 2)(t), level)  # noqa: E731
    return Plan(
        train=train,
        val=lambda t: train(t) + 0.05,
        epochs=epochs,
        labels=labels("divergence", "plateau val_at_chance", flat_from=at, rate="high", calm=True),
    )


def not_a_number(r: Random) -> Plan:
    """Draw a run that was getting better until its loss was not a number."""
    epochs = int(r.integers(12, 30))
    at = r.uniform(0.3, 0.9) * epochs
    return Plan(
        train=fall(2.3, 0.8, epochs / 4),
        val=fall(2.3, 0.9, epochs / 4),
        epochs=epochs,
        ended=at,
        nan_at=at,
        state="failed",
        reason="diverged",
        labels=labels("no_number", "cannot_tell", rate="high", calm=True),
    )


def rate_low(r: Random) -> Plan:
    """Draw a run that falls slowly in a straight line."""
    epochs = int(r.integers(10, 30))
    slope = r.uniform(0.2, 0.5) / epochs
    line: Shape = lambda t: 2.3 - slope * t  # noqa: E731
    return Plan(
        train=line,
        val=line,
        epochs=epochs,
        settings={"learning_rate": 1e-4},
        labels=Labels(
            must=frozenset({"rate_too_low|too_short"}),
            rate="low",
            longer=True,
            may=frozenset({"rate_too_low", "too_short"}),
        ),
    )


def rate_tiny(r: Random) -> Plan:
    """Draw a run whose loss falls by less than counts as learned, but steadily."""
    epochs = int(r.integers(12, 30))
    slope = r.uniform(0.03, 0.055) / epochs
    line: Shape = lambda t: 2.31 - slope * t  # noqa: E731
    return Plan(
        train=line,
        val=line,
        epochs=epochs,
        settings={"learning_rate": 1e-5},
        noisier=0.2,
        labels=Labels(
            must=frozenset({"dead_start"}),
            rate="low",
            longer=True,
            may=frozenset({"too_short", "val_at_chance"}),
        ),
    )


def double_descent(r: Random) -> Plan:
    """Draw a run whose validation loss rises for a while and then falls below all before."""
    epochs = int(r.integers(28, 50))
    peak, high = 0.5 * epochs, r.uniform(0.25, 0.6)
    bump = lambda t: high * np.exp(-(((t - peak) / (0.14 * epochs)) ** 2))  # noqa: E731
    later = r.uniform(0.2, 0.4)
    val = lambda t: fall(2.3, 0.95, 2)(t) + bump(t) - later / (1 + np.exp(-(t - peak) / 2))  # noqa: E731
    return Plan(
        train=fall(2.3, 0.02, epochs / 5),
        val=val,
        epochs=epochs,
        labels=labels(
            "rise_and_fall",
            "gap plateau too_short spikes",
            regularize=True,
            longer=True,
            calm=True,
            flat_from=4,
        ),
    )


def fine_tuned(r: Random) -> Plan:
    """Draw a run from a good start, which gains little but steadily."""
    epochs, start, gain = int(r.integers(8, 20)), r.uniform(0.3, 0.6), r.uniform(0.06, 0.12)
    val: Shape = lambda t: start - gain * (t - 1) / epochs  # noqa: E731
    return Plan(
        train=lambda t: val(t) - 0.02 + 0.4 * np.exp(-t * 3),
        val=val,
        epochs=epochs,
        noisier=0.2,
        pretrained=True,
        labels=labels("too_short", "rate_too_low", longer=True, rate="low", flat_from=1),
    )


def noisy(r: Random) -> Plan:
    """Draw a run whose validation loss jumps several times."""
    epochs = int(r.integers(20, 32))
    at = r.choice(np.arange(6, epochs - 2, 3), 3, replace=False)
    val: Shape = lambda t: fall(2.3, 0.5, 3)(t) + 1.1 * np.isin(np.round(t), at)  # noqa: E731
    return Plan(
        train=fall(2.3, 0.3, 3),
        val=val,
        epochs=epochs,
        labels=labels("spikes", "plateau too_short", calm=True, longer=True, flat_from=3),
    )


def uneven(r: Random) -> Plan:
    """Draw a run on two classes, one much larger, which learns to answer the larger one."""
    big = int(r.integers(900, 990))
    share = big / 1000
    entropy = -share * math.log(share) - (1 - share) * math.log(1 - share)
    shape: Shape = fall(0.69, entropy * 0.99, 0.8)
    return Plan(
        train=shape,
        val=shape,
        epochs=int(r.integers(8, 20)),
        counts=(big, 1000 - big),
        noisier=0.3,
        train_accuracy=lambda t: np.full_like(t, share),
        val_accuracy=lambda t: np.full_like(t, share),
        balanced=lambda t: np.full_like(t, 0.5),
        labels=labels(
            "majority|uneven", "majority uneven plateau cannot_tell underfitting", flat_from=2
        ),
    )


def random_labels(r: Random) -> Plan:
    """Draw a run on random labels: they are memorized, and validation stays at chance."""
    epochs, rise = int(r.integers(16, 36)), r.uniform(0.03, 0.1)
    return Plan(
        train=fall(2.35, 0.1, epochs / 3),
        val=lambda t: 2.31 + rise * np.clip(t - 3, 0, None),
        train_accuracy=lambda t: 0.1 + 0.88 * (1 - np.exp(-t / (epochs / 3))),
        val_accuracy=lambda t: np.full_like(t, 0.1),
        epochs=epochs,
        labels=labels("val_at_chance", "overfitting gap", onset=3.0, shorter=False),
    )


def dropped(r: Random) -> Plan:
    """Draw a run in which a drop of the rate has an effect."""
    epochs = 2 * int(r.integers(9, 15))
    at, gain = epochs // 2, r.uniform(0.15, 0.35)
    shape = lambda t: fall(2.3, 0.9, 2)(t) - gain * (t > at + 0.01)  # noqa: E731
    return Plan(
        train=shape,
        val=lambda t: shape(t) + 0.05,
        epochs=epochs,
        settings={"schedule": "step"},
        rate=lambda t: np.where(t <= at, 0.1, 0.01),
        labels=labels("rate_drop", "plateau underfitting", flat_from=3, larger=True, calm=True),
    )


def dropped_idle(r: Random) -> Plan:
    """Draw a run in which a drop of the rate has none."""
    epochs = 2 * int(r.integers(9, 15))
    at, shape = (
        epochs // 2,
        [fall(2.3, 0.5, 4), fall(2.3, 0.5, 2), power(2.3, 0.3, 2)][r.integers(3)],
    )
    return Plan(
        train=shape,
        val=lambda t: shape(t) + 0.05,
        epochs=epochs,
        settings={"schedule": "step"},
        rate=lambda t: np.where(t <= at, 0.1, 0.01),
        labels=labels("", "rate_drop_idle plateau too_short", flat_from=3, longer=True, calm=True),
    )


def annealed(r: Random) -> Plan:
    """Draw a run whose falling rate has an effect at the end."""
    epochs, gain = int(r.integers(16, 40)), r.uniform(0.3, 0.5)
    rate = [cosine(epochs), one_cycle(epochs)][r.integers(2)]
    fell: Shape = lambda t: gain * np.clip((t / epochs - 0.65) / 0.3, 0, 1)  # noqa: E731
    val: Shape = lambda t: fall(2.3, 1.0, 2)(t) - fell(t)  # noqa: E731
    return Plan(
        train=lambda t: val(t) - 0.05,
        val=val,
        rate=rate,
        epochs=epochs,
        settings={"schedule": "cosine"},
        labels=labels("rate_end", "plateau too_short", flat_from=4, longer=True),
    )


def annealed_idle(r: Random) -> Plan:
    """Draw a run whose falling rate has no effect: the loss falls as it would have anyway."""
    epochs = int(r.integers(14, 40))
    rate = [cosine(epochs), one_cycle(epochs)][r.integers(2)]
    end, pace = r.uniform(0.3, 0.8), r.uniform(2, epochs / 3)
    shape = [fall(2.3, end, pace), power(2.3, end - 0.2, pace / 2)][r.integers(2)]
    return Plan(
        train=shape,
        val=lambda t: shape(t) + 0.04,
        rate=rate,
        epochs=epochs,
        settings={"schedule": "cosine"},
        labels=labels("", "plateau too_short", flat_from=2 * pace, longer=True),
    )


def patient(r: Random) -> Plan:
    """Draw a run that early stopping ended."""
    ended = int(r.integers(14, 26))
    return Plan(
        train=fall(2.3, 0.3, 3),
        val=fall(2.3, 0.4, 2),
        epochs=80,
        ended=ended,
        settings={"patience": 5},
        val_accuracy=lambda t: np.where(t == ended - 5, 0.9, 0.8 - np.exp(-t / 2) * 0.6),
        labels=labels("stopped_early", "plateau cannot_tell", flat_from=5, calm=True),
    )


def brief(r: Random) -> Plan:
    """Draw a run of very few epochs."""
    epochs = int(r.integers(1, 5))
    return Plan(
        train=fall(2.3, 0.9, 2),
        val=fall(2.3, 1.0, 2),
        epochs=epochs,
        labels=labels("cannot_tell", "too_short", longer=True),
    )


def stopped(r: Random) -> Plan:
    """Draw a run that a person stopped while it was getting better."""
    epochs = int(r.integers(16, 40))
    return Plan(
        train=fall(2.3, 0.8, epochs / 4),
        val=fall(2.3, 0.85, epochs / 4),
        epochs=epochs,
        ended=int(r.uniform(0.2, 0.7) * epochs),
        state="stopped",
        labels=labels("stopped_early", "too_short cannot_tell rate_too_low", rate="low"),
    )


def failed(r: Random) -> Plan:
    """Draw a run that a lack of memory ended."""
    return replace(stopped(r), state="failed", reason="oom")


def disturbed(r: Random) -> Plan:
    """Draw a sound run whose training images are harder than those of validation."""
    epochs, apart = int(r.integers(14, 30)), r.uniform(0.15, 0.4)
    val = fall(2.2, 0.5, 3)
    return Plan(
        train=lambda t: val(t) + apart * (1 - np.exp(-t)),
        val=val,
        epochs=epochs,
        rate=cosine(epochs),
        settings={"schedule": "cosine", "flip": True, "crop_padding": 4},
        labels=labels("val_below_train", "plateau too_short", flat_from=5, longer=True),
    )


def memorized(r: Random) -> Plan:
    """Draw a run with a wide gap, whose validation loss stays where it is."""
    pace = r.uniform(2, 3)
    return Plan(
        train=fall(2.3, 0.05, 5),
        val=fall(2.3, 1.0, pace),
        epochs=int(r.integers(18, 32)),
        train_accuracy=lambda t: 0.99 - 0.89 * np.exp(-t / 5),
        labels=labels(
            "gap", "plateau cannot_tell", flat_from=2.5 * pace, regularize=True, calm=True
        ),
    )


def restarted(r: Random) -> Plan:
    """Draw a sound run whose rate starts again twice."""
    period = int(r.integers(7, 12))
    phase = lambda t: np.clip((t - 1e-6) % period, 0, None) / period  # noqa: E731
    shape = lambda t: 0.4 + 1.9 * np.exp(-t / 4) + 0.35 * (1 - phase(t)) * (t > 1)  # noqa: E731
    return Plan(
        train=shape,
        val=lambda t: shape(t) + 0.04,
        epochs=3 * period,
        settings={"schedule": "cosine_restarts"},
        rate=lambda t: 0.05 * (1 + np.cos(np.pi * phase(t))) + 1e-9,
        labels=labels(
            "",
            "rise_and_fall plateau too_short spikes rate_drop rate_end",
            flat_from=4,
            longer=True,
            calm=True,
        ),
    )


FAMILIES: tuple[Callable[[Random], Plan], ...] = (
    still_falling,
    leveled,
    overfitted,
    underfitted,
    at_chance,
    rate_high,
    blown_up,
    diverged,
    not_a_number,
    rate_low,
    rate_tiny,
    double_descent,
    fine_tuned,
    noisy,
    uneven,
    random_labels,
    dropped,
    dropped_idle,
    annealed,
    annealed_idle,
    patient,
    brief,
    stopped,
    failed,
    disturbed,
    memorized,
    restarted,
)


def constructed(family: Callable[[Random], Plan], seed: int) -> Labeled:
    """Draw a run of a kind with its noise: even seeds to design with, odd ones to report."""
    random = np.random.default_rng([seed, FAMILIES.index(family)])
    plan = family(random)
    sigma = plan.noisier * random.uniform(0.006, 0.02)
    ended = plan.ended or plan.epochs
    at = np.arange(1, int(REPORTS * ended) + 1) / REPORTS
    epoch = np.arange(1.0, int(ended) + 1)
    wide = np.abs(plan.train(at)) > 1e3
    train = plan.train(at) * (1 + 0.2 * random.normal(size=len(at)) * wide)
    train = train + 4 * sigma * random.normal(size=len(at))
    if plan.nan_at:
        train[-1] = np.nan
    true = plan.val(epoch)
    val = true + sigma * random.normal(size=len(epoch))
    images = int(random.choice([1000, 2500, 5000]))
    counts = plan.counts or tuple([images // 10] * 10)
    follows: Shape = lambda loss: np.clip(0.97 - 0.38 * loss, 0.1, 0.995)  # noqa: E731
    accuracy = plan.val_accuracy(epoch) if plan.val_accuracy else follows(true)
    shown = plan.train_accuracy(at) if plan.train_accuracy else follows(plan.train(at))
    balanced = plan.balanced(epoch) if plan.balanced else accuracy
    spread = np.sqrt(accuracy * (1 - accuracy) / sum(counts)) / 2
    curves = Curves(
        step=at * 10 * REPORTS,
        step_epoch=at,
        train_loss=np.maximum(train, 0.001),
        train_accuracy=np.clip(shown + 0.02 * random.normal(size=len(at)), 0, 1),
        learning_rate=plan.rate(at),
        epoch_step=epoch * 10 * REPORTS,
        epoch=epoch,
        val_loss=val,
        val_accuracy=np.clip(accuracy + spread * random.normal(size=len(epoch)), 0, 1),
        **extra(balanced),
    )
    settings = {
        "learning_rate": 0.1,
        "epochs": plan.epochs,
        "batch_size": 128,
        "flip": False,
        "crop_padding": 0,
        "cutout": 0,
        "weight_decay": 5e-4,
        "label_smoothing": 0.0,
        "clip_norm": 0.0,
        "model": "simple_cnn",
        "patience": 0,
        "schedule": "constant",
        **plan.settings,
    }
    situation = situation_of(settings, counts, plan.state, plan.reason, plan.pretrained)
    return Labeled(
        name=f"{family.__name__} {seed}",
        curves=curves,
        situation=situation,
        labels=plan.labels,
        true_val=true,
        sigma=sigma,
    )


def extra(balanced: Values) -> dict[str, Values]:
    """Return the curves that a reading before 29 November 2026 does not know."""
    if "val_balanced_accuracy" not in Curves.__dataclass_fields__:
        return {}
    return {"val_balanced_accuracy": balanced, "val_macro_f1": balanced}


def situation_of(
    settings: dict[str, Any], counts: tuple[int, ...], state: str, reason: str, pretrained: bool
) -> Situation:
    """Return what a reader knows besides the curves."""
    known: dict[str, Any] = {"val_counts": counts, "train_counts": tuple(9 * n for n in counts)}
    known = {name: value for name, value in known.items() if name in Situation.__dataclass_fields__}
    return Situation(
        settings=settings,
        classes=len(counts),
        val_images=sum(counts),
        state=state,
        reason=reason,
        pretrained=pretrained,
        **known,
    )
