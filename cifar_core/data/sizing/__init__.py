"""How large the images of a run are, and how pictures of any shape become squares."""

from cifar_core.data.sizing.fits import CROP, FIT, FITS, STRETCH
from cifar_core.data.sizing.sizing import LARGEST, SMALLEST, USUAL, Sizing

__all__ = ["CROP", "FIT", "FITS", "LARGEST", "SMALLEST", "STRETCH", "USUAL", "Sizing"]
