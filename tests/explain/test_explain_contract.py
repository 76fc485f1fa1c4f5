"""What every saliency method promises; a new entry of the registry is tested by these at once."""

import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest
import torch
from torch import nn

from cifar_core.errors import ConfigError, UnknownKeyError
from cifar_core.explain import SALIENCY, Subject, explain
from cifar_core.inference import make_classifier, predict
from cifar_core.models import MODELS
from cifar_core.settings import Settings

TARGETS = torch.tensor([3, 7])


def network():
    """A network with norm statistics and ReLUs that are not those of an untrained one."""
    torch.manual_seed(0)
    model = MODELS["simple_cnn"].build(10)
    with torch.no_grad():
        for _ in range(3):
            model(torch.rand(16, 3, 32, 32))
    return model.eval()


@pytest.fixture
def subject():
    model = network()
    return Subject(model, model.get_submodule(MODELS["simple_cnn"].cam_layer))


@pytest.fixture
def classifier():
    spec = MODELS["simple_cnn"]
    return make_classifier(
        spec.build(10), network().state_dict(), classes=tuple("abcdefghij"), layer=spec.cam_layer
    )


def hooks(model):
    return [
        table
        for module in model.modules()
        for table in (module._forward_hooks, module._forward_pre_hooks, module._backward_hooks)
        if table
    ]


@pytest.mark.parametrize("key", SALIENCY)
def test_every_method_gives_one_finite_value_a_pixel(key, subject, images):
    result = SALIENCY[key].attribute(subject, images, TARGETS)
    assert result.shape == (2, 32, 32)
    assert result.dtype == torch.float32
    assert torch.isfinite(result).all()
    assert result.any()
    assert not result.requires_grad


@pytest.mark.parametrize("key", SALIENCY)
def test_every_method_says_rightly_whether_values_can_be_negative(key, subject, images):
    result = SALIENCY[key].attribute(subject, images, TARGETS)
    assert (result < 0).any() == SALIENCY[key].signed


@pytest.mark.parametrize("key", SALIENCY)
def test_every_method_gives_another_map_for_another_class(key, subject, images):
    this, other = (SALIENCY[key].attribute(subject, images, TARGETS + step) for step in (0, 1))
    assert not torch.allclose(this, other, rtol=0.01)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("key", SALIENCY)
def test_every_method_leaves_the_model_as_it_was(key, training, subject, images):
    model = subject.model.train(training)
    model.block1.eval()  # modes can be mixed, as when part of a network is frozen
    model.head.requires_grad_(False)
    state = {name: value.clone() for name, value in model.state_dict().items()}
    modes = [module.training for module in model.modules()]
    wishes = [value.requires_grad for value in model.parameters()]
    SALIENCY[key].attribute(subject, images, TARGETS)
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert [module.training for module in model.modules()] == modes
    assert [value.requires_grad for value in model.parameters()] == wishes
    assert all(value.grad is None for value in model.parameters())
    assert not hooks(model)


@pytest.mark.parametrize("key", SALIENCY)
def test_a_failing_model_keeps_its_mode_and_no_hooks(key, subject, images):
    subject.model.train()
    with pytest.raises(RuntimeError):
        SALIENCY[key].attribute(subject, images[:, :1], TARGETS)  # one channel instead of three
    assert subject.model.training
    assert not hooks(subject.model)


@pytest.mark.parametrize("key", SALIENCY)
def test_every_method_leaves_the_images_as_they_were(key, subject, images):
    before = images.clone()
    SALIENCY[key].attribute(subject, images, TARGETS)
    assert torch.equal(images, before)
    assert not images.requires_grad
    assert images.grad is None


@pytest.mark.parametrize("key", SALIENCY)
def test_no_method_disturbs_the_random_numbers_of_others(key, subject, images):
    before = torch.random.get_rng_state()
    SALIENCY[key].attribute(subject, images, TARGETS)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("key", SALIENCY)
def test_every_method_explains_the_model_as_it_predicts(key, subject, images):
    calm = SALIENCY[key].attribute(subject, images, TARGETS)
    subject.model.train()
    torch.testing.assert_close(SALIENCY[key].attribute(subject, images, TARGETS), calm)


@pytest.mark.parametrize("key", SALIENCY)
def test_every_method_explains_a_frozen_model(key, subject, images):
    free = SALIENCY[key].attribute(subject, images, TARGETS)
    subject.model.requires_grad_(False)
    torch.testing.assert_close(SALIENCY[key].attribute(subject, images, TARGETS), free)


@pytest.mark.parametrize("key", SALIENCY)
def test_every_method_gives_the_same_map_twice(key, subject, images):
    first = SALIENCY[key].attribute(subject, images, TARGETS)
    torch.rand(1)
    assert torch.equal(SALIENCY[key].attribute(subject, images, TARGETS), first)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("key", SALIENCY)
def test_every_method_works_where_gradients_are_off(key, mode, subject, images):
    expected = SALIENCY[key].attribute(subject, images, TARGETS)
    with mode():
        inside = images.clone()
        result = SALIENCY[key].attribute(subject, inside, TARGETS + 0)
    torch.testing.assert_close(result, expected)


@pytest.mark.parametrize("key", SALIENCY)
def test_a_batch_gives_the_maps_of_its_images_alone(key, subject, images):
    together = SALIENCY[key].attribute(subject, images, TARGETS)
    alone = [SALIENCY[key].attribute(subject, images[i : i + 1], TARGETS[i : i + 1])
             for i in range(2)]  # fmt: skip
    torch.testing.assert_close(torch.cat(alone), together, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("size", [(32, 32), (48, 40)])
@pytest.mark.parametrize("key", SALIENCY)
def test_every_method_explains_any_network_at_any_size(key, size):
    torch.manual_seed(0)
    features = nn.Conv2d(3, 4, 3, stride=2)
    model = nn.Sequential(features, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                          nn.Linear(4, 10)).eval()  # fmt: skip
    images, subject = torch.rand(2, 3, *size), Subject(model, features)
    assert SALIENCY[key].attribute(subject, images, TARGETS).shape == (2, *size)


@pytest.mark.parametrize("key", SALIENCY)
def test_every_method_says_what_it_costs(key, subject, images):
    SALIENCY[key].refusal(subject)  # what is found out once is not counted
    seen = []
    handles = [
        network.register_forward_hook(lambda m, given, out: seen.append(len(out)))
        for network in (subject.model, subject.prepared)
    ]
    SALIENCY[key].attribute(subject, images, TARGETS)
    for handle in handles:
        handle.remove()
    assert sum(seen) == len(images) * SALIENCY[key].passes(SALIENCY[key].settings())


@pytest.mark.parametrize("key", SALIENCY)
def test_every_method_asks_a_question_and_names_its_paper(key):
    spec = SALIENCY[key]
    assert spec.summary.endswith("?")
    assert spec.paper.startswith("https://")
    assert issubclass(spec.settings, Settings)


@pytest.mark.parametrize("key", SALIENCY)
def test_explain_gives_the_map_of_the_method(key, classifier, images):
    subject = Subject(classifier.model, classifier.layer)
    expected = SALIENCY[key].attribute(subject, images, TARGETS)
    assert torch.equal(explain(classifier, images, TARGETS, key), expected)


def test_explain_takes_settings(classifier, images):
    settings = SALIENCY["smoothgrad"].settings(samples=2)
    coarse = explain(classifier, images, TARGETS, "smoothgrad", settings)
    assert not torch.allclose(coarse, explain(classifier, images, TARGETS, "smoothgrad"))


def test_an_unknown_method_or_setting_is_answered_with_a_sentence(classifier, images):
    with pytest.raises(UnknownKeyError, match="Did you mean 'smoothgrad'"):
        explain(classifier, images, TARGETS, "smothgrad")
    with pytest.raises(ConfigError, match="samples is 0, but it must be a whole number between"):
        SALIENCY["smoothgrad"].settings(samples=0)


def test_many_threads_on_one_classifier_get_the_maps_of_one(classifier, images):
    """Without the lock, hooks of one thread fire in the passes of another."""
    expected = {key: explain(classifier, images, TARGETS, key) for key in SALIENCY}
    answer = predict(classifier, images)
    wrong = []

    def ask(key):
        for _ in range(3):
            if not torch.equal(explain(classifier, images, TARGETS, key), expected[key]):
                wrong.append(key)
            if not torch.equal(predict(classifier, images), answer):
                wrong.append("prediction")

    threads = [Thread(target=ask, args=(key,)) for key in [*SALIENCY, *SALIENCY]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert not hooks(classifier.model)


def test_threads_on_several_classifiers_do_not_mix_up_their_noise(images):
    """Each classifier has its own lock, but torch's random numbers are common to all."""
    spec = MODELS["simple_cnn"]
    several = [
        make_classifier(
            spec.build(10), network().state_dict(), classes=tuple("abcdefghij"), layer="block2"
        )
        for _ in range(4)
    ]
    expected = explain(several[0], images, TARGETS, "smoothgrad")
    state = torch.random.get_rng_state()
    wrong = []

    def ask(classifier):
        for _ in range(10):
            if not torch.equal(explain(classifier, images, TARGETS, "smoothgrad"), expected):
                wrong.append(classifier)

    threads = [Thread(target=ask, args=(classifier,)) for classifier in several]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert torch.equal(torch.random.get_rng_state(), state)


def test_explain_waits_for_the_lock(classifier, images):
    maps = []
    asking = Thread(target=lambda: maps.append(explain(classifier, images, TARGETS, "gradient")))
    with classifier.lock:
        asking.start()
        asking.join(timeout=0.2)
        assert not maps
    asking.join(timeout=10)
    assert len(maps) == 1


def test_captum_is_not_imported_before_a_map_is_asked_for():
    code = (
        "import cifar_core.explain, cifar_core.explain.render, sys; print('captum' in sys.modules)"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root)
    assert done.stdout.strip() == "False", done.stderr
