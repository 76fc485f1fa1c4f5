"""Optimizers of single papers: ours, torch's or torch-optimizer's.

torch_optimizer is imported late because only runs that use it need it.
"""

from collections.abc import Callable
from typing import Any

from torch.optim import Optimizer

from cifar_core.optim.layerwise import Lamb, Lars, NovoGrad
from cifar_core.optim.ranger import Ranger
from cifar_core.optim.spec import Groups, OptimizerSpec
from cifar_core.optim.standard import BETAS, betas


def ranger(groups: Groups, rate: float, config: Any, fused: bool) -> Optimizer:
    """Make Ranger with decoupled weight decay."""
    return Ranger(groups, lr=rate, betas=betas(config), decoupled_weight_decay=True, foreach=True)


def novograd(groups: Groups, rate: float, config: Any, fused: bool) -> Optimizer:
    """Make NovoGrad with its paper's second beta, for the norm of a layer's gradient."""
    return NovoGrad(groups, lr=rate, betas=(config.beta1, 0.98))


def lamb(groups: Groups, rate: float, config: Any, fused: bool) -> Optimizer:
    """Make LAMB."""
    return Lamb(groups, rate, betas=betas(config))


def lars(groups: Groups, rate: float, config: Any, fused: bool) -> Optimizer:
    """Make LARS."""
    return Lars(groups, rate, momentum=config.momentum)


def plain(name: str) -> Callable[[Groups, float, Any, bool], Optimizer]:
    """Return a builder for torch-optimizer's class of this name, with its default settings."""

    def build(groups: Groups, rate: float, config: Any, fused: bool) -> Optimizer:
        import torch_optimizer

        return getattr(torch_optimizer, name)(groups, lr=rate)

    return build


def with_betas(name: str, **fixed: Any) -> Callable[[Groups, float, Any, bool], Optimizer]:
    """Return a builder for torch-optimizer's class of this name, with two betas."""

    def build(groups: Groups, rate: float, config: Any, fused: bool) -> Optimizer:
        import torch_optimizer

        return getattr(torch_optimizer, name)(groups, lr=rate, betas=betas(config), **fixed)

    return build


def with_momentum(name: str, **fixed: Any) -> Callable[[Groups, float, Any, bool], Optimizer]:
    """Return a builder for torch-optimizer's class of this name, with a momentum."""

    def build(groups: Groups, rate: float, config: Any, fused: bool) -> Optimizer:
        import torch_optimizer

        return getattr(torch_optimizer, name)(groups, lr=rate, momentum=config.momentum, **fixed)

    return build


EXPERIMENTAL = [
    OptimizerSpec(
        key="accsgd",
        title="AccSGD",
        summary="Experimental. SGD with a short-term and a long-term momentum, for small batches.",
        build=plain("AccSGD"),
        usual_rate=3e-2,
        uses=(),
        paper="https://arxiv.org/abs/1803.05591",
    ),
    OptimizerSpec(
        key="adabelief",
        title="AdaBelief",
        summary="Experimental. Takes large steps where gradients are as expected, small elsewhere.",
        build=with_betas("AdaBelief"),
        usual_rate=3e-3,
        uses=BETAS,
        paper="https://arxiv.org/abs/2010.07468",
    ),
    OptimizerSpec(
        key="adabound",
        title="AdaBound",
        summary="Experimental. Begins like Adam and ends like SGD at a rate of 0.1.",
        build=with_betas("AdaBound"),
        usual_rate=1e-3,
        uses=BETAS,
        paper="https://arxiv.org/abs/1902.09843",
    ),
    OptimizerSpec(
        key="adamod",
        title="AdaMod",
        summary="Experimental. Adam whose steps are bounded by their long-term mean.",
        build=with_betas("AdaMod"),
        usual_rate=1e-2,
        uses=BETAS,
        paper="https://arxiv.org/abs/1910.12249",
    ),
    OptimizerSpec(
        key="apollo",
        title="Apollo",
        summary="Experimental. Estimates the curvature of each weight separately.",
        build=plain("Apollo"),
        usual_rate=3e-2,
        uses=(),
        paper="https://arxiv.org/abs/2009.13586",
    ),
    OptimizerSpec(
        key="diffgrad",
        title="DiffGrad",
        summary="Experimental. Adam that slows down where the gradient hardly changes.",
        build=with_betas("DiffGrad"),
        usual_rate=3e-3,
        uses=BETAS,
        paper="https://arxiv.org/abs/1909.11015",
    ),
    OptimizerSpec(
        key="aggmo",
        title="AggMo",
        summary="Experimental. SGD that averages three momenta, which damps oscillations.",
        build=plain("AggMo"),
        usual_rate=3e-2,
        uses=(),
        paper="https://arxiv.org/abs/1804.00325",
    ),
    OptimizerSpec(
        key="lamb",
        title="LAMB",
        summary="Experimental. Adam with a step for each layer, made for very large batches.",
        build=lamb,
        usual_rate=1e-2,
        uses=BETAS,
        paper="https://arxiv.org/abs/1904.00962",
    ),
    OptimizerSpec(
        key="lars",
        title="LARS",
        summary="Experimental. SGD with a step for each layer, made for very large batches.",
        build=lars,
        usual_rate=0.1,
        uses=("momentum",),
        paper="https://arxiv.org/abs/1708.03888",
    ),
    OptimizerSpec(
        key="madgrad",
        title="MADGRAD",
        summary="Experimental. Averages all gradients since the start; needs little weight decay.",
        build=with_momentum("MADGRAD"),
        usual_rate=1e-3,
        uses=("momentum",),
        paper="https://arxiv.org/abs/2101.11075",
    ),
    OptimizerSpec(
        key="novograd",
        title="NovoGrad",
        summary="Experimental. Divides by the norm of a layer's gradient: needs little memory.",
        build=novograd,
        usual_rate=1e-2,
        uses=("beta1",),
        paper="https://arxiv.org/abs/1905.11286",
    ),
    OptimizerSpec(
        key="pid",
        title="PID",
        summary="Experimental. Momentum that also uses the change of the gradient.",
        build=with_momentum("PID"),
        usual_rate=3e-2,
        uses=("momentum",),
        paper="https://openaccess.thecvf.com/content_cvpr_2018/html/An_A_PID_Controller_CVPR_2018_paper.html",
    ),
    OptimizerSpec(
        key="qhadam",
        title="QHAdam",
        summary="Experimental. Adam that weights the newest gradient separately from the mean.",
        build=with_betas("QHAdam", nus=(0.7, 1.0)),
        usual_rate=2e-3,
        uses=BETAS,
        paper="https://arxiv.org/abs/1810.06801",
    ),
    OptimizerSpec(
        key="qhm",
        title="QHM",
        summary="Experimental. SGD that weights the newest gradient separately from the momentum.",
        build=with_momentum("QHM"),
        usual_rate=0.1,
        uses=("momentum",),
        paper="https://arxiv.org/abs/1810.06801",
    ),
    OptimizerSpec(
        key="ranger",
        title="Ranger",
        summary="Experimental. RAdam that goes half of the way back every six steps.",
        build=ranger,
        usual_rate=1e-2,
        uses=BETAS,
        paper="https://arxiv.org/abs/1907.08610",
    ),
]
