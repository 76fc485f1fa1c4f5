"""The devices of a machine as a probe found them, and the choice among them, with its reason."""

from msgspec import Struct
from msgspec.structs import replace

from cifar_core.disk.checks import Moment, Text, Whole
from cifar_core.errors import DeviceError, OutOfServiceError

# why a GPU is refused: torch was chosen without support for it; driver, torch and GPU do not fit;
# another program uses it now; it does not work now
LEFT_OUT, UNSUPPORTED, IN_USE, FAILING = "left out", "unsupported", "in use", "failing"
UNNUMBERED = "gpu:"  # begins the id of a GPU that the driver lists and torch does not see
LASTING = (LEFT_OUT, UNSUPPORTED)  # no probe will be better until a person changes something


class Device(Struct, frozen=True, kw_only=True):
    """A device, or a share of the CPU, that can train one run at a time."""

    id: Text  # "mps", "cuda:0", ... as torch names it; "cpu", "cpu:1", ... for slots of the CPU
    name: Text
    memory_megabytes: Whole = 0  # 0 when unknown
    uuid: Text = ""  # of the card, whatever its number; empty when unknown

    @property
    def torch_name(self) -> str:
        """Its name in torch, for which all slots of the CPU are the same device."""
        return self.id.split(":")[0] if self.is_cpu else self.id

    @property
    def is_cpu(self) -> bool:
        """Whether it is a slot of the CPU."""
        return self.id.startswith("cpu")


class Refused(Struct, frozen=True, kw_only=True):
    """A GPU that cannot be used."""

    id: Text  # as of a device; "cuda" if torch could not even number it
    name: Text
    reason: Text  # continues the sentence "It cannot be used: ..."
    uuid: Text = ""  # as of a device
    trouble: Text = FAILING  # one of the four above
    awaited: bool = False  # whether runs wait for it rather than take the CPU

    @property
    def sentence(self) -> str:
        """Which GPU it is, and why it cannot be used."""
        return f"{self.name} ({self.id}) cannot be used: {self.reason}."

    def is_same(self, device: Device) -> bool:
        """Whether it is this GPU: by UUID, or by number where one of the UUIDs is unknown."""
        if self.uuid and device.uuid:
            return self.uuid == device.uuid
        return self.id in (device.id, kind_of(device.id))


class Inventory(Struct, frozen=True, kw_only=True):
    """The devices of a machine, fastest first, and the GPUs among them that cannot be used."""

    devices: list[Device] = []
    refused: list[Refused] = []
    worked: list[Device] = []  # GPUs that were in service earlier in this boot
    driver: Text = ""  # version of the NVIDIA driver
    torch: Text = ""
    cuda: Text = ""  # version that torch is built for
    hip: Text = ""  # likewise
    machine: Text = ""  # whose devices these are, since which boot, and for which torch
    at: Moment = 0.0  # unix seconds

    def choose(self, wanted: str) -> tuple[Device, str]:
        """Return the device for a setting such as "auto", "cuda" or "cpu", and why, in a sentence.

        Raises OutOfServiceError if runs with this setting wait for a GPU, DeviceError if there is
        no such device or it cannot be used.
        """
        best = self.candidates(wanted)[0]
        return best, self.why(wanted, best)

    @property
    def names(self) -> list[str]:
        """What a run can ask for: the devices, and the GPUs for which it would wait.

        A GPU that torch cannot number has no name that a run could use.
        """
        awaited = [r.id for r in self.refused if r.awaited and not r.id.startswith(UNNUMBERED)]
        return [*(device.id for device in self.devices), *awaited]

    def why(self, wanted: str, device: Device) -> str:
        """Say why a run with this setting is given this device."""
        named = f"{device.name} ({device.id})"
        if wanted != "auto":
            return f"{named}: as requested."
        if not device.is_cpu:
            return f"{named}: the fastest device found."
        if not self.refused:
            return f"{named}: no GPU was found."
        return f"{named}: no GPU can be used. {' '.join(r.sentence for r in self.refused)}"

    def candidates(self, wanted: str) -> list[Device]:
        """Return the devices that a run can use; "auto" takes any of the fastest kind.

        Raises what `choose` raises.
        """
        if wanted == "auto":
            awaited = [refused for refused in self.refused if refused.awaited]
            if awaited and self.devices[0].is_cpu:
                raise OutOfServiceError(out_of_service(awaited))
            return of_kind(kind_of(self.devices[0].id), self.devices)
        exact = [device for device in self.devices if device.id == wanted and ":" in wanted]
        if found := exact or of_kind(wanted, self.devices):
            return found
        refused = [r for r in self.refused if wanted in (r.id, kind_of(r.id))]
        refused = refused or [r for r in self.refused if r.id == kind_of(wanted)]
        if awaited := [r for r in refused if r.awaited]:
            raise OutOfServiceError(out_of_service(awaited))
        why = f"There is no device called '{wanted}' on this machine."
        why = " ".join(r.sentence for r in refused) or why
        names = ", ".join(device.id for device in self.devices)
        raise DeviceError(f"{why} This machine has: {names}. Choose one of these, or 'auto'.")

    def enough(self, wanted: str, count: int) -> list[Device]:
        """Return the devices, all of one kind, of which a run uses `count` at once.

        Raises what `candidates` raises; OutOfServiceError if too many are out of service,
        DeviceError if the machine has too few.
        """
        found = self.candidates(wanted)
        if len(found) >= count:
            return found
        kind, names = kind_of(found[0].id), ", ".join(device.id for device in found)
        awaited = [r for r in self.refused if r.awaited and kind_of(r.id) == kind]
        if wanted in ("auto", kind) and len(found) + len(awaited) >= count:
            raise OutOfServiceError(out_of_service(awaited))
        raise DeviceError(
            f"This run needs {count} devices of one kind at once, but for the device '{wanted}' "
            f"this machine has {len(found)}: {names}. Choose at most {len(found)}, or another "
            "device."
        )

    def without(self, device: Device, reason: str) -> "Inventory":
        """Return the inventory with a device out of service, for which runs wait."""
        gone = Refused(
            id=device.id, name=device.name, uuid=device.uuid, reason=reason, awaited=True
        )
        others = [other for other in self.devices if other != device]
        return replace(self, devices=others, refused=[*self.refused, gone], worked=self.proven)

    @property
    def proven(self) -> list[Device]:
        """The GPUs that are or were in service."""
        gpus = [device for device in self.devices if not device.is_cpu]
        return list(dict.fromkeys([*self.worked, *gpus]))

    def after(self, before: "Inventory") -> "Inventory":
        """Return the inventory with what an earlier one knows of GPUs that worked."""
        return replace(self, worked=list(dict.fromkeys([*self.worked, *before.proven])))


def without_gpu(cpus: list[Device]) -> Inventory:
    """Return the inventory of a machine that has no GPU."""
    return Inventory(devices=cpus)


def kind_of(id_: str) -> str:
    """Return the kind of a device: "cuda" for "cuda:1"."""
    return id_.split(":")[0]


def of_kind(kind: str, devices: list[Device]) -> list[Device]:
    """Return the devices of a kind."""
    return [device for device in devices if kind_of(device.id) == kind]


def out_of_service(refused: list[Refused]) -> str:
    """Say for which GPUs a run waits, and why they are out of service."""
    words = " ".join(f"{r.name} ({r.id}) is out of service: {r.reason}." for r in refused)
    return f"{words} Runs for it wait; meanwhile it is probed again from time to time."
