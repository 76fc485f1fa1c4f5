import pytest
import torch

from cifar_core.explain import SALIENCY, explain
from cifar_core.explain.trust.objects import on_object
from cifar_core.explain.trust.sanity import (
    RandomizedStage,
    cascade,
    sanity_sentence,
    similarity,
    stay_of,
)
from cifar_core.inference import make_classifier
from cifar_core.models import MODELS

TARGETS = torch.tensor([3, 7])


@pytest.fixture
def classifier():
    torch.manual_seed(0)
    spec = MODELS["simple_cnn"]
    weights = spec.build(10).state_dict()
    return make_classifier(
        spec.build(10), weights, classes=tuple("abcdefghij"), layer=spec.cam_layer
    )


def stage(layers, value):
    return RandomizedStage(layers=layers, of=4, similarity=value)


@pytest.mark.parametrize("key", ["gradient", "hires_cam", "deep_lift", "guided_backprop"])
def test_the_layers_become_random_from_the_head_to_the_first(key, classifier, images):
    found = list(cascade(classifier, images, TARGETS, SALIENCY[key]))
    stages = [stage for stage, _ in found]
    counts = [stage.layers for stage in stages]
    assert counts[:2] == [0, 1]
    assert counts[-1] == stages[0].of
    assert counts == sorted(set(counts))
    assert all(-1 <= stage.similarity <= 1 for stage in stages)
    assert torch.equal(found[0][1], explain(classifier, images, TARGETS, key))
    assert stages[-1].similarity < 0.95


def test_the_network_itself_keeps_its_weights(classifier, images):
    before = {name: value.clone() for name, value in classifier.model.state_dict().items()}
    state = torch.random.get_rng_state()
    list(cascade(classifier, images, TARGETS, SALIENCY["gradient"]))
    after = classifier.model.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    assert torch.equal(torch.random.get_rng_state(), state)


def test_every_weight_becomes_random_also_without_a_rule_of_its_own(classifier, images):
    class Scale(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.factor = torch.nn.Parameter(torch.tensor([1.0, 2, 3])[:, None, None])

        def forward(self, images):
            return images * self.factor

    model = torch.nn.Sequential(Scale(), classifier.model)
    weights = model.state_dict()
    own = make_classifier(model, weights, classes=classifier.classes, layer=None)
    *_, (last, _) = cascade(own, images, TARGETS, SALIENCY["gradient"])
    assert (
        last.layers
        == last.of
        == 1
        + sum(1 for part in classifier.model.modules() if any(True for _ in part.parameters(False)))
    )


def test_signed_maps_are_compared_with_their_signs():
    maps = torch.randn(2, 8, 8)
    assert similarity(maps, -maps, SALIENCY["hires_cam"]) == pytest.approx(-1)
    assert similarity(maps, -maps, SALIENCY["gradient"]) == pytest.approx(1)


def test_what_stays_is_judged_before_the_very_last_layer_too():
    assert stay_of([stage(1, 0.9), stage(2, -0.6), stage(4, 0.1)]) == 0.6


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.1, "Falls to 0.1 when the weights are random: depends on what was learned."),
        (0.4, "Falls to 0.4 when the weights are random: depends partly on the picture."),
        (0.6, "Stays at 0.6: shows the picture rather than the network."),
    ],
)
def test_the_card_says_in_words_what_it_means(value, words):
    assert sanity_sentence(value) == words


def test_the_share_on_the_object_counts_both_signs():
    maps, masks = torch.zeros(1, 4, 4), torch.zeros(1, 4, 4, dtype=torch.bool)
    masks[0, :2, :2] = True
    maps[0, 0, 0], maps[0, 1, 1], maps[0, 3, 3] = 2.0, -1.0, 1.0
    found = on_object(maps, masks)
    assert (found.mass, found.area) == (0.75, 0.25)
    words = "75\xa0% of the map lies on the object, which covers 25\xa0% of the picture."
    assert found.sentence == words


def test_an_empty_map_has_nothing_on_the_object():
    assert on_object(torch.zeros(1, 4, 4), torch.ones(1, 4, 4).bool()).mass == 0
