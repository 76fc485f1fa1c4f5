"""Two viewers, two networks, several threads: everyone gets what they would get alone."""

from concurrent.futures import ThreadPoolExecutor
from random import Random

import torch
from torch import nn

from cifar_core.explain import explain, suitable
from cifar_core.inference import make_classifier
from cifar_core.models.scaling import Scaled

CALLS = 400
THREADS = 6
QUICK = {"occlusion": {"window": 16, "stride": 16}, "rise": {"masks": 16}}
FEW = {"samples": 2, "steps": 4}


def tiny(seed):
    """A network with batch statistics, a ReLU used twice and one before a pool."""
    torch.manual_seed(seed)
    body = nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(4),
        nn.Conv2d(6, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10),
    )  # fmt: skip
    model = Scaled(body)
    with torch.no_grad():
        model(torch.rand(8, 3, 32, 32))
    classes = tuple("abcdefghij")
    return make_classifier(model, model.state_dict(), classes=classes, layer="body.6")


def settings_of(spec):
    names = spec.settings.__dataclass_fields__
    changes = {**QUICK.get(spec.key, {}), **{k: v for k, v in FEW.items() if k in names}}
    return spec.settings(**changes)


def state_of(model):
    """Return all that a method could leave behind, in a form that compares."""
    hooks = [
        len(table)
        for module in model.modules()
        for table in (
            module._forward_hooks, module._forward_pre_hooks,
            module._backward_hooks, module._backward_pre_hooks,
        )
    ]  # fmt: skip
    return {
        "hooks": hooks,
        "modes": [module.training for module in model.modules()],
        "gradients": [weight.grad is None for weight in model.parameters()],
        "frozen": [weight.requires_grad for weight in model.parameters()],
        "values": {name: value.tolist() for name, value in model.state_dict().items()},
    }


def test_four_hundred_calls_at_once_give_what_each_gives_alone():
    networks = [tiny(seed) for seed in (1, 2)]
    viewers = torch.rand(2, 1, 3, 32, 32, generator=torch.Generator().manual_seed(3))
    kinds = [
        (network, viewer, spec, rival)
        for network in range(2)
        for viewer in range(2)
        for rival in (None, 5)
        for spec in suitable(networks[network])
    ]

    def ask(kind):
        network, viewer, spec, rival = kind
        target = torch.tensor([3 + viewer])
        return explain(
            networks[network], viewers[viewer], target, spec.key, settings_of(spec), rival=rival
        )

    alone = {kind: ask(kind) for kind in kinds}
    before = [state_of(network.model) for network in networks]
    noise = torch.random.get_rng_state()
    calls = [kinds[number % len(kinds)] for number in range(CALLS)]
    Random(0).shuffle(calls)
    with ThreadPoolExecutor(THREADS) as pool:
        together = list(pool.map(ask, calls))
    for call, found in zip(calls, together, strict=True):
        assert torch.equal(found, alone[call]), call
    assert [state_of(network.model) for network in networks] == before
    assert torch.equal(torch.random.get_rng_state(), noise)
    assert len({spec.key for _, _, spec, _ in kinds}) >= 12
