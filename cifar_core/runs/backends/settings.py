"""backend.json: the clusters that an admin has set up for a store. Passwords are never in it."""

from pathlib import Path

from msgspec import Struct

from cifar_core.disk import files
from cifar_core.disk.checks import Text, Texts, Whole

NAME = "backend.json"


class SlurmSettings(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A Slurm cluster, used through sbatch, squeue and scancel as the person who runs this."""

    slots: Whole = 100  # jobs handed over at once
    partition: Text = ""  # empty for Slurm's default, as below
    account: Text = ""
    time: Text = ""  # the most a job may take, as sbatch reads it: "4:00:00"
    gpus: Whole = 1  # that a run gets for each of its devices; 0 to compute on the CPU
    cores: Whole = 0  # likewise CPU cores; 0 for Slurm's default
    options: Texts = []  # further options of sbatch, each as one word: "--mem=16G"


class RaySettings(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A Ray cluster, by the address of its dashboard; the token is not kept here."""

    slots: Whole = 100  # jobs handed over at once
    address: Text = ""  # such as "http://10.0.0.5:8265"
    gpus: Whole = 1  # that a run gets for each of its devices; 0 to compute on the CPU
    cores: Whole = 1  # likewise CPU cores


class BackendSettings(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The clusters of a store, by the keys of PLACES; None where there is none."""

    slurm: SlurmSettings | None = None
    ray: RaySettings | None = None


def read(root: Path) -> BackendSettings:
    """Return the clusters of a store."""
    return files.read(root / NAME, BackendSettings)
