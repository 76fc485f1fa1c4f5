"""The kinds of run. Each that has a process has its own worker; the rest is shared."""

from dataclasses import dataclass

from cifar_core.registry import Registry

# saved in about.json; never renamed
TRAINING, RATE_SEARCH, CURVES = "training", "rate_search", "curves"


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of run."""

    key: str
    title: str
    summary: str  # what happens while it runs
    instead: str  # what it is if it is not a training, after "Run 3-x"
    has_process: bool = True  # False: all of it was there from the beginning


KINDS = Registry(
    "kind of run",
    [
        Kind(
            key=TRAINING,
            title="Training",
            summary="The network is being trained.",
            instead="is a training",
        ),
        Kind(
            key=RATE_SEARCH,
            title="Rate search",
            summary="Learning rates are being tried.",
            instead="is a rate search",
        ),
        Kind(
            key=CURVES,
            title="Imported curves",
            summary="Its curves come from another tool.",
            instead="has only curves that were imported from another tool",
            has_process=False,
        ),
    ],
)
