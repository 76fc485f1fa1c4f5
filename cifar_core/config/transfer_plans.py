"""The plans of transfer learning: which part of a pretrained network is trained, and when."""

from dataclasses import dataclass
from typing import Literal

from cifar_core.registry import Registry

Part = Literal["head", "last stage", "everything"]


@dataclass(frozen=True, kw_only=True)
class PlanSpec:
    """One plan. What it does not train stays as it was, statistics of batch norm included."""

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
            summary="Only the last layer learns. Quick, as each image passes the network once.",
            trains="head",
            uses=("cached_views",),
        ),
        PlanSpec(
            key="last_stage",
            title="Last stage",
            summary="The last stage and the head learn; what finds edges and textures stays.",
            trains="last stage",
            uses=("backbone_rate",),
        ),
        PlanSpec(
            key="full",
            title="Full fine-tuning",
            summary="Everything learns, the pretrained part at a smaller rate. Best with a GPU.",
            trains="everything",
            uses=("backbone_rate",),
        ),
        PlanSpec(
            key="gradual",
            title="Gradual",
            summary="First the head alone, then everything: a raw head cannot upset the rest.",
            trains="everything",
            head_first=True,
            uses=("backbone_rate", "head_epochs"),
        ),
    ],
)
