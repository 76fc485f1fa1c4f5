"""What the runs of a store say about each network."""

from app.session import store
from cifar_core.runs.listing.history import History, history_of, trainings

__all__ = ["History", "history"]


def history(source: str, images: int, *, gpu: bool) -> History:
    """Return what this store's runs say about networks for a source with so much to train on."""
    return history_of(trainings(store().seen()), source, images, gpu=gpu)
