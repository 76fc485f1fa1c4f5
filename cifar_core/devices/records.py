"""The records that the program of a probe prints, one a line, for its starter.

A driver may print between them; lines that are not records are skipped.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress

import msgspec
from msgspec import Struct

from cifar_core.disk.checks import Text, Whole


class NvidiaGPU(Struct, frozen=True, kw_only=True):
    """A GPU, or a part of one (MIG), as the driver knows it."""

    index: Whole  # by PCI bus; that of the whole GPU for a part
    name: Text
    uuid: Text = ""  # empty if the GPU does not answer


class Listing(Struct, frozen=True, kw_only=True, tag=True):
    """What the driver says of itself and of the GPUs that CUDA_VISIBLE_DEVICES leaves."""

    driver: Text = ""
    gpus: list[NvidiaGPU] = []


class Seen(Struct, frozen=True, kw_only=True):
    """A GPU as torch sees it."""

    id: Text
    name: Text
    memory_megabytes: Whole = 0
    capability: Text = ""  # of CUDA, such as "9.0", or the architecture of an AMD GPU
    uuid: Text = ""


class Build(Struct, frozen=True, kw_only=True, tag=True):
    """How torch is built, and the GPUs that it sees."""

    torch: Text
    cuda: Text = ""
    hip: Text = ""
    capabilities: list[Text] = []  # that torch has code for
    error: Text = ""  # why it sees none
    gpus: list[Seen] = []


class Verdict(Struct, frozen=True, kw_only=True, tag=True):
    """Whether a GPU computes."""

    id: Text
    error: Text = ""  # why it does not


Record = Listing | Build | Verdict


def records_in(lines: Iterable[bytes]) -> Iterator[Record]:
    """Read the lines that are records."""
    for line in lines:
        with suppress(ValueError):
            yield msgspec.json.decode(line, type=Record)


def line_of(record: Record) -> str:
    """Write a record as a line of its own, whatever was printed before."""
    return f"\n{msgspec.json.encode(record).decode()}\n"
