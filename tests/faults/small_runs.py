"""What the fault tests share: a run of seconds, trained here or in processes, and its outcome."""

import os

from run_helpers import SMALL, attempt, timeless, weights_of

from cifar_core.config import TrainConfig

IS_LONG = os.environ.get("CIFAR_FAULTS") == "long"  # `make faults`; else a little of each
SETTINGS = {**SMALL, "epochs": 6}


def new_run(store, **changes):
    return store.create(TrainConfig(**{**SETTINGS, **changes}))


def trained_here(store, **changes):
    """Train a run that nobody disturbs, and return it."""
    run = new_run(store, **changes)
    assert attempt(run, 1).work().outcome == "finished"
    return run


def outcome(run):
    """Return what must not depend on any fault: every row, and the weights."""
    return timeless(run.metrics()), [weights_of(run, name) for name in ("best", "last")]
