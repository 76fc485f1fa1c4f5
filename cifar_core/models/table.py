"""The page docs/models.md: `python -m cifar_core.models.table > docs/models.md` writes it anew."""

from cifar_core.models import MODELS, ModelSpec
from cifar_core.models.measure import card

INTRODUCTION = """\
# The models

Made by `python -m cifar_core.models.table` from the entries in `cifar_core/models/`; a test keeps
this page equal to them. Parameters and multiply-adds are for 10 classes and one image, the
latter of convolutions and matrix products only, which papers often call FLOPs. Every model takes
images of 32 x 32 pixels in [0, 1] and scales them itself; those that compute on 224 pixels
enlarge them first.

ResNet, DenseNet, MobileNetV2 and EfficientNet were made for 224 pixels. Here the first two of
their five halvings are left out, as they would leave a small image too coarse; VGG keeps all
five and reads the one place that is left with a single linear layer. CAM is the layer whose maps
Grad-CAM and HiResCAM weigh: the deepest one with at least 8 x 8 places.
"""
COLUMNS = "| key | model | parameters | multiply-adds | computes on | CAM | what it is |"


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


if __name__ == "__main__":
    print(markdown(), end="")
