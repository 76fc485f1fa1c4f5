"""What a person may choose: where a run goes, and how many devices compute it together."""

from collections import Counter
from typing import Any

from msgspec.structs import fields

from cifar_core.devices.device import Inventory, kind_of
from cifar_core.errors import DeviceError, OutOfServiceError
from cifar_core.runs.backends.local import LOCAL
from cifar_core.runs.backends.settings import BackendSettings

THIS_MACHINE = "This machine"
PLACES, DEVICES = "places", "devices"  # of which there may be several
ANY_NUMBER = 64  # of devices, where only the cluster knows how many it has


def clusters_in(clusters: BackendSettings) -> dict[str, Any]:
    """Return the settings of the clusters that are set up, by their keys."""
    every = {one.name: getattr(clusters, one.name) for one in fields(clusters)}
    return {key: cluster for key, cluster in every.items() if cluster is not None}


def places(clusters: BackendSettings) -> dict[str, str]:
    """Return the titles of the places where runs can go by their keys, this machine first."""
    return {key: title_of(key, clusters) for key in (LOCAL, *clusters_in(clusters))}


def title_of(place: str, clusters: BackendSettings) -> str:
    """Return the title of a place, such as "Slurm (gpu)" with the partition that is used."""
    if place in ("", LOCAL):
        return THIS_MACHINE
    partition = getattr(getattr(clusters, place, None), "partition", "")
    return f"{place.title()} ({partition})" if partition else place.title()


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
