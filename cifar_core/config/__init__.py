"""What a run trains with: its settings by group, the presets and the transfer plans."""

from cifar_core.config.groups import CARDS, GROUPS, LENGTH, MACHINE, REPEATS, ROWS
from cifar_core.config.train_config import TrainConfig

__all__ = ["CARDS", "GROUPS", "LENGTH", "MACHINE", "REPEATS", "ROWS", "TrainConfig"]
