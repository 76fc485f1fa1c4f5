"""How often the test images of a run were looked at: choose by validation, report by test.

Each look at the test set and each choice made after it uses some of it up: the best of many runs
by test accuracy is partly the luckiest. looks.json in the run's folder lists the looks and
who looked; the evaluation at the end of training is the first.
"""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from cifar_core.disk import files, lock
from cifar_core.disk.checks import Moment, is_a
from cifar_core.runs.record.records import Looks
from cifar_core.runs.record.run import Run

TRAINING_END = "the end of training"


@dataclass(frozen=True, kw_only=True)
class TestLook:
    """One look at the test images' answers."""

    __test__: ClassVar[bool] = False  # not a pytest class, whatever its name says
    at: float  # unix seconds; 0 if not known
    where: str  # "the page", "the terminal" or the end of training
    checkpoint: str = ""  # its full name, if known
    by: str = ""  # the person's name; empty for the end of training, or if that was not noted yet

    @property
    def words(self) -> str:
        """When it was, who looked and from where, such as 27 Nov 2026, 14:32, ana, the page."""
        at = time.strftime("%d %b %Y, %H:%M", time.localtime(self.at)) if self.at else ""
        return ", ".join(filter(None, [at, self.by, self.where]))


def looks(run: Run) -> list[TestLook]:
    """Return every look at the run's test images, first to last."""
    noted = files.read(run.path / "looks.json", Looks)
    tested = run.summary.test_accuracy is not None
    first = [TestLook(at=run.status.since, where=TRAINING_END)] if tested else []
    return first + [look_of(each) for each in noted.looks]


def look_of(noted: Mapping[str, Any]) -> TestLook:
    """Return the look that an entry of looks.json tells of; what it does not say stays empty."""
    at: Any = noted.get("at")
    said = {name: str(noted.get(name, "")) for name in ("where", "checkpoint", "by")}
    return TestLook(at=float(at) if is_a(at, Moment) else 0.0, **said)


def count_look(run: Run, where: str, checkpoint: str) -> int:
    """Note down that whoever holds the run looks now; return how many looks there are."""
    path = run.path / "looks.json"
    with lock.held(run.path / ".lock"):
        noted = files.read(path, Looks)
        look = TestLook(at=time.time(), where=where, checkpoint=checkpoint, by=run.by.name)
        files.write_json(path, Looks(looks=[*noted.looks, asdict(look)]))
    return len(looks(run))


def sentence(found: int) -> str:
    """Say how often, and what follows from it."""
    times = {0: "never", 1: "once", 2: "twice"}.get(found, f"{found} times")
    return (
        f"The test images of this run were looked at {times}. Choose by validation, report by test."
    )
