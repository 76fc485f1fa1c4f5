"""The kinds of run: a training or a rate search. Each has its own worker; the rest is shared."""

from cifar_core.registry import Option, Registry

TRAINING, RATE_SEARCH = "training", "rate_search"  # saved in about.json; never renamed

KINDS = Registry(
    "kind of run",
    [  # each with what happens while it runs
        Option(key=TRAINING, title="Training", summary="The network is being trained."),
        Option(key=RATE_SEARCH, title="Rate search", summary="Learning rates are being tried."),
    ],
)
