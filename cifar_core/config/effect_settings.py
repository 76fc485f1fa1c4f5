"""Settings of a run: how images are changed besides being shifted, mirrored and recolored."""

from dataclasses import dataclass

from cifar_core.config.groups import CHANGES
from cifar_core.data.augmentation.policies import BINS, NONE, POLICIES, SEVERITIES
from cifar_core.settings import Settings, choice, number


@dataclass(frozen=True, kw_only=True)
class EffectSettings(Settings):
    """Which of the further effects change the training images, and how much."""

    policy: str = choice(
        NONE,
        POLICIES,
        group=CHANGES,
        label="Policy",
        plural="policies",
        help="A ready-made set of further changes: of colors, of sharpness, of angle and place.",
    )
    policy_operations: int = number(
        2,
        low=1,
        high=4,
        group=CHANGES,
        used_by="policy",
        advanced=True,
        label="Operations",
        help="How many changes of the policy an image gets, one after the other.",
    )
    policy_magnitude: int = number(
        9,
        low=0,
        high=BINS - 1,
        group=CHANGES,
        used_by="policy",
        advanced=True,
        label="Magnitude",
        help="How strong each change of the policy is: 0 is the weakest.",
    )
    policy_severity: int = number(
        3,
        low=1,
        high=SEVERITIES,
        group=CHANGES,
        used_by="policy",
        advanced=True,
        label="Severity",
        help="How strong the changes of the policy may get: 1 allows only the weakest.",
    )
    rotation: float = number(
        0.0,
        low=0.0,
        high=180.0,
        group=CHANGES,
        advanced=True,
        zero="off",
        help="Turn each image by up to this many degrees to either side; the corners that this "
        "uncovers are black.",
    )
    zoom: float = number(
        0.0,
        low=0.0,
        high=0.9,
        group=CHANGES,
        advanced=True,
        zero="off",
        help="Enlarge or shrink each image by up to this share: 0.2 is 80 % to 120 % of its size.",
    )
    shear: float = number(
        0.0,
        low=0.0,
        high=60.0,
        group=CHANGES,
        advanced=True,
        zero="off",
        help="Slant each image sideways by up to this many degrees.",
    )
    perspective: float = number(
        0.0,
        low=0.0,
        high=0.6,  # from 2/3 on, three corners may lie on a line
        group=CHANGES,
        advanced=True,
        zero="off",
        help="Show half of the images as if seen from aside: each corner moves inward by up to "
        "this share of half the image; 0.5 is usual.",
    )
    grayscale: float = number(
        0.0,
        low=0.0,
        high=1.0,
        group=CHANGES,
        advanced=True,
        zero="off",
        help="Share of the images that lose their colors, drawn again every epoch; 0.1 is usual.",
    )
    blur: float = number(
        0.0,
        low=0.0,
        high=2.0,
        group=CHANGES,
        advanced=True,
        zero="off",
        help="Blur each image by a Gaussian whose standard deviation is at most this many pixels "
        "of an image of 32; larger images are blurred in proportion.",
    )
    erasing: float = number(
        0.0,
        low=0.0,
        high=1.0,
        group=CHANGES,
        advanced=True,
        zero="off",
        help="Share of the images of which a rectangle of 2 to 33 % of the area is blanked out, "
        "drawn again every epoch; 0.25 or 0.5 is usual.",
    )
