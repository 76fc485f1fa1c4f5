"""What a person may choose: where a run goes, and how many devices compute it together."""

from collections import Counter

from msgspec.structs import fields

from cifar_core.devices.device import Inventory, kind_of
from cifar_core.errors import DeviceError, OutOfServiceError
from cifar_core.numbers import counted
from cifar_core.runs.backends.local import LOCAL, Local
from cifar_core.runs.backends.settings import KINDS, BackendSettings, ClusterSettings

THIS_MACHINE = Local.title
PLACES, DEVICES = "places", "devices"  # of which there may be several
ANY_NUMBER = 64  # of devices, where only the cluster knows how many it has
LABELS = {  # of every setting of a cluster: its label and its help
    "slots": (
        "Runs handed over at once",
        "Further runs wait in the queue of CIFAR Lab, where their order can still be changed.",
    ),
    "partition": ("Partition", "As `sinfo` lists it. Empty: Slurm's default."),
    "account": ("Account", "To which the time is charged. Empty: Slurm's default."),
    "time": (
        "Time limit",
        "Such as 4:00:00. At the limit a run saves a checkpoint and is queued again. Empty: the "
        "partition's default.",
    ),
    "gpus": ("GPUs for each device of a run", "0: runs compute on the CPU there."),
    "cores": ("CPU cores for each device of a run", "0: what the cluster gives by default."),
    "options": ("Further options of sbatch", "Separated by spaces, such as --mem=16G."),
    "address": ("Address of Ray's dashboard", "Such as http://10.0.0.5:8265."),
}


def clusters_in(clusters: BackendSettings) -> dict[str, ClusterSettings]:
    """Return the settings of the clusters that are set up, by their keys."""
    every = {one.name: getattr(clusters, one.name) for one in fields(clusters)}
    return {key: cluster for key, cluster in every.items() if cluster is not None}


def settings_of(key: str, clusters: BackendSettings) -> ClusterSettings:
    """Return the settings of a cluster; those that it begins with if it is not set up."""
    return clusters_in(clusters).get(key) or KINDS[key]()


def places(clusters: BackendSettings) -> dict[str, str]:
    """Return the titles of the places where runs can go by their keys, this machine first."""
    return {key: title_of(key, clusters) for key in (LOCAL, *clusters_in(clusters))}


def title_of(place: str, clusters: BackendSettings) -> str:
    """Return the title of a place, such as "Slurm (gpu)" with the partition that is used."""
    if place in ("", LOCAL):
        return THIS_MACHINE
    partition = getattr(getattr(clusters, place, None), "partition", "")
    return f"{place.title()} ({partition})" if partition else place.title()


def not_set_up(place: str, clusters: BackendSettings) -> str:
    """Return the sentence about a cluster that runs cannot go to; empty for a place that is one."""
    there = places(clusters)
    if place in there:
        return ""
    return (
        f"run_on is '{place}', but {title_of(place, clusters)} is not set up in this store. Choose "
        f"{' or '.join(map(repr, there))}, or ask an admin to set it up with the command places."
    )


def several(place: str, clusters: BackendSettings, found: Inventory) -> frozenset[str]:
    """Return of what there are several to choose from: PLACES, or DEVICES at a place."""
    kinds = Counter(kind_of(device.id) for device in found.devices)
    has_devices = place not in ("", LOCAL) or max(kinds.values(), default=0) > 1
    there = {PLACES: bool(clusters_in(clusters)), DEVICES: has_devices}
    return frozenset(name for name, is_so in there.items() if is_so)


def most_devices(place: str, device: str, found: Inventory) -> int:
    """Return on how many devices at most a run can compute that asks for a device at a place.

    0 if that is not known, because the device does not exist or is out of service.
    """
    if place not in ("", LOCAL):
        return ANY_NUMBER
    try:
        return len(found.candidates(device)) if found.devices else 0
    except (DeviceError, OutOfServiceError):
        return 0


def too_many(place: str, device: str, count: int, found: Inventory) -> str:
    """Return the sentence about more devices than a place has; empty if that is not known."""
    most = most_devices(place, device, found)
    if not most or count <= most:
        return ""
    return (
        f"devices is {count}, but of the kind that is chosen this machine has "
        f"{counted(most, 'device')}. Choose at most {most}."
    )
