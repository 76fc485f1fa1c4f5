"""A background job about a set of images, on behalf of a person: anyone may ask for it."""

from dataclasses import dataclass, fields

from cifar_core.background.jobs import Job
from cifar_core.people import VIEWER, Person
from cifar_core.runs.record import action_log


@dataclass(frozen=True, kw_only=True)
class SetJob(Job):
    """A result computed from a set of images."""

    person: Person
    title: str  # of the set
    what: str  # as the history names it, such as "duplicates"

    def begin(self) -> bool:
        """Start it because a person asked for it; False if a process is working on it already.

        Raises BusyError if too many jobs work or wait.
        """
        with self._action(f"look for {self.what}", f"began to look for {self.what} in") as line:
            started = self.start()
            line.skip = not started
        return started

    def stop(self) -> bool:
        """Cancel it, which only who started it and admins may; True if a process was found."""
        request, did = (
            f"cancel the search for {self.what}",
            f"canceled the search for {self.what} in",
        )
        with self._action(request, did, self.asker) as line:
            canceled = self.cancel()
            line.skip = not canceled
        return canceled

    def may_stop(self) -> bool:
        """Whether the person may cancel it."""
        return self.person.may(VIEWER, self.asker)

    def _action(self, request: str, did: str, owner: str = "") -> action_log.Change:
        return action_log.action(
            self.root, self.person, request, did, needed=VIEWER, owner=owner, detail=self.title
        )


def set_job(job: Job, person: Person, title: str, what: str) -> SetJob:
    """Return a job as a person may ask for it."""
    values = {field.name: getattr(job, field.name) for field in fields(Job)}
    return SetJob(**values, person=person, title=title, what=what)
