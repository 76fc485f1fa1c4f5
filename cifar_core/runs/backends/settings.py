"""backend.json: the clusters that an admin has set up for a store. Passwords are never in it."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct, to_builtins

from cifar_core.background import processes
from cifar_core.disk import files
from cifar_core.disk.checks import Text, Texts, Whole, as_type
from cifar_core.disk.os_errors import reason
from cifar_core.errors import ConfigError, RunError
from cifar_core.people import ADMIN, Person
from cifar_core.runs.backends.address import problem_of
from cifar_core.runs.record.action_log import action

NAME = "backend.json"
MOST = 10_000  # runs handed over at once
MOST_OF_A_DEVICE = 1024  # GPUs or cores
WORD = re.compile(r"[A-Za-z0-9_][\w.,@:+-]{0,199}", re.ASCII)
# as `man sbatch` lists them: minutes, minutes:seconds, hours:minutes:seconds, days-hours, ...
TIME = re.compile(
    r"\d{1,6}(:\d{1,2}){0,2}|\d{1,4}-\d{1,2}(:\d{1,2}){0,2}|UNLIMITED|INFINITE", re.ASCII
)
OPTION = re.compile(r"--([a-z][a-z0-9-]{0,39})(=[!-~]{1,400})?")  # printable ASCII, no space
OWN = (  # options of sbatch without which an attempt is not found again, or runs something else
    *("array", "chdir", "clusters", "cluster-constraint", "dependency", "error", "export"),
    *("export-file", "get-user-env", "gid", "help", "input", "job-name", "no-requeue", "nodes"),
    *("ntasks", "open-mode", "output", "parsable", "quiet", "requeue", "signal", "test-only"),
    *("uid", "usage", "version", "wait", "wrap"),
)


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


ClusterSettings = SlurmSettings | RaySettings
KINDS: dict[str, type[SlurmSettings] | type[RaySettings]] = {
    "slurm": SlurmSettings,
    "ray": RaySettings,
}
KEYS: dict[type[Struct], str] = {kind: key for key, kind in KINDS.items()}
TITLES = {"slurm": "Slurm", "ray": "Ray"}


def read(root: Path) -> BackendSettings:
    """Return the clusters of a store; None for one whose entry cannot be read."""
    return examined(root)[0]


def examined(root: Path) -> tuple[BackendSettings, dict[str, str]]:
    """Return the clusters of a store, and a sentence for each entry that cannot be read, by key.

    If that is the whole file, its sentence is given for every cluster.
    """
    try:
        entries = entries_of(root)
    except RunError as error:
        return BackendSettings(), dict.fromkeys(TITLES, str(error))
    found, wrong = {}, {}
    for kind, key in KEYS.items():
        try:
            found[key] = None if entries.get(key) is None else as_type(entries[key], kind)
        except ValueError as error:
            words = str(error).rstrip(".")
            wrong[key] = (
                f"The entry {key} in {NAME} cannot be used: {words}. An admin can set "
                f"{TITLES[key]} up again, or correct the file."
            )
    return BackendSettings(**found), wrong  # type: ignore[arg-type]


def entries_of(root: Path) -> dict[str, Any]:
    """Return the entries of backend.json as they are; RunError with a sentence if it is damaged."""
    try:
        return files.sound(root / NAME)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise RunError(
            f"{root / NAME} cannot be read: {reason(error).rstrip('.')}. Correct it, or give it "
            "another name and set the clusters up again."
        ) from error


def unknown_entries(root: Path) -> list[str]:
    """Return a sentence for each entry of backend.json that nothing uses."""
    try:
        entries = entries_of(root)
    except RunError:
        return []
    names = [name for name in entries if name not in TITLES]
    for kind, key in KEYS.items():
        inner = entries.get(key)
        known = kind.__struct_fields__
        names += [f"{key}.{name}" for name in inner or () if name not in known] \
            if isinstance(inner, dict) else []  # fmt: skip
    return [
        f"{NAME} has an entry '{name[:80]}', which is not used. Correct its name, or remove it."
        for name in names
    ]


def to_correct(title: str, wrong: Mapping[str, str]) -> str:
    """Return the sentences about settings that let runs wait."""
    return f"{next(iter(wrong.values()))} Ask an admin to correct the settings for {title}."


def set_up(root: Path, by: Person, wanted: ClusterSettings) -> None:
    """Set a cluster up for a store, or change it; only an admin may.

    Raises ConfigError with a sentence for each setting that cannot be used, RunError if
    backend.json is damaged, and AccessError.
    """
    key = KEYS[type(wanted)]
    did = f"set up {TITLES[key]}"
    with action(root, by, f"set up {TITLES[key]}", did, needed=ADMIN) as line:
        if wrong := problems_of(wanted):
            raise ConfigError(wrong)
        entries_of(root)  # of a damaged file nothing is replaced
        line.skip = getattr(read(root), key) == wanted
        if not line.skip:
            root.mkdir(parents=True, exist_ok=True)
            files.edit(root / NAME, BackendSettings, lambda _: {key: to_builtins(wanted)})
            processes.wake(root)  # runs may wait for it


def remove(root: Path, by: Person, key: str) -> None:
    """Remove a cluster from a store, by its key of PLACES; only an admin may.

    Runs that were handed over go on there, and follow requests to stop; new ones wait.
    """
    did = f"removed {TITLES[key]}"
    with action(root, by, f"remove {TITLES[key]}", did, needed=ADMIN) as line:
        line.skip = entries_of(root).get(key) is None
        if not line.skip:
            files.edit(root / NAME, BackendSettings, lambda _: {key: None})
            processes.wake(root)


def problems_of(wanted: ClusterSettings) -> dict[str, str]:
    """Return a sentence for each setting that cannot be used, by its name."""
    found = {name: problem(wanted) for name, problem in PROBLEMS[type(wanted)].items()}
    return {name: sentence for name, sentence in found.items() if sentence}


def out_of_range(title: str, value: int, low: int, high: int) -> str:
    """Return the sentence about a number that is too small or too large; empty if it is neither."""
    if low <= value <= high:
        return ""
    return f"{title} is {value:,}; it should be from {low:,} to {high:,}."


def not_a_word(title: str, value: str) -> str:
    """Return the sentence about a name that Slurm cannot have; empty if it can, or for none."""
    if not value or WORD.fullmatch(value):
        return ""
    return f"{title} is '{value[:80]}'; it should be one word as Slurm lists it, or empty."


def wrong_time(value: str) -> str:
    """Return the sentence about a time that sbatch does not read; empty for one that it does."""
    if not value or TIME.fullmatch(value):
        return ""
    return (
        f"The time limit is '{value[:80]}'; it should be as sbatch reads it, such as 4:00:00 for "
        "four hours or 2-0 for two days, or empty."
    )


def wrong_option(options: list[str]) -> str:
    """Return the sentence about the first option that cannot be used; empty if all can.

    sbatch accepts the beginning of an option's name, so that counts as the whole one.
    """
    for option in options:
        match = OPTION.fullmatch(option)
        if match is None:
            return (
                f"'{option[:80]}' cannot be an option; each should be one word of the form "
                "--name or --name=value, such as --mem=16G."
            )
        if mine := [name for name in OWN if name.startswith(match[1])]:
            return (
                f"--{mine[0]} cannot be changed, because CIFAR Lab starts its jobs and finds them "
                f"again itself; remove '{option[:80]}'."
            )
    return ""


def on_the_head(wanted: RaySettings) -> str:
    """Return the sentence about a job that asks Ray for nothing; empty for any other."""
    if wanted.gpus or wanted.cores:
        return ""
    return (
        "A run gets neither GPUs nor cores, so Ray would start all of them on its head node; give "
        "it at least one core."
    )


SLOTS, GPUS = "The number of runs handed over at once", "The number of GPUs for each device"
CORES = "The number of CPU cores for each device"
PROBLEMS: dict[type[Struct], dict[str, Callable[[Any], str]]] = {
    SlurmSettings: {
        "slots": lambda s: out_of_range(SLOTS, s.slots, 1, MOST),
        "partition": lambda s: not_a_word("The partition", s.partition),
        "account": lambda s: not_a_word("The account", s.account),
        "time": lambda s: wrong_time(s.time),
        "gpus": lambda s: out_of_range(GPUS, s.gpus, 0, MOST_OF_A_DEVICE),
        "cores": lambda s: out_of_range(CORES, s.cores, 0, MOST_OF_A_DEVICE),
        "options": lambda s: wrong_option(s.options),
    },
    RaySettings: {
        "slots": lambda s: out_of_range(SLOTS, s.slots, 1, MOST),
        "address": lambda s: problem_of(s.address),
        "gpus": lambda s: out_of_range(GPUS, s.gpus, 0, MOST_OF_A_DEVICE),
        "cores": lambda s: out_of_range(CORES, s.cores, 0, MOST_OF_A_DEVICE) or on_the_head(s),
    },
}
