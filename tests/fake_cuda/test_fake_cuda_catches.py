"""The fake CUDA device against mistakes made on purpose: it must notice each of them."""

import dataclasses

import pytest
import torch
import torch.nn.functional as F
from fake_device import DEVICE, fake_cuda
from fake_runs import elsewhere, prepared, trained
from torch import nn

from cifar_core.models import MODELS
from cifar_core.training import snapshot
from cifar_core.training.arrival import Arrival


class Mistaken(nn.Module):
    """A small network that does something to its images first."""

    def __init__(self, mistake, num_classes):
        super().__init__()
        self.mistake = mistake
        self.unregistered = torch.zeros(3, 1, 1)
        self.layers = nn.Sequential(
            nn.Conv2d(3, 4, 3, stride=2), nn.Flatten(), nn.Linear(900, num_classes)
        )

    def forward(self, images):
        return self.layers(self.mistake(self, images))


@pytest.fixture
def model(monkeypatch):
    """A key of MODELS under which a network makes a mistake."""

    def makes(mistake):
        spec = MODELS["simple_cnn"]
        changed = dataclasses.replace(spec, build=lambda classes, side: Mistaken(mistake, classes))
        monkeypatch.setitem(MODELS._specs, spec.key, changed)
        return spec.key

    return makes


def waits_for_an_event(net, x):
    event = torch.cuda.Event()
    event.record()
    event.synchronize()
    return x


def arrives_in_order(net, x):
    arrival = Arrival(x.device)
    arrival.copy(x)
    arrival.send()
    assert arrival.is_there
    arrival.wait()
    return x


WAITS = {
    "a number read": lambda net, x: x * x.mean().item(),
    "a question": lambda net, x: x if x.sum() > 0 else -x,
    "tensors compared": lambda net, x: x if torch.equal(x, x) else -x,
    "a copy to the CPU": lambda net, x: x if len(x.cpu()) else -x,
    "a list": lambda net, x: x * (1 + sum(x[0, 0, 0].tolist())),
    "an array": lambda net, x: x * (1 + float(x.detach().cpu().numpy().mean())),
    "a hasty copy": lambda net, x: x if len(x.to("cpu", non_blocking=True)) else -x,
    "a tensor made of numbers": lambda net, x: x + torch.tensor([1.0, 2.0], device=x.device).mean(),
    "a copy to the device": lambda net, x: x + net.unregistered.to(x.device),
    "a copy from plain memory": lambda net, x: x + net.unregistered.to(x.device, non_blocking=True),
    "an index on the CPU": lambda net, x: x[:, torch.tensor([2, 1, 0])],
    "an event": waits_for_an_event,
}


@pytest.mark.parametrize("kind", WAITS)
def test_a_wait_inside_a_step(model, kind):
    found = trained(model=model(WAITS[kind]))
    assert sum(found.values()) >= 3  # two steps and a batch of the validation
    assert all("test_fake_cuda_catches.py" in place for place in found)


def test_a_copy_that_arrives_while_the_device_goes_on_is_no_wait(model):
    assert trained(model=model(arrives_in_order)) == {}


def test_float64_on_the_device(model):
    found = trained(model=model(lambda net, x: x.double().float()))
    assert [place.split(":")[0] for place in found] == ["float64"]


@pytest.mark.parametrize(
    ("mistake", "error"),
    [
        (lambda net, x: x + net.unregistered, "on the same device"),
        (lambda net, x: x + torch.zeros(32), "on the same device"),
        (lambda net, x: x[:, :2], "expected input.* 3 channels"),
        (lambda net, x: F.conv2d(x.half(), net.layers[0].weight), "[Hh]alf|dtype"),
        (lambda net, x: x[x > 0.5].sum() + x, "nonzero"),
    ],
    ids=["an unregistered tensor", "a tensor on the CPU", "a shape", "a dtype", "a mask"],
)
def test_what_a_gpu_refuses(model, mistake, error):
    with pytest.raises(Exception, match=error):
        trained(model=model(mistake), precision="float32")


def test_a_weight_left_behind(model):
    with fake_cuda():
        trainer = prepared(model="simple_cnn").trainer
        trainer.model.extra = nn.Linear(2, 2, bias=False)
        assert elsewhere(trainer.model) == ["extra.weight"]


def test_a_momentum_in_another_memory_order_than_its_weight(monkeypatch):
    monkeypatch.setattr(snapshot, "in_order_of", lambda weight, tensor: tensor)
    with fake_cuda() as watch:
        first, second = (prepared(model="resnet9").trainer for _ in range(2))
        next(first.run())
        second.restore(first.snapshot())
        assert watch.faults == {}
        next(second.run())
    (fault,) = watch.faults
    assert fault.endswith("momentum_buffer_list in another memory order than its weight")


FUSED = {
    "all as it should be": ({}, []),
    "a count on the CPU": ({"step": torch.zeros(())}, ["state_steps on cpu"]),
    "a count in float64": ({"step": (torch.float64, ())}, ["state_steps [] in torch.float64"]),
    "a mean in float16": ({"mean": (torch.float16, (2, 3))}, ["exp_avgs [2, 3] in torch.float16"]),
    "a mean of another shape": ({"mean": (None, (6,))}, ["exp_avgs [6] in torch.float32"]),
}


@pytest.mark.parametrize("kind", FUSED)
def test_arguments_for_which_a_fused_optimizer_has_no_kernel(kind):
    changes, expected = FUSED[kind]
    with fake_cuda() as watch:
        given = {
            name: torch.zeros(2, 3, device=DEVICE)
            for name in ("weight", "gradient", "mean", "square")
        }
        given["step"] = torch.zeros((), device=DEVICE)
        for name, change in changes.items():
            on_cpu = isinstance(change, torch.Tensor)
            given[name] = (
                change if on_cpu else torch.zeros(change[1], dtype=change[0], device=DEVICE)
            )
        weight, gradient, mean, square, step = ([tensor] for tensor in given.values())
        torch._fused_adamw_(
            weight, gradient, mean, square, [], step, lr=0.1, beta1=0.9, beta2=0.99,
            weight_decay=0.0, eps=1e-8, amsgrad=False, maximize=False,
        )  # fmt: skip
    found = [fault.split(": ")[1] for fault in watch.faults if not fault.startswith("float64")]
    assert found == expected
