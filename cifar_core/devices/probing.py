"""A probe under way: child processes that may hang or crash without holding anything up."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Sequence
from importlib.util import resolve_name
from typing import IO

from cifar_core.background import processes
from cifar_core.devices.cpu import choose_threads
from cifar_core.devices.device import Inventory
from cifar_core.devices.findings import Findings
from cifar_core.devices.records import Build, Listing, Record, Verdict, records_in

COMMAND = (sys.executable, "-m", resolve_name(".probe", __package__))
SILENT_SECONDS = 60.0  # of the child before it is given up; a first start of CUDA can be slow
KILL_SECONDS = 1.0  # for a killed child to be gone
LOOK_SECONDS = 0.05


class Probing:
    """A probe, which a loop polls until it has the inventory."""

    def __init__(
        self,
        in_use: Collection[str] = (),  # GPUs that compute already, and are left alone
        *,
        command: Sequence[str] = COMMAND,
        silent_seconds: float = SILENT_SECONDS,
    ) -> None:
        self.in_use, self.command, self.silent_seconds = set(in_use), command, silent_seconds
        self.listing = Listing()
        self.build: Build | None = None
        self.verdicts: dict[str, Verdict] = {}
        self.start()

    def start(self) -> None:
        """Start a child for the GPUs without a verdict."""
        self.output, self.errors = file_for_child(), file_for_child()
        self.heard, self.since = 0, time.monotonic()
        self.child = subprocess.Popen(
            [*self.command, *sorted(self.in_use | self.verdicts.keys())],
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=self.errors,
            start_new_session=True,
            env={**os.environ, **processes.trainer_environment(choose_threads(0))},
        )

    def poll(self) -> Inventory | None:
        """Return the inventory if the probe is over, None if not."""
        code = self.child.poll()
        lines = written(self.output).splitlines(keepends=True)
        records = list(records_in(line for line in lines if line.endswith(b"\n")))
        if len(records) > self.heard:
            self.heard, self.since = len(records), time.monotonic()
        if code is None:
            if time.monotonic() - self.since < self.silent_seconds:
                return None
            self.kill()
        return self.after(records, self.fault(code))

    def after(self, records: list[Record], fault: str) -> Inventory | None:
        """Take what an ended child said; return the inventory unless GPUs are left for another."""
        verdicts = [record for record in records if isinstance(record, Verdict)]
        self.verdicts |= {verdict.id: verdict for verdict in verdicts}
        for record in records:
            if isinstance(record, Listing):
                self.listing = record
            elif isinstance(record, Build):
                fault = record.error or fault
                self.build = self.build or record
        self.close()
        left = [gpu.id for gpu in (self.build.gpus if self.build else [])
                if gpu.id not in self.verdicts.keys() | self.in_use]  # fmt: skip
        if left and not (verdicts and verdicts[-1].error):
            silent = left.pop(0)
            self.verdicts[silent] = Verdict(id=silent, error=fault)
        if left:
            self.start()
            return None
        found = Findings(
            listing=self.listing, build=self.build, verdicts=self.verdicts, fault=fault
        )
        return found.inventory(self.in_use)

    def cancel(self) -> None:
        """End the probe without an inventory."""
        self.kill()
        self.close()

    def kill(self) -> None:
        """Kill the child; one that hangs in a driver may live on for a while."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.child.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.child.wait(KILL_SECONDS)

    def fault(self, code: int | None) -> str:
        """Say how the child ended, if it ended too early."""
        if code is None:
            return f"no answer within {self.silent_seconds:g} s"
        if code < 0:
            return f"the probe was ended by {signal.Signals(-code).name}"
        last = written(self.errors).decode("utf-8", "replace").strip().splitlines()
        return last[-1] if last else f"the probe ended with code {code}"

    def close(self) -> None:
        """Close the files of a child."""
        self.output.close()
        self.errors.close()

    def wait(self) -> Inventory:
        """Wait for the inventory."""
        while (found := self.poll()) is None:
            time.sleep(LOOK_SECONDS)
        return found


def file_for_child() -> IO[bytes]:
    """Return a nameless file, which unlike a pipe never makes the child wait."""
    return tempfile.TemporaryFile()


def written(file: IO[bytes]) -> bytes:
    """Return what a child has written into a file so far, whose position is the child's."""
    return os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0)
