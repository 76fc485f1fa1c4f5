"""Scales parts of pictures into memory that is there already."""

import warnings

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

# F.interpolate always takes fresh memory, which costs as much as the scaling does; this kernel of
# it can write to a given place, but its name is private
TO_A_PLACE = getattr(torch._C._nn, "_upsample_bilinear2d_aa", None)

with warnings.catch_warnings():  # torch warns once a process that read-only arrays can be changed
    warnings.simplefilter("ignore")
    torch.from_numpy(np.frombuffer(b"\0", np.uint8))


def resize_into(place: Tensor, picture: NDArray[np.uint8]) -> None:
    """Scale a picture [h, w, 3] to the size of `place` uint8 [H, W, 3], and put it there.

    Bilinear with antialiasing, in whole levels: at most one level from Pillow's.
    """
    image = torch.from_numpy(picture).permute(2, 0, 1)[None]
    target = place.permute(2, 0, 1)[None]
    size = tuple(place.shape[:2])
    if picture.shape[:2] == size:
        target.copy_(image)
    elif TO_A_PLACE is not None:
        TO_A_PLACE(image, size, False, None, None, out=target)
    else:
        target.copy_(F.interpolate(image, size, mode="bilinear", antialias=True))
