"""The devices that the executor lends: which are in service, and what becomes of the others.

A GPU whose probe fails, or on which a run's device failed, is out of service until a probe
succeeds. The probes are child processes, so that a hanging driver holds nothing up.
"""

import math
import time
from collections.abc import Callable, Collection
from pathlib import Path

from msgspec.structs import replace

from cifar_core import devices
from cifar_core.background import processes
from cifar_core.devices import Device, Inventory, Refused
from cifar_core.devices.device import FAILING, IN_USE, LASTING, kind_of
from cifar_core.devices.probing import Probing
from cifar_core.errors import OutOfServiceError

FIRST_SECONDS, LONGEST_SECONDS = 30.0, 600.0  # until the next probe; doubles with each failure
PATIENT_PROBES = 3  # after so many failures, runs no longer wait for a GPU that never worked
CHECKING = "The GPUs of this machine are being checked."


class Roster:
    """The devices, one `step` of a probe at a time."""

    def __init__(
        self,
        root: Path,
        found: Inventory | None = None,
        *,
        probe: Callable[[Collection[str]], Probing] = Probing,
        first_seconds: float = FIRST_SECONDS,
    ) -> None:
        self.root, self.probe, self.first_seconds = root, probe, first_seconds
        self.found = found or devices.known(root)  # None until the first probe is over
        self.probing: Probing | None = None
        self.probes = 0
        self.patience = first_seconds
        self.due = time.monotonic() if self.found is None or self.to_probe else math.inf

    @property
    def to_probe(self) -> bool:
        """Whether a GPU is out of service that may work again."""
        refused = self.found.refused if self.found else []
        return any(r.awaited or r.trouble not in LASTING for r in refused)

    def step(self, in_use: Collection[str]) -> bool:
        """Follow the probe under way, or begin one that is due; return True if one is over.

        The devices in use by runs are left alone.
        """
        if self.probing is None:
            if time.monotonic() >= self.due:
                self.probing = self.probe(in_use)
            return False
        found = self.probing.poll()
        if found is None:
            return False
        self.probes += 1
        self.take(found, self.probing.in_use)
        self.probing = None
        return True

    def take(self, found: Inventory, in_use: Collection[str]) -> None:
        """Take the result of a probe, and plan the next one if a GPU is out of service."""
        before = self.found or Inventory()
        there = {device.id for device in found.devices} | {r.id for r in found.refused}
        renumbered = {device.uuid: device.id for device in found.devices if device.uuid}
        missing = [d for d in before.devices if d.id not in there and not d.is_cpu]
        still = [d for d in missing if d.id in in_use and d.uuid not in renumbered]
        gone = [
            *(r for r in before.refused if r.awaited and r.id not in there and self.has_worked(r)),
            *(Refused(id=d.id, name=d.name, uuid=d.uuid,
                      reason=f"torch now calls it {renumbered[d.uuid]}"
                      if d.uuid in renumbered else "torch no longer sees it")
              for d in missing if d not in still),
        ]  # fmt: skip
        refused = [self.judged(r) for r in [*found.refused, *gone]]
        found = replace(found, devices=[*still, *found.devices], refused=refused)
        self.set_found(found.after(before))
        self.due = self.next_probe() if self.to_probe else math.inf

    def judged(self, refused: Refused) -> Refused:
        """Decide whether runs wait for a GPU that cannot be used, or take the CPU."""
        hoped_for = refused.trouble == FAILING and self.probes < PATIENT_PROBES
        awaited = self.has_worked(refused) or hoped_for or refused.trouble == IN_USE
        return replace(refused, awaited=awaited)

    def has_worked(self, refused: Refused) -> bool:
        """Whether a GPU was in service, under this or an earlier executor."""
        return any(refused.is_same(device) for device in (self.found or Inventory()).proven)

    def next_probe(self) -> float:
        """Return when to probe again, and be twice as patient the next time."""
        now, wait = time.monotonic(), self.patience
        self.patience = min(2 * wait, LONGEST_SECONDS)
        return now + wait

    def set_found(self, found: Inventory) -> None:
        """Use an inventory from now on, and let other processes know it."""
        for refused in found.refused:
            processes.say(refused.sentence)
        self.found = devices.keep(self.root, found)

    def lose(self, id_: str, reason: str) -> None:
        """Take a GPU out of service because a run failed on it, until a probe succeeds."""
        lost = [d for d in self.found.devices if d.id == id_] if self.found else []
        if not lost or lost[0].is_cpu or self.found is None:
            return
        self.close()  # a probe under way left it out, as it was in use
        self.set_found(self.found.without(lost[0], reason))
        self.due = self.next_probe()

    def close(self) -> None:
        """End a probe under way."""
        if self.probing:
            self.probing.cancel()
        self.probing = None

    def praise(self, id_: str) -> None:
        """Be as quick as ever to probe again, as a GPU has trained a run."""
        if any(device.id == id_ for device in (self.found or Inventory()).proven):
            self.patience = self.first_seconds

    def candidates(self, wanted: str, count: int = 1) -> list[Device]:
        """Return the devices in service that a run with this setting can use: at least `count`.

        Raises OutOfServiceError if it has to wait for one, DeviceError if there are too few.
        """
        if self.found is None:
            if kind_of(wanted) != "cpu":
                raise OutOfServiceError(CHECKING)
            return devices.without_gpu(devices.cpus()).enough(wanted, count)
        return self.found.enough(wanted, count)

    def why(self, wanted: str, device: Device) -> str:
        """Say why a run with this setting is given this device."""
        return (self.found or Inventory()).why(wanted, device)
