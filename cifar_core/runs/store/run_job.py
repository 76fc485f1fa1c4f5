"""A background job of a run, on behalf of a person: who may start and cancel it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cifar_core.background.jobs import Job, Work
from cifar_core.people import VIEWER, Role
from cifar_core.runs.record import action_log
from cifar_core.runs.record.run import Run


@dataclass(frozen=True, kw_only=True)
class RunJob(Job):
    """A result computed from a run. Everyone may ask for it, unless it needs a role."""

    run: Run
    what: str  # as the history names it, such as "predictions for the test images"
    needed: Role = VIEWER  # with a higher role than this, only the run's owner and admins may

    def begin(self, *, again: bool = False) -> bool:
        """Start it because a person asked for it; False if a process is working on it already.

        `again` deletes the result that is there. Raises AccessError, and BusyError if too many
        jobs work or wait.
        """
        owner = "" if self.needed is VIEWER else self.run.owner
        with self._action(f"compute {self.what}", "began to compute", owner) as line:
            if again:
                self.path.unlink(missing_ok=True)
            started = self.start()
            line.skip = not started
        return started

    def stop(self) -> bool:
        """Cancel it, which only who started it and admins may; True if a process was found."""
        with self._action(f"cancel {self.what}", "canceled the computation of", self.asker) as line:
            canceled = self.cancel()
            line.skip = not canceled
        return canceled

    def may_stop(self) -> bool:
        """Whether the person may cancel it."""
        return self.run.by.may(self.needed, self.asker)

    def _action(self, request: str, did: str, owner: str) -> action_log.Change:
        run = self.run
        return action_log.action(
            run.store_root, run.by, f"{request} (run {run.id})", did,
            needed=self.needed, owner=owner, run=run.id, detail=self.what,
        )  # fmt: skip


def job_of(
    run: Run, *, path: Path, work: Work, request: Mapping[str, Any], what: str,
    needed: Role = VIEWER,
) -> RunJob:  # fmt: skip
    """Return the job that computes a file of a run's folder for the person who uses the run."""
    return RunJob(
        root=run.store_root, by=run.by.name, path=path, work=work, request=request, run=run,
        what=what, needed=needed,
    )  # fmt: skip
