"""What the drawn images show at 64 pixels and more, and a smaller view loses: a fine hatching.

The object is hatched in a direction that tells its class, 18 degrees from one class to the next;
the background is hatched in a direction of chance, so that only the object's tells anything. The
lines are 1.25 32nds of the side apart, less than the two pixels that an image of 32 would need to
show them (Nyquist).
"""

import math

import numpy as np
import numpy.typing as npt

from cifar_core.data.sources.shapes import SHAPES, Floats

DETAILED = 64  # pixels a side, from which on there are details
PERIOD = 1.25  # units of a 32nd of the side
CONTRAST = 0.08  # of the whole range, from the middle to the brightest
JITTER = 0.05  # radians, standard deviation: a sixth of the step between two classes


def take_details(count: int, random: np.random.Generator) -> Floats:
    """Take the random numbers of some images [N, 4]: both directions, and where both begin."""
    details = random.random((count, 4))
    details[:, 0] = JITTER * random.standard_normal(count)
    return details


def hatching(
    labels: npt.NDArray[np.int64], coverage: Floats, details: Floats, places: Floats
) -> Floats:
    """Return by how much of the whole range every pixel is brighter: [N, S, S].

    `coverage` [N, S, S] is how much of a pixel the object covers, `places` [S] are the pixels' in
    units.
    """
    step = math.pi / len(SHAPES)
    on_object = waves(step * labels + details[:, 0], details[:, 2], places)
    around = waves(math.pi * details[:, 1], details[:, 3], places)
    brighter: Floats = CONTRAST * (coverage * on_object + (1 - coverage) * around)
    return brighter


def waves(angles: Floats, phases: Floats, places: Floats) -> Floats:
    """Return parallel waves of some directions [N], in -1 to 1: [N, S, S]."""
    down, along = (f(angles)[:, None] * places / PERIOD for f in (np.sin, np.cos))
    return np.asarray(
        np.sin(2 * math.pi * (down[:, :, None] + along[:, None] + phases[:, None, None]))
    )
