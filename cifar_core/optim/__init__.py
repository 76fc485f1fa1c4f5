"""The optimizers. To add one: add an entry; if it needs code, give that its own file here."""

from cifar_core.optim import muon
from cifar_core.optim.experimental import EXPERIMENTAL
from cifar_core.optim.groups import decay_groups, decaying, set_momentum
from cifar_core.optim.rest import REST_OPTIMIZERS
from cifar_core.optim.spec import Groups, OptimizerSpec
from cifar_core.optim.standard import STANDARD
from cifar_core.registry import Registry

__all__ = [
    "OPTIMIZERS",
    "REST_OPTIMIZERS",
    "Groups",
    "OptimizerSpec",
    "decay_groups",
    "decaying",
    "set_momentum",
]

OPTIMIZERS = Registry("optimizer", [*STANDARD, *muon.SPECS, *EXPERIMENTAL])
