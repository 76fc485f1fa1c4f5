"""Saved views of the list of runs: a name for a search with its columns, sorting and grouping.

Each is a small file, `views/<slug>.json`, so that everybody who uses the store has it.
"""

from dataclasses import asdict, dataclass, fields
from pathlib import Path

from msgspec import Struct

from cifar_core.disk import files
from cifar_core.disk.checks import Text
from cifar_core.errors import RunError
from cifar_core.people import OPERATOR
from cifar_core.registry import did_you_mean
from cifar_core.runs.listing.columns import COLUMNS
from cifar_core.runs.listing.table import USUAL, Listing
from cifar_core.runs.store.store import Store, slug

SCHEMA = 1
MOST = 50


@dataclass(frozen=True, kw_only=True)
class SavedView:
    """A listing with a name, kept in the store."""

    id: str  # the file's name, such as "lab-runs"
    name: str
    listing: Listing


def save(store: Store, name: str, listing: Listing) -> SavedView:
    """Keep a listing under a name; one that has the name already is replaced."""
    store.by.must(OPERATOR, "save views")
    name = " ".join(name.split())[:40]
    if not name:
        raise RunError("A view needs a name, such as 'Lab runs'.")
    others = {view.id: view.name for view in listed(store)}
    if name not in others.values() and len(others) >= MOST:
        raise RunError(f"There are {len(others)} views already. Delete one first.")
    ids = [slug(name), *(f"{slug(name)}-{number}" for number in range(2, MOST + 2))]
    view = SavedView(
        id=next(id_ for id_ in ids if others.get(id_, name) == name), name=name, listing=listing
    )
    folder(store).mkdir(parents=True, exist_ok=True)
    files.write_json(path_of(store, view.id), {"schema": SCHEMA, "name": name, **asdict(listing)})
    return view


def listed(store: Store) -> list[SavedView]:
    """List the saved views by name; a file that cannot be read is passed over."""
    found = [read(path) for path in folder(store).glob("*.json")]
    return sorted(filter(None, found), key=lambda view: view.name.lower())


class SavedTexts(Struct, frozen=True, kw_only=True):
    """Those entries of a saved view that must be texts."""

    name: Text = ""
    query: Text = ""


def read(path: Path) -> SavedView | None:
    """Read what `save` wrote; columns that this program does not know are left out."""
    values = files.read_json(path, SavedTexts)
    known = {f.name: values[f.name] for f in fields(Listing) if f.name in values}
    columns, sort, there = known.get("columns", USUAL), known.get("sort", ""), list(COLUMNS)
    if not isinstance(columns, list | tuple) or not isinstance(known.get("query", ""), str):
        return None
    known["columns"] = tuple(key for key in columns if key in there) or USUAL
    known["sort"] = sort if str(sort).removeprefix("-") in there else ""
    known["group"] = known.get("group") is True
    name = str(values.get("name") or path.stem)
    return SavedView(id=path.stem, name=name, listing=Listing(**known)) if values else None


def find(store: Store, ref: str) -> SavedView:
    """Return the saved view of a name or id, or say which one may have been meant."""
    known = listed(store)
    for view in known:
        if ref in (view.id, view.name):
            return view
    hint = did_you_mean(ref, [view.name for view in known])
    there = f"There are {len(known)}." if known else "There are none yet."
    raise RunError(f"There is no view '{ref}'. {hint}{there}")


def delete(store: Store, view: SavedView) -> None:
    """Forget a saved view; one that is gone already is fine."""
    store.by.must(OPERATOR, "delete views")
    path_of(store, view.id).unlink(missing_ok=True)


def path_of(store: Store, id_: str) -> Path:
    """Return the file of a view."""
    return folder(store) / f"{id_}.json"


def folder(store: Store) -> Path:
    """Return where a store keeps its views."""
    return store.root / "views"
