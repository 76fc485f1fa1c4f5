"""The family of a run: the runs that it comes from, and those that come from it.

It is read from the list of runs alone. Of a run that is gone the name is known from those that
come from it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from cifar_core.registry import Option, Registry
from cifar_core.runs.record.family.ancestors import CLONE, CONTINUES, TEACHER, WEIGHTS
from cifar_core.runs.record.run import Run
from cifar_core.runs.store.run_row import RunRow
from cifar_core.runs.store.store import Store

LINKS = Registry(
    "kind of link",
    [
        Option(key=CONTINUES, title="Trains on", summary="Continues from a checkpoint of it."),
        Option(key=WEIGHTS, title="Starts from", summary="Starts from the weights of it."),
        Option(key=TEACHER, title="Learns from", summary="Learns from the answers of it."),
        Option(key=CLONE, title="Cloned from", summary="Has been set up with the settings of it."),
    ],
)


@dataclass(frozen=True, kw_only=True)
class Relative:
    """One run of a family."""

    run: str  # its id
    name: str
    generation: int  # 0 for the run itself, -1 for what it comes from, 1 for what comes from it
    row: RunRow | None  # None if it is gone, or in the trash


@dataclass(frozen=True, kw_only=True)
class Link:
    """That one run comes from another."""

    how: str  # a key of LINKS
    older: str  # ids
    younger: str
    checkpoint: str = ""  # of the older run; empty for a clone
    epoch: float = 0.0  # of that checkpoint


@dataclass(frozen=True, kw_only=True)
class Family:
    """A run with its ancestors and descendants, oldest generation first."""

    run: str
    relatives: tuple[Relative, ...]  # the run itself included
    links: tuple[Link, ...]

    @property
    def is_alone(self) -> bool:
        """Whether it has no relatives."""
        return len(self.relatives) == 1


def family(store: Store, run: Run) -> Family:
    """Return the ancestors and descendants of a run, each with how it is linked."""
    rows = {row.id: row for row in store.seen()}
    return of_rows(rows, run.id, run.name)


def of_rows(rows: Mapping[str, RunRow], id_: str, name: str = "") -> Family:
    """Return the family of a run from the rows of a list, by id."""
    links = {row.id: links_of(row) for row in rows.values()}
    younger: dict[str, list[Link]] = defaultdict(list)
    for link in (link for several in links.values() for link in several):
        younger[link.older].append(link)
    up = generations(id_, lambda of: [link.older for link in links.get(of, [])])
    down = generations(id_, lambda of: [link.younger for link in younger[of]])
    places = {**{of: -far for of, far in up.items()}, **down, id_: 0}
    found = [link for of in places for link in links.get(of, []) if link.older in places]
    names = {origin.run: origin.name for row in rows.values() for origin in row.origins}
    return Family(
        run=id_,
        relatives=tuple(
            Relative(
                run=of,
                name=rows[of].name if of in rows else names.get(of) or (name if of == id_ else of),
                generation=places[of],
                row=rows.get(of),
            )
            for of in sorted(places, key=lambda of: (places[of], number_of(of), of))
        ),
        links=tuple(found),
    )


def links_of(row: RunRow) -> list[Link]:
    """Return what a run comes from; its settings only if nothing else links it to that run."""
    links = [
        Link(how=origin.how, older=origin.run, younger=row.id,
             checkpoint=origin.checkpoint, epoch=origin.epoch)
        for origin in row.origins
    ]  # fmt: skip
    if row.parent and row.parent not in {link.older for link in links}:
        links.append(Link(how=CLONE, older=row.parent, younger=row.id))
    return [link for link in links if link.older != row.id]


def generations(start: str, of: Callable[[str], Iterable[str]]) -> dict[str, int]:
    """Return how far each run is from the first one in a direction, by the longest way.

    Files that were edited by hand can form a circle; each run counts once on a way.
    """
    far: dict[str, int] = {}
    ways: list[tuple[str, ...]] = [(start,)]
    while ways:
        way = ways.pop()
        for next_ in dict.fromkeys(of(way[-1])):
            if next_ not in way and far.get(next_, 0) < len(way):
                far[next_] = len(way)
                ways.append((*way, next_))
    return far


def number_of(id_: str) -> int:
    """Return the number at the start of an id; 0 if there is none."""
    number = id_.split("-", 1)[0]
    return int(number) if number.isdecimal() else 0


def words(relatives: Sequence[Relative], link: Link) -> str:
    """Return a link as a sentence, such as "B trains A on from epoch 4"."""
    names = {relative.run: relative.name for relative in relatives}
    older, younger = names[link.older], names[link.younger]
    return {
        CONTINUES: f"{younger} trains {older} on from epoch {link.epoch:g}.",
        WEIGHTS: f"{younger} starts from the weights of {older} (epoch {link.epoch:g}).",
        TEACHER: f"{younger} learns from {older} (epoch {link.epoch:g}).",
        CLONE: f"{younger} was cloned from {older}.",
    }[link.how]
