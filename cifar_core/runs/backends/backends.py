"""The backends of a store: this machine, and the clusters that are set up in backend.json."""

import math
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from cifar_core.background import processes
from cifar_core.runs.backends import ray_server, settings
from cifar_core.runs.backends.backend import Backend, Checked, FullError, Job, Submission
from cifar_core.runs.backends.cluster import Cluster
from cifar_core.runs.backends.local import LOCAL, Local
from cifar_core.runs.backends.ray_jobs import RayJobs
from cifar_core.runs.backends.slurm import Slurm

# by key of PLACES: makes a backend from the store and the cluster's settings
CLUSTERS: dict[str, Callable[[Path, Any], Cluster]] = {
    Slurm.key: lambda _, wanted: Slurm(wanted),
    RayJobs.key: lambda _, wanted: RayJobs(wanted),
}


class Missing:
    """A cluster that is no longer set up, or that this version does not know."""

    slots, doubt_seconds = 0, math.inf

    def __init__(self, key: str) -> None:
        self.key, self.title = key, key.title()

    def submit(self, submission: Submission) -> None:
        """Refuse."""
        raise FullError(not_set_up(self.title))

    def look(self, attempts: Mapping[str, Path]) -> dict[str, Job]:
        """Know nothing."""
        return dict.fromkeys(attempts, Job(found="unknown"))

    def end(self, name: str, folder: Path, *, hard: bool) -> None:
        """Do nothing: a trainer that lives follows control.json."""


def not_set_up(title: str) -> str:
    """Say why a run waits for a cluster that is not set up."""
    return (
        f"{title} is not set up in this store. An admin can set it up; or choose another place "
        "for the run to train."
    )


class Backends:
    """The backends of a store, which follow backend.json when it changes."""

    def __init__(self, root: Path, local: Local | None = None) -> None:
        self.root = root
        self.local: Backend = local or Local()
        self.settings = settings.BackendSettings()
        self.clusters: dict[str, Backend] = {}
        self.removed: dict[str, Backend] = {}  # that can still be asked about their attempts
        self.wrong: dict[str, str] = {}  # why no attempt may be handed over to a cluster, by key
        # why entries of backend.json could not be read, by key; for them the last ones hold
        self.unread: dict[str, str] = {}

    def refresh(self) -> None:
        """Read backend.json; a cluster whose settings are the same stays as it is.

        Instead of an entry that cannot be read, the last one that could be holds.
        """
        before, (found, unread) = self.settings, settings.examined(self.root)
        kept = {key: getattr(before, key) for key in unread}
        self.settings = replace(found, **kept)
        self.tell(unread)
        self.wrong = {key: why for key, why in unread.items() if kept[key] is None}
        for key, make in CLUSTERS.items():
            wanted = getattr(self.settings, key)
            if wanted is None:
                if key in self.clusters:
                    self.removed[key] = self.clusters.pop(key)
                continue
            if wrong := settings.problems_of(wanted):
                self.wrong[key] = settings.to_correct(settings.TITLES[key], wrong)
            if key not in self.clusters or wanted != getattr(before, key):
                self.clusters[key] = make(self.root, wanted)

    def tell(self, unread: dict[str, str]) -> None:
        """Write to the executor's log what could not be read, once."""
        for why in dict.fromkeys(unread.values()):
            if why not in self.unread.values():
                processes.say(f"{why} Until then its last readable settings hold.")
        self.unread = unread

    def why_not(self, key: str) -> str:
        """Return why no attempt can be handed over to a cluster; empty if that can be tried."""
        backend = self.get(key)
        return self.wrong.get(key, "") or ("" if backend else not_set_up(self.of(key).title))

    def get(self, key: str) -> Backend | None:
        """Return the backend of a key of PLACES; None if it is not set up."""
        return self.local if key in ("", LOCAL) else self.clusters.get(key)

    def of(self, key: str) -> Backend:
        """Return the backend of a key of PLACES, also one that was removed while this process ran.

        If there was none, one that knows nothing.
        """
        return self.get(key) or self.removed.get(key) or Missing(key)


def at_hand() -> bool:
    """Return True if this machine has the commands of Slurm, or a token for Ray."""
    return shutil.which("sbatch") is not None or ray_server.has_token()


def check(root: Path, wanted: settings.ClusterSettings) -> Checked:
    """Try a cluster with settings that may not be saved yet; takes some seconds, never raises."""
    if wrong := settings.problems_of(wanted):
        return Checked(works=False, sentence=" ".join(wrong.values()))
    return CLUSTERS[settings.KEYS[type(wanted)]](root, wanted).check()
