"""Gives the classes of a set test images where they have none, and says so in a sentence."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path

from cifar_core.data.contents import Item
from cifar_core.data.layout.near import near_groups
from cifar_core.data.layout.split_off import LEAST, is_drawn, split_off
from cifar_core.data.options import SetOptions
from cifar_core.data.sources.limits import shown
from cifar_core.numbers import counted, percent

MOST_NAMED = 5


def set_aside(
    items: Sequence[Item],
    options: SetOptions,
    store: Path,
    source: str,
    same: Callable[[list[Item]], dict[str, str]] | None = None,
) -> tuple[list[Item], list[str]]:
    """Return the items with some training images as test images, and what to say of it.

    Only classes without test images lose any; `items` have their names, in any order. Nothing
    changes, and nothing is said, where every class has test images. `same` finds the pictures that
    are the same file, for a draw that does not know which are nearly the same.
    """
    tested = {item.label for item in items if item.part == "test"}
    chosen = [item for item in items if item.part == "train" and item.label not in tested]
    if not chosen:
        return list(items), []
    near = near_groups(store, source) if options.keep_together else {}
    chosen.sort(key=lambda item: item.name)
    exact: dict[str, str] = {}
    if same and options.keep_together and not near and not is_drawn(chosen, options, store, source):
        exact = same(chosen)
    test, kept = split_off(chosen, options, store, source, near or exact)
    said = [sentence(chosen, test, options, only_some=bool(tested), kept=kept)]
    if any(item.group for item in chosen) or near:
        said.append(together(chosen, near))
    few = {item.label for item in chosen} - {item.label for item in chosen if item.name in test}
    if few:
        said.append(
            f"{have_classes(few)} too few images, fewer than {LEAST}, or a single group: none is "
            "for testing, and the test accuracy says nothing about "
            f"{'it' if len(few) == 1 else 'them'}."
        )
    return [replace(item, part="test") if item.name in test else item for item in items], said


def sentence(
    chosen: Collection[Item],
    test: Collection[str],
    options: SetOptions,
    *,
    only_some: bool,
    kept: bool,
) -> str:
    """Say how test images were drawn, of the classes that had none or of all."""
    labels = {item.label for item in chosen}
    reason, whose = "There were no test images", "the training images of each class"
    if only_some:
        reason = f"{have_classes(labels)} no test images"
        whose = f"{'its' if len(labels) == 1 else 'their'} training images"
    became = "became test images"
    written = "written down, so that they stay the same"
    if not kept:
        written = "not written down, since the store may not be written to"
    return (
        f"{reason}: {percent(options.test_share, 0)} of {whose} {became} ({len(test):,} of "
        f"{counted(len(chosen), 'picture')} found), drawn by seed {options.split_seed} and "
        f"{written}."
    )


def have_classes(labels: Collection[str]) -> str:
    """Return the beginning of a sentence about classes that lack something."""
    some = [shown(label) for label in sorted(labels)[:MOST_NAMED]]
    more = f" and {len(labels) - MOST_NAMED:,} more" if len(labels) > MOST_NAMED else ""
    names = ", ".join(some) + more
    return f"The class {names} has" if len(labels) == 1 else f"The classes {names} have"


def together(chosen: Collection[Item], near: Collection[str]) -> str:
    """Say which images the draw kept in one part."""
    groups = len({item.group for item in chosen if item.group})
    words = []
    if groups:
        words.append(f"of one group ({counted(groups, 'group')})")
    if near:
        words.append("that are nearly the same")
    return f"Images {' or '.join(words)} are all in one part."
