"""Freezes the parts of a network that are not trained, including their statistics."""

from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn

from cifar_core.config import TrainConfig
from cifar_core.config.transfer_plans import TRANSFER_PLANS, Part
from cifar_core.data.augmentation.augment import is_augmented
from cifar_core.models import MODELS, ModelSpec
from cifar_core.optim import Groups, decay_groups, decaying


def part_at(config: TrainConfig, epoch: int) -> Part:
    """Return the part that is trained in an epoch, counted from 0."""
    spec = MODELS[config.model]
    if not spec.weights:
        is_over = bool(spec.early) and epoch >= config.whitening_epochs
        return "all but early" if is_over else "everything"
    plan = TRANSFER_PLANS[config.plan]
    return "head" if plan.head_first and epoch < config.head_epochs else plan.trains


def keeps_features(config: TrainConfig) -> bool:
    """Return True if only the head is trained, from features that are computed once."""
    return bool(MODELS[config.model].weights) and config.plan == "head" and config.cached_views > 0


def keeps_answers(config: TrainConfig) -> bool:
    """Return True if a run shows its teachers the same images in all epochs, or a few views."""
    changed = is_augmented(config.to_dict()) or config.mixup or config.cutmix
    return keeps_features(config) or not changed


def freeze(model: nn.Module, spec: ModelSpec, part: Part) -> None:
    """Put the network into training mode, except for its frozen parts.

    Frozen weights need no gradient. Frozen modules stay in evaluation mode; otherwise batch norm
    would continue averaging and dropout would stay active.
    """
    model.train()
    if not (spec.weights or spec.early):
        return
    trained = trained_prefixes(spec, part)
    frozen = spec.early if part == "all but early" else ()
    for name, weight in model.named_parameters():
        is_trained = trained is None or is_under(name, trained)
        weight.requires_grad_(is_trained and not is_under(name, frozen))
    for module in frozen_modules(model, spec, part):
        module.eval()


def trained_prefixes(spec: ModelSpec, part: Part) -> tuple[str, ...] | None:
    """Return the dotted names of the modules that can be trained; None means everything."""
    if part in ("everything", "all but early"):
        return None
    return (spec.head,) if part == "head" else (*spec.stages[-1].prefixes, spec.head)


def frozen_modules(model: nn.Module, spec: ModelSpec, part: Part) -> Iterator[nn.Module]:
    """Yield the modules that must behave as in evaluation.

    If only the head is trained, these are all except the head and its parents: also a dropout
    right before it, so that the head gets the same features in every epoch.
    """
    frozen = [prefix for stage in spec.stages[:-1] for prefix in stage.prefixes]
    for name, module in model.named_modules():
        is_head = is_under(name, (spec.head,)) or is_under(spec.head, (name,)) or not name
        if (part == "last stage" and is_under(name, frozen)) or (part == "head" and not is_head):
            yield module


def is_under(name: str, prefixes: tuple[str, ...] | list[str]) -> bool:
    """Return True if a dotted name is one of the prefixes or is below one."""
    return any(name == prefix or name.startswith(prefix + ".") for prefix in prefixes)


def weight_groups(model: nn.Module, config: TrainConfig) -> Groups:
    """Return all weights that are trained at any time, for the optimizer; `share` scales the rate.

    The groups are the same from the first step to the last, so that a run can be resumed
    regardless of what was frozen when it ended.
    """
    spec, decay, biases = MODELS[config.model], config.weight_decay, config.decay_biases
    if not spec.weights:
        return with_share(1.0, decay_groups(model, decay, biases=biases))
    trained = trained_prefixes(spec, TRANSFER_PLANS[config.plan].trains)
    head, backbone = [], []
    for name, weight in model.named_parameters():
        if is_under(name, (spec.head,)):
            head.append(weight)
        elif trained is None or is_under(name, trained):
            backbone.append(weight)
    groups = with_share(1.0, decaying(head, decay, biases=biases))
    if backbone:
        groups += with_share(config.backbone_rate, decaying(backbone, decay, biases=biases))
    return groups


def with_share(share: float, groups: Groups) -> Groups:
    """Return groups whose rate is this share of the run's."""
    return [{**group, "share": share} for group in groups]


@dataclass(frozen=True, kw_only=True)
class StageRow:
    """One stage of a network, for the diagram of the trained parts."""

    title: str
    parameters: int
    trained: int  # of them, at any time in the run
    from_epoch: int  # counted from 1; 0 if it is never trained


def diagram(model: nn.Module, config: TrainConfig) -> list[StageRow]:
    """Return the stages from input to output, the head last; works on the "meta" device too."""
    spec = MODELS[config.model]
    parts = [(stage.title, stage.prefixes) for stage in spec.stages] + [("Head", (spec.head,))]
    everything = trained_prefixes(spec, TRANSFER_PLANS[config.plan].trains)
    at_first = trained_prefixes(spec, part_at(config, 0))
    rows = []
    for title, prefixes in parts:
        learns = everything is None or all(is_under(p, everything) for p in prefixes)
        at_once = at_first is None or all(is_under(p, at_first) for p in prefixes)
        size = sum(w.numel() for name, w in model.named_parameters() if is_under(name, prefixes))
        first = 0 if not learns else 1 if at_once else config.head_epochs + 1
        rows.append(StageRow(title=title, parameters=size, trained=size if learns else 0,
                             from_epoch=first))  # fmt: skip
    return rows
