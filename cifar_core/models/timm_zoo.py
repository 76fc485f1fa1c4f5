"""Networks from the optional package timm, made when their key is asked for: `timm:NAME`.

timm builds them and reads their published files; what is trained, kept and explained of them is
decided by the same entry as for every other pretrained network.
"""

from functools import cache, partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from cifar_core import timm_names
from cifar_core.errors import UnknownKeyError, WeightsError
from cifar_core.models import timm_parts
from cifar_core.models.pretrained import RESOLUTION
from cifar_core.models.scaling import Scaled
from cifar_core.models.spec import ModelSpec
from cifar_core.models.stems import multiple

NOTE = (
    "None of its layers has what class-activation maps weigh: channels that are maps of at least "
    "7 x 7 positions. A transformer holds patches instead. Use a gradient method."
)

MOST = 300  # characters of an error of timm that are shown


def spec_of(key: str) -> ModelSpec:
    """Return the entry of a network of timm; UnknownKeyError if there is none that can be used."""
    name = timm_names.name_of(key)
    try:
        return described(key, name)
    except Exception as error:  # of any of timm's thousand builders
        raise UnknownKeyError(
            f"{name} of timm cannot be trained here: {shown(error)}. Choose another network."
        ) from error


@cache
def described(key: str, name: str) -> ModelSpec:
    """Return the entry, from the network's own modules; allocates no weights."""
    about = timm_names.published(key)
    published = about.input_size[-1]
    with torch.device("meta"):
        body = make_body(name, 10)
    sized = about.fixed_input_size and hasattr(body, "set_input_size")
    patch = max((level.reduction for level in timm_parts.levels(body)), default=1) if sized else 1
    fixed = about.fixed_input_size and not sized
    side = published if fixed else round(RESOLUTION / patch) * patch
    if sized:
        with torch.device("meta"):
            body = make_body(name, 10, img_size=side)
    head, layer = timm_parts.head_of(body), timm_parts.cam_layer(body, side)
    known = timm_names.SUGGESTIONS.get(key)
    return ModelSpec(
        key=key,
        title=name,
        summary=(f"{known.title}, pretrained on {known.pretrained_on}. " if known else "")
        + f"Published with timm for images of {published} pixels; license of the weights: "
        f"{about.license or 'not stated'}.",
        family="Pretrained, from timm",
        build=partial(build, name, fixed=fixed, sized=sized, patch=patch, usual=side),
        cam_layer=f"body.{layer}" if layer else None,
        cam_note="" if layer else NOTE,
        input_size=side,
        uses=("plan",) if fixed else ("resolution", "plan"),
        paper=paper_of(about),
        weights=key,
        head=f"body.{head}",
        stages=timm_parts.stages_of(body, head),
        read=partial(read, name, f"body.{head}", sized=sized),
        patch=patch,
    )


def build(
    name: str,
    num_classes: int,
    *,
    fixed: bool,
    sized: bool,
    patch: int,
    usual: int,
    side: int = 32,
    resolution: int = 0,
) -> nn.Module:
    """Return timm's network with fresh weights, behind enlargement and its own normalization.

    Args:
        name: the network's name in timm.
        num_classes: outputs of the new last layer.
        fixed: whether it computes on images of one size alone, `usual`.
        sized: whether it has to know the size of its images when it is built, as a ViT does.
        patch: pixels a side of its patches; images are enlarged to the next multiple.
        usual: pixels a side that it computes on if `resolution` is 0.
        side: pixels a side of the images that it gets.
        resolution: pixels a side to which smaller images are enlarged; 0 for the usual one.
    """
    size = usual if fixed else multiple(max(side, resolution or usual), patch)
    about = timm_names.published(timm_names.PREFIX + name)
    body = make_body(name, num_classes, **({"img_size": size} if sized else {}))
    resized = size if size != side else None
    return Scaled(body, mean=about.mean, std=about.std, resolution=resized)


def make_body(name: str, num_classes: int, **options: Any) -> nn.Module:
    """Return timm's network with fresh weights."""
    import timm

    body: nn.Module = timm.create_model(name, num_classes=num_classes, **options)
    return body


def read(name: str, head: str, path: Path, side: int, *, sized: bool) -> dict[str, Tensor]:
    """Return the tensors of a published file, all but the last layer's, by our names.

    timm reads the file, renames what was published under other names, and interpolates positions to
    images of `side` pixels. WeightsError if the file is not of this network.
    """
    import timm

    options: dict[str, Any] = {"img_size": side} if sized else {}
    try:
        body = timm.create_model(
            name, pretrained=True, pretrained_cfg_overlay={"file": str(path)}, **options
        )
    except Exception as error:  # timm checks nothing before it unpacks and renames
        raise WeightsError(
            f"The file does not hold the weights that timm publishes for {name}: {shown(error)}. "
            "Choose another file, or get it again."
        ) from error
    tensors = {f"body.{tensor}": value for tensor, value in body.state_dict().items()}
    return {name: value for name, value in tensors.items() if not name.startswith(f"{head}.")}


def shown(error: Exception) -> str:
    """Return the beginning of an error of timm or torch, in one line and without its full stop."""
    return " ".join(str(error).split())[:MOST].rstrip(".")


def paper_of(about: Any) -> str:
    """Return the address of the paper, or of the weights' page where timm names no paper."""
    ids = about.paper_ids or ()
    for one in (ids,) if isinstance(ids, str) else ids:
        if one.startswith("arXiv:"):
            return f"https://arxiv.org/abs/{one.removeprefix('arXiv:')}"
    return f"https://huggingface.co/{about.hf_hub_id}" if about.hf_hub_id else ""
