"""Finds parts and classes in the names of folders.

The rule, for any depth: the parts are the highest folders whose names mean train, val or test
(`synonyms`), and the classes the highest folders inside them, or in the whole set, of which there
are two or more. What lies deeper belongs to the class. `<class>/train/*` is understood too.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from cifar_core.data.contents import PartOfSet
from cifar_core.data.layout import synonyms

MOST = 0.8  # share of the pictures that must lie in a part's folders beside others
Folder = tuple[str, ...]
OUTSIDE = "lie outside the class folders"
BESIDE = "lie beside the folders of the parts"


@dataclass(kw_only=True)
class Node:
    """A folder with pictures somewhere inside."""

    path: Folder = ()
    own: int = 0  # pictures directly inside
    total: int = 0
    children: dict[str, "Node"] = field(default_factory=dict)

    def part_folders(self) -> dict[str, PartOfSet]:
        """Return the folders inside that mean parts, if they divide what is here; else nothing."""
        parts = synonyms.parts_among(self.children)
        named = [self.children[name] for name in parts]
        if not named or len(named) == len(self.children):
            return parts
        if self.are_sure(parts):
            return parts
        inside = sum(node.total for node in named)
        two = len(set(parts.values())) > 1
        classes = any(node.children for node in named)
        beside = [node for name, node in self.children.items() if name not in parts]
        like_them = not classes and all(not node.children for node in beside)
        fits = "train" in parts.values() and (two or classes) and inside >= MOST * self.total
        # flat classes of which some are called 'train' and 'test'
        return parts if fits and not (like_them and len(beside) > len(named)) else {}

    def are_sure(self, parts: dict[str, PartOfSet]) -> bool:
        """Return True if folders are parts however many pictures lie beside them.

        They are where train has the same folders inside as another part, or where only train has
        folders inside, and no more folders lie beside the parts than there are parts.
        """
        inside: dict[PartOfSet, set[str]] = defaultdict(set)
        for name, part in parts.items():
            inside[part].update(self.children[name].children)
        train = inside.pop("train", set())
        if any(train & others for others in inside.values()):
            return True
        beside = [node for name, node in self.children.items() if name not in parts]
        flat = not any(node.children for node in beside)
        return len(train) > 1 and flat and len(beside) <= len(parts)


@dataclass(frozen=True, kw_only=True)
class FolderReading:
    """What the folders say of each folder's pictures; those without a label have ""."""

    found: dict[Folder, tuple[PartOfSet | None, str]]  # folder -> part, class
    beside: dict[Folder, str]  # folder -> why its pictures are left out
    top: Folder = ()  # the folder in which the parts, or else the classes, lie
    parts: dict[str, PartOfSet] = field(default_factory=dict)  # folders that mean parts
    alike: tuple[str, ...] = ()  # folders that each class has: these could be the classes too
    twice: tuple[Folder, ...] = ()  # folders that each hold parts: several sets

    def labels(self) -> set[str]:
        """Return the names of the classes."""
        return {label for _, label in self.found.values() if label}


def tree_of(counts: Counter[Folder]) -> Node:
    """Return the folders that hold pictures, from the number of pictures directly in each."""
    root = Node()
    for folder, count in counts.items():
        node = root
        node.total += count
        for depth, name in enumerate(folder, start=1):
            node = node.children.setdefault(name, Node(path=folder[:depth]))
            node.total += count
        node.own += count
    return root


def read_folders(counts: Counter[Folder]) -> FolderReading:
    """Return what the names of the folders say, given the number of pictures in each."""
    root = tree_of(counts)
    levels = [*part_levels(root)]
    inside = sum(level.total for level in levels)
    largest = max(levels, key=lambda level: level.total, default=root)
    if levels and inside > root.total / 2:
        if largest.total > MOST * inside:
            return by_parts(counts, largest)
        return FolderReading(found={}, beside={}, twice=tuple(level.path for level in levels))
    top = class_level(root)
    if class_first(top):
        return by_class_first(counts, top)
    return by_class(counts, top)


def part_levels(node: Node) -> Iterator[Node]:
    """Yield the highest folders that hold folders of parts, but for `<class>/train`."""
    if node.part_folders():
        yield node
    elif not class_first(node):
        for child in node.children.values():
            yield from part_levels(child)


def class_first(node: Node) -> bool:
    """Return True if there are two or more folders, each of which is divided into parts only."""
    if len(node.children) <= 1:
        return False
    for child in node.children.values():
        parts = synonyms.parts_among(child.children)
        if not parts or len(parts) < len(child.children) or child.own:
            return False
        if any(part.children for part in child.children.values()):
            return False  # classes below them: these are several sets
    kinds = {
        part
        for child in node.children.values()
        for part in synonyms.parts_among(child.children).values()
    }
    return "train" in kinds


def class_level(node: Node) -> Node:
    """Return the highest folder with two or more folders inside; the lowest one if none has."""
    while node.children:
        fullest = max(node.children.values(), key=lambda child: child.total)
        alone = len(node.children) == 1
        wraps = synonyms.says_nothing(fullest.path[-1]) and len(fullest.children) > 1
        if not alone and not (wraps and fullest.total >= MOST * node.total):
            break
        if node.own > fullest.total:
            break
        node = fullest
    return node


def by_class(counts: Collection[Folder], top: Node) -> FolderReading:
    """Read folders of classes without parts."""
    depth = len(top.path)
    found: dict[Folder, tuple[PartOfSet | None, str]] = {}
    beside = {}
    for folder in counts:
        if folder[:depth] != top.path:
            beside[folder] = OUTSIDE
        else:
            found[folder] = None, folder[depth] if len(folder) > depth else ""
    return FolderReading(found=found, beside=beside, top=top.path, alike=alike_in(top))


def alike_in(top: Node) -> tuple[str, ...]:
    """Return the folders that lie in every folder, if these hold no other pictures: two or more."""
    nodes = list(top.children.values())
    if len(nodes) < 2 or any(node.own for node in nodes):
        return ()
    shared = set.intersection(*(set(node.children) for node in nodes))
    return tuple(sorted(shared)) if len(shared) > 1 else ()


def by_class_first(counts: Collection[Folder], top: Node) -> FolderReading:
    """Read <class>/<part>/*."""
    depth = len(top.path)
    found: dict[Folder, tuple[PartOfSet | None, str]] = {}
    beside, named = {}, {}
    for folder in counts:
        if folder[:depth] != top.path or len(folder) <= depth + 1:
            beside[folder] = OUTSIDE
            continue
        label, name = folder[depth : depth + 2]
        part = synonyms.parts_among(top.children[label].children)[name]
        found[folder], named[name] = (part, label), part
    return FolderReading(found=found, beside=beside, top=top.path, parts=named)


def by_parts(counts: Collection[Folder], top: Node) -> FolderReading:
    """Read <part>/<class>/*."""
    parts, depth = top.part_folders(), len(top.path)
    below = {name: bare(top.children[name], name) for name in parts}
    while (shared := shared_wrapper(list(below.values()))) is not None:
        below = {name: node.children[shared] for name, node in below.items()}
    found: dict[Folder, tuple[PartOfSet | None, str]] = {}
    beside = {}
    for folder in counts:
        name = folder[depth] if len(folder) > depth else ""
        if folder[:depth] != top.path or name not in parts:
            beside[folder] = BESIDE
            continue
        start = len(below[name].path)
        inside = folder[:start] == below[name].path and len(folder) > start
        label = folder[start] if inside else ""
        found[folder] = parts[name], label
    labels = {label for _, label in found.values() if label}
    if len(labels) == 1 and synonyms.says_nothing(next(iter(labels))):
        found = {folder: (part, "") for folder, (part, _) in found.items()}
    return FolderReading(found=found, beside=beside, top=top.path, parts=parts)


def bare(node: Node, name: str) -> Node:
    """Return a part's folder without a second one that only repeats it: seg_train/seg_train."""
    while not node.own and len(node.children) == 1:
        only = next(iter(node.children.values()))
        repeats = only.path[-1] == name or synonyms.part_of(only.path[-1]) is not None
        wraps = synonyms.says_nothing(only.path[-1]) and bool(only.children)
        if not only.children or not (repeats or wraps):
            break
        node = only
    return node


def shared_wrapper(nodes: list[Node]) -> str | None:
    """Return the one folder that all parts hold their pictures in, if it holds several others."""
    names = {name for node in nodes for name in node.children}
    if len(names) != 1 or any(node.own or not node.children for node in nodes):
        return None
    (name,) = names
    inside = {child for node in nodes for child in node.children[name].children}
    loose = any(node.children[name].own for node in nodes)
    return name if len(inside) > 1 and not loose else None
