"""Makes a set of the pictures whose classes are known: its classes, its parts, its test images."""

from collections.abc import Collection, Iterable
from pathlib import Path

from cifar_core.data.contents import PARTS, Item, PartOfSet
from cifar_core.data.layout import class_names, refusals
from cifar_core.data.layout.labeled import Labeled
from cifar_core.data.layout.listing import Listing
from cifar_core.data.layout.near import near_groups
from cifar_core.data.layout.split_off import split_off
from cifar_core.data.options import SetOptions
from cifar_core.data.sources.limits import shown
from cifar_core.disk.checks import MOST_CLASSES, Text, is_a
from cifar_core.numbers import counted, percent

NO_TRAINING = "are of classes without training images"
NAMELESS = "are of classes whose names cannot be shown"
MOST_NAMED = 5


def settle(
    labeled: Labeled, listing: Listing, options: SetOptions, store: Path
) -> tuple[tuple[Item, ...], tuple[str, ...]]:
    """Return the items of a set in order, and its classes; adds sentences and what is left out.

    Raises DataError if they do not make a set.
    """
    path = listing.path
    odd = {label for label in labeled.classes() if not is_a(label, Text)}
    labeled.leave_out(NAMELESS, [n for n, one in labeled.pictures.items() if one.label in odd])
    class_names.unify(labeled)
    class_names.spell_out(labeled, listing)
    if not labeled.pictures or not labeled.classes("train", None):
        raise refusals.no_training(path, labeled.folders_of.values())
    leave_out_untrained(labeled)
    classes = class_names.in_order(labeled.classes())
    if len(classes) == 1:
        raise refusals.one_class(path, classes[0], len(labeled.pictures))
    if len(classes) > MOST_CLASSES:
        raise refusals.too_many_classes(path, len(classes), MOST_CLASSES)
    items = [
        Item(name=name, part=one.part or "train", label=one.label, group=one.group)
        for name, one in labeled.pictures.items()
    ]
    items = set_aside(sorted(items, key=lambda item: item.name), labeled, options, store, path)
    number = {label: i for i, label in enumerate(classes)}
    place = {part: i for i, part in enumerate(PARTS)}
    items.sort(key=lambda item: (place[item.part], number[item.label], item.name))
    return tuple(items), classes


def leave_out_untrained(labeled: Labeled) -> None:
    """Leave out validation and test images of classes without training images, and say so."""
    lost = labeled.classes() - labeled.classes("train", None)
    if not lost:
        return
    names = [name for name, one in labeled.pictures.items() if one.label in lost]
    labeled.leave_out(NO_TRAINING, names)
    labeled.said.append(
        f"{the_classes(lost)} no training images: {counted(len(names), 'image')} of "
        f"{'it' if len(lost) == 1 else 'them'} for validation or testing "
        f"{'was' if len(names) == 1 else 'were'} left out."
    )


def the_classes(labels: Collection[str]) -> str:
    """Return the beginning of a sentence about classes that lack something."""
    some = [shown(label) for label in sorted(labels)[:MOST_NAMED]]
    more = f" and {len(labels) - MOST_NAMED:,} more" if len(labels) > MOST_NAMED else ""
    names = ", ".join(some) + more
    return f"The class {names} has" if len(labels) == 1 else f"The classes {names} have"


def set_aside(
    items: list[Item], labeled: Labeled, options: SetOptions, store: Path, path: Path
) -> list[Item]:
    """Set test images of the classes aside that have none; all of them if there is no test set."""
    tested = {item.label for item in items if item.part == "test"}
    chosen = [item for item in items if item.part == "train" and item.label not in tested]
    if not chosen:
        return items
    near = near_groups(store, str(path)) if options.keep_together else {}
    test, kept = split_off(chosen, options, store, str(path), near)
    labels = {item.label for item in chosen}
    names = {item.name for item in chosen}
    test &= names
    share = percent(options.test_share, 0)
    size = f"{len(test):,} of {counted(len(chosen), 'image')}"
    written = (
        "written down, so that they stay the same"
        if kept
        else ("not written down, since the store may not be written to")
    )
    drawn = f"drawn by seed {options.split_seed} and {written}"
    if not tested:
        labeled.said.append(
            f"There were no test images: {share} of the training images of each class became test "
            f"images ({size}), {drawn}."
        )
    else:
        labeled.said.append(
            f"{the_classes(labels)} no test images: {share} of "
            f"{'its' if len(labels) == 1 else 'their'} training images became test images "
            f"({size}), {drawn}."
        )
    if any(item.group for item in chosen) or near:
        labeled.said.append(together(chosen, bool(near)))
    return [moved(item, "test") if item.name in test else item for item in items]


def together(items: Iterable[Item], near: bool) -> str:
    """Say which images the draw kept in one part."""
    groups = len({item.group for item in items if item.group})
    words = []
    if groups:
        words.append(f"of one group ({groups:,} groups)")
    if near:
        words.append("that are nearly the same")
    return f"Images {' or '.join(words)} are all in one part."


def moved(item: Item, part: PartOfSet) -> Item:
    """Return an item in another part."""
    return Item(name=item.name, part=part, label=item.label, group=item.group)
