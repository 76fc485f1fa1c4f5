"""Takes a profile of the steps of a live run when one is asked for, and writes profile.json."""

import contextlib
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifar_core.disk import files

if TYPE_CHECKING:
    from cifar_core.training.events import Tick
    from cifar_core.training.profiling import StepProfiler
    from cifar_core.training.trainer import Trainer

WARM_STEPS, STEPS = 3, 20
LEAST_STEPS, LONGEST_SECONDS = 5, 30.0  # fewer steps than STEPS where they are long


class ProfileTaker:
    """Looks after every batch for a request; whatever goes wrong is written, never raised."""

    def __init__(
        self,
        trainer: "Trainer",
        path: Path,
        about: Mapping[str, Any],
        answered: int,
        say: Callable[[str], None],
    ) -> None:
        self.trainer, self.path, self.about, self.say = trainer, path, about, say
        self.answered = answered  # the last request of the run that has its profile
        self.profiler: StepProfiler | None = None
        self.started = 0.0

    @property
    def busy(self) -> bool:
        """Whether steps are being recorded, which makes them slower."""
        return self.profiler is not None

    def see(self, tick: "Tick", asked: int) -> None:
        """After a batch: begin, go on or finish, as is due; `asked` is the latest request."""
        if asked <= self.answered and not self.busy:
            return
        try:
            self.advance(tick, asked)
        except Exception as error:  # a profile is never worth a run
            traceback.print_exc()
            self.give_up(asked, f"The profiler failed: {type(error).__name__}: {error}")

    def advance(self, tick: "Tick", asked: int) -> None:
        """Take the next step towards a profile."""
        if tick.phase != "train":
            return
        if self.profiler is None:
            self.begin(asked)
        else:
            self.profiler.end()
            if self.enough(self.profiler.steps):
                self.finish(asked)
        # the first step of an epoch is left out: the validation of the last one is before it
        if self.profiler and tick.done < tick.total:
            self.profiler.begin()

    def begin(self, asked: int) -> None:
        """Start recording."""
        from cifar_core.training.profiling import StepProfiler

        if self.trainer.steps_per_epoch < 2:
            self.give_up(asked, "An epoch of this run is a single step, too few for a profile.")
            return
        self.say("Profiling the next steps.")
        self.profiler, self.started = StepProfiler(), time.monotonic()

    def enough(self, steps: int) -> bool:
        """Tell whether the steps recorded so far will do, or have to."""
        if self.trainer.step >= self.trainer.total_steps:
            return True
        late = time.monotonic() - self.started > LONGEST_SECONDS
        return steps >= WARM_STEPS + (LEAST_STEPS if late else STEPS)

    def finish(self, asked: int) -> None:
        """Write the profile."""
        assert self.profiler is not None
        if self.profiler.steps <= WARM_STEPS:
            self.give_up(asked, "The run was over before enough steps could be profiled.")
            return
        values = self.profiler.report(WARM_STEPS)
        self.profiler = None
        self.write(asked, values)

    def give_up(self, asked: int, why: str) -> None:
        """Write why there is no profile."""
        profiler, self.profiler = self.profiler, None
        self.write(asked, {"error": why})
        if profiler:
            with contextlib.suppress(Exception):  # it has failed, which is told already
                profiler.close()

    def write(self, asked: int, values: Mapping[str, Any]) -> None:
        """Replace profile.json."""
        self.answered = asked
        about = {**self.about, "request": asked, "at": time.time(), "step": self.trainer.step}
        files.write_json(self.path, {**about, **values}, durable=False)
        self.say(values.get("error", f"Profiled {values.get('steps')} steps: {self.path.name}"))
