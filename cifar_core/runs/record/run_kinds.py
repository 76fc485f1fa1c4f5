"""What a run can be for. Each kind has a worker of its own; all else is the same for all."""

from msgspec import Struct

from cifar_core.registry import Registry


class RunKind(Struct, frozen=True, kw_only=True):
    """What the process of a run does."""

    key: str  # saved in about.json; never renamed
    title: str
    summary: str  # what happens while it runs
    module: str  # run as python -m MODULE RUN ATTEMPT


TRAINING, RATE_SEARCH = "training", "rate_search"

KINDS = Registry(
    "kind of run",
    [
        RunKind(
            key=TRAINING,
            title="Training",
            summary="The network is being trained.",
            module="cifar_core.runs.engine.training_worker",
        ),
        RunKind(
            key=RATE_SEARCH,
            title="Rate search",
            summary="Learning rates are being tried.",
            module="cifar_core.runs.engine.rate_search_worker",
        ),
    ],
)
