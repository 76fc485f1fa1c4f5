"""A program that holds a GPU's memory but for so much: `balloon.py DEVICE MEGABYTES`."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch

CHUNK = 2**26  # bytes


@contextmanager
def held(device: str, leave_megabytes: int) -> Iterator[None]:
    """Hold all but so much of a GPU's free memory, in another process."""
    child = subprocess.Popen(
        [sys.executable, "-m", __name__, device, str(leave_megabytes)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        left = child.stdout.readline().strip()
        if not left:
            raise RuntimeError("The program that should hold the memory has ended; see above.")
        print(f"The other program leaves {left} MB.", flush=True)
        yield
    finally:
        child.stdin.close()  # which it waits for
        child.wait()


def main(device: str, leave: str) -> None:
    """Fill the memory, say how much is left, and wait for the end of the input."""
    chunks = []
    while torch.cuda.mem_get_info(device)[0] - CHUNK > int(leave) * 10**6:
        chunks.append(torch.empty(CHUNK, dtype=torch.uint8, device=device))
    print(torch.cuda.mem_get_info(device)[0] // 10**6, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
