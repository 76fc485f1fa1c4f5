"""How much of a map falls on the object, for images whose object's position is known.

The share of mass inside the truth (Arras et al. 2022, "CLEVR-XAI", arXiv 2003.07258).
"""

from dataclasses import dataclass

from torch import Tensor

from cifar_core.numbers import percent


@dataclass(frozen=True, kw_only=True)
class OnObject:
    """Shares from 0 to 1."""

    mass: float  # of the map's absolute values that lies on the object
    area: float  # of the picture that the object covers: the mass of an uninformed map

    @property
    def sentence(self) -> str:
        """Both shares in one sentence."""
        return (
            f"{percent(self.mass, 0)} of the map lies on the object, which covers "
            f"{percent(self.area, 0)} of the picture."
        )


def on_object(maps: Tensor, masks: Tensor) -> OnObject:
    """Return the mean shares of maps [N, H, W] whose objects are where masks [N, H, W] are true."""
    sizes, inside = maps.abs().flatten(1), masks.flatten(1).to(maps)
    total = sizes.sum(dim=1)
    mass = (sizes * inside).sum(dim=1) / total.where(total > 0, 1)
    return OnObject(mass=float(mass.mean()), area=float(inside.mean()))
