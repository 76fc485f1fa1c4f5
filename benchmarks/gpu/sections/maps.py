"""Every saliency method on the device, beside the same one on the CPU."""

import torch

from benchmarks.gpu import on_device
from benchmarks.gpu.section import Bench
from cifar_core.explain import SALIENCY, explain, refusals
from cifar_core.inference import Classifier, make_classifier
from cifar_core.models import MODELS

NETWORKS = ("simple_cnn", "resnet9", "vit_small", "vig_nano")
QUICK = ("gradient", "hires_cam")  # the methods of a rehearsal
DRAWN = ("smoothgrad", "gradient_shap")  # their noise is drawn on the device, so it differs
MOST = 2e-3  # of the largest value of a map, in float32 without TF32


def run(bench: Bench) -> None:
    """Compare the maps of untrained networks for random images."""
    on_device.forbid_tf32()
    images = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    targets = torch.arange(4)
    for network in bench.sized(NETWORKS, NETWORKS[:1]):
        if bench.left < 5:
            bench.skip(f"maps of {network}", "no time was left")
            continue
        here, there = classifier(network, "cpu"), classifier(network, bench.device)
        refused = refusals(here).keys()
        methods = [key for key in bench.sized(tuple(SALIENCY), QUICK)
                   if key not in refused and key not in DRAWN]  # fmt: skip
        apart = {}
        for key in methods:
            ours, theirs = (explain(each, images, targets, key) for each in (there, here))
            apart[key] = float((ours - theirs).abs().max() / theirs.abs().max().clamp(min=1e-12))
        worst = max(apart, key=lambda key: apart[key])
        passed = apart[worst] <= MOST and refusals(there).keys() == refused
        bench.note(
            f"maps of {network}, {len(methods)} methods",
            f"at most {apart[worst]:.1e} of the largest value apart ({SALIENCY[worst].title})",
            target=f"at most {MOST}, and the same methods refused",
            passed=passed,
        )


def classifier(network: str, device: str) -> Classifier:
    """Return an untrained network; the same weights every time."""
    torch.manual_seed(0)
    spec = MODELS[network]
    made = make_classifier(
        spec.build(10),
        spec.build(10).state_dict(),
        classes=[str(number) for number in range(10)],
        layer=spec.cam_layer,
        layer_note=spec.cam_note,
    )
    made.model.to(device)
    return made
