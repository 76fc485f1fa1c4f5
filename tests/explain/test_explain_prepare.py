"""The prepared copy: the same logits, and activations that hooks find, each once and apart."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cifar_core.errors import ExplanationError
from cifar_core.explain import SALIENCY, Subject, refusals
from cifar_core.explain.backward_rules import completeness_error
from cifar_core.explain.baselines import BASELINES
from cifar_core.explain.prepare import ACTIVATIONS, CappedReLU, prepare
from cifar_core.inference import make_classifier
from cifar_core.models import MODELS

TARGETS = torch.tensor([3, 7])
TRACEABLE = [
    "simple_cnn", "vgg16_bn", "resnet9", "resnet18", "wide_resnet16_4", "mobilenet_v2",
    "convmixer_256_8",
]  # fmt: skip


class Functional(nn.Module):
    """Everything that Captum stumbles over: functions, reuse, ReLU6, activations in a row."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
        self.relu, self.capped = nn.ReLU(inplace=True), nn.ReLU6(inplace=True)
        self.head = nn.Linear(8, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.first(x)), 2)
        x = self.relu(self.second(x)) + self.relu(x - 0.5)
        return self.head(self.capped(4 * x).amax(dim=(2, 3)))


def warmed(model):
    """Give norms and their statistics something other than an untrained network's."""
    torch.manual_seed(0)
    model.train()
    with torch.no_grad():
        for _ in range(3):
            model(torch.rand(8, 3, 32, 32))
    return model.eval()


def network(key):
    torch.manual_seed(0)
    return warmed(Functional() if key == "functional" else MODELS[key].build(10))


@pytest.mark.parametrize("key", ["functional", *TRACEABLE])
def test_the_copy_computes_the_same_logits(key, images):
    model = network(key)
    with torch.no_grad():
        assert torch.equal(prepare(model)(images), model(images))


@pytest.mark.parametrize("key", ["functional", "resnet18"])
def test_every_activation_of_the_copy_is_called_once(key):
    copy = prepare(network(key))
    modules = dict(copy.named_modules())
    called = [node.target for node in copy.graph.nodes if node.op == "call_module"
              and isinstance(modules[node.target], ACTIVATIONS)]  # fmt: skip
    assert len(called) == len(set(called))
    assert not any(getattr(modules[name], "inplace", False) for name in called)


def test_the_network_itself_is_left_alone(images):
    model = network("functional").train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    prepare(model)
    assert model.training
    assert isinstance(model.capped, nn.ReLU6)
    assert model.relu.inplace
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize("key", ["functional", *TRACEABLE])
def test_deep_lift_shares_out_the_rise_of_the_score(key):
    assert completeness_error(Subject(network(key), None)) < 1e-3


def test_deep_lift_without_the_copy_would_miss_it(images):
    """Shows that the check can fail: Captum refuses or errs on the network as it is."""
    from captum.attr import DeepLift

    leaf = images.clone().requires_grad_()
    with (
        pytest.raises((AssertionError, RuntimeError)),
        pytest.warns(UserWarning, match="Setting forward, backward hooks"),
    ):
        DeepLift(network("functional")).attribute(leaf, target=TARGETS)


def test_on_a_linear_network_deep_lift_is_weight_times_difference(images):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 10)).eval()
    weight = model[1].weight.detach().view(10, 3, 32, 32)
    spec = SALIENCY["deep_lift"]
    result = spec.attribute(Subject(model, None), images, TARGETS, spec.settings(baseline="grey"))
    expected = (weight[TARGETS] * (images - 0.5)).sum(dim=1)
    torch.testing.assert_close(result, expected, rtol=1e-4, atol=1e-6)


def test_guided_backpropagation_stops_negative_gradients_at_every_relu(images):
    class Guided(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, cap):
            ctx.save_for_backward((x > 0) & (x < cap))
            return x.clamp(0, cap)

        @staticmethod
        def backward(ctx, gradient):
            (open_,) = ctx.saved_tensors
            return gradient * open_ * (gradient > 0), None

    def relu(x, cap=torch.inf):
        return Guided.apply(x, cap)

    model = network("functional")
    leaf = images.clone().requires_grad_()
    x = F.max_pool2d(relu(model.first(leaf)), 2)
    x = relu(model.second(x)) + relu(x - 0.5)
    logits = model.head(relu(4 * x, 6.0).amax(dim=(2, 3)))
    (expected,) = torch.autograd.grad(logits.gather(1, TARGETS[:, None]).sum(), leaf)
    result = SALIENCY["guided_backprop"].attribute(Subject(model, None), images, TARGETS)
    torch.testing.assert_close(result, expected.abs().amax(dim=1), rtol=1e-4, atol=1e-7)


def test_relu6_is_a_relu_to_hooks():
    copy = prepare(network("functional"))
    assert any(isinstance(module, CappedReLU) for module in copy.modules())
    assert not any(isinstance(module, nn.ReLU6) for module in copy.modules())


def test_what_cannot_be_right_is_refused_with_the_reason(images):
    spec = MODELS["convmixer_256_8"]
    model = network("convmixer_256_8")
    classifier = make_classifier(
        spec.build(10), model.state_dict(), classes=tuple("abcdefghij"), layer=spec.cam_layer
    )
    assert "computes with GELU" in refusals(classifier)["guided_backprop"]
    with pytest.raises(ExplanationError, match="Choose another method"):
        SALIENCY["guided_backprop"].attribute(Subject(model, None), images, TARGETS)


def test_a_vision_gnn_is_not_taken_apart():
    subject = Subject(network("vig_nano"), None)
    assert subject.prepared is None
    assert "depends on the image" in SALIENCY["deep_lift"].refusal(subject)


class Gate(nn.Module):
    """Multiplies features with each other, for which DeepLift has no rule."""

    def __init__(self):
        super().__init__()
        self.conv, self.head = nn.Conv2d(3, 8, 3), nn.Linear(8, 10)

    def forward(self, x):
        x = self.conv(x)
        return self.head((x * x.mean(dim=(2, 3), keepdim=True).sigmoid()).relu().mean(dim=(2, 3)))


def test_deep_lift_is_refused_where_its_total_is_wrong():
    torch.manual_seed(0)
    assert "misses the rise of the score" in SALIENCY["deep_lift"].refusal(
        Subject(Gate().eval(), None)
    )


@pytest.mark.parametrize("key", BASELINES)
def test_deep_lift_sums_to_the_rise_from_every_baseline(key, images):
    spec, model = SALIENCY["deep_lift"], network("simple_cnn")
    result = spec.attribute(Subject(model, None), images, TARGETS, spec.settings(baseline=key))
    with torch.no_grad():
        starts = [model(start) for start in BASELINES[key].of(images)]
        rise = model(images) - torch.stack(starts).mean(dim=0)
    expected = rise.gather(1, TARGETS[:, None])[:, 0]
    torch.testing.assert_close(result.sum(dim=(1, 2)), expected, rtol=1e-3, atol=1e-4)


def test_a_network_that_says_nothing_misses_nothing():
    model = nn.Sequential(nn.Flatten(), nn.Linear(3072, 10)).eval()
    nn.init.zeros_(model[1].weight)
    nn.init.zeros_(model[1].bias)
    assert completeness_error(Subject(model, None)) == 0
