"""One small table type for everything a user can pick by name."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Generic, Protocol, TypeVar

from cifar_core.errors import UnknownKeyError


class Spec(Protocol):
    """The fields of every entry: a stable key (saved in files), a title and a sentence (shown)."""

    @property
    def key(self) -> str: ...  # noqa: D102
    @property
    def title(self) -> str: ...  # noqa: D102
    @property
    def summary(self) -> str: ...  # noqa: D102


@dataclass(frozen=True, kw_only=True)
class Option:
    """The simplest entry: a choice with only a title and a sentence."""

    key: str
    title: str
    summary: str


S_co = TypeVar("S_co", bound=Spec, covariant=True)


class OnDemand(Generic[S_co]):
    """Entries that are too many to list: each is made when its key is asked for."""

    def __init__(self, claims: Callable[[object], bool], make: Callable[[str], S_co]) -> None:
        self.claims = claims  # whether a key has the form of such an entry's; quick
        self.make = make  # raises UnknownKeyError if there is no such entry


class Registry(Mapping[str, S_co], Generic[S_co]):
    """A read-only mapping from key to spec, in the order in which the page shows them.

    Entries on demand are found by their keys, but are not among those that it lists and counts.
    """

    def __init__(
        self, kind: str, specs: Iterable[S_co], on_demand: OnDemand[S_co] | None = None
    ) -> None:
        self.kind = kind
        self._on_demand = on_demand
        self._specs: dict[str, S_co] = {}
        for spec in specs:
            if spec.key in self._specs:
                raise ValueError(f"two {kind} entries share the key {spec.key!r}")
            self._specs[spec.key] = spec

    def __getitem__(self, key: str) -> S_co:
        if isinstance(key, str) and key in self._specs:  # a file can contain anything
            return self._specs[key]
        if self._on_demand is not None and self._on_demand.claims(key):
            return self._on_demand.make(key)
        raise UnknownKeyError(
            f"There is no {self.kind} called '{key}'. {did_you_mean(key, self._specs)}"
            f"Known: {', '.join(self._specs)}."
        )

    def __contains__(self, key: object) -> bool:
        if not self.claims(key) or key in self._specs:  # Mapping's own expects a KeyError
            return key in self._specs
        try:
            self[key]  # type: ignore[index]
        except UnknownKeyError:
            return False
        return True

    def claims(self, key: object) -> bool:
        """Whether a key is an entry's, or has the form of one on demand; makes none."""
        return key in self._specs or (self._on_demand is not None and self._on_demand.claims(key))

    def __iter__(self) -> Iterator[str]:
        return iter(self._specs)

    def __len__(self) -> int:
        return len(self._specs)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return the closest known word as a sentence with a space after it, "" if none is close."""
    close = get_close_matches(str(word), list(known), n=1)
    return f"Did you mean '{close[0]}'? " if close else ""
