"""Changes images as the policy that was chosen says."""

from torch import Tensor

from cifar_core.data.augmentation.augment import Augment, Draws
from cifar_core.data.augmentation.effects.effect import Effect, each
from cifar_core.data.augmentation.effects.operations import applied
from cifar_core.data.augmentation.policies import POLICIES, Numbers

POLICY = 102  # the purpose of its draws


def change(planes: Tensor, augment: Augment, draws: Draws) -> Tensor:
    """Draw the plan of a batch, and carry it out."""

    def uniform(count: int) -> Numbers:
        return draws.uniform(POLICY, count)

    plan = POLICIES[augment.policy].plan(uniform, augment, planes.shape[-1])
    results = []
    for chain in plan.chains:
        result = planes
        for turn in chain:
            result = applied(result, turn)
        results.append(result)
    if plan.weights is None:
        return results[0]
    own, *others = (each(column, planes.device) for column in plan.weights.T)
    mixed = planes * own
    for weight, result in zip(others, results, strict=True):
        mixed += result * weight
    return mixed.byte()


SPECS = [
    Effect(
        key="policy",
        title="Policy",
        summary="A published, ready-made set of changes: TrivialAugment, RandAugment or AugMix.",
        uses=("policy",),
        stage="levels",
        change=change,
    ),
]
