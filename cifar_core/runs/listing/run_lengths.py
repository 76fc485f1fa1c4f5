"""How long a run still takes: at its own speed, else as earlier runs, else by multiply-adds."""

import math
from collections.abc import Callable
from functools import cache
from pathlib import Path

from cifar_core import data
from cifar_core.data.dataset import SIZE
from cifar_core.data.sources import synthetic
from cifar_core.proposals import cost
from cifar_core.proposals.networks import NetworkFacts, network_facts
from cifar_core.runs.listing.clusters import on_one_device_here
from cifar_core.runs.listing.history import History
from cifar_core.runs.record.run_kinds import TRAINING
from cifar_core.runs.store.run_row import RunRow

UNKNOWN = math.inf  # seconds
HOUR = 3600.0  # seconds
HEAD = "head"  # the transfer plan for which features are computed once
Past = Callable[[str, int], History]  # of a source with this many images to train on


class RunLengths:
    """How long runs take; what many of them have in common is looked up once."""

    def __init__(self, past: Past, images: Callable[[str], int], *, gpu: bool) -> None:
        self.past, self.images, self.gpu = cache(past), cache(images), gpu
        self.facts = network_facts()
        self.speed = cache(self.speed_of)

    def left(self, row: RunRow) -> float:
        """Return about how many seconds a run still takes; UNKNOWN if nothing says so."""
        if row.eta_seconds is not None:
            return row.eta_seconds
        whole = self.of_all_epochs(row)
        limit = HOUR * float(row.settings.get("most_hours", 0.0))
        return min(whole, max(0.0, limit - row.seconds)) if limit else whole

    def of_all_epochs(self, row: RunRow) -> float:
        """Return about how many seconds the epochs that are left take; UNKNOWN likewise."""
        facts = self.facts.get(row.model)
        if row.kind != TRAINING or facts is None:
            return UNKNOWN
        left = max(0, row.epochs - row.epochs_done)
        spent = row.seconds - row.features_seconds
        if row.epochs_done and spent > 0:
            return spent / row.epochs_done * left
        return self.expected(row, facts, left)

    def expected(self, row: RunRow, facts: NetworkFacts, epochs: int) -> float:
        """Return about how many seconds a run takes that has not trained yet."""
        settings = row.settings
        if not on_one_device_here(row):
            return UNKNOWN
        source = str(settings.get("data", ""))
        share = settings.get("train_fraction", 1) * (1 - settings.get("val_fraction", 0))
        images = round(self.images(source) * share)
        if not images:
            return UNKNOWN
        head = bool(facts.weights) and settings.get("plan") == HEAD
        passes = (settings.get("cached_views") or epochs) if head else epochs
        measured = self.past(source, images).costs.get(row.model)
        if measured is not None and measured.once == head:
            return measured.seconds * passes
        side, resolution = settings.get("image_size") or SIZE, settings.get("resolution", 0)
        multiply_adds = images * facts.multiply_adds_at(side, resolution)
        multiply_adds *= 1 if head else cost.BACKWARD
        return float(passes * multiply_adds / self.speed(source, images))

    def speed_of(self, source: str, images: int) -> float:
        """Return the multiply-adds a second of the runs that are known."""
        return cost.speed(self.past(source, images).measured, gpu=self.gpu)


def training_images(source: str, root: Path) -> int:
    """Return how many training images a resolved source has; 0 if that is not known yet."""
    if synthetic.is_source(source):
        return synthetic.sizes_of(source)[0]
    return next((one.train_images for one in data.status(root) if one.source == source), 0)
