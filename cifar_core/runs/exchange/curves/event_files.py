"""The records of an event file: framed by lengths and checksums, in TensorFlow's TFRecord format.

Each record is its length (8 bytes), the masked CRC-32C of these (4), its data, and the masked
CRC-32C of the data (4), all little-endian: tensorflow.org/tutorials/load_data/tfrecord.
"""

import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cifar_core.runs.exchange.curves.limits import LONGEST_RECORD

CHUNK = 1 << 22
BLOCK = 64  # bytes of each record whose checksums are computed side by side
POLYNOMIAL = 0x82F63B78  # of CRC-32C (Castagnoli), reflected
FRAME = 16  # bytes of a record besides its data
Words = NDArray[np.uint32]
DAMAGED, CUT = "damaged records", "records at the end of a file that are cut short"


def records(path: Path, left: Counter[str]) -> Iterator[bytes]:
    """Yield the data of each whole record; count in `left` those that are damaged or cut short.

    After a length that is damaged nothing more can be read.
    """
    with path.open("rb") as file:
        rest, intact = b"", True
        while intact and (chunk := file.read(CHUNK)):
            data = rest + chunk
            places, end, intact = frames(data)
            whole = sound(data, places)
            left[DAMAGED] += len(places) - sum(whole) + (not intact)
            for (start, stop), is_sound in zip(places, whole, strict=True):
                if is_sound:
                    yield data[start:stop]
            rest = data[end:]
        if intact and rest:
            left[CUT] += 1
    for what in (DAMAGED, CUT):
        if not left[what]:
            del left[what]


def frames(data: bytes) -> tuple[list[tuple[int, int]], int, bool]:
    """Return the ranges of the records' data, where the first incomplete one starts, and whether
    all lengths are intact."""
    places: list[tuple[int, int]] = []
    at = 0
    while at + 12 <= len(data):
        length, check = struct.unpack_from("<QI", data, at)
        if length > LONGEST_RECORD or check != crc_of_length(length):
            return places, at, False
        if at + FRAME + length > len(data):
            break
        places.append((at + 12, at + 12 + length))
        at += FRAME + length
    return places, at, True


@cache
def table() -> Words:
    """Return the checksums [256] of single bytes."""
    values = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        values = np.where(values & 1, (values >> 1) ^ np.uint32(POLYNOMIAL), values >> 1)
    return values.astype(np.uint32)


@cache
def advanced() -> list[list[int]]:
    """Return, for each of the four bytes of a checksum, what BLOCK zero bytes make of it."""
    states = (np.arange(256, dtype=np.uint32)[None] << np.array([[0], [8], [16], [24]])).astype(
        np.uint32
    )
    for _ in range(BLOCK):
        states = table()[states & 255] ^ (states >> np.uint32(8))
    return [[int(value) for value in row] for row in states]


def masked(crc: int) -> int:
    """Return a checksum as the files have it."""
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


@cache
def crc_of_length(length: int) -> int:
    """Return the masked checksum of a length."""
    return masked(checksums([struct.pack("<Q", length)])[0])


def sound(data: bytes, places: Sequence[tuple[int, int]]) -> list[bool]:
    """Return for each record whether its data has its checksum."""
    found = checksums([data[start:stop] for start, stop in places])
    stated = [struct.unpack_from("<I", data, stop)[0] for _, stop in places]
    return [masked(crc) == check for crc, check in zip(found, stated, strict=True)]


def checksums(texts: Sequence[bytes]) -> list[int]:
    """Return the CRC-32C of each text, computed for the blocks of all of them side by side.

    Leading zeros do not change a checksum that starts at 0, so that each text can be filled up to
    whole blocks; starting at 0xFFFFFFFF is the same as inverting the first four bytes.
    """
    blocks = [-(-max(len(text), 4) // BLOCK) for text in texts]
    short = [crc_of_short(text) if len(text) < 4 else None for text in texts]
    filled = b"".join(
        bytes(count * BLOCK - len(text)) + bytes(255 - b for b in text[:4]) + text[4:]
        if len(text) >= 4
        else bytes(BLOCK)
        for text, count in zip(texts, blocks, strict=True)
    )
    grid = np.frombuffer(filled, dtype=np.uint8).reshape(-1, BLOCK).T.astype(np.uint32)
    crc = np.zeros(grid.shape[1], dtype=np.uint32)
    for row in grid:
        crc = table()[(crc ^ row) & 255] ^ (crc >> np.uint32(8))
    return joined(crc.tolist(), blocks, short)


def joined(parts: list[int], blocks: Sequence[int], short: Sequence[int | None]) -> list[int]:
    """Join the checksums of the blocks of each text."""
    first, second, third, fourth = advanced()
    found, at = [], 0
    for count, known in zip(blocks, short, strict=True):
        crc = parts[at]
        for part in parts[at + 1 : at + count]:
            crc = (first[crc & 255] ^ second[crc >> 8 & 255] ^ third[crc >> 16 & 255]
                   ^ fourth[crc >> 24] ^ part)  # fmt: skip
        found.append(crc ^ 0xFFFFFFFF if known is None else known)
        at += count
    return found


def crc_of_short(text: bytes) -> int:
    """Return the CRC-32C of a text of fewer than four bytes."""
    crc = 0xFFFFFFFF
    for byte in text:
        crc = int(table()[(crc ^ byte) & 255]) ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF
