"""Loads the network in this folder: python load_model.py PICTURE...

It needs torch, torchvision, safetensors and pillow, and of the program that trained the network
only the files in this folder. In your own program: from load_model import classes, load, seen.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps
from safetensors.torch import load_file

from cifar_core.models import MODELS

HERE = Path(__file__).resolve().parent
BICUBIC = Image.Resampling.BICUBIC
ORIENTATION = 0x0112  # an EXIF tag
LONGEST = 1600  # pixels a side that larger pictures are first scaled to


def about() -> dict[str, Any]:
    """Return what is known of the network: model.json."""
    facts: dict[str, Any] = json.loads((HERE / "model.json").read_text("utf-8"))
    return facts


def load() -> torch.nn.Module:
    """Return the network: images [N, 3, side, side] in [0, 1] -> logits [N, K]."""
    facts = about()
    model = MODELS[facts["model"]].build(len(facts["classes"]), **facts["build"])
    model.load_state_dict(load_file(HERE / "model.safetensors"))
    return model.float().eval()


def classes() -> list[str]:
    """Return the names of the classes, in the order of the logits."""
    names: list[str] = about()["classes"]
    return names


def seen(path: str | Path) -> torch.Tensor:
    """Return what the network sees of a picture: [1, 3, side, side] in [0, 1].

    The picture has 8 bits a channel, and becomes square as the images did in training.
    """
    facts = about()["preprocessing"]
    view = square(upright(path), facts["fit"], facts["stored"])
    margin = (facts["stored"] - facts["side"]) // 2
    view = view.crop((margin, margin, margin + facts["side"], margin + facts["side"]))
    return torch.tensor(np.array(view)).permute(2, 0, 1)[None] / 255


def upright(path: str | Path) -> Image.Image:
    """Return a picture in RGB, as the camera was held, on white where it is transparent."""
    image = Image.open(path)
    orientation = image.getexif().get(ORIENTATION, 1)
    if image.format == "JPEG" and min(image.size) >= 2 * LONGEST:
        image.draft(None, (LONGEST, LONGEST))
    image.load()
    clear = "transparency" in image.info or image.mode in ("LA", "PA", "RGBA")
    picture = image.convert("RGBA" if clear else "RGB")
    picture.thumbnail((LONGEST, LONGEST), BICUBIC)
    if clear:
        paper = Image.new("RGB", picture.size, "white")
        paper.paste(picture, mask=picture.getchannel("A"))
        picture = paper
    picture.getexif()[ORIENTATION] = orientation
    return ImageOps.exif_transpose(picture)


def square(image: Image.Image, fit: str, side: int) -> Image.Image:
    """Return a picture as a square of `side` pixels; `fit` is "crop", "fit" or "stretch"."""
    if fit == "crop":
        least = min(image.size)
        left, top = (image.width - least) // 2, (image.height - least) // 2
        image = image.crop((left, top, left + least, top + least))
    size = (side, side)
    if fit == "fit":
        share = side / max(image.size)
        size = (max(1, round(image.width * share)), max(1, round(image.height * share)))
    paper = Image.new("RGB", (side, side))
    scaled = image if image.size == size else image.resize(size, BICUBIC)
    paper.paste(scaled, ((side - size[0]) // 2, (side - size[1]) // 2))
    return paper


def main(pictures: list[str]) -> None:
    """Print the most likely class of each picture."""
    model, names = load(), classes()
    for path in pictures:
        with torch.inference_mode():
            probabilities = model(seen(path)).softmax(dim=1)[0]
        print(f"{path}: {names[int(probabilities.argmax())]} ({float(probabilities.max()):.1%})")


if __name__ == "__main__":
    main(sys.argv[1:])
