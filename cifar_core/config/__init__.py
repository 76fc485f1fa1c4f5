"""What a run trains with: its settings by group, the presets and the transfer plans."""

from cifar_core.config.groups import DATA, MACHINE, NETWORK, OPTIMIZATION, STOPPING
from cifar_core.config.train_config import TrainConfig

__all__ = ["DATA", "MACHINE", "NETWORK", "OPTIMIZATION", "STOPPING", "TrainConfig"]
