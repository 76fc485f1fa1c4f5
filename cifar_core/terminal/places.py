"""places: where runs can go, this machine or a cluster; for admins also to set one up."""

import sys
from argparse import ArgumentParser, Namespace
from typing import Any

from msgspec.structs import asdict, replace

from cifar_core.errors import ConfigError, RunError
from cifar_core.registry import did_you_mean
from cifar_core.runs.backends import backends, settings
from cifar_core.runs.backends.local import LOCAL
from cifar_core.runs.backends.offered import LABELS, clusters_in, places, settings_of
from cifar_core.runs.backends.settings import ClusterSettings
from cifar_core.runs.listing.clusters import cluster_of, is_handed_over, waits_there
from cifar_core.runs.record.states import STATES
from cifar_core.runs.store.run_row import RunRow
from cifar_core.terminal.output import add_json, add_store, progress, say, show, store_of


def add(commands: Any) -> None:
    """Add the commands of this module."""
    parser = commands.add_parser("places", help="list where runs can go, or set up a cluster")
    add_store(parser)
    add_json(parser)
    parser.set_defaults(command=list_places)
    actions = parser.add_subparsers(metavar="ACTION")
    for name, command, about in [
        ("list", list_places, "list where runs can go, and how many are there"),
        ("set-up", set_up, "set up a cluster, or change its settings"),
        ("check", check, "ask a cluster whether it would take runs"),
        ("remove", remove, "remove a cluster; runs that it has continue"),
    ]:
        action = actions.add_parser(name, help=about)
        if name == "list":
            add_json(action)
        else:
            add_cluster(action, with_settings=name != "remove")
        add_store(action)
        action.set_defaults(command=command)


def add_cluster(parser: ArgumentParser, *, with_settings: bool) -> None:
    """Give a command its cluster, and the switch for its settings."""
    parser.add_argument("cluster", choices=list(settings.TITLES), help="kind of cluster")
    if with_settings:
        known = ", ".join(LABELS)
        parser.add_argument(
            "--set", action="append", default=[], metavar="KEY=VALUE",
            help=f"change one of its settings: {known}",
        )  # fmt: skip


def list_places(arguments: Namespace) -> int:
    """Print a line for each place, with its runs and its settings."""
    store = store_of(arguments)
    found, rows = settings.read(store.root), store.runs()
    lines = []
    for key, title in places(found).items():
        cluster = clusters_in(found).get(key)
        there = [row for row in rows if is_at(row, key)]
        waiting = sum(map(waits_there, there))
        lines.append({
            "place": key,
            "title": title,
            "running": len(there) - waiting,
            "waiting there": waiting if cluster else None,
            "settings": in_words(cluster) if cluster else "",
        })  # fmt: skip
    show(lines, arguments.json)
    wrong = settings.examined(store.root)[1].values()
    for sentence in [*dict.fromkeys(wrong), *settings.unknown_entries(store.root)]:
        print(sentence, file=sys.stderr)
    return 0


def is_at(row: RunRow, place: str) -> bool:
    """Whether a run is at a place now: it trains on this machine, or a cluster has it."""
    if place == LOCAL:
        return STATES[row.state].is_live and not cluster_of(row)
    return is_handed_over(row) and cluster_of(row) == place


def in_words(cluster: ClusterSettings) -> str:
    """Write the settings of a cluster that are not empty."""
    return " ".join(f"{name}={typed(value)}" for name, value in asdict(cluster).items()
                    if value not in ("", []))  # fmt: skip


def typed(value: Any) -> str:
    """Write a value as it is typed."""
    return " ".join(value) if isinstance(value, list) else str(value)


def wanted(arguments: Namespace) -> ClusterSettings:
    """Return the settings of a cluster as they are, with the changes from the command line.

    Raises ConfigError for a setting that it does not have, and for a number that is none.
    """
    before = settings_of(arguments.cluster, settings.read(store_of(arguments).root))
    now, changes, wrong = asdict(before), {}, {}
    for text in arguments.set:
        name, sign, value = text.partition("=")
        if name not in now or not sign:
            wrong[name] = (
                f"'{text}' is not a setting of {settings.TITLES[arguments.cluster]}. "
                f"{did_you_mean(name, list(now))}Write KEY=VALUE with one of: {', '.join(now)}."
            )
        elif isinstance(now[name], int) and not value.strip().isdecimal():
            wrong[name] = f"{name} is '{value}', but it must be a whole number. Correct it."
        else:
            changes[name] = read(now[name], value)
    if wrong:
        raise ConfigError(wrong)
    return replace(before, **changes)


def read(like: Any, value: str) -> Any:
    """Read a value of the type of another one; a list has spaces between its words."""
    if isinstance(like, int):
        return int(value)
    return value.split() if isinstance(like, list) else value.strip()


def set_up(arguments: Namespace) -> int:
    """Set up a cluster, and print its settings."""
    store, cluster = store_of(arguments), wanted(arguments)
    settings.set_up(store.root, store.by, cluster)
    say(f"{settings.TITLES[arguments.cluster]} is set up: {in_words(cluster)}")
    return 0


def check(arguments: Namespace) -> int:
    """Ask a cluster whether it would take runs, and print what it answers."""
    store, cluster = store_of(arguments), wanted(arguments)
    with progress("Asking the cluster"):
        answer = backends.check(store.root, cluster)
    say(answer.sentence)
    return 0 if answer.works else 1


def remove(arguments: Namespace) -> int:
    """Remove a cluster."""
    store, title = store_of(arguments), settings.TITLES[arguments.cluster]
    if settings.entries_of(store.root).get(arguments.cluster) is None:
        raise RunError(f"{title} is not set up in this store, so there is nothing to remove.")
    settings.remove(store.root, store.by, arguments.cluster)
    there = sum(is_at(row, arguments.cluster) for row in store.runs())
    stay = f" {there} of its runs continue there." if there else ""
    say(f"{title} was removed.{stay}")
    return 0
