"""Runs: their folders, the queue, and the processes that train them. Imports no torch."""

from cifar_core.runs.checkpoints import CheckpointInfo
from cifar_core.runs.kinds import KINDS, RATE_SEARCH, TRAINING
from cifar_core.runs.metrics import Fresh, MetricsReader
from cifar_core.runs.rows import RunRow
from cifar_core.runs.run import Attempt, Run
from cifar_core.runs.states import FAILURES, STATES
from cifar_core.runs.status import Status
from cifar_core.runs.store import Store

__all__ = [
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
    "Status",
    "Store",
]
