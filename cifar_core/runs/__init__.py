"""Runs: their folders, the queue, and the processes that train them. Imports no torch."""

from cifar_core.runs.record.attempt import Attempt
from cifar_core.runs.record.checkpoints import CheckpointInfo
from cifar_core.runs.record.metrics import Fresh, MetricsReader
from cifar_core.runs.record.run import Run
from cifar_core.runs.record.run_kinds import CURVES, KINDS, RATE_SEARCH, TRAINING
from cifar_core.runs.record.states import FAILURES, STATES
from cifar_core.runs.record.status import RunStatus
from cifar_core.runs.store.run_row import RunRow
from cifar_core.runs.store.store import Store

__all__ = [
    "CURVES",
    "FAILURES",
    "KINDS",
    "RATE_SEARCH",
    "STATES",
    "TRAINING",
    "Attempt",
    "CheckpointInfo",
    "Fresh",
    "MetricsReader",
    "Run",
    "RunRow",
    "RunStatus",
    "Store",
]
