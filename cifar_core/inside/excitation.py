"""Finds what excites a class or a channel most: a synthetic picture, and real images.

Activation maximization after Olah et al. 2017, https://distill.pub/2017/feature-visualization:
the picture is a sum of waves in decorrelated colors, optimized by Adam, and randomly shifted and
resized for the network, so that only robust patterns remain. It shows what would activate the
channel most, which can be unlike the data; the real images are better evidence.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cifar_core.batching import images_at_once
from cifar_core.explain import Explainable
from cifar_core.inside.layers import by_channel, watched

STEPS = 128
RATE = 0.02
JITTER = 1 / 8  # at most, as a share of the side
RESIZED = 0.05  # at most, as a share of the side
ROUGH, EXTREME = 20.0, 2.0  # weights of the penalties on differences and on extreme colors
BATCH = 32  # real images at once, at most
# square root of the colors' covariance in photos: rows red, green and blue (Olah et al. 2017)
COLORS = ((0.26, 0.09, 0.02), (0.27, 0.00, -0.05), (0.27, -0.09, 0.03))


@dataclass(frozen=True, kw_only=True)
class Aim:
    """The target: a channel of a layer, or a class if `layer` is empty."""

    layer: str = ""
    channel: int  # or the index of the class


@dataclass(frozen=True, kw_only=True)
class Ascent:
    """The state of the ascent after a step."""

    step: int
    picture: Tensor  # [3, side, side] in [0, 1]
    strength: float  # for the randomly moved picture, before the step


def excite(
    classifier: Explainable, aim: Aim, *, steps: int = STEPS, seed: int = 0, scale: float = 1.0
) -> Iterator[Ascent]:
    """Yield pictures of growing strength, one for each step; stop iterating to end early.

    `scale` is the usual spread of the strength, which the penalties are relative to. Each step
    costs a forward and a backward pass and holds the classifier's lock only while it runs.
    """
    device, side = next(classifier.model.parameters()).device, classifier.side
    generator = torch.Generator().manual_seed(seed)
    start = torch.randn(3, side, side // 2 + 1, 2, generator=generator) * 0.01
    waves = start.to(device).requires_grad_()
    adam = torch.optim.Adam([waves], lr=RATE)
    for step in range(steps):
        with classifier.lock, torch.inference_mode(False), torch.enable_grad():
            shown = moved(painted(waves), generator)
            strength = strength_of(classifier.model, aim, shown)[0]
            loss = penalty(shown) - strength / scale
            (waves.grad,) = torch.autograd.grad(loss, [waves])
            adam.step()
        with torch.no_grad():
            picture = painted(waves)[0].cpu()
        yield Ascent(step=step + 1, picture=picture, strength=strength.item())


def strengths(classifier: Explainable, aim: Aim, images: Tensor) -> Tensor:
    """Return how strongly each image [N, 3, H, W] in [0, 1] excites the target; [N].

    A class's strength is its logit, a channel's is its mean over all positions.
    """
    device = next(classifier.model.parameters()).device
    results = []
    for batch in images.split(min(BATCH, images_at_once(classifier.side))):
        with classifier.lock, torch.no_grad():
            results.append(strength_of(classifier.model, aim, batch.to(device)).cpu())
    return torch.cat(results)


def strength_of(model: nn.Module, aim: Aim, images: Tensor) -> Tensor:
    """Return the strengths [N]; the caller must hold the lock."""
    kept: list[Tensor] = []

    def keep(name: str, module: nn.Module, output: Tensor) -> None:
        if name == aim.layer:
            kept.append(by_channel(output.clone())[:, aim.channel].mean(dim=1))

    with watched(model, keep):
        logits: Tensor = model(images)
    return kept[0] if aim.layer else logits[:, aim.channel]


def painted(waves: Tensor) -> Tensor:
    """Turn the amplitudes of waves [3, H, W // 2 + 1, 2] into a picture [1, 3, H, W] in [0, 1].

    Low frequencies get more weight, as in photos, where the amplitude falls with the frequency.
    """
    side = waves.shape[1]
    down = torch.fft.fftfreq(side, device=waves.device)[:, None]
    across = torch.fft.rfftfreq(side, device=waves.device)[None]
    slow = 1 / (down**2 + across**2).sqrt().clamp_min(1 / side)
    plain = torch.fft.irfft2(torch.view_as_complex(waves) * slow, s=(side, side), norm="ortho")
    colors = torch.tensor(COLORS, device=waves.device)
    colors = colors / colors.norm(dim=0).max()
    return torch.sigmoid(1.5 * torch.einsum("chw,dc->dhw", plain, colors))[None]


def moved(picture: Tensor, generator: torch.Generator) -> Tensor:
    """Shift and resize a picture [1, 3, H, W] a little at random; the size stays."""
    side = picture.shape[2]
    most = int(side * JITTER)
    down, across = torch.randint(-most, most + 1, (2,), generator=generator).tolist()
    share = 1 + RESIZED * (2 * torch.rand(1, generator=generator).item() - 1)
    new = int(side * share)
    rolled = picture.roll((down, across), (2, 3))
    resized = F.interpolate(rolled, (new, new), mode="bilinear")
    if new >= side:
        return resized[:, :, :side, :side]
    return F.pad(resized, (0, side - new, 0, side - new), mode="reflect")


def penalty(picture: Tensor) -> Tensor:
    """Return the penalty on roughness and extreme colors; the same for a picture at every size."""
    spread = (picture - 0.5) * 4
    finer = picture.shape[2] / 32  # by which the differences of neighbors are smaller
    steps = spread.diff(dim=2).square().mean() + spread.diff(dim=3).square().mean()
    return ROUGH * finer**2 * steps + EXTREME * spread.square().mean()
