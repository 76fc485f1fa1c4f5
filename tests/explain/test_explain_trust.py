"""What the trust numbers say where the truth is known: networks that are linear in the pixels."""

from dataclasses import replace
from threading import Thread

import pytest
import torch
from torch import nn

from cifar_core.explain import SALIENCY
from cifar_core.explain.trust import EXAMINE_PASSES, MEASURE_PASSES, Label, examine, judge, measure
from cifar_core.explain.trust.completeness import completeness
from cifar_core.explain.trust.curves import ErasingCurves, top_shares
from cifar_core.explain.trust.hiding import SUBSTRATES
from cifar_core.explain.trust.patches import agreement, chance, falls, patches
from cifar_core.explain.trust.ranks import ranks, spearman
from cifar_core.explain.trust.rivals import RIVALS, center, edges
from cifar_core.explain.trust.verdict import SIMILAR
from cifar_core.inference import Classifier

CORNER = (slice(3, 13), slice(2, 12))  # the only pixels that the network looks at


@pytest.fixture
def classifier():
    """A network that sees only how much one corner of the picture differs from gray."""
    linear = nn.Linear(3 * 32 * 32, 2)
    weight = torch.zeros(2, 3, 32, 32)
    weight[0, :, *CORNER] = 0.05
    with torch.no_grad():
        linear.weight.copy_(weight.flatten(1))
        linear.bias.copy_(torch.tensor([-10.0, 0.0]))
    model = nn.Sequential(nn.Flatten(), linear).eval()
    return Classifier(model=model, classes=("corner", "other"), layer=None)


@pytest.fixture
def image():
    """Noise with a bright corner."""
    image = 0.3 + 0.3 * torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(3))
    image[:, :, *CORNER] = 1.0
    return image


@pytest.fixture
def exact(classifier, image):
    """What each pixel adds to the first logit, compared with what replaces it."""
    weight = classifier.model[1].weight[0].detach().view(1, 3, 32, 32)
    return SUBSTRATES.mean(lambda hidden: weight * (image - hidden), image).sum(dim=1)[0]


@pytest.fixture
def yardstick(classifier, image):
    return measure(classifier, image, 0)


def evidence_of(classifier, image, map_, yardstick, method="gradient"):
    return examine(classifier, image, 0, map_, yardstick, SALIENCY[method])


def test_equal_values_share_their_rank():
    assert ranks(torch.tensor([[3.0, 1, 1, 5]])).tolist() == [[2.5, 1, 1, 3.5]]


def test_rank_correlation_sees_order_only():
    values = torch.tensor([0.1, 4.0, -2.0, 3.0])
    assert spearman(values, values.exp()) == pytest.approx(1)
    assert spearman(values, -values) == pytest.approx(-1)
    assert spearman(values, torch.ones(4)) == 0
    # by hand: rank differences 1, 1, 0, 0 -> 1 - 6 * 2 / (4 * 15)
    other = torch.tensor([-9.0, 5.0, -3.0, 2.0])
    assert spearman(values, other) == pytest.approx(0.8)


def test_the_falls_of_a_linear_network_are_the_sums_of_its_exact_map(classifier, image):
    weight = classifier.model[1].weight[0].detach().view(1, 3, 32, 32)
    fallen = falls(classifier, image, 0)
    masks = patches(32, 32).flatten(1).float()
    for row, substrate in zip(fallen, SUBSTRATES.of(image), strict=True):
        map_ = (weight * (image - substrate)).sum(dim=1).flatten()
        torch.testing.assert_close(row, masks @ map_, rtol=1e-3, atol=1e-4)


def test_the_exact_map_agrees_with_the_network_and_no_moved_copy_does(exact, yardstick):
    assert agreement(exact[None], yardstick.falls) > 0.95
    assert chance(exact, yardstick.falls) < 0.01


def test_a_constant_map_is_what_chance_is(yardstick):
    assert chance(torch.ones(32, 32), yardstick.falls) == 1


def test_a_part_of_the_pixels_is_shown_in_the_maps_order(exact):
    shares = top_shares(exact)
    assert shares.flatten(1).sum(dim=1).tolist() == [64 * step for step in range(17)]
    assert shares[1, 0].nonzero().min(dim=0).values.tolist() >= [3, 2]
    assert exact[shares[1, 0]].min() >= exact[~shares[1, 0]].max()


def test_curves_begin_and_end_where_the_picture_is_whole_or_gone(
    classifier, image, exact, yardstick
):
    found = evidence_of(classifier, image, exact, yardstick).own.curves
    assert found.insertion[0] == pytest.approx(found.deletion[-1])
    assert found.insertion[-1] == pytest.approx(found.deletion[0])
    assert found.insertion[-1] > found.insertion[0] + 0.5


def test_the_gap_is_the_area_between_the_curves():
    assert ErasingCurves(insertion=(0, 1, 1), deletion=(1, 0, 0)).gap == pytest.approx(0.5)


def test_the_exact_map_of_a_linear_network_is_supported(classifier, image, exact, yardstick):
    verdict = judge(evidence_of(classifier, image, exact, yardstick))
    assert verdict.label == Label.SUPPORTED
    assert "p = 0.005" in verdict.sentence


@pytest.mark.parametrize("key", RIVALS)
def test_a_map_that_knows_nothing_of_the_network_is_no_better(key, classifier, image, yardstick):
    evidence = evidence_of(classifier, image, RIVALS[key](image), yardstick)
    assert judge(evidence).label == Label.NO_BETTER


def test_other_random_maps_are_hardly_ever_supported(classifier, image, yardstick):
    maps = torch.rand(20, 32, 32, generator=torch.Generator().manual_seed(5))
    labels = [judge(evidence_of(classifier, image, map_, yardstick)).label for map_ in maps]
    assert Label.SUPPORTED not in labels
    assert labels.count(Label.NO_BETTER) >= 17


def test_a_map_turned_upside_down_is_worse_than_nothing(classifier, image, exact, yardstick):
    evidence = evidence_of(classifier, image, -exact, yardstick)
    assert evidence.own.curves.gap < 0
    assert judge(evidence).label == Label.NO_BETTER


def test_one_test_alone_makes_a_weak_map(classifier, image, exact, yardstick):
    evidence = evidence_of(classifier, image, exact, yardstick)
    verdict = judge(replace(evidence, chance=0.2))
    assert verdict.label == Label.WEAK
    assert verdict.sentence.startswith("Only the curves support it.")
    flat = replace(evidence.own, curves=ErasingCurves(insertion=(0.5, 0.5), deletion=(0.5, 0.5)))
    assert judge(replace(evidence, own=flat)).sentence.startswith("Only the patches support it.")


def test_what_a_random_network_shows_too_is_weak_at_best(classifier, image, exact, yardstick):
    evidence = evidence_of(classifier, image, exact, yardstick)
    assert judge(evidence, SIMILAR).label == Label.SUPPORTED
    assert judge(evidence, 0.61).label == Label.WEAK
    assert "random network (0.61)" in judge(evidence, 0.61).sentence


@pytest.mark.parametrize(("factor", "error"), [(1.0, 0.0), (1.5, 0.5), (0.0, 1.0)])
def test_completeness_is_the_missed_share_of_the_rise(classifier, image, exact, factor, error):
    found = completeness(classifier, image, 0, factor * exact, SUBSTRATES)
    assert found.rise == pytest.approx(float(exact.sum()), rel=1e-4)
    assert found.error == pytest.approx(error, abs=1e-4)


def test_a_map_that_does_not_add_up_is_weak_at_best(classifier, image, exact, yardstick):
    right, wrong = (
        evidence_of(classifier, image, factor * exact, yardstick, "deep_lift")
        for factor in (1, 1.5)
    )
    assert judge(right).label == Label.SUPPORTED
    assert judge(wrong).label == Label.WEAK
    assert "misses the rise of the score by 50%" in judge(wrong).sentence


def test_only_methods_that_claim_to_add_up_are_held_to_it(classifier, image, exact, yardstick):
    assert evidence_of(classifier, image, exact, yardstick, "gradient").completeness is None


def test_the_edge_detector_finds_the_edge_of_a_square():
    image = torch.zeros(1, 3, 32, 32)
    image[:, :, 8:24, 8:24] = 1
    found = edges(image)
    assert found[8, 16] > 1
    assert found[16, 16] == found[0, 0] == 0


def test_the_bell_is_highest_in_the_middle():
    found = center(torch.zeros(1, 3, 32, 32))
    assert found.argmax() in (15 * 32 + 15, 15 * 32 + 16, 16 * 32 + 15, 16 * 32 + 16)
    assert torch.equal(found, found.flip(0, 1))


def test_the_declared_cost_is_what_it_takes(classifier, image, exact):
    seen = []
    classifier.model.register_forward_hook(lambda model, given, out: seen.append(len(out)))
    yardstick = measure(classifier, image, 0)
    assert sum(seen) == MEASURE_PASSES
    seen.clear()
    evidence_of(classifier, image, exact, yardstick)
    assert sum(seen) == EXAMINE_PASSES
    seen.clear()
    evidence_of(classifier, image, exact, yardstick, "deep_lift")
    assert sum(seen) == EXAMINE_PASSES + 3


def test_equal_questions_get_equal_answers(classifier, image, exact, yardstick):
    state = torch.random.get_rng_state()
    first, again = (
        evidence_of(classifier, image, exact, measure(classifier, image, 0)) for _ in range(2)
    )
    assert first == again
    assert torch.equal(torch.random.get_rng_state(), state)


def test_measuring_waits_for_the_lock(classifier, image):
    done = []
    asking = Thread(target=lambda: done.append(measure(classifier, image, 0)))
    with classifier.lock:
        asking.start()
        asking.join(timeout=0.2)
        assert not done
    asking.join(timeout=10)
    assert len(done) == 1
