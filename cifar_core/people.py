"""Who asks, and what that person may do: roles, and the rule that every change of a store obeys."""

import getpass
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache

from cifar_core.errors import AccessError
from cifar_core.registry import Registry


@dataclass(frozen=True, kw_only=True)
class Role:
    """What a person may do. A role of a higher rank may do all that a lower one may."""

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
    summary="Also downloads images, starts runs, and changes those that are nobody else's.",
    rank=1,
)
ADMIN = Role(
    key="admin",
    title="Admin",
    summary="Also changes the runs of others and empties the trash.",
    rank=2,
)
ROLES = Registry("role", [VIEWER, OPERATOR, ADMIN])


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody who asks the store to do something."""

    name: str  # as the log-in gives it, such as an e-mail address
    role: Role

    def may(self, needed: Role, owner: str = "") -> bool:
        """Tell whether the person may do what a role is needed for, to what belongs to `owner`."""
        if owner not in ("", self.name):
            needed = max(needed, ADMIN, key=lambda role: role.rank)
        return self.role.rank >= needed.rank

    def must(self, needed: Role, deed: str, owner: str = "") -> None:
        """Raise AccessError unless the person may; `deed` completes "may not ..."."""
        if self.may(needed, owner):
            return
        if self.role.rank >= needed.rank:
            raise AccessError(
                f"{self.name} may not {deed}: it belongs to {owner}. "
                "Ask its owner or an admin of this lab."
            )
        raise AccessError(
            f"{self.name} is {an(self.role)} here and may not {deed}. "
            f"Ask an admin of this lab to make you {an(needed)}."
        )


def an(role: Role) -> str:
    """Return the role's name with its article."""
    return f"{'a' if role is VIEWER else 'an'} {role.key}"


@cache
def somebody_here() -> Person:
    """Return whoever runs this program on this machine; the machine itself let them in."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        name = "somebody"
    return Person(name=name, role=ADMIN)


def role_of(name: str, members: Mapping[str, Collection[str]]) -> Role | None:
    """Return the highest role in whose list a name is; None if it is in none.

    A list holds names, endings such as "@example.org", and "*" for everybody who is logged in;
    small and capital letters are the same.
    """
    for role in sorted(ROLES.values(), key=lambda role: role.rank, reverse=True):
        if any(fits(name, pattern) for pattern in members.get(role.key, ())):
            return role
    return None


def fits(name: str, pattern: str) -> bool:
    """Tell whether a name is meant by an entry of a list."""
    name, pattern = name.casefold(), pattern.strip().casefold()
    if pattern.startswith("@"):
        # the part after the last @ alone: 'x@evil.org@example.org' is no address of ours
        return name.count("@") == 1 and name.endswith(pattern)
    return pattern in ("*", name)
