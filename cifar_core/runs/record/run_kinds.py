"""What a run can be for. Each kind has a worker of its own; all else is the same for all."""

from cifar_core.registry import Option, Registry

TRAINING, RATE_SEARCH = "training", "rate_search"  # saved in about.json; never renamed

KINDS = Registry(
    "kind of run",
    [  # each with what happens while it runs
        Option(key=TRAINING, title="Training", summary="The network is being trained."),
        Option(key=RATE_SEARCH, title="Rate search", summary="Learning rates are being tried."),
    ],
)
