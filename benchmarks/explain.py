"""What an upload costs until its maps are drawn: opened, predicted, explained by three methods.

One thread, CPU seconds, warm: the network is loaded and has been asked once.

python -m benchmarks.explain [--model resnet18] [--side 224] [--methods grad_cam,gradient,hires_cam]
"""

import argparse
import io
from statistics import median
from time import process_time

import torch
from PIL import Image

from benchmarks import machine
from cifar_core.data.pictures.images import open_image, seen_box, to_tensor
from cifar_core.data.sizing import Sizing
from cifar_core.explain import SALIENCY, explain
from cifar_core.explain.render import overlay
from cifar_core.inference import make_classifier, predict
from cifar_core.models import MODELS


def upload() -> bytes:
    """Return the content of a JPEG file of 800 x 600 pixels."""
    file = io.BytesIO()
    Image.effect_noise((800, 600), 64).convert("RGB").save(file, "JPEG")
    return file.getvalue()


def main() -> int:
    """Measure rounds and print a row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="resnet18")
    parser.add_argument("--side", type=int, default=224, help="pixels a side of the images")
    parser.add_argument("--methods", default="grad_cam,gradient,hires_cam")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    spec = MODELS[arguments.model]
    sizing = Sizing(side=arguments.side, stored=arguments.side)
    model = spec.build(10, side=sizing.side)
    classifier = make_classifier(
        model, model.state_dict(), classes=tuple("abcdefghij"), layer=spec.cam_layer,
        side=sizing.side,
    )  # fmt: skip
    methods = arguments.methods.split(",")
    file, seconds = upload(), []
    for _ in range(arguments.rounds + 1):
        start = process_time()
        photo = open_image(file)
        view = to_tensor(photo, sizing)
        target = predict(classifier, view).argmax(dim=1)
        for key in methods:
            map_ = explain(classifier, view, target, key)[0]
            overlay(photo, map_, box=seen_box(photo, sizing), signed=SALIENCY[key].signed)
        seconds.append(process_time() - start)
    warm = seconds[1:]
    print(machine.line())
    what = f"{arguments.model} at {sizing.side} pixels, {', '.join(methods)}"
    print(
        f"{what}: {median(warm):.2f} CPU seconds ({min(warm):.2f} to {max(warm):.2f}, "
        f"n = {len(warm)}); first {seconds[0]:.2f}"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
