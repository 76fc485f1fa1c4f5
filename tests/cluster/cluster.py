"""Real Slurm and real Ray on this machine, through the failure table: make cluster.

Every case sends one small run to a cluster of two nodes, breaks something, and waits until the
run has finished. Its last checkpoint must be the one of an undisturbed run on this machine, byte
for byte. `python tests/cluster/cluster.py slurm node shim` runs some of the cases.
"""

import argparse
import contextlib
import datetime
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT))

from cases import CASES, Case  # noqa: E402
from lab import SETTINGS, Failed, Lab, hashes_of, require  # noqa: E402
from own_processes import adopt_orphans, kill_all_below  # noqa: E402
from ray_daemons import RayDaemons  # noqa: E402
from slurm_daemons import SlurmDaemons  # noqa: E402

from cifar_core.errors import CifarError  # noqa: E402
from cifar_core.runs import Run, Store  # noqa: E402

ENGINES = {"slurm": SlurmDaemons, "ray": RayDaemons}
DOWNLOADS = ROOT / "build" / "cluster"
RESULTS = HERE / "RESULTS.md"


@dataclass(frozen=True, kw_only=True)
class Result:
    """How a case went."""

    case: str
    engine: str
    attempts: str = ""
    resumed: str = ""  # steps from which later attempts went on
    seconds: float = 0.0
    hashes: tuple[str, str] = ("", "")
    words: str = ""
    ok: bool = False

    @property
    def row(self) -> str:
        """The row of the table."""
        model, state = self.hashes
        cells = (self.case, self.engine, self.attempts, self.resumed, f"{self.seconds:.0f}",
                 model, state, "yes" if self.ok else "**no**", self.words)  # fmt: skip
        return f"| {' | '.join(cells)} |"


HEADER = """\
| case | engine | attempts | resumed at step | seconds | SHA-256 of the weights | of the state \
| as it should be | what was seen |
|---|---|---|---|---|---|---|---|---|"""


def say(text: str) -> None:
    """Print a line with the time."""
    print(f"{time.strftime('%H:%M:%S')}  {text}", flush=True)


def reference_of(store: Store) -> Result:
    """Train on this machine without a disturbance."""
    lab, begun = Lab(store, None), time.monotonic()
    run = store.create(store_config(), name="undisturbed")
    store.submit(run)
    lab.until_over(run)
    require(run.status.state == "finished", run.status.message)
    return Result(case="nothing happens", engine="this machine", attempts="1", ok=True,
                  seconds=time.monotonic() - begun, hashes=hashes_of(run))  # fmt: skip


def store_config():
    """Return the settings of the run on this machine."""
    from cifar_core.config import TrainConfig

    return TrainConfig.from_dict(SETTINGS)


def result_of(lab: Lab, case: Case, wanted: tuple[str, str]) -> Result:
    """Carry out a case."""
    begun, engine = time.monotonic(), lab.cluster.title
    run: Run | None = None
    hashes, words, ok = ("", ""), "", False
    try:
        lab.cluster.wait_for_nodes()
        if case.title == CASES["queue"].title:
            lab.cluster.fill()
        begun = time.monotonic()
        run = lab.submit(case.title, **dict(case.changes))
        if not case.at_once:
            lab.until_broken_at(run)
        words = case.act(lab, run)
        lab.until_over(run)
        require(run.status.state == "finished", run.status.message)
        hashes = hashes_of(run)
        number = run.status.attempt
        require(number in case.attempts, f"{number} attempts, not {case.attempts}; {words}")
        require(hashes == wanted, f"other bytes than the undisturbed run; {words}")
        ok = True
    except (Failed, CifarError, OSError, RuntimeError) as error:
        words = f"{type(error).__name__}: {error}"
        if not isinstance(error, Failed):
            traceback.print_exc()
    if lab.cluster.fillers:
        lab.cluster.unfill()
    if run and not ok:
        for line in lab.said:
            say(f"    {line}")
        run.stop("kill")
    starts = [attempt.from_step for attempt in run.attempts()[1:]] if run else []
    return Result(
        case=case.title, engine=engine, ok=ok, hashes=hashes, words=words.replace("|", "/"),
        attempts=str(run.status.attempt if run else 0), resumed=", ".join(map(str, starts)),
        seconds=time.monotonic() - begun,
    )  # fmt: skip


def trained_on(key: str, place: Path, names: list[str], wanted: Result) -> list[Result]:
    """Start a cluster and carry out its cases."""
    cluster = ENGINES[key](DOWNLOADS, place / key)
    begun = time.monotonic()
    version = cluster.start()
    say(f"{version} answers after {time.monotonic() - begun:.0f} s")
    lab, results = Lab(Store(place / "store"), cluster), []
    lab.store.shutdown_executor()  # the next one finds the cluster's commands or its token
    lab.set_up()
    for name in names:
        case = CASES[name]
        if key in case.engines:
            say(f"{cluster.title}: {case.title}")
            results.append(result_of(lab, case, wanted.hashes))
            print(results[-1].row, flush=True)
    return results


def processor() -> str:
    """Return the name of the processor."""
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(": ")[2]
    return "an unknown processor"


def write_results(results: list[Result]) -> None:
    """Write the table of a complete run."""
    load = os.getloadavg()[1]
    text = f"""# Slurm and Ray through the failure table

Written by `make cluster` on {datetime.date.today():%d %B %Y}: {os.cpu_count()} cores of \
{processor()}, load {load:.0f}, no GPU. Both clusters are on this one machine, with two nodes of \
two cores each. The run is {SETTINGS["model"]} with averaged weights, \
{SETTINGS["epochs"]} epochs of {SETTINGS["data"]}; seconds include those of its processes' start.

{HEADER}
"""
    RESULTS.write_text(text + "".join(f"{one.row}\n" for one in results), encoding="utf-8")


@contextlib.contextmanager
def cleaned_up(store: Store) -> Iterator[None]:
    """End every process that was started in a `with` block, also if Ctrl-C is pressed again."""
    try:
        yield
    finally:
        for which in (signal.SIGINT, signal.SIGTERM):
            signal.signal(which, signal.SIG_IGN)
        with contextlib.suppress(OSError):
            store.shutdown_executor()
        if left := kill_all_below():
            say(f"still there: {left}")


def main() -> int:
    """Carry out the cases; return 0 if all went as they should."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="engine or case",
                        help=f"{', '.join(ENGINES)}, {', '.join(CASES)}")  # fmt: skip
    names = parser.parse_args().names
    if unknown := set(names) - {*ENGINES, *CASES}:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    for which in (signal.SIGINT, signal.SIGTERM):  # both end it as Ctrl-C does, with clean-up
        signal.signal(which, signal.default_int_handler)
    adopt_orphans()
    os.environ |= {"CIFAR_REPORTS": "by_step", "OMP_NUM_THREADS": "1"}
    place, results = Path(tempfile.mkdtemp(prefix="cifar-", dir="/tmp")), []
    store = Store(place / "store")
    store.root.mkdir()
    try:
        with cleaned_up(store):
            results.append(reference_of(store))
            print(HEADER, results[0].row, sep="\n", flush=True)
            for key in [key for key in ENGINES if key in names] or ENGINES:
                cases = [name for name in CASES if name in names] or list(CASES)
                results += trained_on(key, place, cases, results[0])
    except KeyboardInterrupt:
        shutil.rmtree(place)
        return 130
    print(HEADER, *(one.row for one in results), sep="\n")
    if all(one.ok for one in results):
        shutil.rmtree(place)
        if not names:
            write_results(results)
        return 0
    say(f"Not all went as they should. What is left of it: {place}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
