"""The rate search. It yields events; saving, drawing and stopping are up to the caller.

A short range test brackets the rate. Candidates then race from the same weights over the same
batches, the better ones to the end of a cool-down; a parabola through their losses gives the rate.
"""

import math
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from cifar_core.data.dataset import Dataset
from cifar_core.errors import TrainingDivergedError
from cifar_core.optim import OPTIMIZERS
from cifar_core.rate_search import race, range_test
from cifar_core.rate_search.events import Bracket, Event, RacePoint, RangeTestPoint
from cifar_core.rate_search.parabola import Values
from cifar_core.rate_search.probe import AnyBatches, hold_out, losses_of, task_of_steps
from cifar_core.rate_search.race import Racer
from cifar_core.rate_search.verdict import conclude, racer_of
from cifar_core.training.events import Tick
from cifar_core.training.progress import TrainingProgress
from cifar_core.training.setup import Setup
from cifar_core.training.trainer import Trainer

Events = Iterator[Tick | Event]
PHASES = ("sweep", "race", "cool-down")


class RateSearch:
    """A search over one trainer, which is left unchanged; `for event in search.run()`.

    `rows` are those of the same search before it was interrupted: their steps are not computed
    again, and the suggestion is the same, bit for bit on the CPU.
    """

    def __init__(
        self, setup: Setup, dataset: Dataset, *, rows: Iterable[Mapping[str, Any]] = ()
    ) -> None:
        self.trainer = setup.trainer
        self.steps, self.probe = hold_out(setup, dataset)
        config = self.trainer.config
        self.own, self.usual = config.learning_rate, OPTIMIZERS[config.optimizer].usual_rate
        rows = list(rows)
        self.bracket = next((bracket_of(row) for row in rows if row["kind"] == "bracket"), None)
        self.tested = sum(row["kind"] == "sweep" for row in rows)
        self.raced = {(r["rate"], r["step"]): r for r in rows if r["kind"] == "race"}
        self.racers: list[Racer] = []  # on the lattice, ascending
        self.guests: list[Racer] = []  # the user's rate and the usual one, if not on it
        self.phase = PHASES[0]

    @property
    def done(self) -> int:
        """Return how many steps have been taken."""
        return self.tested + sum(racer.step for racer in self.racers + self.guests)

    @property
    def planned(self) -> int:
        """Return how many steps the search will take, as far as is known."""
        laps = (len(self.racers) or race.MOST - 1) + len(self.guests)
        finals = [racer for racer in self.racers + self.guests if racer.step > race.FIRST]
        rest = max(5, len(finals)) * (race.WHOLE - race.FIRST)
        tested = self.tested if self.bracket else range_test.STEPS
        return max(self.done, tested + laps * race.FIRST + rest)

    def run(self) -> Events:
        """Search to the end, starting after the rows of an interrupted search."""
        with borrowed(self.trainer, self.steps):
            self.start = self.trainer.snapshot()
            if self.bracket is None:
                yield from self._range_test()
            yield from self._first_laps()
            finalists = yield from self._finals()
            assert self.bracket is not None
            yield conclude(
                finalists,
                self.racers + self.guests,
                self.trainer,
                start=self.bracket.start_loss,
                guess=guessing_losses(self.steps, self.probe.full),
                own=self.own,
                usual=self.usual,
                steps=self.done,
            )

    def _range_test(self) -> Events:
        self.tested = 0
        rates = [float(rate) for rate in range_test.rates()]
        start = yield from self._loss(self.probe.quick)
        losses: list[float] = []
        steps = self.trainer.steps(lambda step: rates[min(step, len(rates) - 1)])
        for rate in rates:
            try:
                train_loss = next(steps).loss
            except TrainingDivergedError:
                break
            self.tested += 1
            loss = yield from self._loss(self.probe.quick)
            losses.append(loss)
            yield RangeTestPoint(rate=rate, loss=number(loss), train_loss=train_loss)
            yield self._tick()
            if range_test.end_of(losses, start) is not None:
                break
        span = range_test.find_range(rates, losses, start)
        self.bracket = Bracket(
            start_loss=start,
            onset=span.onset,
            edge=span.edge,
            rates=race.lattice(self.usual, span),
        )
        yield self.bracket

    def _first_laps(self) -> Events:
        assert self.bracket is not None
        self.phase = PHASES[1]
        self.racers = [Racer(rate) for rate in self.bracket.rates]
        self.guests = [Racer(rate) for rate in self._guest_rates()]
        for racer in self.racers + self.guests:
            yield from self._advance(racer, race.FIRST)
        for _ in range(race.EXTRA_LAPS):
            best = race.lowest([racer.first_lap for racer in self.racers])
            if (new := self._beyond(self.racers[best])) is None:
                break
            yield from self._advance(new, race.FIRST)

    def _guest_rates(self) -> list[float]:
        """Return the user's and the usual rate, unless they are on the lattice."""
        rates = [racer.rate for racer in self.racers]
        return [
            rate
            for rate in dict.fromkeys((self.usual, self.own))
            if not any(math.isclose(rate, other, rel_tol=0.02) for other in rates)
        ]

    def _beyond(self, racer: Racer) -> Racer | None:
        """Put a new racer next to one at an end of the lattice, and return it."""
        at_start, at_end = racer is self.racers[0], racer is self.racers[-1]
        if not at_start and not at_end:
            return None
        new = Racer(race.neighbor(racer.rate, -1 if at_start else 1))
        if not race.SLOWEST <= new.rate <= race.FASTEST:
            return None
        guest = next((r for r in self.guests if math.isclose(r.rate, new.rate, rel_tol=0.02)), None)
        if guest is not None:  # it has run its first lap already
            self.guests.remove(guest)
            new = guest
        self.racers.insert(0 if at_start else len(self.racers), new)
        return new

    def _finals(self) -> Generator[Tick | Event, None, list[Racer]]:
        """Let the best and its neighbors cool down; return them, ascending."""
        self.phase = PHASES[2]
        best = race.lowest([racer.first_lap for racer in self.racers])
        first, last = max(0, best - 2), min(len(self.racers), best + 2)
        for racer in self.racers[first:last]:
            yield from self._advance(racer, race.WHOLE)
        for _ in range(race.EXTRA_FINALS):
            index = first + race.lowest([racer.result for racer in self.racers[first:last]])
            if first < index < last - 1:
                break
            if index == first and first > 0:
                first -= 1
                new = self.racers[first]
            elif index == last - 1 and last < len(self.racers):
                new = self.racers[last]
                last += 1
            elif (beyond := self._beyond(self.racers[index])) is not None:
                new, last = beyond, last + 1
            else:
                break
            yield from self._advance(new, race.WHOLE)
        finalists = self.racers[first:last]
        for guest in self.guests:
            if finalists[0].rate < guest.rate < finalists[-1].rate:
                yield from self._advance(guest, race.WHOLE)
        mine = racer_of(self.racers + self.guests, self.own)
        if mine is not None:  # to compare two rates, both must have raced to the end
            yield from self._advance(mine, race.WHOLE)
        return finalists

    def _advance(self, racer: Racer, until: int) -> Events:
        """Train a racer up to a step, unless it has dropped out or has already got there."""
        self._recall(racer)
        if not racer.alive or racer.step >= until:
            return
        trainer, done = self.trainer, racer.step
        trainer.restore(racer.snapshot or self.start)
        steps = trainer.steps(lambda step: race.rate_at(racer.rate, step))
        while trainer.step < until and racer.alive:
            try:
                next(steps)
            except TrainingDivergedError:
                racer.alive = False
            racer.step = max(racer.step, trainer.step)
            yield self._tick()
            if not racer.alive:
                yield RacePoint(rate=racer.rate, step=racer.step, loss=None, alive=False)
            elif trainer.step in race.MARKS and trainer.step > done:
                yield (yield from self._judge(racer))
        racer.snapshot = trainer.snapshot() if racer.alive and until < race.WHOLE else None
        if racer.alive and until == race.WHOLE:
            yield (yield from self._judge_whole(racer))

    def _recall(self, racer: Racer) -> None:
        """Restore a racer's results from the rows of an interrupted search."""
        for step in (*race.MARKS, race.WHOLE):
            row = self.raced.get((racer.rate, step))
            if row and row["alive"]:
                racer.step = max(racer.step, step)
                if step == race.WHOLE:
                    racer.final = row["losses"]
                else:
                    racer.losses[step] = row["loss"]
        dropped = [
            r for (rate, _), r in self.raced.items() if rate == racer.rate and not r["alive"]
        ]
        if dropped:
            racer.alive, racer.step = False, dropped[0]["step"]

    def _judge(self, racer: Racer) -> Generator[Tick, None, RacePoint]:
        """Evaluate the few images, and drop the racer if its loss is too high."""
        loss = yield from self._loss(self.probe.quick)
        assert self.bracket is not None
        racer.alive = loss <= race.DROPPED_OUT * self.bracket.start_loss  # False for NaN too
        racer.losses[racer.step] = loss
        return RacePoint(rate=racer.rate, step=racer.step, loss=number(loss), alive=racer.alive)

    def _judge_whole(self, racer: Racer) -> Generator[Tick, None, RacePoint]:
        """Evaluate all probe images after the cool-down."""
        losses = yield from self._losses(self.probe.full)
        racer.alive = bool(np.isfinite(losses).all())
        racer.final = [round(float(loss), 4) for loss in losses] if racer.alive else None
        return RacePoint(
            rate=racer.rate,
            step=racer.step,
            loss=number(racer.result),
            alive=racer.alive,
            losses=racer.final,
        )

    def _loss(self, batches: AnyBatches) -> Generator[Tick, None, float]:
        losses = yield from self._losses(batches)
        return float(losses.mean())

    def _losses(self, batches: AnyBatches) -> Generator[Tick, None, "np.ndarray[Any, Any]"]:
        parts = []
        for part in losses_of(self.trainer, batches):
            parts.append(part)
            yield self._tick()
        return torch.cat(parts).cpu().double().numpy()

    def _tick(self) -> Tick:
        return Tick(phase=self.phase, done=self.done, total=self.planned)


def guessing_losses(steps: AnyBatches, probe: AnyBatches) -> Values:
    """Return the losses [N] in nats of the probe's images if only the classes' shares are known."""
    seen, asked = (batches.labels.cpu().numpy() for batches in (steps, probe))
    counts = np.bincount(seen, minlength=asked.max() + 1) + 1  # none is impossible
    losses: Values = -np.log((counts / counts.sum())[asked])
    return losses


def bracket_of(row: Mapping[str, Any]) -> Bracket:
    """Return the bracket that a row holds."""
    return Bracket(**{name: row[name] for name in ("start_loss", "onset", "edge", "rates")})


def number(value: float) -> float | None:
    """Return a value for JSON, None if it is not finite."""
    return value if math.isfinite(value) else None


@contextmanager
def borrowed(trainer: Trainer, batches: AnyBatches) -> Iterator[None]:
    """Lend a trainer for steps over other batches, and restore it in any case."""
    before, was_over = trainer.snapshot(), (trainer.train_batches, trainer.steps_per_epoch)
    task, trainer.task = trainer.task, task_of_steps(trainer)
    modes = [(module, module.training) for module in trainer.model.modules()]
    trainable = [(weight, weight.requires_grad) for weight in trainer.model.parameters()]
    rates = [group["lr"] for group in trainer.optimizer.param_groups]
    trainer.train_batches, trainer.steps_per_epoch = batches, len(batches)
    trainer.progress = TrainingProgress()
    try:
        yield
    finally:
        trainer.train_batches, trainer.steps_per_epoch = was_over
        trainer.task = task
        trainer.optimizer.zero_grad(set_to_none=True)
        trainer.restore(before)
        for module, training in modes:
            module.training = training
        for weight, wanted in trainable:
            weight.requires_grad_(wanted)
        for group, rate in zip(trainer.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate
