"""Random numbers that are pure functions of (seed, epoch, image): Philox4x32-10, vectorized.

There is no state and no order, so a batch of any images on any thread gets the same numbers, and
an exact resume needs nothing but a position. Salmon, Moraes, Dror and Shaw, "Parallel Random
Numbers: As Easy as 1, 2, 3", SC 2011, section 3.3.
"""

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]  # 32-bit words, each in 64 bits so that products fit
FACTORS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
STEPS = (np.uint64(0x9E3779B9), np.uint64(0xBB67AE85))  # by which the key changes in each round
LOW, HALF = np.uint64(0xFFFFFFFF), np.uint64(32)
ROUNDS = 10


def philox(counter: Words, key: Words) -> Words:
    """Encrypt counters [4, ...] with keys [2, ...], both of 32-bit words; return words [4, ...]."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(ROUNDS):
        p0, p1 = FACTORS[0] * c0, FACTORS[1] * c2
        c0, c1, c2, c3 = (p1 >> HALF) ^ c1 ^ k0, p1 & LOW, (p0 >> HALF) ^ c3 ^ k1, p0 & LOW
        k0, k1 = (k0 + STEPS[0]) & LOW, (k1 + STEPS[1]) & LOW
    return np.stack([c0, c1, c2, c3])


def uniform(
    seed: int, epoch: int, images: NDArray[np.int64], purpose: int, count: int
) -> NDArray[np.float64]:
    """Return `count` numbers in [0, 1) for each image [N], as [N, count], of 32 random bits each.

    `images` are indices in the dataset, not positions in an order. Another `purpose`, 0 to 65,535,
    gives other numbers, so that turning one effect off changes no other.
    """
    image = np.asarray(images, np.uint64)[:, None]
    block = np.arange(-(-count // 4), dtype=np.uint64)[None]
    high = (image >> HALF) | np.uint64(purpose << 16)
    counter = np.stack(np.broadcast_arrays(block, image & LOW, high, np.uint64(epoch)))
    key = np.array([seed & 0xFFFFFFFF, seed >> 32], np.uint64)
    words = philox(counter, key)
    return words.transpose(1, 2, 0).reshape(len(image), -1)[:, :count] / 2.0**32
