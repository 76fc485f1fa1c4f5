"""A process that does nothing but save checkpoints, killed by -9 again and again while it does."""

import os
import random
import signal
import time
from itertools import count

import pytest
import torch

from cifar_core.runs.record import checkpoint_cleanup, checkpoints

ELEMENTS = 200_000  # 0.8 MB, so that a kill often lands in the middle of a file


def save(run, step, best=""):
    name = f"{step:08d}-a1"
    manifest = {"step": step, "attempt": 1, "epoch": step / 10, "best": best}
    weights = {"weight": torch.full((ELEMENTS,), float(step))}
    checkpoints.commit(
        run / "checkpoints", name, model=weights, state={"m": torch.ones(64)}, manifest=manifest
    )
    checkpoint_cleanup.prune(run)


def saver(run, first):
    """Fork a process that saves one checkpoint after another; it reports each that is committed."""
    reports, report = os.pipe()
    child = os.fork()
    if child:
        os.close(report)
        return child, reports
    os.close(reports)
    try:
        for step in range(first, first + 10_000):
            save(run, step)
            os.write(report, step.to_bytes(4, "big"))
    finally:
        os._exit(1)


def last_of(pipe, most=None):
    """Return the last step that is reported, of all or of the next few; 0 if none is."""
    last = 0
    for _ in count() if most is None else range(most):
        if len(number := pipe.read(4)) < 4:
            break
        last = int.from_bytes(number, "big")
    return last


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_process_killed_while_it_saves_leaves_the_last_commit_or_a_newer_one(tmp_path, sized):
    draw, newest, drafts = random.Random(15), 0, 0
    save(tmp_path / "trial", 1)  # loads the library
    begin = time.monotonic()
    save(tmp_path / "trial", 2)
    seconds = time.monotonic() - begin  # that one takes here
    kills = sized(30, 500)
    for _ in range(kills):
        child, reports = saver(tmp_path, newest + 1)
        with os.fdopen(reports, "rb", buffering=0) as pipe:
            before = last_of(pipe, most=draw.randrange(3))
            time.sleep(draw.uniform(0.0, 1.5 * seconds))
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            committed = max(newest, before, last_of(pipe))
        drafts += bool(list(checkpoint_cleanup.leftovers(tmp_path)))
        checkpoint_cleanup.clean_up(tmp_path)  # what the next start does first
        assert not list(checkpoint_cleanup.leftovers(tmp_path))
        found, notes = checkpoints.newest_valid(tmp_path)
        assert notes == []
        newest = found.step if found else 0
        assert committed <= newest <= committed + 1
        if found:
            weight = checkpoints.load_model(found.path)["weight"]
            assert torch.equal(weight, torch.full((ELEMENTS,), float(newest)))
    print(f"\n{drafts} kills left a draft; the last step saved is {newest}")
    assert drafts > kills / 10
    assert newest > 10
