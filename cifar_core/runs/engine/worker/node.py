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
from cifar_core.runs.engine.several import of_rank, threads_of_one
from cifar_core.runs.engine.worker.ranks.group import RankGroup
from cifar_core.runs.record import metrics
from cifar_core.runs.record.environment import essentials
from cifar_core.runs.record.records import AttemptPlan
from cifar_core.runs.record.run import Run


def placed(
    run: Run,
    attempt: int,
    plan: AttemptPlan,
    found: Inventory | None = None,
    group: RankGroup | None = None,
) -> AttemptPlan:
    """Return the plan of one rank, with its device and threads, chosen here if they are open.

    Every rank chooses alike, and the first one writes the choice into attempt.json. RunError if
    this machine has other versions than the plan, DeviceError if it has too few devices that the
    run can use. `found` are its devices; None to look for them.
    """
    group = group or RankGroup(1)
    if plan.device:
        return of_rank(plan, group.rank)
    check_versions(plan)
    settings = run.settings
    if group.several:  # the CPUs that the cluster gave to this run are shared by its ranks
        os.environ.setdefault("CIFAR_CPU_SLOTS", str(group.world))
    wanted, found = str(settings.get("device", "auto")), found or devices.probed()
    targets = found.enough(wanted, group.world)[: group.world]
    threads = plan.threads or threads_of_one(int(settings.get("threads", 0)), targets)
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))  # torch is not loaded yet
    chosen = structs.replace(
        plan,
        device=targets[0].torch_name,
        devices=[target.torch_name for target in targets],
        device_name=targets[0].name,
        device_reason=f"{platform.node()}: {found.why(wanted, targets[0])}",
        threads=threads,
    )
    if group.writes:
        files.write_json(metrics.attempt_folder(run.path, attempt) / "attempt.json", chosen)
    return of_rank(chosen, group.rank)


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
