"""Settings of a run: its images, the validation split, and augmentation."""

from dataclasses import dataclass

from cifar_core.config.groups import DATA
from cifar_core.data.augmentation.augment import FLIP_MODES, PADDING_MODES
from cifar_core.settings import Settings, choice, number, switch, text


@dataclass(frozen=True, kw_only=True)
class DataSettings(Settings):
    """Which images a run learns from, and how they are changed."""

    data: str = text(
        "auto",
        group=DATA,
        help="Where the images are: 'synthetic', a folder, an archive, or 'auto'.",
    )
    train_fraction: float = number(
        1.0,
        low=0.001,
        high=1.0,
        group=DATA,
        help="Share of the training images to use, taken evenly from every class.",
    )
    val_fraction: float = number(
        0.1,
        low=0.01,
        high=0.5,
        group=DATA,
        label="Validation share",
        help="Share of the training images kept aside to choose the best epoch.",
    )
    split_seed: int = number(
        0,
        low=0,
        high=2**31 - 1,
        group=DATA,
        advanced=True,
        help="Decides which images are kept aside; keep it when comparing runs.",
    )
    crop_padding: int = number(
        4,
        low=0,
        high=8,
        group=DATA,
        help="Shift each image by up to so many pixels, drawn anew every epoch; 0 turns it off.",
    )
    flip: bool = switch(
        True,
        group=DATA,
        label="Mirror",
        help="Mirror each image left to right, half of the time.",
    )
    flip_mode: str = choice(
        "random",
        FLIP_MODES,
        group=DATA,
        advanced=True,
        label="Mirror when",
        help="Whether chance decides anew in every epoch, or each image takes turns.",
    )
    padding_mode: str = choice(
        "black",
        PADDING_MODES,
        group=DATA,
        advanced=True,
        label="Border",
        help="What fills the border that a shift uncovers.",
    )
    color_jitter: float = number(
        0.0,
        low=0.0,
        high=1.0,
        group=DATA,
        advanced=True,
        label="Colour jitter",
        help="Change brightness, contrast and saturation of each image by up to this share, drawn "
        "anew every epoch; 0 turns it off.",
    )
    cutout: int = number(
        0,
        low=0,
        high=24,
        group=DATA,
        advanced=True,
        help="Blank out a square of so many pixels a side, placed anew every epoch; 0 turns it "
        "off.",
    )
