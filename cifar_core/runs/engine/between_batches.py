"""What a trainer does for itself between two batches: profiles, and the number of threads."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from cifar_core.disk import files
from cifar_core.runs.engine.profiler import ProfileTaker
from cifar_core.runs.engine.thread_governor import Governor
from cifar_core.runs.engine.threads import ThreadKeeper, governor_of
from cifar_core.runs.record import profiles
from cifar_core.runs.record.records import AttemptPlan, Environment
from cifar_core.runs.record.run import Run

if TYPE_CHECKING:
    from cifar_core.training.events import Tick
    from cifar_core.training.trainer import Trainer


class Watch:
    """Sees every batch of one attempt."""

    def __init__(
        self,
        run: Run,
        folder: Path,
        plan: AttemptPlan,
        trainer: "Trainer",
        say: Callable[[str], None],
    ) -> None:
        self.run, self.say = run, say
        last = profiles.latest(run.path)
        about = {
            "device": plan.device,
            "device_name": plan.device_name,
            "threads": plan.threads,
            "batch_size": trainer.config.batch_size,
        }
        path = folder / "profile.json"
        answered = last.request if last else 0
        self.profiler = ProfileTaker(trainer, path, about, answered, say)
        governor = governor_of(trainer.config.to_dict(), plan)
        self.keeper = (
            ThreadKeeper(governor, trainer.config.batch_size, self.tell_threads)
            if governor
            else None
        )

    def see(self, tick: "Tick", profiles_asked: int) -> None:
        """After a batch."""
        self.profiler.see(tick, profiles_asked)
        if self.keeper:
            self.keeper.see(tick, disturbed=self.profiler.busy)

    def tell_threads(self, governor: Governor) -> None:
        """Write a change of the number of threads into the log and the environment."""
        self.say(f"CPU threads: {governor.most}, {governor.words}.")
        self.profiler.about = {**self.profiler.about, "threads": governor.threads}
        path, now = self.run.path / "environment.json", {"threads_now": governor.words}
        files.edit(path, Environment, lambda _: now)
