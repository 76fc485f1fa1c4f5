"""Sets test images aside where a set has none: once, by seed, and written down.

The same share of every class, and pictures of one group in one part. Which ones is a function of
the seed and the names alone, by the order of sha256(seed, name), so that any machine draws the
same. The draw is written to split.csv in the set's folder of the store: pictures that are
added later are drawn by the same rule, and all others keep their part.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from cifar_core.data.contents import Item
from cifar_core.data.options import SetOptions, folder_of
from cifar_core.disk import files
from cifar_core.disk.checks import Number, Whole
from cifar_core.disk.tables import FORMULA, as_csv, cell, rows_of
from cifar_core.errors import DataError

SPLIT = "split.csv"  # name, part
RULE = "split.json"  # by which seed and share, and whether near-duplicates stay together
TEST, TRAIN = "test", "train"
LEAST = 3  # images of a class of which one is drawn: two stay, for training and validation


class Rule(Struct, frozen=True, kw_only=True):
    """By what a split was drawn."""

    seed: Whole = 0
    share: Number = -1.0
    keep_together: bool = True


def split_off(
    items: Iterable[Item],
    options: SetOptions,
    store: Path,
    source: str,
    near: Mapping[str, str] | None = None,
) -> tuple[set[str], bool]:
    """Return the names of the pictures that become test images, and whether they are on disk.

    `items` are pictures without a test set, by name; `near` says which of them are nearly the
    same, by the name of a group. An earlier split by the same rule is continued. This
    also works in a store that may not be written to.
    """
    folder, rule = folder_of(store, source), rule_of(options)
    items = list(items)
    drawn = written(folder, rule, [item.name for item in items])
    test = draw(items, options.test_share, options.split_seed, near or {}, drawn)
    parts = {item.name: TEST if item.name in test else TRAIN for item in items}
    if parts.keys() <= drawn.keys():
        return test, True
    try:
        write(folder, rule, drawn | parts)
    except (OSError, DataError):
        return test, False
    return test, True


def rule_of(options: SetOptions) -> Rule:
    """Return by what a split is drawn."""
    return Rule(
        seed=options.split_seed, share=options.test_share, keep_together=options.keep_together
    )


def is_drawn(items: Iterable[Item], options: SetOptions, store: Path, source: str) -> bool:
    """Return True if all pictures have their part from an earlier split by the same rule."""
    names = {item.name for item in items}
    return names <= written(folder_of(store, source), rule_of(options), names).keys()


def written(folder: Path, rule: Rule, names: Collection[str]) -> dict[str, str]:
    """Return the part of each picture in an earlier split; {} if it fits none of these pictures.

    Cells are guarded like those of any CSV that we write, so that names are compared guarded.
    """
    if files.read(folder / RULE, Rule) != rule:
        return {}
    guarded = {str(cell(name)): name for name in names if name.startswith(FORMULA)}
    parts: dict[str, str] = {}
    with (
        suppress(OSError, ValueError),
        (folder / SPLIT).open(encoding="utf-8", newline="") as file,
    ):
        for row in rows_of(file):
            if len(row) == 2 and row[1] in (TRAIN, TEST):
                parts[guarded.get(row[0], row[0])] = row[1]
    return parts if any(name in parts for name in names) else {}


def write(folder: Path, rule: Rule, parts: Mapping[str, str]) -> None:
    """Write down the part of each picture."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [{"name": name, "part": part} for name, part in sorted(parts.items())]
    files.write_atomic(folder / SPLIT, as_csv(lines, ["name", "part"]))
    files.write_json(folder / RULE, rule)


def draw(
    items: Collection[Item],
    share: float,
    seed: int,
    near: Mapping[str, str],
    drawn: Mapping[str, str] | None = None,
) -> set[str]:
    """Return the names of the test images; those that were drawn before keep their part."""
    drawn = drawn or {}
    units = units_of(items, near)
    sizes = Counter(item.label for item in items)
    wanted = {label: aside(size, share) for label, size in sizes.items()}
    have: Counter[str] = Counter()
    test: set[str] = set()
    open_units: list[list[Item]] = []
    for unit in units:
        parts = {drawn[item.name] for item in unit if item.name in drawn}
        if TEST in parts:  # a new picture goes where its group is
            new = [item for item in unit if drawn.get(item.name) != TRAIN]
            test.update(item.name for item in new)
            have.update(item.label for item in new)
        elif not parts:
            open_units.append(unit)
    open_units.sort(key=lambda unit: min(rank(seed, item.name) for item in unit))
    for unit in open_units:
        labels = Counter(item.label for item in unit)
        if all(have[label] + count <= wanted[label] for label, count in labels.items()):
            test.update(item.name for item in unit)
            have.update(labels)
    return test | for_empty(open_units, wanted, have, sizes, test)


def for_empty(
    units: Collection[list[Item]],
    wanted: Mapping[str, int],
    have: Counter[str],
    sizes: Mapping[str, int],
    test: Collection[str],
) -> set[str]:
    """Return the smallest group of each class that has no test image, if that leaves others."""
    more: set[str] = set()
    inside: dict[str, list[tuple[int, Counter[str], list[Item]]]] = defaultdict(list)
    for unit in units:
        labels = Counter(item.label for item in unit)
        if unit[0].name not in test:
            for label in labels:
                inside[label].append((len(unit), labels, unit))
    for label in sorted(label for label, count in wanted.items() if count):
        fits = [
            one for one in inside[label] if one[2][0].name not in more
            and all(have[name] + count < sizes[name] for name, count in one[1].items())
        ] if not have[label] else []  # fmt: skip
        if fits:
            _, labels, unit = min(fits, key=lambda one: one[0])
            more.update(item.name for item in unit)
            have.update(labels)
    return more


def aside(size: int, share: float) -> int:
    """Return how many of a class's pictures become test images: one at least, if it has enough."""
    return min(max(1, int(share * size + 0.5)), size - 1) if size >= LEAST else 0


def rank(seed: int, name: str) -> bytes:
    """Return what decides the order in which pictures are drawn."""
    return hashlib.sha256(f"{seed}\0{name}".encode("utf-8", "surrogatepass")).digest()


def units_of(items: Collection[Item], near: Mapping[str, str]) -> list[list[Item]]:
    """Return the pictures that must stay together: of one group, or nearly the same."""
    parent: dict[str, str] = {}

    def root(key: str) -> str:
        while (above := parent.setdefault(key, key)) != key:
            parent[key] = parent[above]
            key = above
        return key

    alone, units = [], defaultdict(list)
    together = []
    for item in items:
        if not item.group and item.name not in near:
            alone.append([item])
            continue
        together.append(item)
        mine = "n" + item.name
        if item.group:
            parent[root(mine)] = root("g" + item.group)
        if item.name in near:
            parent[root(mine)] = root("d" + near[item.name])
    for item in together:
        units[root("n" + item.name)].append(item)
    return alone + list(units.values())
