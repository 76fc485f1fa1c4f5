"""What a probe found, as an inventory: the GPUs that compute, and why the others do not."""

import re
from collections import Counter
from collections.abc import Collection, Mapping

from msgspec import Struct
from msgspec.structs import replace

from cifar_core.devices import hints
from cifar_core.devices.cpu import cpus
from cifar_core.devices.device import (
    FAILING,
    IN_USE,
    LASTING,
    LEFT_OUT,
    UNNUMBERED,
    UNSUPPORTED,
    Device,
    Inventory,
    Refused,
)
from cifar_core.devices.records import Build, Listing, Seen, Verdict
from cifar_core.devices.wordings import is_out_of_memory

# https://docs.nvidia.com/deploy/cuda-compatibility: the first driver for each CUDA
FIRST_DRIVER = {"11": "450", "12": "525", "13": "580"}


class Findings(Struct, frozen=True, kw_only=True):
    """The records of a probe, and how it ended."""

    listing: Listing = Listing()
    build: Build | None = None  # None if torch did not get so far
    verdicts: Mapping[str, Verdict] = {}
    fault: str = ""  # why there is no build

    def inventory(self, in_use: Collection[str] = ()) -> Inventory:
        """Return the devices; the GPUs in use were left out of the probe, as they compute."""
        build = self.build or Build(torch="", error=self.fault)
        gpus = [gpu for gpu in build.gpus if gpu.id in in_use or not self.verdicts[gpu.id].error]
        devices = [
            Device(id=gpu.id, name=gpu.name, memory_megabytes=gpu.memory_megabytes,
                   uuid=self.uuid_of_one(gpu))
            for gpu in gpus
        ]  # fmt: skip
        return Inventory(
            devices=[*devices, *cpus()],
            refused=[*self.failed(build, gpus), *self.unseen(build)],
            driver=self.listing.driver,
            torch=build.torch,
            cuda=build.cuda,
            hip=build.hip,
        )

    def uuid_of_one(self, gpu: Seen) -> str:
        """Return a GPU's UUID, unless several have it, as cards without any may."""
        uuids = Counter(uuid_of(seen.uuid) for seen in (self.build.gpus if self.build else []))
        uuid = uuid_of(gpu.uuid)
        return uuid if uuids[uuid] == 1 else ""

    def failed(self, build: Build, usable: list[Seen]) -> list[Refused]:
        """Return the GPUs that torch sees but that do not compute."""
        return [
            replace(
                self.refused(gpu.id, gpu.name, self.verdicts[gpu.id].error, build, gpu.capability),
                uuid=self.uuid_of_one(gpu),
            )
            for gpu in build.gpus
            if gpu not in usable
        ]

    def unseen(self, build: Build) -> list[Refused]:
        """Return the GPUs that the driver lists, or that left a trace, but torch does not see."""
        listed = self.listing.gpus
        if not build.gpus:
            named = [(f"cuda:{n}", gpu.name) for n, gpu in enumerate(listed)] or hints.unlisted()
            return [self.refused(id_, name, build.error, build) for id_, name in named]
        seen = {uuid_of(gpu.uuid) for gpu in build.gpus}
        if not all(seen) or not self.listing.gpus:
            return []
        why = "torch does not see it, as the driver lost it or hides it"
        return [
            Refused(
                id=f"{UNNUMBERED}{gpu.index}", name=gpu.name, uuid=uuid_of(gpu.uuid), reason=why
            )
            for gpu in listed
            if uuid_of(gpu.uuid) not in seen
        ]

    def refused(
        self, id_: str, name: str, error: str, build: Build, capability: str = ""
    ) -> Refused:
        """Return a GPU that cannot be used, with the reason in words."""
        trouble, reason = self.explained(name, error, build, capability)
        return Refused(id=id_, name=name, reason=reason, trouble=trouble,
                       awaited=trouble not in LASTING)  # fmt: skip

    def explained(self, name: str, error: str, build: Build, capability: str) -> tuple[str, str]:
        """Return the type of trouble, and its reason in words with what to do about it."""
        version = f"torch {build.torch}"
        if build.torch and not build.gpus:
            if name == "Apple GPU":
                return UNSUPPORTED, f"{version} needs macOS 14 or later to use it"
            if not build.hip and name == "AMD GPU":
                return LEFT_OUT, f"{version} is not built for ROCm"
            if not build.cuda and not build.hip:
                return LEFT_OUT, f"{version} is the CPU build; the one for CUDA can use it"
        first = FIRST_DRIVER.get(build.cuda.split(".")[0], "")
        needed = f"driver {first} or later" if first else "a later driver"
        if re.search("driver.* is too old|driver version is insufficient", error):
            driver = f"driver {self.listing.driver}" if self.listing.driver else "its driver"
            return UNSUPPORTED, (
                f"{driver} is too old for CUDA {build.cuda}: install {needed}, or the CPU build of "
                f"torch"
            )
        if "no kernel image" in error or "invalid device function" in error:
            return UNSUPPORTED, (
                f"{version} has no code for its compute capability {capability}, only for "
                f"{', '.join(map(readable, build.capabilities))}"
            )
        if "Found no NVIDIA driver" in error:
            return FAILING, f"torch finds no driver that works: it needs {needed}"
        if "busy or unavailable" in error:
            return IN_USE, "another program has it for itself"
        if is_out_of_memory(error):
            return IN_USE, "its memory is full, as other programs use it"
        return FAILING, error.rstrip(".") or "torch does not see it"


def uuid_of(text: str) -> str:
    """Return a UUID without the driver's prefix, which torch leaves out."""
    return text.removeprefix("GPU-").removeprefix("MIG-")


def readable(architecture: str) -> str:
    """Write an architecture of CUDA as its compute capability: 7.5 for sm_75."""
    found = re.fullmatch(r"(?:sm|compute)_(\d+)(\d)\w*", architecture)
    return f"{found[1]}.{found[2]}" if found else architecture
