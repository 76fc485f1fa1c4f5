"""What a row says about the cluster that its run was handed over to, or is going to be."""

from cifar_core.runs.backends.local import LOCAL
from cifar_core.runs.record.run import Run
from cifar_core.runs.record.states import STATES
from cifar_core.runs.store.run_row import RunRow


def cluster_of(run: RunRow | Run) -> str:
    """Return the key of the cluster that a run asks for; empty for this machine."""
    place = str(run.settings.get("run_on", LOCAL))
    return "" if place == LOCAL else place


def is_handed_over(row: RunRow) -> bool:
    """Whether a cluster has the run: it waits in the queue there, or has a process."""
    return bool(cluster_of(row)) and STATES[row.state].is_live


def waits_there(row: RunRow) -> bool:
    """Whether a run was handed over and the cluster has not given it a machine yet."""
    return has_no_machine(cluster_of(row), row.state, row.device)


def has_no_machine(cluster: str, state: str, device: str) -> bool:
    """Return True for a run in this state that waits at a cluster; `device` is its status's."""
    return bool(cluster) and state == "starting" and device in ("", cluster.title())


def on_one_device_here(row: RunRow) -> bool:
    """Whether a run asks for one device of this machine, so that its times hold for others."""
    return not cluster_of(row) and row.settings.get("devices", 1) == 1
