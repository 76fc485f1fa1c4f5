"""Where an attempt computes, if that is chosen by the machine that runs it: a node of a cluster.

There the program and torch must be those of the machine that planned it, as a run would otherwise
be trained by two versions.
"""

import os
import platform

from msgspec import structs

from cifar_core import devices
from cifar_core.devices import Inventory
from cifar_core.disk import files
from cifar_core.errors import RunError
from cifar_core.runs.record import metrics
from cifar_core.runs.record.environment import essentials
from cifar_core.runs.record.records import AttemptPlan
from cifar_core.runs.record.run import Run


def placed(
    run: Run, attempt: int, plan: AttemptPlan, found: Inventory | None = None
) -> AttemptPlan:
    """Return the plan of an attempt with its device and threads, chosen here if they are open.

    The choice is written into attempt.json. RunError if this machine has other versions than the
    plan, DeviceError if it has no device that the run can use. `found` are its devices; None to
    look for them.
    """
    if plan.device:
        return plan
    check_versions(plan)
    settings = run.settings
    device, reason = (found or devices.probed()).choose(str(settings.get("device", "auto")))
    threads = plan.threads or devices.choose_threads(int(settings.get("threads", 0)))
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))  # torch is not loaded yet
    chosen = structs.replace(
        plan,
        device=device.torch_name,
        devices=[device.torch_name],
        device_name=device.name,
        device_reason=f"{platform.node()}: {reason}",
        threads=threads,
    )
    files.write_json(metrics.attempt_folder(run.path, attempt) / "attempt.json", chosen)
    return chosen


def check_versions(plan: AttemptPlan) -> None:
    """RunError if this machine has another version than the one that planned the attempt.

    One that is not known on one of the two says nothing.
    """
    here, node = essentials(), platform.node()
    for name, wanted in plan.versions.items():
        found = here.get(name, "")
        if found and wanted and found != wanted:
            raise RunError(
                f"{name} is {found} on {node}, but {wanted} on the machine that started the run, "
                f"and a run must be trained by one version. Make them equal on {node}, then resume "
                "the run."
            )
