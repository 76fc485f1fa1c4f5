"""Makes a set of the pictures whose classes are known: its classes, its parts, its test images."""

from functools import partial
from pathlib import Path

from cifar_core.data.contents import PARTS, Item
from cifar_core.data.layout import class_names, refusals
from cifar_core.data.layout.identical import identical
from cifar_core.data.layout.labeled import Labeled
from cifar_core.data.layout.listing import Listing
from cifar_core.data.layout.set_aside import have_classes, set_aside
from cifar_core.data.options import SetOptions
from cifar_core.disk.checks import MOST_CLASSES, Text, is_a
from cifar_core.numbers import counted

NO_TRAINING = "are of classes without training images"
NAMELESS = "are of classes whose names cannot be shown"


def settle(
    labeled: Labeled, listing: Listing, options: SetOptions, store: Path
) -> tuple[tuple[Item, ...], tuple[str, ...]]:
    """Return the items of a set in order, and its classes; adds sentences and what is left out.

    Raises DataError if they do not make a set.
    """
    path = listing.path
    class_names.make_readable(labeled)
    odd = {label for label in labeled.classes() if not is_a(label, Text)}
    labeled.leave_out(NAMELESS, [n for n, one in labeled.pictures.items() if one.label in odd])
    class_names.unify(labeled)
    class_names.spell_out(labeled, listing)
    class_names.make_readable(labeled)
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
    items, said = set_aside(items, options, store, str(path), partial(identical, listing=listing))
    labeled.said.extend(said)
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
        f"{have_classes(lost)} no training images: {counted(len(names), 'image')} of "
        f"{'it' if len(lost) == 1 else 'them'} for validation or testing "
        f"{'was' if len(names) == 1 else 'were'} left out."
    )
