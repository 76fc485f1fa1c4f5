"""The name of an attempt's job, by which any executor of the store finds it again."""

import zlib
from pathlib import Path


def job_name(root: Path, run: str, attempt: int) -> str:
    """Return the name of an attempt's job, unique among the stores of a cluster."""
    return f"cifar-{zlib.crc32(str(root).encode()):08x}-{run}-a{attempt}"
