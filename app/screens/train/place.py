"""Where a draft would be trained, on what, and what several devices mean for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app import theme
from app.session import clusters, inventory
from cifar_core.config import TrainConfig
from cifar_core.config.machine_settings import LOCAL
from cifar_core.devices import Device
from cifar_core.errors import DeviceError, OutOfServiceError
from cifar_core.runs.backends.offered import clusters_in, not_set_up, title_of, too_many


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a draft would be trained."""

    sentence: str = ""  # on which device, and why
    name: str = ""  # of that device, or of the cluster
    gpu: bool = False  # whether that has a GPU
    here: bool = True  # whether it is this machine
    problems: dict[str, str] = field(default_factory=dict)  # setting -> sentence


def place_of(values: Mapping[str, Any], wrong: Mapping[str, str]) -> Place:
    """Return where settings would train; of those that are `wrong` already, nothing is said."""
    if "run_on" in wrong:
        return Place()
    if values["run_on"] == LOCAL:
        return on_this_machine(values, wrong)
    return on_a_cluster(values, wrong)


def on_this_machine(values: Mapping[str, Any], wrong: Mapping[str, str]) -> Place:
    """Return which devices of this machine would be used."""
    if "device" in wrong:
        return Place()
    device, count = values["device"], values["devices"]
    try:
        best, why = inventory().choose(device)
    except OutOfServiceError as error:
        return Place(sentence=str(error))
    except DeviceError as error:
        return Place(problems={"device": str(error)})
    problems = {}
    if "devices" not in wrong and (why_not := too_many(LOCAL, device, count, inventory())):
        problems["devices"] = why_not
    sentence = why if count == 1 else together(best, count)
    return Place(sentence=sentence, name=best.name, gpu=not best.is_cpu, problems=problems)


def together(best: Device, count: int) -> str:
    """Say which devices of this machine share each batch."""
    if best.is_cpu:
        return f"{count} processes share each batch, and the cores of this machine ({best.name})."
    return f"{theme.plural(count, 'device')} of the kind {best.name} share each batch."


def on_a_cluster(values: Mapping[str, Any], wrong: Mapping[str, str]) -> Place:
    """Return what a cluster would give a run."""
    key, found = values["run_on"], clusters()
    if why := not_set_up(key, found):
        return Place(here=False, name=key.title(), problems={"run_on": why})
    cluster = clusters_in(found)[key]
    title = title_of(key, found)
    gpus = cluster.gpus * (values["devices"] if "devices" not in wrong else 1)
    given = f"gives the run {theme.plural(gpus, 'GPU')}" if gpus else "gives the run no GPU"
    sentence = f"{title} chooses the machine and {given}."
    return Place(sentence=sentence, name=title, gpu=gpus > 0, here=False)


def expectation(config: TrainConfig) -> str:
    """Say what several devices do, what the result is like, and that no speed is promised."""
    each = config.batch_size // config.devices
    at_once = min(config.micro_batch or each, each)
    return (
        f"Each of the {config.devices} devices computes {theme.count(each)} of the "
        f"{theme.count(config.batch_size)} images of a batch, and their gradients are averaged. "
        f"The result is like that of one device with *Images at once* at {theme.count(at_once)}, "
        "but not always the same: where the network has them, batch norm's running statistics are "
        "the mean over the devices, and dropout is drawn on each of them. How much faster it is "
        "depends on the network and the devices; a small network may not be faster at all."
    )
