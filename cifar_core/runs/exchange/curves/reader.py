"""The process that reads files of other tools: python -m ...reader GIVEN NAME FOLDER [FORMAT].

It fills the folder as `found.save` does. Its memory and its time are limited, since a small file
can ask for a lot of both, and an untrusted file meets the parsers here only.
"""

import contextlib
import resource
import sys
from pathlib import Path

from cifar_core.errors import CifarError
from cifar_core.runs.exchange.curves import found
from cifar_core.runs.exchange.curves.formats import FORMATS, format_of
from cifar_core.runs.exchange.curves.gather import Gathered
from cifar_core.runs.exchange.curves.limits import SECONDS, SPARE_BYTES
from cifar_core.runs.exchange.curves.materials import materials

REFUSED = 2  # the exit code if the last line of the error stream is a sentence


def read(given: Path, name: str, folder: Path, format_: str) -> None:
    """Read the files that were given into a folder."""
    unpacked = folder / "files"
    unpacked.mkdir()
    there = materials(given, name, unpacked)
    chosen = FORMATS[format_] if format_ else format_of(there)
    gathered = Gathered(there.title)
    chosen.read(there, gathered)
    found.save(gathered, chosen.key, folder)


def limit() -> None:
    """Limit memory and processor time, where possible."""
    with contextlib.suppress(OSError, ValueError):
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        most = pages * resource.getpagesize() + SPARE_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CPU, (int(SECONDS), int(SECONDS) + 5))


def main(given: str, name: str, folder: str, format_: str = "") -> int:
    """Read; return the exit code."""
    limit()
    try:
        read(Path(given), name, Path(folder), format_)
    except CifarError as error:
        print(str(error).replace("\n", " "), file=sys.stderr)
        return REFUSED
    except MemoryError:
        print(
            f"{name} needs more memory than one import may use. Import fewer runs at a time.",
            file=sys.stderr,
        )
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
