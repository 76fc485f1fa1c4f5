"""The weights of timm's networks: where each file is published, how large it is, its license."""

import os
import re
from functools import cache

from cifar_core import timm_names
from cifar_core.weights.spec import WeightsSpec

HUB = "https://huggingface.co"
FILE = "model.safetensors"  # as every network of the Hugging Face hub calls it
IN_A_NAME = re.compile(r"-([0-9a-f]{8,})\.")  # the beginning of the sha256, where a name has it


def spec_of(key: str) -> WeightsSpec:
    """Return the entry of a network's weights; UnknownKeyError if timm has none of this name."""
    name, about = timm_names.name_of(key), timm_names.published(key)
    license = about.license or "not stated"
    side = about.input_size[-1]
    if about.hf_hub_id:
        file = about.hf_hub_filename or FILE
        place = f"on the Hugging Face hub as {about.hf_hub_id}"
        url = f"{os.environ.get('HF_ENDPOINT') or HUB}/{about.hf_hub_id}/resolve/main/{file}"
    else:
        file, place, url = about.url.rsplit("/", 1)[1], f"at {about.url}", about.url
    checksum = IN_A_NAME.search(file)
    return WeightsSpec(
        key=key,
        title=name,
        summary=f"Made for images of {side} pixels; license: {license}.",
        file=f"{name}.{file.rpartition('.')[2]}",
        url=url,
        megabytes=megabytes(name),
        sha256=checksum[1] if checksum else "",
        source=f"Published by timm {place}; license of the weights: {license}.",
    )


@cache
def megabytes(name: str) -> float:
    """Return the size of all parameters in float32, in 10^6 bytes; allocates none of them."""
    import timm
    import torch

    with torch.device("meta"):
        body = timm.create_model(name)
    return sum(weight.numel() for weight in body.parameters()) * 4 / 1e6
