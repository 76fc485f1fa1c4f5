"""Chooses the number format of training: bfloat16 where the hardware multiplies it faster."""

from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch

from cifar_core.errors import ConfigError

TF32 = "As requested; where a GPU has TF32, convolutions round their input to it."
LEAST_BFLOAT16 = (8, 0)  # compute capability of NVIDIA GPUs
EXACT = "Features are computed once, so in full precision: bfloat16 cost 0.8 points when measured."


@dataclass(frozen=True, kw_only=True)
class Precision:
    """The format of the forward and backward pass; weights and sums stay float32."""

    key: str  # "float32", "bfloat16" or "float16"
    reason: str  # one sentence for the page
    device_type: str

    @property
    def scaled(self) -> bool:
        """Whether the loss must be scaled so that gradients do not vanish, as in float16."""
        return self.key == "float16"

    def autocast(self) -> AbstractContextManager[None]:
        """Return the context in which to run the network."""
        lower = self.key != "float32"
        dtype: torch.dtype = getattr(torch, self.key) if lower else torch.bfloat16
        context: AbstractContextManager[None] = torch.autocast(
            self.device_type, dtype, enabled=lower
        )
        return context


def choose_precision(wanted: str, device: str, *, exact: bool = False) -> Precision:
    """Resolve "auto" for a device such as "cpu" or "cuda:0", or check an explicit format.

    `exact` is for features that are computed once and used many times.
    """
    kind = device.split(":")[0]
    if wanted == "auto" and exact:
        return Precision(key="float32", reason=EXACT, device_type=kind)
    if wanted == "auto":
        key, reason = fastest(kind, device)
        return Precision(key=key, reason=reason, device_type=kind)
    if wanted == "float16" and kind != "cuda":
        raise ConfigError(
            {
                "precision": f"precision is float16, but the run trains on {device}, which does "
                "not benefit from it. Choose 'auto', or a CUDA device."
            }
        )
    rounds = wanted == "float32" and kind == "cuda" and not exact
    return Precision(key=wanted, reason=TF32 if rounds else "As requested.", device_type=kind)


def multiplies(key: str, device: str) -> bool:
    """Return True if a device has hardware for a format, or can do without."""
    if key == "bfloat16" and device.startswith("cuda"):
        return torch.cuda.get_device_capability(device) >= LEAST_BFLOAT16
    return True


def fastest(kind: str, device: str) -> tuple[str, str]:
    """Return the format in which this kind of device multiplies fastest, and why."""
    if kind == "cuda":
        if multiplies("bfloat16", device):
            return "bfloat16", "This GPU multiplies bfloat16 on its tensor cores."
        return "float16", "This GPU has no bfloat16 tensor cores; float16 with a scaled loss."
    if kind == "cpu" and torch.cpu._is_amx_tile_supported():
        return "bfloat16", "This processor multiplies bfloat16 in hardware (AMX)."
    if kind == "cpu" and torch.cpu._is_avx512_bf16_supported():
        return "bfloat16", "This processor multiplies bfloat16 in hardware (AVX-512)."
    return "float32", f"The {kind.upper()} gains nothing from a shorter format."
