"""How fast pictures are decoded, beside a bare Pillow loop over the same files, and in what memory.

    python -m benchmarks.decoding small --count 100000
    python -m benchmarks.decoding photos --count 1000 --side 64
    python -m benchmarks.decoding opening --count 100000

Files are made in a scratch folder and removed afterwards. Each figure is measured in a process of
its own; the bare loop and the decoding take turns, as others use the machine too.
"""

import argparse
import io
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

from cifar_core.background.processes import trainer_environment, with_package
from cifar_core.data import decoding
from cifar_core.data.sizing import Sizing
from cifar_core.devices.cpu import cpu_name, usable_cores

CLASSES = 10
DISTINCT_PHOTOS = 20
SIZE = (32, 32)
PHOTO = (4000, 3000)
ROUNDS = 3


def make(root: Path, count: int, size: tuple[int, int], distinct: int) -> Path:
    """Write JPEG files into class folders, a tenth of them as test images; return the folder.

    `distinct` of them differ; the others are further names of those.
    """
    originals = [root / "originals" / f"{number}.jpg" for number in range(distinct)]
    originals[0].parent.mkdir()
    for number, path in enumerate(originals):
        path.write_bytes(noisy(number, size))
    for number in range(count):
        part = "test" if number % 10 == 9 else "train"
        folder = root / "set" / part / f"class{number // 10 % CLASSES}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number:06d}.jpg").hardlink_to(originals[number % distinct])
    return root / "set"


def noisy(seed: int, size: tuple[int, int], most: int = 20) -> bytes:
    """Return a JPEG with structure and noise of at most so many levels."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 256, (12, 16, 3), dtype=np.uint8))
    image = np.asarray(coarse.resize(size, Image.Resampling.BICUBIC), np.int16)
    noise = random.integers(-most, most + 1, (*size[::-1], 1), dtype=np.int16)
    file = io.BytesIO()
    Image.fromarray(np.clip(image + noise, 0, 255).astype(np.uint8)).save(file, "JPEG", quality=90)
    return file.getvalue()


def bare(folder: Path, side: int, threads: int) -> None:
    """Open, convert, resize and keep every picture, with nothing around it."""
    files = sorted(folder.rglob("*.jpg"))
    out = np.empty((len(files), side, side, 3), np.uint8)

    def some(start: int) -> None:
        for place in range(start, min(start + 64, len(files))):
            image = Image.open(io.BytesIO(files[place].read_bytes()))
            image.draft("RGB", (2 * side, 2 * side))
            image = image.convert("RGB")
            if image.size != (side, side):
                image = image.resize((side, side), Image.Resampling.BICUBIC)
            out[place] = np.asarray(image)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(some, range(0, len(files), 64)))


def ours(folder: Path, side: int, threads: int, store: Path) -> None:
    """Decode the set as a job does."""
    source = decoding.Source(path=folder, store=store, sizing=Sizing(side=side, stored=side))
    decoding.load(source, thorough=True, threads=threads)


def reopened(folder: Path, store: Path, *, thorough: bool) -> None:
    """Open the decoded set."""
    source = decoding.Source(path=folder, store=store)
    assert decoding.load(source, thorough=thorough) is not None


def measured(act: Callable[[], None]) -> dict[str, float]:
    """Return the seconds, CPU seconds and the most memory in MB of this process."""
    start, cpu = time.perf_counter(), time.process_time()
    act()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    seconds, used = time.perf_counter() - start, time.process_time() - cpu
    return {"seconds": seconds, "cpu": used, "megabytes": memory}


def in_own_process(*words: object) -> dict[str, float]:
    """Measure in a process of its own, with the environment of a background job."""
    import os

    environment = with_package({**os.environ, **trainer_environment(1)})
    command = [sys.executable, "-m", "benchmarks.decoding", "one", *map(str, words)]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def one(how: str, folder: str, side: int, threads: int, store: str) -> None:
    """Measure one way and print it."""
    path, kept = Path(folder), Path(store)
    acts: dict[str, Callable[[], None]] = {
        "bare": lambda: bare(path, side, threads),
        "ours": lambda: ours(path, side, threads, kept),
        "quick": lambda: reopened(path, kept, thorough=False),
        "thorough": lambda: reopened(path, kept, thorough=True),
        "nothing": lambda: None,
    }
    print(json.dumps(measured(acts[how])))


def compared(folder: Path, side: int, threads: int, scratch: Path) -> Iterator[tuple[str, float]]:
    """Yield figures of both ways, the median of some rounds in turn."""
    rounds = [
        {
            "bare": in_own_process("bare", folder, side, threads, scratch),
            "ours": in_own_process("ours", folder, side, threads, scratch / f"store{number}"),
        }
        for number in range(ROUNDS)
    ]
    for how in ("bare", "ours"):
        for figure in ("seconds", "cpu", "megabytes"):
            yield f"{how} {figure}", median(one[how][figure] for one in rounds)
    for figure in ("seconds", "cpu"):
        ratio = median(one["bare"][figure] / one["ours"][figure] for one in rounds)
        yield f"of the bare loop, by {figure}", ratio


def main() -> None:
    """Measure what the command line names and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["small", "photos", "opening", "one"])
    parser.add_argument("rest", nargs="*")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--side", type=int, default=32)
    parser.add_argument("--threads", type=int, default=usable_cores())
    arguments = parser.parse_args()
    if arguments.what == "one":
        how, folder, side, threads, store = arguments.rest
        one(how, folder, int(side), int(threads), store)
        return
    print(f"{cpu_name()}; {arguments.threads} threads; {arguments.count:,} pictures")
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        photos = arguments.what == "photos"
        distinct = DISTINCT_PHOTOS if photos else min(1000, arguments.count)
        folder = make(scratch, arguments.count, PHOTO if photos else SIZE, distinct)
        if arguments.what == "opening":
            in_own_process("ours", folder, arguments.side, arguments.threads, scratch)
            figures = [
                (f"{how} {figure}", value)
                for how in ("quick", "thorough")
                for figure, value in in_own_process(how, folder, 32, 1, scratch).items()
            ]
        else:
            figures = list(compared(folder, arguments.side, arguments.threads, scratch))
            nothing = in_own_process("nothing", folder, 1, 1, scratch)
            figures.append(("empty process, megabytes", nothing["megabytes"]))
        for words, value in figures:
            print(f"{words:32} {value:10.4f}")


if __name__ == "__main__":
    main()
