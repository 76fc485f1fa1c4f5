"""How often the test results of a run were opened: choose by validation, report by test.

With each look at the test results and each choice made after it, the test accuracy becomes a less
independent check: the best of many runs by test accuracy is partly the luckiest. looks.json in the
run's folder lists the looks and who looked; the evaluation at the end of training is the first.
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
    """One look at the test results."""

    __test__: ClassVar[bool] = False  # not a pytest class, despite its name
    at: float  # unix seconds; 0 if unknown
    where: str  # "the page", "the terminal" or the end of training
    checkpoint: str = ""  # its full name, if known
    by: str = ""  # the person's name; empty for the end of training and in older files

    @property
    def words(self) -> str:
        """When it was, who looked and from where, such as 27 Nov 2026, 14:32, ana, the page."""
        at = time.strftime("%d %b %Y, %H:%M", time.localtime(self.at)) if self.at else ""
        return ", ".join(filter(None, [at, self.by, self.where]))


def looks(run: Run) -> list[TestLook]:
    """Return every look at the run's test results, first to last."""
    saved = files.read(run.path / "looks.json", Looks)
    tested = run.summary.test_accuracy is not None
    first = [TestLook(at=run.status.since, where=TRAINING_END)] if tested else []
    return first + [look_of(entry) for entry in saved.looks]


def was_opened(run: Run) -> bool:
    """Whether anybody has opened the test results since training ended."""
    return bool(files.read(run.path / "looks.json", Looks).looks)


def look_of(entry: Mapping[str, Any]) -> TestLook:
    """Return the look of an entry of looks.json; missing values are empty."""
    at: Any = entry.get("at")
    texts = {name: str(entry.get(name, "")) for name in ("where", "checkpoint", "by")}
    return TestLook(at=float(at) if is_a(at, Moment) else 0.0, **texts)


def count_look(run: Run, where: str, checkpoint: str) -> int:
    """Record a look by the person who acts on the run (`run.by`); return the number of looks."""
    path = run.path / "looks.json"
    with lock.held(run.path / ".lock"):
        saved = files.read(path, Looks)
        look = TestLook(at=time.time(), where=where, checkpoint=checkpoint, by=run.by.name)
        files.write_json(path, Looks(looks=[*saved.looks, asdict(look)]))
    return len(looks(run))


def sentence(count: int) -> str:
    """Say how often the test results were viewed, and what follows from it."""
    times = {1: "once", 2: "twice"}.get(count, f"{count} times")
    viewed = f"have been viewed {times}" if count else "have never been viewed"
    return f"The test results of this run {viewed}. Choose by validation, report by test."
