"""The page docs/optimizers.md, which `make docs` writes."""

from cifar_core.optim import OPTIMIZERS, OptimizerSpec

INTRODUCTION = """\
# The optimizers

`make docs` writes this page from the entries in `cifar_core/optim/`. The contract tests check for
each optimizer that it learns at its usual rate, that its state is saved and restored exactly, that
a resumed run continues bit for bit, and that weight decay acts on matrices and filters but not on
norms or biases. *Usual rate* is where to start on a small network without a rate search; batch
norm often allows more. The schedule can cycle `momentum` or `beta1` where it is listed.

Muon takes a filter bank as one matrix, so that the step is orthogonal as a matrix but not as the
convolution that it is part of; whether that matters is open (Boissin 2026, [When applied to
convolutions, Muon is not Muon](https://github.com/thib-s/muonconv-cifar10-airbench)). Biases,
norms and the last layer are left to AdamW or SGD: `rest_optimizer`.
"""
COLUMNS = "| key | optimizer | usual rate | own settings | description |\n|---|---|--:|---|---|"
LEFT_OUT = """\
## Left out

Tried with torch 2.14.1 and torch-optimizer 0.3.0, and not offered:

| optimizer | why |
|---|---|
"""
REASONS = {
    "A2GradUni, A2GradInc, A2GradExp": "They have no learning rate, so no schedule can act.",
    "Adafactor of torch-optimizer": "Fails on convolutions; torch's own is offered.",
    "Adahessian": "Needs second derivatives (`create_graph`), at many times the cost of a step.",
    "AdamP, SGDP, SWATS": "Fail on weights in channels-last order.",
    "ASGD": "Its result is the averaged weights, which nothing here would use.",
    "LBFGS, Rprop": "Made for the gradient of all images at once; batches are too noisy.",
    "Lookahead": "Its `state_dict()` fails, so a run could not be resumed; Ranger includes it.",
    "Ranger, RangerQH, RangerVA of torch-optimizer": "Use deprecated signatures of torch, which "
    "warn. Ranger is built on torch's RAdam instead.",
    "Shampoo": "Inverts a matrix for each side of a weight: 3.6 s a step for one of 10 x 2048.",
    "SGDW": "Its weight decay subtracts the same number from every weight, not a share of it.",
}


def markdown() -> str:
    """Return the page: a table in the order of the registry, then those left out and why."""
    rows = [row(spec) for spec in OPTIMIZERS.values()]
    reasons = [f"| {name} | {why} |" for name, why in REASONS.items()]
    return "\n".join([INTRODUCTION, COLUMNS, *rows, "", LEFT_OUT.rstrip(), *reasons]) + "\n"


def row(spec: OptimizerSpec) -> str:
    """Return the table row of one entry."""
    settings = ", ".join(f"`{name}`" for name in spec.uses) or "none"
    title = f"[{spec.title}]({spec.paper})"
    return f"| `{spec.key}` | {title} | {spec.usual_rate:g} | {settings} | {spec.summary} |"
