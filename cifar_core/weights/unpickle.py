"""Reads a torch file in a process of its own: python -m cifar_core.weights.unpickle FILE DRAFT.

Only tensors are read (`weights_only`), and memory is limited, since a small file can ask for a
lot of it. It writes a safetensors file with the same names.
"""

import contextlib
import resource
import sys
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

WRAPPERS = ("model", "state_dict", "model_state_dict")  # keys that hold the tensors in some files
SPARE_BYTES = 10**9  # for torch itself, in addition to a few times the file


def flat(saved: Any) -> dict[str, Any]:
    """Return the tensors by name, without any wrapper and without the prefix of DataParallel."""
    import torch

    if not isinstance(saved, Mapping):
        raise TypeError(f"it holds a {type(saved).__name__} instead of named tensors")
    for wrapper in WRAPPERS:
        if isinstance(saved.get(wrapper), Mapping):
            return flat(saved[wrapper])
    tensors = {str(name): value for name, value in saved.items() if isinstance(value, torch.Tensor)}
    if not tensors:
        raise TypeError("it holds no tensors")
    return {name.removeprefix("module."): tensor.detach() for name, tensor in tensors.items()}


def limit_memory(file_bytes: int) -> None:
    """Limit memory to what torch already holds and a few times the file, where possible."""
    with contextlib.suppress(OSError, ValueError):
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        most = pages * resource.getpagesize() + 4 * file_bytes + SPARE_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def main(source: Path, draft: Path) -> int:
    """Convert one file; the last line on the error stream names the problem."""
    import torch
    from safetensors.torch import save_file

    limit_memory(source.stat().st_size)
    try:
        saved = torch.load(source, map_location="cpu", weights_only=True)
        # copies, because names may share memory in torch files, but not in safetensors
        save_file({name: t.clone().contiguous() for name, t in flat(saved).items()}, draft)
    except UnpicklingError:  # torch's own message advises unsafe loading
        print("it is not a torch file, or it holds more than tensors", file=sys.stderr)
        return 1
    except Exception as error:  # any problem of any file becomes one line
        lines = str(error).strip().splitlines() or [""]
        print(f"{type(error).__name__}: {lines[0]}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
