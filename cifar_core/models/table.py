"""The page docs/models.md, which `make docs` writes."""

from cifar_core.models import MODELS, ModelSpec
from cifar_core.models.measure import card

INTRODUCTION = """\
# The models

`make docs` writes this page from the entries in `cifar_core/models/`. Parameters and
multiply-adds are for 10 classes and one image. Multiply-adds count convolutions and matrix
products only; papers often call them FLOPs. Every model takes images of 32 x 32 pixels in [0, 1]
and scales them itself; models that compute on 224 pixels enlarge them first.

ResNet, DenseNet, MobileNetV2 and EfficientNet were designed for 224 pixels. Here the first two of
their five halvings are left out, because they would make a small image too coarse. VGG keeps all
five, and a single linear layer reads the one position that remains. CAM is the layer whose maps
Grad-CAM and HiResCAM weigh: the deepest one with at least 8 x 8 positions.
"""
COLUMNS = "| key | model | parameters | multiply-adds | computes on | CAM | description |"


def markdown() -> str:
    """Return the page: one table for each family, in the order of the registry."""
    lines = [INTRODUCTION.rstrip()]
    family = ""
    for spec in MODELS.values():
        if spec.family != family:
            family = spec.family
            lines += ["", f"## {family}", "", COLUMNS, "|---|---|--:|--:|--:|---|---|"]
        lines.append(row(spec))
    notes = [f"{spec.title} has no CAM layer. {spec.cam_note}" for spec in MODELS.values()
             if spec.cam_note]  # fmt: skip
    return "\n".join([*lines, "", *notes]) + "\n"


def row(spec: ModelSpec) -> str:
    """Return the table row of one entry."""
    figures = card(spec)
    cells = [
        f"`{spec.key}`",
        f"[{spec.title}]({spec.paper})",
        f"{figures.parameters:,}",
        f"{figures.multiply_adds / 1e6:,.0f} M",
        f"{figures.input_size} px",
        f"`{spec.cam_layer}`" if spec.cam_layer else "none",
        spec.summary,
    ]
    return f"| {' | '.join(cells)} |"
