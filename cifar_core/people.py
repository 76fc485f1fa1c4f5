"""People and their roles, and the rule that every change of a store follows."""

import getpass
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache

from cifar_core.errors import AccessError
from cifar_core.registry import Registry


@dataclass(frozen=True, kw_only=True)
class Role:
    """A set of permissions. A role of a higher rank includes those of the lower ones."""

    key: str
    title: str
    summary: str
    rank: int


VIEWER = Role(
    key="viewer",
    title="Viewer",
    summary="Sees, evaluates and explains every run; changes nothing.",
    rank=0,
)
OPERATOR = Role(
    key="operator",
    title="Operator",
    summary="Also uploads images, starts runs, and changes what is their own or has no owner.",
    rank=1,
)
ADMIN = Role(
    key="admin",
    title="Admin",
    summary="Also changes what belongs to others, and empties the trash.",
    rank=2,
)
ROLES = Registry("role", [VIEWER, OPERATOR, ADMIN])


@dataclass(frozen=True, kw_only=True)
class Person:
    """A person who asks the store to do something."""

    name: str  # as the log-in gives it, such as an e-mail address
    role: Role
    is_local: bool = False  # uses the machine itself, so the machine decides what may be read

    def may(self, needed: Role, owner: str = "") -> bool:
        """Return True if the person has the needed role, and, for another's run, is an admin."""
        if owner not in ("", self.name):
            needed = max(needed, ADMIN, key=lambda role: role.rank)
        return self.role.rank >= needed.rank

    def must(self, needed: Role, action: str, owner: str = "") -> None:
        """Raise AccessError unless the person may; `action` completes "may not ..."."""
        if self.may(needed, owner):
            return
        if self.role.rank >= needed.rank:
            raise AccessError(
                f"{self.name} may not {action}: it belongs to {owner}. "
                "Ask its owner or an admin of this lab."
            )
        raise AccessError(
            f"{self.name} is {an(self.role)} here and may not {action}. "
            f"Ask an admin of this lab to make you {an(needed)}."
        )


def an(role: Role) -> str:
    """Return the role's name with its article."""
    return f"{'a' if role is VIEWER else 'an'} {role.key}"


@cache
def local_user() -> Person:
    """Return the user who runs this program on this machine, as an admin."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        name = "somebody"
    return Person(name=name, role=ADMIN, is_local=True)


def role_of(name: str, members: Mapping[str, Collection[str]]) -> Role | None:
    """Return the highest role in whose list a name is; None if it is in none.

    A list holds names, endings such as "@example.org", and "*" for everyone who is logged in;
    case does not matter.
    """
    for role in sorted(ROLES.values(), key=lambda role: role.rank, reverse=True):
        if any(matches(name, pattern) for pattern in members.get(role.key, ())):
            return role
    return None


def matches(name: str, pattern: str) -> bool:
    """Return True if a name matches an entry of a list."""
    name, pattern = name.casefold(), pattern.strip().casefold()
    if pattern.startswith("@"):
        # with exactly one @: 'x@evil.org@example.org' is not an address of ours
        return name.count("@") == 1 and name.endswith(pattern)
    return pattern in ("*", name)
