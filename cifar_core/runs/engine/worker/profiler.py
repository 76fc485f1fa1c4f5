"""Profiles the steps of a live run when that is requested, and writes profile.json."""

import contextlib
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifar_core.disk import files
from cifar_core.runs.record import profiles
from cifar_core.runs.record.records import AttemptPlan
from cifar_core.runs.record.run import Run

if TYPE_CHECKING:
    from cifar_core.training.events import Tick
    from cifar_core.training.profiling import StepProfiler
    from cifar_core.training.trainer import Trainer

WARM_STEPS, STEPS = 3, 20
LEAST_STEPS, LONGEST_SECONDS = 5, 30.0  # fewer steps than STEPS if they are slow


class ProfileTaker:
    """Checks for a request after every batch; an error is written to the file, never raised."""

    def __init__(
        self,
        trainer: "Trainer",
        path: Path,
        about: Mapping[str, Any],
        served: int,
        say: Callable[[str], None],
    ) -> None:
        self.trainer, self.path, self.about, self.say = trainer, path, about, say
        self.served = served  # the run's last request that has its profile
        self.profiler: StepProfiler | None = None
        self.started = 0.0

    @property
    def busy(self) -> bool:
        """Whether steps are being recorded, which makes them slower."""
        return self.profiler is not None

    def after_batch(self, tick: "Tick", requested: int) -> None:
        """Begin, continue or finish a profile, as is due; `requested` is the latest request."""
        if requested <= self.served and not self.busy:
            return
        try:
            self.advance(tick, requested)
        except Exception as error:  # a profile is never worth a run
            traceback.print_exc()
            self.give_up(requested, f"The profiler failed: {type(error).__name__}: {error}")

    def advance(self, tick: "Tick", requested: int) -> None:
        """Begin, record one more step, or finish."""
        if tick.phase != "train":
            return
        if self.profiler is None:
            self.begin(requested)
        else:
            self.profiler.end()
            if self.enough(self.profiler.steps):
                self.finish(requested)
        # the first step of an epoch is left out, as it includes the validation of the epoch before
        if self.profiler and tick.done < tick.total:
            self.profiler.begin()

    def begin(self, requested: int) -> None:
        """Start recording steps."""
        from cifar_core.training.profiling import StepProfiler

        if self.trainer.steps_per_epoch < 2:
            self.give_up(
                requested, "An epoch of this run has a single step, which is too few for a profile."
            )
            return
        self.say("Profiling the next steps.")
        self.profiler, self.started = StepProfiler(), time.monotonic()

    def enough(self, steps: int) -> bool:
        """Return True if the steps recorded so far suffice, or no more will come."""
        if self.trainer.step >= self.trainer.total_steps:
            return True
        late = time.monotonic() - self.started > LONGEST_SECONDS
        return steps >= WARM_STEPS + (LEAST_STEPS if late else STEPS)

    def finish(self, requested: int) -> None:
        """Write the profile."""
        assert self.profiler is not None
        if self.profiler.steps <= WARM_STEPS:
            self.give_up(requested, "The run was over before enough steps could be profiled.")
            return
        values = self.profiler.report(WARM_STEPS)
        self.profiler = None
        self.write(requested, values)

    def give_up(self, requested: int, why: str) -> None:
        """Write why there is no profile."""
        profiler, self.profiler = self.profiler, None
        self.write(requested, {"error": why})
        if profiler:
            with contextlib.suppress(Exception):  # it has failed, which is reported already
                profiler.close()

    def write(self, requested: int, values: Mapping[str, Any]) -> None:
        """Replace profile.json."""
        self.served = requested
        about = {**self.about, "request": requested, "at": time.time(), "step": self.trainer.step}
        files.write_json(self.path, {**about, **values}, durable=False)
        self.say(values.get("error", f"Profiled {values.get('steps')} steps: {self.path.name}"))


def taker_of(
    run: Run, plan: AttemptPlan, trainer: "Trainer", folder: Path, say: Callable[[str], None]
) -> ProfileTaker:
    """Return the taker of the profiles that are requested from now on, for an attempt's folder."""
    last = profiles.latest(run.path)
    about = {
        "device": plan.device,
        "device_name": plan.device_name,
        "threads": plan.threads,
        "batch_size": trainer.config.batch_size,
    }
    return ProfileTaker(trainer, folder / "profile.json", about, last.request if last else 0, say)
