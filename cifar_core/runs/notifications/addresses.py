"""The addresses that messages may go to. The admin alone sets them, outside the store.

The end of a variable such as `CIFAR_NOTIFY_NAME` is the name of an address; words after a space
name the people who may use it. `CIFAR_NOTIFY_FILE` names a TOML file with more, which no one else
can read.
An address is a secret: it is never printed, shown or saved, and only its name is.
"""

import os
import re
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cifar_core.errors import NotificationError
from cifar_core.people import matches
from cifar_core.registry import did_you_mean
from cifar_core.runs.notifications.services import SCHEMES, Service, unknown

FILE, ALLOW = "CIFAR_NOTIFY_FILE", "CIFAR_NOTIFY_ALLOW"
PREFIX = FILE.removesuffix("FILE")  # of all variables that hold an address
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
EVERYONE = ("*",)


@dataclass(frozen=True, kw_only=True)
class Address:
    """A place that messages can be sent to, under a name that people see."""

    name: str
    url: str = field(repr=False)  # secret, as Apprise reads it
    people: tuple[str, ...] = EVERYONE  # names, endings such as "@example.org", or "*"

    @property
    def service(self) -> Service:
        """The service that it belongs to."""
        return SCHEMES[scheme_of(self.url)]

    def is_for(self, person: str) -> bool:
        """Whether a person may have messages sent there."""
        return any(matches(person, pattern) for pattern in self.people)

    def is_of(self, person: str) -> bool:
        """Whether it names this person, rather than everyone or a whole domain."""
        named = [one for one in self.people if not one.startswith(("@", "*"))]
        return any(matches(person, one) for one in named)


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """The addresses that this process knows, and what is wrong with those that it cannot use."""

    known: Mapping[str, Address] = field(default_factory=dict)
    problems: tuple[str, ...] = ()  # sentences without secrets, for the admin

    @staticmethod
    def here(root: Path) -> "Addresses":
        """Return the addresses that the environment and its file give; `root` is the store."""
        known, problems = {}, []
        for name, address in (from_variables(os.environ) | from_file(os.environ, root)).items():
            if isinstance(address, str):
                problems.append(address)
            else:
                known[name] = address
        return Addresses(known=known, problems=tuple(problems))

    def of(self, name: str, person: str) -> Address:
        """Return an address that a person may use; NotificationError for any other."""
        usable = self.usable(person)
        if name in usable:
            return self.known[name]
        listed = f"You can use: {', '.join(usable)}." if usable else "None is set up for you."
        raise NotificationError(
            f"There is no address '{name}' for you. {did_you_mean(name, usable)}{listed} The admin "
            "sets addresses (docs/notifications.md)."
        )

    def usable(self, person: str) -> list[str]:
        """Return the names of the addresses that a person may use, sorted."""
        return sorted(name for name, address in self.known.items() if address.is_for(person))

    def personal(self, person: str) -> list[str]:
        """Return the names of the addresses that are a person's own, sorted."""
        return sorted(name for name, address in self.known.items() if address.is_of(person))


def from_variables(environment: Mapping[str, str]) -> dict[str, Address | str]:
    """Return the addresses in environment variables by name, or what is wrong with them."""
    found: dict[str, Address | str] = {}
    for variable, value in environment.items():
        if variable.startswith(PREFIX) and variable not in (FILE, ALLOW) and value.strip():
            name = variable.removeprefix(PREFIX).lower().replace("_", "-")
            url, *people = value.split()
            found[name] = checked(name, url, people, f"${variable}")
    return found


def from_file(environment: Mapping[str, str], root: Path) -> dict[str, Address | str]:
    """Return the addresses in the admin's file by name, or what is wrong with the file or them."""
    named = environment.get(FILE, "").strip()
    if not named:
        return {}
    path = Path(named).expanduser()
    try:
        if why := unsafe(path, root):
            return {FILE: why}
        entries = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError):  # whose words may quote a secret
        return {FILE: f"The file of ${FILE} cannot be read as TOML, so its addresses are not used."}
    return {name: of_entry(name, entry) for name, entry in entries.items()}


def unsafe(path: Path, root: Path) -> str:
    """Say why a file must not hold secrets; empty if it may."""
    if path.resolve().is_relative_to(root.resolve()):
        return f"The file of ${FILE} lies in the store, which others may read. Move it out."
    state = path.stat()
    if state.st_uid not in (os.getuid(), 0) or stat.S_IMODE(state.st_mode) & 0o077:
        return (
            f"The file of ${FILE} can be read by others, so its addresses are not used. Make it "
            "yours alone: chmod 600."
        )
    return ""


def of_entry(name: str, entry: Any) -> Address | str:
    """Return the address of a table in the file, or what is wrong with it."""
    url, people = (entry.get("url"), entry.get("people", ["*"])) if is_table(entry) else ("", [])
    if not isinstance(url, str) or not isinstance(people, list) or not url:
        return (
            f"The entry '{name[:40]}' of ${FILE} needs a url, and may have a list of people who "
            "may use it."
        )
    return checked(name, url, [str(person) for person in people], f"'{name[:40]}' in ${FILE}")


def is_table(entry: Any) -> bool:
    """Whether an entry of a TOML file is a table."""
    return isinstance(entry, dict)


def checked(name: str, url: str, people: list[str], where: str) -> Address | str:
    """Return an address, or a sentence about what is wrong with it."""
    if not NAME.fullmatch(name):
        return f"{where}: a name has at most 40 lower-case letters, digits and hyphens."
    if scheme_of(url) not in SCHEMES:
        return f"{where} {unknown(scheme_of(url))}"
    return Address(name=name, url=url, people=tuple(people) or EVERYONE)


def scheme_of(url: str) -> str:
    """Return the scheme of an address in lower case; empty if it has none."""
    scheme, mark, _ = url.partition("://")
    return scheme.lower() if mark else ""
