"""Saved listings: a name for a filter with its columns, sorting and grouping.

Each is a small file, `views/<slug>.json`, so that everyone who uses the store has it.
"""

import itertools
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from msgspec import Struct

from cifar_core.disk import files, lock
from cifar_core.disk.checks import Text
from cifar_core.errors import RunError
from cifar_core.registry import did_you_mean
from cifar_core.runs.listing.columns import COLUMNS
from cifar_core.runs.listing.table import USUAL, Listing
from cifar_core.runs.store.store import Store, slug

SCHEMA = 1
MOST = 50


@dataclass(frozen=True, kw_only=True)
class SavedListing:
    """A listing with a name, kept in the store."""

    id: str  # the file's name, such as "lab-runs"
    name: str
    listing: Listing
    owner: str = ""  # who saved it; empty if that was before they had owners


def save(store: Store, name: str, listing: Listing) -> SavedListing:
    """Save a listing under a name, replacing any of one's own that has it already."""
    name = " ".join(name.split())[:40]
    if not name:
        raise RunError("A saved listing needs a name, such as 'Lab runs'.")
    folder(store).mkdir(parents=True, exist_ok=True)
    with lock.held(folder(store) / ".lock"):
        others = listed(store)
        same = next((saved for saved in others if saved.name == name), None)
        if same is None and len(others) >= MOST:
            raise RunError(f"There are {len(others)} saved listings already. Delete one first.")
        saved = SavedListing(
            id=same.id if same else free_id(store, name),
            name=name,
            listing=listing,
            owner=same.owner if same else store.by.name,
        )
        values = {"schema": SCHEMA, "name": name, "owner": saved.owner, **asdict(listing)}
        with store.action(f"save the listing {name}", "saved the listing", name, owner=saved.owner):
            files.write_json(path_of(store, saved.id), values)
    return saved


def free_id(store: Store, name: str) -> str:
    """Return an id for a new listing, whose file does not exist, readable or not.

    The caller holds the lock of the saved listings.
    """
    ids = itertools.chain([slug(name)], (f"{slug(name)}-{n}" for n in itertools.count(2)))
    return next(id_ for id_ in ids if not path_of(store, id_).exists())


def listed(store: Store) -> list[SavedListing]:
    """List the saved listings by name; a file that cannot be read is skipped."""
    entries = map(read, folder(store).glob("*.json"))
    return sorted(filter(None, entries), key=lambda saved: saved.name.lower())


class SavedTexts(Struct, frozen=True, kw_only=True):
    """Those entries of a saved listing that must be texts."""

    name: Text = ""
    query: Text = ""
    owner: Text = ""


def read(path: Path) -> SavedListing | None:
    """Read what `save` wrote; columns that no longer exist are left out."""
    values = files.read_json(path, SavedTexts)
    parts = {f.name: values[f.name] for f in fields(Listing) if f.name in values}
    columns, sort, keys = parts.get("columns", USUAL), parts.get("sort", ""), list(COLUMNS)
    if (
        not values
        or not isinstance(columns, list | tuple)
        or not isinstance(parts.get("query", ""), str)
    ):
        return None
    parts["columns"] = tuple(key for key in columns if key in keys) or USUAL
    parts["sort"] = sort if str(sort).removeprefix("-") in keys else ""
    parts["group"] = parts.get("group") is True
    name = str(values.get("name") or path.stem)
    owner = str(values.get("owner", ""))
    return SavedListing(id=path.stem, name=name, listing=Listing(**parts), owner=owner)


def find(store: Store, ref: str) -> SavedListing:
    """Return the saved listing with a name or id; RunError suggests the closest name."""
    entries = listed(store)
    for saved in entries:
        if ref in (saved.id, saved.name):
            return saved
    hint = did_you_mean(ref, [saved.name for saved in entries])
    count = f"There are {len(entries)}." if entries else "There are none yet."
    raise RunError(f"There is no saved listing '{ref}'. {hint}{count}")


def delete(store: Store, saved: SavedListing) -> None:
    """Delete a saved listing, if it still exists."""
    there = read(path_of(store, saved.id))  # whose it is now, whatever the caller holds
    owner = there.owner if there else ""
    request = f"delete the listing {saved.name}"
    with store.action(request, "deleted the listing", saved.name, owner=owner) as line:
        path_of(store, saved.id).unlink(missing_ok=True)
        line.skip = there is None


def path_of(store: Store, id_: str) -> Path:
    """Return the file of a saved listing."""
    return folder(store) / f"{id_}.json"


def folder(store: Store) -> Path:
    """Return the folder in which a store keeps its saved listings."""
    return store.root / "views"
