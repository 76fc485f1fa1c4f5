"""Loads the network in this folder: python load_model.py PICTURE...

It needs torch, torchvision, safetensors and pillow, and of the program that trained the network
only the files in this folder. In your own program: from load_model import classes, load.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file

from cifar_core.models import MODELS

HERE = Path(__file__).resolve().parent


def load() -> torch.nn.Module:
    """Return the network: images [N, 3, 32, 32] in [0, 1] -> logits [N, K]."""
    about = json.loads((HERE / "model.json").read_text("utf-8"))
    model = MODELS[about["model"]].build(len(about["classes"]), **about["build"])
    model.load_state_dict(load_file(HERE / "model.safetensors"))
    return model.float().eval()


def classes() -> list[str]:
    """Return the names of the classes, in the order of the logits."""
    names: list[str] = json.loads((HERE / "model.json").read_text("utf-8"))["classes"]
    return names


def main(pictures: list[str]) -> None:
    """Print the most likely class of each picture, resized to what the network takes."""
    model, names = load(), classes()
    for path in pictures:
        small = Image.open(path).convert("RGB").resize((32, 32), Image.Resampling.LANCZOS)
        with torch.inference_mode():
            pixels = torch.tensor(np.array(small)).permute(2, 0, 1)[None] / 255
            probabilities = model(pixels).softmax(dim=1)[0]
        print(f"{path}: {names[int(probabilities.argmax())]} ({float(probabilities.max()):.1%})")


if __name__ == "__main__":
    main(sys.argv[1:])
