"""The page docs/models.md, which `make docs` writes."""

from collections.abc import Iterator

from cifar_core.models import MODELS, ModelSpec
from cifar_core.models.measure import card

INTRODUCTION = """\
# The models

`make docs` writes this page from the entries in `cifar_core/models/`. Parameters, multiply-adds and
memory are for 10 classes and one image of 32 x 32 pixels. Multiply-adds count convolutions and
matrix products only; papers often call them FLOPs. The memory is what a training step of the whole
network keeps of each image for its backward pass, in float32; in bfloat16 it is about half. Every
model takes square images of any size from 16 pixels a side in [0, 1] and scales them itself; models
that compute on 128 or 224 pixels enlarge smaller images first and take larger ones as they are.

ResNet, DenseNet, MobileNetV2 and EfficientNet were designed for 224 pixels and halve an image five
times. For images below 56 pixels a side the first two halvings are left out, because they would
make a small image too coarse; for images below 112 pixels one is. From 112 pixels on, these are the
published networks. The other networks that are trained from scratch shrink larger images in the
same steps, as [the table below](#stems) says, so that what follows always sees 28 to 56 places a
side for images of 28 to 224 pixels, and images of 64 or 128 pixels cost most of them about as much
as images of 32. VGG keeps its five halvings besides, and a single linear layer reads the mean over
the positions that remain.

CAM is the layer whose maps Grad-CAM and HiResCAM weigh: it has at least 8 x 8 positions for images
of 32, 64, 128 and 224 pixels, and at least 7 x 7 for any other size from 28 on, unless a lower
`resolution` than 128 is chosen for a pretrained network.
"""
COLUMNS = "| key | model | parameters | multiply-adds | memory | computes on | CAM | description |"
SIDES = (32, 64, 128)  # pixels a side, one for each stem


def markdown() -> str:
    """Return the page: one table for each family, in the order of the registry."""
    lines = [INTRODUCTION.rstrip()]
    family = ""
    for spec in MODELS.values():
        if spec.family != family:
            family = spec.family
            lines += ["", f"## {family}", "", COLUMNS, "|---|---|--:|--:|--:|--:|---|---|"]
        lines.append(row(spec))
    notes = [f"{spec.title} has no CAM layer. {spec.cam_note}" for spec in MODELS.values()
             if spec.cam_note]  # fmt: skip
    return "\n".join([*lines, "", *notes, "", *stems()]) + "\n"


def stems() -> Iterator[str]:
    """Yield the section with the stem and the multiply-adds of each network at three sizes."""
    yield "## Stems"
    yield ""
    yield (
        "The stem of each network that is trained from scratch, and its multiply-adds, for images "
        "below 56 pixels a side (at 32), below 112 (at 64), and larger ones (at 128). "
        "Otherwise the multiply-adds grow about with the square of the side."
    )
    yield ""
    yield "| model | at 32 px | at 64 px | at 128 px |"
    yield "|---|---|---|---|"
    for spec in MODELS.values():
        if spec.stems:
            cells = (f"{spec.stem_words(side)}: {millions(card(spec, side=side).multiply_adds)}"
                     for side in SIDES)  # fmt: skip
            yield f"| {spec.title} | {' | '.join(cells)} |"


def millions(multiply_adds: int) -> str:
    """Write multiply-adds in millions."""
    return f"{multiply_adds / 1e6:,.0f} M"


def row(spec: ModelSpec) -> str:
    """Return the table row of one entry."""
    figures = card(spec)
    cells = [
        f"`{spec.key}`",
        f"[{spec.title}]({spec.paper})",
        f"{figures.parameters:,}",
        millions(figures.multiply_adds),
        f"{figures.kept_bytes / 1e6:.1f} MB",
        f"{figures.input_size} px",
        f"`{spec.cam_layer}`" if spec.cam_layer else "none",
        spec.summary,
    ]
    return f"| {' | '.join(cells)} |"
