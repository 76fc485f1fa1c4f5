"""Settings of a run: its images, the validation split, and augmentation."""

from dataclasses import dataclass

from cifar_core.config.groups import CHANGES, DATA, KEPT_BACK, LEARNING
from cifar_core.data.augmentation.augment import FLIP_MODES, PADDING_MODES
from cifar_core.data.sizing import FITS, LARGEST, SMALLEST
from cifar_core.data.uneven.orders import ORDERS
from cifar_core.evaluation.measures import MEASURES
from cifar_core.settings import Settings, choice, number, switch, text


@dataclass(frozen=True, kw_only=True)
class DataSettings(Settings):
    """Which images a run learns from, and how they are augmented."""

    data: str = text(
        "auto",
        group=DATA,
        scope="machine",
        zero="automatic choice",
        help="Where the images are: a folder, an archive, 'synthetic', or 'auto' to choose "
        "automatically.",
    )
    image_size: int = number(
        0,
        low=0,
        high=LARGEST,
        step=SMALLEST,
        group=CHANGES,
        costly=True,
        shapes_step=True,
        zero="automatic",
        plural="image sizes",
        help="Side length in pixels of the images that the network gets; 0 chooses it by the "
        "images and the network. The cost grows with its square.",
    )
    fit: str = choice(
        "crop",
        FITS,
        group=CHANGES,
        label="Made square by",
        help="What becomes of pictures that are not square.",
    )
    crop_room: float = number(
        1.143,
        low=1.0,
        high=2.0,
        group=CHANGES,
        advanced=True,
        label="Room for crops",
        help="Larger pictures are kept at this many times the image size, so that random crops "
        "have real pixels around them; the network is tested on the centers.",
    )
    train_fraction: float = number(
        1.0,
        low=0.001,
        high=1.0,
        group=KEPT_BACK,
        costly=True,
        help="Share of the training images to use, the same share of every class.",
    )
    val_fraction: float = number(
        0.1,
        low=0.01,
        high=0.5,
        group=KEPT_BACK,
        label="Validation split",
        costly=True,
        plural="validation splits",
        help="Share of the training images held out to choose the best epoch.",
    )
    split_seed: int = number(
        0,
        low=0,
        high=2**31 - 1,
        group=KEPT_BACK,
        advanced=True,
        scope="sample",
        plural="split seeds",
        help="Decides which images are held out. Keep it the same when comparing runs.",
    )
    best_by: str = choice(
        "accuracy",
        MEASURES,
        group=KEPT_BACK,
        advanced=True,
        label="Best epoch by",
        help="Which figure of the held-out images decides which epoch is kept as the best, and "
        "when early stopping ends the run. If classes are uneven, a high accuracy can hide that "
        "the rare ones are never found.",
    )
    order: str = choice(
        "shuffled",
        ORDERS,
        group=LEARNING,
        advanced=True,
        label="Order of the images",
        plural="image orders",
        help="Which training images an epoch shows: each of them once, or as many of every class, "
        "for uneven classes. An epoch is equally long either way.",
    )
    crop_padding: int = number(
        4,
        low=0,
        high=8,
        group=CHANGES,
        zero="off",
        help="Shift each image by up to this many pixels, drawn again every epoch; 0 turns it off. "
        "These are pixels of an image of 32 pixels a side: larger images are shifted further in "
        "proportion.",
    )
    random_resized_crop: float = number(
        0.0,
        low=0.0,
        high=1.0,
        group=CHANGES,
        advanced=True,
        label="Random resized crop",
        zero="off",
        plural="random resized crops",
        help="Show a random part of each image instead of shifting it, scaled to the image size "
        "and drawn again every epoch; this is the smallest share of the image's area, such as "
        "0.08 in recipes for ImageNet. 0 turns it off. With it, crop_padding has no effect.",
    )
    flip: bool = switch(
        True,
        group=CHANGES,
        label="Mirror",
        help="Mirror images left to right, half of the time.",
    )
    flip_mode: str = choice(
        "random",
        FLIP_MODES,
        group=CHANGES,
        advanced=True,
        label="Mirror when",
        help="Whether chance decides for every image and epoch, or each image alternates.",
    )
    padding_mode: str = choice(
        "black",
        PADDING_MODES,
        group=CHANGES,
        advanced=True,
        label="Border",
        help="What fills the border that a shift uncovers.",
    )
    color_jitter: float = number(
        0.0,
        low=0.0,
        high=1.0,
        group=CHANGES,
        advanced=True,
        label="Color jitter",
        zero="off",
        help="Change the brightness, contrast and saturation of each image by up to this share, "
        "drawn again every epoch; 0 turns it off.",
    )
    cutout: int = number(
        0,
        low=0,
        high=24,
        group=CHANGES,
        advanced=True,
        zero="off",
        help="Side length in pixels, in an image of 32, of a square that is blanked out, at a new "
        "place every epoch; in larger images it grows in proportion. 0 turns it off.",
    )
