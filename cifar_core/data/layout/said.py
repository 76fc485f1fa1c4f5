"""Says in a few sentences what of a source was taken as what, and what was left out."""

from collections.abc import Iterable, Sequence

from cifar_core.data.contents import Ignored, Item
from cifar_core.data.layout.class_folders import FolderReading
from cifar_core.data.layout.labeled import Labeled
from cifar_core.data.layout.listing import Listing
from cifar_core.data.sources.limits import shown

MEANS = {"train": "training", "val": "validation", "test": "test"}
MOST_REASONS = 4
MOST_NAMED = 5


def sentences(
    listing: Listing,
    reading: FolderReading,
    labeled: Labeled,
    items: Sequence[Item],
    ignored: Sequence[Ignored],
) -> tuple[str, ...]:
    """Return the sentences about a set, those of the parts first."""
    said = [*of_parts(labeled), *labeled.said]
    if labeled.folders_of or not labeled.said or labeled.columns is None:
        said.extend(of_empty(listing, reading, {item.label for item in items}))
    if ignored:
        said.append(of_ignored(ignored))
    return tuple(said)


def of_parts(labeled: Labeled) -> Iterable[str]:
    """Yield a sentence about the folders that are parts."""
    found = sorted(labeled.folders_of.items(), key=lambda one: [*MEANS].index(one[0]))
    verbs = ["are ", *[""] * len(found)]
    names = [
        f"the {MEANS[part]} images {verb}in {shown(name)}"
        for (part, name), verb in zip(found, verbs, strict=False)
    ]
    if names:
        listed = ", ".join(names[:-1]) + f" and {names[-1]}" if len(names) > 1 else names[0]
        yield f"T{listed[1:]}."


def of_empty(listing: Listing, reading: FolderReading, classes: set[str]) -> Iterable[str]:
    """Yield a sentence about folders of classes that hold no picture."""
    parents = {
        "/".join(folder[: folder.index(label)])
        for folder, (_, label) in reading.found.items() if label
    }  # fmt: skip
    filled = {
        "/".join(folder[:end]) for folder in reading.found for end in range(1, len(folder) + 1)
    }
    if not reading.parts:  # other folders may lie beside the classes: they have other files
        others = [*listing.tables, *(name for found in listing.left_out.values() for name in found)]
        filled |= {name.rpartition("/")[0] for name in others}
    empty = {
        folder.rpartition("/")[2] for folder in listing.folders
        if folder.rpartition("/")[0] in parents and folder not in filled
    } - classes - set(reading.parts)  # fmt: skip
    if empty:
        some = ", ".join(shown(name) for name in sorted(empty)[:MOST_NAMED])
        more = f" and {len(empty) - MOST_NAMED:,} more" if len(empty) > MOST_NAMED else ""
        one = len(empty) == 1
        yield (
            f"The {'folder' if one else 'folders'} {some}{more} {'has' if one else 'have'} no "
            f"pictures and {'is not a class' if one else 'are not classes'}."
        )


def of_ignored(ignored: Sequence[Ignored]) -> str:
    """Return the sentence about files that were left out."""
    reasons = [f"files that {one.why} ({len(one.names):,})" for one in ignored[:MOST_REASONS]]
    if len(ignored) == 1 and len(ignored[0].names) == 1:
        return f"The file {shown(ignored[0].names[0])} was left out: such files {ignored[0].why}."
    if len(ignored) > MOST_REASONS:
        others = sum(len(one.names) for one in ignored[MOST_REASONS:])
        reasons.append(f"others ({others:,})")
    listed = ", ".join(reasons[:-1]) + f" and {reasons[-1]}" if len(reasons) > 1 else reasons[0]
    return f"Left out were {listed}."
