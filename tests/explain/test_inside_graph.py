import pytest
import torch

from cifar_core.errors import ExplanationError
from cifar_core.inference import make_classifier
from cifar_core.inside import graph_blocks, neighbors_of
from cifar_core.models import MODELS

TARGET = 3


@pytest.fixture(scope="module", params=["vig_nano", "vig_pyramid"])
def classifier(request):
    torch.manual_seed(0)
    model = MODELS[request.param].build(10)
    with torch.no_grad():
        model(torch.rand(16, 3, 32, 32))  # norm statistics that are not those of a fresh network
    return make_classifier(model, model.state_dict(), classes=tuple("abcdefghij"), layer=None)


def brute_force(classifier, image, block, place):
    """Repeat the block by hand on what it got: loops over the patches, no shared code."""
    grapher = classifier.model.get_submodule(block)
    kept = []
    handle = grapher.register_forward_pre_hook(lambda _, given: kept.append(given[0]))
    with torch.no_grad():
        classifier.model(image)
        handle.remove()
        maps = grapher.fc1(kept[0])[0]  # [C, H, W]
    pool = grapher.pool
    channels, height, width = maps.shape
    asking = [maps[:, r, c] for r in range(height) for c in range(width)]
    answering = [
        maps[:, r : r + pool, c : c + pool].mean(dim=(1, 2))
        for r in range(0, height, pool)
        for c in range(0, width, pool)
    ]
    own = asking[place]
    nearness = []
    for number, other in enumerate(answering):
        near = 2 * float(own @ other / (own.norm() * other.norm()))
        table = grapher.relative_pos
        nearness.append(near - (0 if table is None else float(table[0, place, number])))
    order = sorted(range(len(answering)), key=lambda number: -nearness[number])
    reach = grapher.nearest.dilation
    chosen = order[: grapher.nearest.k * reach : reach]
    wins = [0] * len(chosen)
    for channel in range(channels):
        values = [float(answering[number][channel]) for number in chosen]
        wins[values.index(max(values))] += 1
    return chosen, [count / channels for count in wins]


@pytest.mark.parametrize("place", [0, 11])
def test_the_neighbors_and_who_decided_are_those_of_a_search_by_hand(classifier, images, place):
    for block in graph_blocks(classifier.model):
        heard = neighbors_of(classifier, images[:1], block, place, TARGET)
        chosen, decided = brute_force(classifier, images[:1], block, place)
        assert heard.neighbors == chosen
        assert heard.decided == pytest.approx(decided, abs=0.03)  # rounding can turn a near tie
        assert sum(heard.decided) == pytest.approx(1)


def test_a_patch_is_its_own_first_neighbor_and_adds_nothing_to_itself(images):
    torch.manual_seed(0)
    model = MODELS["vig_nano"].build(10)
    classifier = make_classifier(model, model.state_dict(), classes=tuple("abcdefghij"), layer=None)
    heard = neighbors_of(classifier, images[:1], graph_blocks(model)[0], 9, TARGET)
    assert heard.neighbors[0] == 9
    assert heard.similarity[0] == pytest.approx(1, abs=1e-5)
    assert heard.influence[0] == 0


def test_the_influence_is_the_slope_of_the_logit_when_the_differences_fade(classifier, images):
    """Finite differences in double precision, from all neighbors of one patch together."""
    block, place = graph_blocks(classifier.model)[-1], 2
    heard = neighbors_of(classifier, images[:1], block, place, TARGET)
    model = classifier.model.double()
    update = model.get_submodule(block).conv.update

    def logit(share):
        def fade(_, given):
            joined = given[0].clone()
            row, column = divmod(place, joined.shape[3])
            joined[:, 1::2, row, column] *= share
            return (joined,)

        handle = update.register_forward_pre_hook(fade)
        with torch.no_grad():
            found = model(images[:1].double())[0, TARGET]
        handle.remove()
        return float(found)

    slope = (logit(1 + 1e-4) - logit(1 - 1e-4)) / 2e-4
    model.float()
    assert sum(heard.influence) == pytest.approx(slope, rel=1e-3, abs=1e-6)


def test_looking_at_the_graph_leaves_the_network_as_it_was(classifier, images):
    neighbors_of(classifier, images[:1], graph_blocks(classifier.model)[0], 0, TARGET)
    for module in classifier.model.modules():
        assert not module._forward_hooks
        assert not module._forward_pre_hooks
    assert all(weight.grad is None for weight in classifier.model.parameters())


def test_other_networks_have_no_graph(images):
    model = MODELS["simple_cnn"].build(10)
    classifier = make_classifier(model, model.state_dict(), classes=tuple("abcdefghij"), layer=None)
    assert graph_blocks(model) == []
    with pytest.raises(ExplanationError, match="builds no graph"):
        neighbors_of(classifier, images[:1], "block1", 0, TARGET)


def test_a_patch_outside_the_grid_is_refused(classifier, images):
    with pytest.raises(ExplanationError, match="patches 0 to"):
        neighbors_of(classifier, images[:1], graph_blocks(classifier.model)[0], 999, TARGET)
