"""Runs the sections within a budget of seconds, each in a process of its own."""

import contextlib
import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from multiprocessing import get_context
from multiprocessing.process import BaseProcess

from benchmarks.gpu import real_runs
from benchmarks.gpu.section import Bench, Section, findings_file, findings_of

KILL_SECONDS = 3.0  # for a killed section to be gone; one may hang in a driver
FORK = get_context("fork")  # so all is imported once; nothing here may ask for a GPU before


@dataclass(frozen=True, kw_only=True)
class Started:
    """A section that runs."""

    section: Section
    bench: Bench
    process: BaseProcess


def run(sections: Sequence[Section], bench: Bench) -> Iterator[tuple[Section, float]]:
    """Run the sections; yield each that is over, and the seconds that it took.

    `bench` is for all of them together.
    """
    for section in sections:
        findings_file(bench.folder, section.key).unlink(missing_ok=True)
    groups = list(grouped(sections, in_turn=bench.rehearses))
    for number, group in enumerate(groups):
        left = max(0.0, bench.left)
        limit = left * share_of(group) / sum(share_of(later) for later in groups[number:])
        begin = time.monotonic()
        started = [
            start(section, bench, limit) for section in group if is_due(section, bench, limit)
        ]
        for each in started:
            finish(each)
            yield each.section, time.monotonic() - begin
        if any(s.is_needed and has_failed(bench, s) for s in group):
            for section in chain.from_iterable(groups[number + 1 :]):
                of(section, bench).skip(section.title, f"{group[0].title} has failed")
            break


def grouped(sections: Sequence[Section], *, in_turn: bool) -> Iterator[list[Section]]:
    """Yield the sections that run at the same time; with `in_turn` each by itself."""
    together: list[Section] = []
    for section in sections:
        if together and (section.alone or in_turn):
            yield together
            together = []
        if section.alone:
            yield [section]
        else:
            together.append(section)
    if together:
        yield together


def share_of(group: list[Section]) -> float:
    """Return the share of the time that the longest of some sections takes."""
    return max(section.share for section in group)


def of(section: Section, bench: Bench) -> Bench:
    """Return the bench of a section."""
    return replace(bench, section=section.key)


def is_due(section: Section, bench: Bench, limit: float) -> bool:
    """Return True if a section has enough time; note it if not."""
    if limit < section.least:
        why = f"{limit:.0f} s were left, and it needs {section.least:.0f}"
        of(section, bench).skip(section.title, why)
    return limit >= section.least


def start(section: Section, bench: Bench, limit: float) -> Started:
    """Start a section."""
    own = replace(of(section, bench), ends=time.monotonic() + limit)
    process = FORK.Process(target=work, args=(section, own))
    sys.stdout.flush()  # or the child would print it too
    process.start()
    return Started(section=section, bench=own, process=process)


def work(section: Section, bench: Bench) -> None:
    """Run a section in this process; an error is a finding."""
    os.setsid()  # so that all its processes can be ended
    log = (bench.folder / f"{section.key}.txt").open("wb")
    for descriptor in (1, 2):  # of the output and of the errors
        os.dup2(log.fileno(), descriptor)
    try:
        section.run(bench)
    except BaseException as error:
        traceback.print_exc()
        text = str(error).strip().split("\n", 1)[0]
        bench.note(section.title, f"{type(error).__name__}: {text}", target="no error",
                   passed=False)  # fmt: skip
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # a lost device may hang while it is shut down


def finish(started: Started) -> None:
    """Wait for a section, and end it when its time is over."""
    section, bench, process = started.section, started.bench, started.process
    process.join(max(0.0, bench.left))
    late = process.is_alive()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # what it may have left behind, too
    process.join(KILL_SECONDS)
    if late:
        bench.note(section.title, "its time was over before it was done", target="done in time",
                   passed=False)  # fmt: skip
    elif process.exitcode:
        bench.note(section.title, f"its process ended with exit code {process.exitcode}",
                   target="no crash", passed=False)  # fmt: skip
    if late or process.exitcode:
        real_runs.end_all(bench.store)


def has_failed(bench: Bench, section: Section) -> bool:
    """Return True if a section has a finding that failed."""
    return any(f.passed is False for f in findings_of(bench.folder, section.key))
