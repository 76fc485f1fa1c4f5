"""One dialog for choosing a network, a data set or a run from cards."""

from app.shared.picker.cards import Card, Filter, Group
from app.shared.picker.datasets import choose_dataset
from app.shared.picker.dialog import pick, picked
from app.shared.picker.networks import choose_network
from app.shared.picker.runs import choose_run

__all__ = [
    "Card",
    "Filter",
    "Group",
    "choose_dataset",
    "choose_network",
    "choose_run",
    "pick",
    "picked",
]
