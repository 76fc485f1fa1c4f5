"""The plans of transfer learning: which part of a pretrained network is trained, and when."""

from dataclasses import dataclass
from typing import Literal

from cifar_core.registry import Registry

Part = Literal["head", "last stage", "all but early", "everything"]


@dataclass(frozen=True, kw_only=True)
class PlanSpec:
    """One plan. Layers that it does not train stay as they were, batch-norm statistics included."""

    key: str  # saved in config.json; never renamed
    title: str
    summary: str
    trains: Part  # the last layer alone, the last stage with it, or the whole network
    head_first: bool = False  # whether the head is trained alone for the first `head_epochs`
    uses: tuple[str, ...] = ()  # the settings that only this plan reads


TRANSFER_PLANS = Registry(
    "plan",
    [
        PlanSpec(
            key="head",
            title="Head only",
            summary="Only the last layer is trained: fast, as features can be computed once.",
            trains="head",
            uses=("cached_views",),
        ),
        PlanSpec(
            key="last_stage",
            title="Last stage",
            summary="The last stage and the head are trained; earlier layers stay as they are.",
            trains="last stage",
            uses=("backbone_rate",),
        ),
        PlanSpec(
            key="full",
            title="Full fine-tuning",
            summary="Everything is trained, the backbone at a smaller rate. Best with a GPU.",
            trains="everything",
            uses=("backbone_rate",),
        ),
        PlanSpec(
            key="gradual",
            title="Gradual",
            summary="First the head alone, so that a random head cannot upset the rest; then "
            "everything.",
            trains="everything",
            head_first=True,
            uses=("backbone_rate", "head_epochs"),
        ),
    ],
)
