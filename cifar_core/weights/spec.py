"""What is known of a published file of weights."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class WeightsSpec:
    """One file of weights. Its key is also that of its model."""

    key: str  # saved in files; never renamed
    title: str
    summary: str  # how good the network is on ImageNet with them, or what it was made for
    file: str  # the name under which it is published, or kept where all have the same name
    url: str
    megabytes: float  # of 10^6 bytes; rounded
    # hexadecimal; at most the first eight digits, since no more are published; empty if only the
    # server says it, at the download
    sha256: str
    source: str  # who made it, and under which license
