"""Runs one attempt of a rate search in a process of its own.

Every row is a completed measurement, so the rows are all that a later attempt needs.
"""

import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from cifar_core.disk import files
from cifar_core.runs.engine.worker.attempt import main
from cifar_core.runs.engine.worker.base_worker import BaseWorker
from cifar_core.runs.engine.worker.log import say
from cifar_core.runs.record import metrics
from cifar_core.runs.record.figures.summary_record import SuggestedRate, Summary
from cifar_core.runs.record.records import AttemptResult, AttemptStart
from cifar_core.runs.record.summary import Pace

if TYPE_CHECKING:
    from cifar_core.rate_search.events import Event
    from cifar_core.training.events import Tick


class RateSearchWorker(BaseWorker):
    """One attempt of a rate search: rates that were measured already are not tried again."""

    ends_now = ("now", "pause", "epoch")  # there is no epoch to wait for

    def work(self) -> AttemptResult:
        """Continue from the rows of the earlier attempts to the end, or to a request."""
        from cifar_core.training.events import Tick

        self.prepare()
        for event in self.events():
            if isinstance(event, Tick):
                if event.phase != "features":
                    self.note(phase=event.phase, step=event.done, total_steps=event.total)
                if time.monotonic() - self.summarised_at >= self.signs.seconds:
                    self.write_summary()
                if result := self.attend():
                    return result
            else:
                self.keep(event)
        self.save()
        self.note(total_steps=self.summary.step)
        self.write_summary()
        assert self.summary.suggestion is not None
        return AttemptResult(outcome="finished", message=self.summary.suggestion.verdict)

    def note(self, **changes: Any) -> None:
        """Change values of the summary."""
        self.summary = replace(self.summary, **changes)

    def prepare(self) -> None:
        """Load the images, build the trainer and take over the rows of earlier attempts."""
        self.open(fresh=True)
        before, measured = self.run.summary, self.run.metrics()
        if not any(row["kind"] == "bracket" for row in measured):
            measured = []  # an interrupted range test is repeated
        self.measured = measured
        self.summary = Summary(phase="sweep")
        self.pace = Pace(0, before.seconds or 0.0)
        earlier = [n for n in metrics.attempt_numbers(self.run.path) if n < self.attempt]
        last = max(filter(self.has_started, earlier), default=0) if measured else 0
        end = files.read_lines(metrics.metrics_path(self.run.path, last))[1] if last else 0
        self.write_start(AttemptStart(from_attempt=last, from_bytes=end))
        tried = len({row["rate"] for row in measured if row["kind"] == "race"})
        say(
            f"Attempt {self.attempt} starts with {tried} rates measured."
            if tried
            else "Range test."
        )

    def has_started(self, attempt: int) -> bool:
        """Return True if an attempt's rows count."""
        return (metrics.attempt_folder(self.run.path, attempt) / "start.json").exists()

    def events(self) -> "Iterator[Tick | Event]":
        """Yield the events of the features, if only the head is trained, and of the search."""
        from cifar_core.rate_search.search import RateSearch

        yield from self.features()
        yield from RateSearch(self.setup, self.dataset, rows=self.measured).run()

    def keep(self, event: "Event") -> None:
        """Append the event to the attempt's rows, and print it."""
        from cifar_core.rate_search.events import RacePoint, Suggestion, row

        self.keep_row(row(event))
        if isinstance(event, Suggestion):
            self.note(suggestion=SuggestedRate(**asdict(event)), step=event.steps)
        if isinstance(event, RacePoint):
            how = f"loss {event.loss:.4f}" if event.loss is not None else "diverged"
            say(f"rate {event.rate:<9.4g} step {event.step:>3}  {how}")

    def save(self) -> None:
        """Wait until the rows are on the disk; nothing else needs saving."""
        self.wait_for_space(self.rows.sync)

    @property
    def steps(self) -> tuple[int, int]:
        """The number of steps done, and of those planned."""
        return self.summary.step, self.summary.total_steps

    @property
    def position(self) -> str:
        """The stage, and the number of steps done."""
        done, planned = self.steps
        return f"in the {self.summary.phase}, after {done:,} of about {planned:,} steps"


if __name__ == "__main__":
    main(RateSearchWorker, *sys.argv[1:])
