"""Opens the images of a run, at the size that is decided at its first start and kept from then."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from cifar_core.background.jobs import said
from cifar_core.errors import DataError
from cifar_core.runs.prepare.image_size import Decision, decided, space_of
from cifar_core.runs.record.computed.how import DataRecord
from cifar_core.runs.record.run import Run

if TYPE_CHECKING:
    from cifar_core.data.dataset import Dataset


def open_images(run: Run, device: str, say: Callable[[str], None]) -> "tuple[Dataset, Decision]":
    """Return the images of a run, decoded if they are not yet, and their size with its reason.

    `device` is where it computes, such as "cpu". Raises DataError if they are not those that the
    run started with, or cannot be decoded at that size.
    """
    from cifar_core import data

    before, store = run.environment.data, run.store_root
    source = before.source or data.resolve(run.settings["data"], store)
    say(f"Loading the images: {source}")
    report = said("Pictures decoded", say)
    if before == DataRecord():
        data.load(source, store, thorough=True, report=report)
        decision = decided(replace(run.config, data=source), store, device)
        if decision.problem:
            raise DataError(decision.problem)
        say(f"Size of the images: {decision.reason}")
        if decision.bytes_needed:
            say(f"Images of this size take {space_of(decision.bytes_needed)} on the disk.")
    else:
        decision = Decision(sizing=run.sizing, reason=before.size_reason)
    dataset = data.load(source, store, decision.sizing, thorough=True, report=report)
    if before != DataRecord() and before.fingerprint != dataset.fingerprint:
        raise DataError(
            f"The images of {source} are not those that run {run.id} started with. "
            f"Restore the original ones, or clone the run to train on the new ones."
        )
    return dataset, decision
