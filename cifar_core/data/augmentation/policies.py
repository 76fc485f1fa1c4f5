"""Policies: which operations change an image, and how much; published as ready-made sets.

Each space of operations and magnitudes is that of torchvision.transforms.v2.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cifar_core.registry import Registry

if TYPE_CHECKING:
    from cifar_core.data.augmentation.augment import Augment

NONE = "none"  # the key of the policy that changes nothing
LEAVE = -1  # in the place of an operation's index: leave the image as it is
Numbers = NDArray[np.float64]
Uniform = Callable[[int], Numbers]  # how many for each image -> [n, count] in [0, 1)


@dataclass(frozen=True, kw_only=True)
class Range:
    """The magnitudes of an operation, from the weakest to the strongest in equal steps."""

    low: float = 0.0
    high: float = 0.0
    signed: bool = False  # half of the images get the opposite
    whole: bool = False  # rounded to whole numbers


Space = Mapping[str, Range]  # by the names of operations


@dataclass(frozen=True, kw_only=True)
class Round:
    """One operation for each image: indices [n] in the names of a space, and magnitudes [n]."""

    names: tuple[str, ...]
    chosen: NDArray[np.int64]
    magnitudes: Numbers

    def only(self, images: NDArray[np.bool_]) -> "Round":
        """Return the same round for some of the images [n]; the others are left as they are."""
        chosen = np.where(images, self.chosen, LEAVE)
        return Round(names=self.names, chosen=chosen, magnitudes=self.magnitudes)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What becomes of a batch: chains of rounds, each of which begins with the image itself.

    `weights` [n, 1 + chains] mix the image and the results of the chains; None for one chain that
    is the result.
    """

    chains: tuple[tuple[Round, ...], ...]
    weights: Numbers | None = None


@dataclass(frozen=True, kw_only=True)
class Policy:
    """A policy: from numbers in [0, 1), settings and the side in pixels to a plan for a batch."""

    key: str
    title: str
    summary: str
    paper: str = ""
    uses: tuple[str, ...] = ()  # its settings
    plan: "Callable[[Uniform, Augment, int], Plan]"


def space(
    *, shear: float, translate: float, rotate: float, blend: float, bits: tuple[int, int]
) -> dict[str, Range]:
    """Return the usual operations; `translate` is in pixels, `rotate` in degrees."""
    sheared, moved = Range(high=shear, signed=True), Range(high=translate, signed=True)
    blended = Range(high=blend, signed=True)
    return {
        "shear_x": sheared,
        "shear_y": sheared,
        "translate_x": moved,
        "translate_y": moved,
        "rotate": Range(high=rotate, signed=True),
        "brightness": blended,
        "saturation": blended,
        "contrast": blended,
        "sharpness": blended,
        "posterize": Range(low=bits[0], high=bits[1], whole=True),
        "solarize": Range(low=255.0, high=0.0),
        "autocontrast": Range(),
        "equalize": Range(),
    }


def wide() -> Space:
    """Return the operations of TrivialAugmentWide, whose translations are 32 pixels at any side."""
    found = space(shear=0.99, translate=32.0, rotate=135.0, blend=0.99, bits=(8, 2))
    return {"identity": Range(), **found}


def random(side: int) -> Space:
    """Return the operations of RandAugment."""
    moved = 150 / 331 * side
    return {
        "identity": Range(),
        **space(shear=0.3, translate=moved, rotate=30.0, blend=0.9, bits=(8, 4)),
    }


def mixable(side: int) -> Space:
    """Return the operations of AugMix; those of color are among them, as is torchvision's usual."""
    return space(shear=0.3, translate=side / 3, rotate=30.0, blend=0.9, bits=(4, 0))


def magnitudes_of(operations: Space, bins: int) -> Numbers:
    """Return the magnitudes [operations, bins] of a space, without signs."""
    rows = [np.linspace(r.low, r.high, bins) for r in operations.values()]
    whole = np.array([r.whole for r in operations.values()])[:, None]
    return np.where(whole, np.round(rows), rows)


def drawn(numbers: Numbers, operations: Space, table: Numbers, bins: NDArray[np.int64]) -> Round:
    """Draw a round by numbers [n, 2], of the operation and the sign; `bins` [n] are steps."""
    chosen = (numbers[:, 0] * len(operations)).astype(np.int64)
    signed = np.array([r.signed for r in operations.values()])[chosen]
    magnitudes = table[chosen, bins]
    opposite = signed & (numbers[:, 1] < 0.5)
    return Round(
        names=tuple(operations),
        chosen=chosen,
        magnitudes=np.where(opposite, -magnitudes, magnitudes),
    )


def nothing(uniform: Uniform, augment: "Augment", side: int) -> Plan:
    """Leave all images as they are."""
    return Plan(chains=())


def trivial_augment(uniform: Uniform, augment: "Augment", side: int) -> Plan:
    """Draw one operation and any magnitude of it."""
    numbers, operations = uniform(3), wide()
    table = magnitudes_of(operations, BINS)
    bins = (numbers[:, 2] * BINS).astype(np.int64)
    return Plan(chains=((drawn(numbers, operations, table, bins),),))


def rand_augment(uniform: Uniform, augment: "Augment", side: int) -> Plan:
    """Draw some operations, all of the same magnitude."""
    numbers, operations = uniform(2 * augment.policy_operations), random(side)
    table = magnitudes_of(operations, BINS)
    bins = np.full(len(numbers), augment.policy_magnitude)
    pairs = np.split(numbers, augment.policy_operations, axis=1)
    return Plan(chains=(tuple(drawn(pair, operations, table, bins) for pair in pairs),))


def aug_mix(uniform: Uniform, augment: "Augment", side: int) -> Plan:
    """Draw chains of one to DEEPEST operations, and how they are mixed with the image.

    The weights are uniform over all that sum to 1: of the image and the rest, and within the rest.
    """
    numbers, operations = uniform(1 + CHAINS * (2 + 3 * DEEPEST)), mixable(side)
    table = magnitudes_of(operations, SEVERITIES)
    own, parts = numbers[:, :1], -np.log1p(-numbers[:, 1 : 1 + CHAINS])
    weights = np.hstack([own, (1 - own) * parts / parts.sum(1, keepdims=True)])
    chains = []
    for chain in np.split(numbers[:, 1 + CHAINS :], CHAINS, axis=1):
        depth = 1 + (chain[:, 0] * DEEPEST).astype(np.int64)
        rounds = []
        for place, three in enumerate(np.split(chain[:, 1:], DEEPEST, axis=1)):
            bins = (three[:, 2] * augment.policy_severity).astype(np.int64)
            rounds.append(drawn(three, operations, table, bins).only(depth > place))
        chains.append(tuple(rounds))
    return Plan(chains=tuple(chains), weights=weights)


BINS = 31  # magnitudes of TrivialAugment and RandAugment
SEVERITIES = 10  # of AugMix, of whose magnitudes the weakest are used
CHAINS, DEEPEST = 3, 3  # of AugMix: chains, and operations in each

POLICIES = Registry(
    "augmentation policy",
    [
        Policy(
            key=NONE,
            title="None",
            summary="No ready-made set of changes.",
            plan=nothing,
        ),
        Policy(
            key="trivial_augment",
            title="TrivialAugment",
            summary="One operation of fourteen for each image, of any strength, drawn again in "
            "each epoch. There is nothing to set.",
            paper="https://arxiv.org/abs/2103.10158",
            plan=trivial_augment,
        ),
        Policy(
            key="rand_augment",
            title="RandAugment",
            summary="A few operations of fourteen one after the other, all of the same strength.",
            paper="https://arxiv.org/abs/1909.13719",
            uses=("policy_operations", "policy_magnitude"),
            plan=rand_augment,
        ),
        Policy(
            key="aug_mix",
            title="AugMix",
            summary="Three versions of the image, each changed by one to three operations, are "
            "mixed with the image itself, for networks that stay right on damaged images.",
            paper="https://arxiv.org/abs/1912.02781",
            uses=("policy_severity",),
            plan=aug_mix,
        ),
    ],
)
