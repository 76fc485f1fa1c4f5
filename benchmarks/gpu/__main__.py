"""Everything about CIFAR Lab that only a GPU can show, within a budget of seconds.

python -m benchmarks.gpu --data PATH [--device cuda:0] [--budget 340] [--seeds 10]
                         [--airbench FILE] [--only worker,speed] [--out build/gpu]
                         [--store build/gpu/store]

The last lines say what failed; the exit code is then 1. OUT gets results.json, results.md (a
table for benchmarks/RESULTS.md) and what each section printed. `--device cpu` rehearses all of it
on small sizes; no time is judged then.
"""

import argparse
import math
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

from cifar_core.background import processes
from cifar_core.errors import CifarError

CHILD = "CIFAR_BENCH_CHILD"


def check(arguments: argparse.Namespace) -> int:
    """Run the sections here and print what they found; return the exit code."""
    from benchmarks.gpu import driver, report
    from benchmarks.gpu.section import Bench
    from benchmarks.gpu.sections import SECTIONS

    keys = arguments.only.split(",") if arguments.only else SECTIONS
    sections = [SECTIONS[key] for key in keys]
    folder = arguments.out.absolute()
    bench = Bench(
        section="",
        device=arguments.device,
        data=arguments.data,
        folder=folder,
        store=arguments.store.absolute(),
        ends=math.inf,
        seeds=arguments.seeds,
        airbench=arguments.airbench and arguments.airbench.absolute(),
    )
    bench.store.mkdir(parents=True, exist_ok=True)
    bench.dataset()  # before the clock starts, as unpacking can take longer than a section
    begin = time.monotonic()
    bench = replace(bench, ends=begin + arguments.budget)
    took: dict[str, float] = {}
    for section, seconds in driver.run(sections, bench):
        took[section.key] = seconds
        report.write(folder, sections, took)  # now, as whoever lends the GPU may end this
        print(report.progress(folder, section, seconds), flush=True)
    report.write(folder, sections, took)  # with what was skipped
    print((folder / "results.md").read_text("utf-8"))
    failed = report.failures(folder, sections)
    print(f"{time.monotonic() - begin:.0f} s in all; {len(failed)} failed. Results: {folder}")
    print("\n".join(failed), flush=True)
    return 1 if failed or not took else 0  # where nothing has run, nothing is proven


def seconds(text: str) -> float:
    """Return a number of seconds above 0."""
    if not 0 < (value := float(text)) < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds above 0")
    return value


def count(text: str) -> int:
    """Return a whole number above 0."""
    if (value := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return value


def main() -> int:
    """Start again with the environment that every run gets, and check."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="auto", help="as for training; $CIFAR_DATA if not given")
    parser.add_argument("--device", default="cuda:0", help="its name in torch; cpu rehearses")
    parser.add_argument("--budget", type=seconds, default=340, help="seconds for everything")
    parser.add_argument("--seeds", type=count, default=10, help="of the record, after a warm-up")
    parser.add_argument("--airbench", type=Path, help="airbench94_muon.py of its author")
    parser.add_argument("--only", default="", help="keys of sections, separated by commas")
    parser.add_argument("--out", type=Path, default=Path("build/gpu"))
    parser.add_argument("--store", type=Path, default=Path("build/gpu/store"), help="of its runs")
    arguments = parser.parse_args()
    if CHILD not in os.environ:
        more = processes.trainer_environment(threads=1)
        command = [sys.executable, "-m", "benchmarks.gpu", *sys.argv[1:]]
        os.execve(sys.executable, command, {**os.environ, **more, CHILD: "1"})
    try:
        return check(arguments)
    except CifarError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # a section that hangs in a driver would be waited for
