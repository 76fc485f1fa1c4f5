"""The groups of weights that share an optimizer's settings."""

from torch import nn
from torch.optim import Optimizer

from cifar_core.optim.spec import Groups


def decay_groups(model: nn.Module, weight_decay: float, *, biases: bool = False) -> Groups:
    """Split the trainable weights in two: matrices and filters decay, norms and biases can."""
    trainable = [p for p in model.parameters() if p.requires_grad]
    return decaying(trainable, weight_decay, biases=biases)


def decaying(weights: list[nn.Parameter], weight_decay: float, *, biases: bool = False) -> Groups:
    """Split weights into those that decay, matrices and filters, and the others."""
    return [
        {"params": [p for p in weights if p.ndim >= 2], "weight_decay": weight_decay},
        {
            "params": [p for p in weights if p.ndim < 2],
            "weight_decay": weight_decay if biases else 0.0,
        },
    ]


def set_momentum(optimizer: Optimizer, momentum: float) -> None:
    """Set every group's momentum for the next step; in groups with betas, it is the first."""
    for group in optimizer.param_groups:
        if "betas" in group:
            group["betas"] = (momentum, *group["betas"][1:])
        else:
            group["momentum"] = momentum
