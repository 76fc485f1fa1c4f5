"""Which images a person may use: anything for the machine's own user, what is listed for others."""

from pathlib import Path

from cifar_core.data import roots
from cifar_core.data.away import is_away
from cifar_core.data.decoding import refusals
from cifar_core.data.find import located, named
from cifar_core.data.listing import DataStatus, describe, locate, status
from cifar_core.data.options import options_of
from cifar_core.data.sources import synthetic
from cifar_core.data.sources.archive import shown
from cifar_core.errors import DataError
from cifar_core.people import OPERATOR, Person


def resolve(wanted: str, store: Path, by: Person | None = None) -> str:
    """Return the source that a text names, for `load` and for a run's record.

    A person who does not use the machine itself chooses among the images that are listed and
    those in the folders of $CIFAR_DATA_ROOTS; None is the machine's own user. Raises DataError.
    """
    wanted = wanted.strip()
    if by is None or by.is_local or wanted in ("auto", "") or is_away(wanted):
        return located(wanted, store)
    return among_listed(named(wanted, store) or wanted, store, by)


def among_listed(wanted: str, store: Path, by: Person) -> str:
    """Return the source that a person may use; DataError says the same of all others.

    Nothing is opened, so that no one learns what else is on the machine.
    """
    if wanted in {one.source for one in offered_to(by, store)}:
        return wanted
    if by.may(OPERATOR):  # who may start runs may have images decoded and kept
        if synthetic.is_source(wanted):
            return wanted
        path = roots.inside(wanted)
        if path is not None and path.exists():
            return str(path)
    raise DataError(
        f"'{shown(wanted)}' is not among the images that you may use here. Choose one of the "
        f"list, or ask an admin of this lab to add its folder to ${roots.VARIABLE}."
    )


def offered_to(by: Person, store: Path) -> list[DataStatus]:
    """Return the sources that a person may choose, the default one first.

    People who may start no runs only see what needs no work: what is decoded, and the usual sets.
    """
    usual = ("synthetic", "cifar10")
    return [
        one for one in status(store)
        if by.may(OPERATOR) or one.decoded or one.default or one.source in usual
    ]  # fmt: skip


def refused_for(by: Person, store: Path) -> list[DataStatus]:
    """Return the folders and archives that could not be read, of those that a person may use."""
    if not by.may(OPERATOR):
        return []
    return [
        describe(source, store, {})
        for source in refusals.sources(store)
        if (by.is_local or roots.inside(source) is not None)
        and locate(source, store)[0]
        and not options_of(store, source).removed
    ]
