"""The program of a probe: lists what the driver and torch see, and computes once on each GPU.

Started as `python -m cifar_core.devices.probe [GPU ...]`, with the GPUs to leave out. Each line of
its output is a record as JSON: `Listing`, `Build`, and a `Verdict` for each GPU in its turn.
So its starter knows which one it hangs or crashes on. After a failure it ends: the failure may have
broken the process, so another one probes the other GPUs.
"""

import os
import sys
from collections.abc import Iterator

from cifar_core.devices import nvidia
from cifar_core.devices.records import Build, Record, Seen, Verdict, line_of

SIDE = 64  # of the matrices that are multiplied


def build() -> Build:
    """Ask torch how it is built and what it sees."""
    import torch

    error, gpus = "", []
    try:
        gpus = list(seen())
    except Exception as failure:
        error = worded(failure)
    return Build(
        torch=str(torch.__version__),
        cuda=torch.version.cuda or "",
        hip=torch.version.hip or "",
        capabilities=torch.cuda.get_arch_list() if torch.backends.cuda.is_built() else [],
        error=error,
        gpus=gpus,
    )


def seen() -> Iterator[Seen]:
    """List the GPUs that torch sees; raises what torch raises if it cannot say."""
    import torch

    if torch.backends.mps.is_available():
        yield Seen(id="mps", name="Apple GPU")
    if not torch.backends.cuda.is_built():
        return
    torch.cuda.init()
    yield from map(described, range(torch.cuda.device_count()))


def described(index: int) -> Seen:
    """Return what torch says of a GPU; without its name if it does not answer."""
    import torch

    id_ = f"cuda:{index}"
    try:
        about = torch.cuda.get_device_properties(index)
    except RuntimeError:  # its verdict says why
        return Seen(id=id_, name="GPU")
    return Seen(
        id=id_,
        name=about.name,
        memory_megabytes=about.total_memory // 2**20,
        capability=getattr(about, "gcnArchName", "") or f"{about.major}.{about.minor}",
        uuid=str(getattr(about, "uuid", "")),
    )


def verdict(name: str) -> Verdict:
    """Allocate, multiply and convolve once on a device, and look at the numbers."""
    import torch

    try:
        ones = torch.ones(SIDE, SIDE, device=name)
        total = (ones @ ones).sum().item()
        filtered = torch.conv2d(ones[None, None], ones[None, None, :3, :3]).sum().item()
    except Exception as failure:
        return Verdict(id=name, error=worded(failure))
    if (total, filtered) != (SIDE**3, 9 * (SIDE - 2) ** 2):
        return Verdict(id=name, error=f"it computes wrong numbers ({total:g}, {filtered:g})")
    return Verdict(id=name)


def worded(failure: Exception) -> str:
    """Return the first line of an error, with its type."""
    first = str(failure).strip().split("\n", 1)[0]
    return f"{type(failure).__name__}: {first}"


def say(record: Record) -> None:
    """Print a record as a line."""
    print(line_of(record), end="", flush=True)


def main(left_out: list[str]) -> None:
    """Print the records of this machine, up to the first GPU that does not compute."""
    say(nvidia.listing())
    built = build()
    say(built)
    for gpu in built.gpus:
        if gpu.id not in left_out:
            found = verdict(gpu.id)
            say(found)
            if found.error:
                break
    sys.stdout.flush()
    os._exit(0)  # a broken driver may hang while it is shut down


if __name__ == "__main__":
    main(sys.argv[1:])
