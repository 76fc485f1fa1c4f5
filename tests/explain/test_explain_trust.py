"""What the trust numbers say where the truth is known: networks that are linear in the pixels."""

from threading import Thread

import pytest
import torch
from torch import nn

from cifar_core.explain import SALIENCY, explain
from cifar_core.explain.baselines import gray
from cifar_core.explain.trust import PASSES, Evidence, Label, examine, judge, log_odds, measure
from cifar_core.explain.trust.agreement import COPIES, Agreement, agreement, moved
from cifar_core.explain.trust.completeness import Completeness, completeness
from cifar_core.explain.trust.curves import ErasingCurves, curves, top_shares
from cifar_core.explain.trust.hiding import SUBSTRATES
from cifar_core.explain.trust.ranks import ranks, spearman
from cifar_core.explain.trust.rivals import RIVALS, TITLES, center, edges
from cifar_core.explain.trust.squares import COUNT, PARTS, filled, squares, sums
from cifar_core.explain.trust.steadiness import Steadiness, steadiness
from cifar_core.explain.trust.verdict import GRAY, RIGHT_OR_NOT, SIMILAR, SOFTLY
from cifar_core.inference import Classifier
from cifar_core.numbers import percent

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
    """Noise with a bright corner, and two more bright places that the network ignores."""
    image = 0.3 + 0.3 * torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(3))
    image[:, :, *CORNER] = image[:, :, 20:30, 3:13] = image[:, :, 6:16, 20:30] = 1.0
    return image


@pytest.fixture
def exact(classifier, image):
    """What each pixel adds to the first logit, compared with what replaces it."""
    weight = classifier.model[1].weight[0].detach().view(1, 3, 32, 32)
    return SUBSTRATES.mean(lambda hidden: weight * (image - hidden), image).sum(dim=1)[0]


def agreed(value=0.7, best=0.2, chance=0.01, beyond=0.01):
    return Agreement(value=value, rivals={"edges": best, "centre": 0.1}, chance=chance,
                     beyond=beyond)  # fmt: skip


def evidence_from(softly, gray=None, whole=0.9, nothing=0.2, complete=None):
    nothing_there = agreed(value=0.0, chance=0.5, beyond=0.5)
    ways = {SOFTLY: softly, GRAY: gray or nothing_there}
    return Evidence(ways=ways, whole=whole, nothing=nothing, completeness=complete)


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


def test_squares_of_four_sizes_reach_from_edge_to_edge():
    masks = squares(32, 32)
    assert (len(masks), COUNT, PASSES) == (157, 157, 474)
    sides = masks.flatten(1).sum(dim=1).sqrt().split(PARTS)
    assert [set(part.tolist()) for part in sides] == [{4}, {6}, {8}, {12}]
    assert masks.any(dim=0).all()
    assert squares(224, 224)[0].sum() == 28**2


def test_a_square_of_sky_vanishes_in_the_sky():
    down = torch.linspace(0, 1, 32)[None, None, :, None].expand(1, 3, 32, 32)
    masks = squares(32, 32)
    flat = torch.full((1, 3, 32, 32), 0.3)
    copies = list(filled(flat, masks))
    assert len(copies) == len(masks)
    for copy in copies:
        torch.testing.assert_close(copy, flat)
    dark = torch.where(masks[60], 0.0, down)  # whatever is in the square has no influence
    (of_dark,), (of_down,) = (filled(picture, masks[60:61]) for picture in (dark, down))
    torch.testing.assert_close(of_dark, of_down)
    assert (of_down - down).abs().max() < 0.1


def test_log_odds_compare_a_class_with_all_others():
    found = torch.tensor([[2.0, 1.0, -1.0]], dtype=torch.float64)
    share = found.softmax(dim=1)[0]
    assert log_odds(found, 0).item() == pytest.approx(float((share[0] / (1 - share[0])).log()))


def test_the_falls_of_a_linear_network_are_the_sums_of_its_exact_map(classifier, image, yardstick):
    """With two classes, log-odds are the difference of the logits, and the second stays 0."""
    weight = classifier.model[1].weight[0].detach().view(1, 3, 32, 32)
    map_ = (weight * (image - gray(image))).sum(dim=1)
    torch.testing.assert_close(yardstick.falls[GRAY], sums(map_)[0], rtol=1e-3, atol=1e-4)


def test_the_exact_map_agrees_with_the_network_and_no_moved_copy_does(
    classifier, image, exact, yardstick
):
    for found in evidence_of(classifier, image, exact, yardstick).ways.values():
        assert found.value > 0.9
        assert found.chance < 0.01


def test_agreement_is_the_correlation_within_each_size():
    random = torch.Generator().manual_seed(4)
    values, falls = torch.randn(2, COUNT, generator=random, dtype=torch.float64)
    sizes = torch.cat([torch.full((part,), 5.0 * number) for number, part in enumerate(PARTS)])
    by_hand = [
        torch.corrcoef(torch.stack(pair))[0, 1]
        for pair in zip(values.split(PARTS), falls.split(PARTS), strict=True)
    ]
    expected = float(torch.stack(by_hand).mean())
    assert agreement(values[None], falls).item() == pytest.approx(expected)
    assert agreement(values[None] + sizes, falls + sizes).item() == pytest.approx(expected)


@pytest.mark.parametrize("factor", [1e-20, 1.0, 1e6])
def test_a_constant_map_is_what_chance_is(factor, classifier, image, yardstick):
    found = evidence_of(classifier, image, factor * torch.ones(32, 32), yardstick).ways[SOFTLY]
    assert (found.value, found.chance, found.beyond) == (0, 1, 1)


@pytest.mark.parametrize("factor", [1e-20, 1e6])
def test_the_unit_of_a_map_does_not_matter(factor, classifier, image, exact, yardstick):
    ways, scaled = (
        evidence_of(classifier, image, map_.double(), yardstick).ways[GRAY]
        for map_ in (exact, factor * exact.double())
    )
    assert scaled.value == pytest.approx(ways.value)
    assert scaled.chance == ways.chance


def test_what_the_rivals_explain_leaves_nothing_beyond():
    random = torch.Generator().manual_seed(4)
    known = torch.randn(2, COUNT, generator=random, dtype=torch.float64)
    known[1] = 0  # as colorfulness is in a gray picture
    falls = torch.randn(COUNT, generator=random, dtype=torch.float64)
    values = torch.stack([3 * known[0] + 1, falls])
    assert agreement(values, falls, known).tolist() == pytest.approx([0, 1])


def test_moved_copies_are_all_different_and_hold_the_same_values():
    map_ = torch.rand(32, 32, generator=torch.Generator().manual_seed(5))
    copies = moved(map_)
    assert len(copies) == COPIES == 287
    assert len({copy.numpy().tobytes() for copy in [map_, *copies]}) == 288
    assert torch.equal(
        copies.flatten(1).sort().values, map_.flatten().sort().values.expand(287, -1)
    )


def test_a_part_of_the_pixels_is_shown_in_the_maps_order(exact):
    shares = top_shares(exact)
    assert shares.flatten(1).sum(dim=1).tolist() == [64 * step for step in range(17)]
    assert shares[1, 0].nonzero().min(dim=0).values.tolist() >= [3, 2]
    assert exact[shares[1, 0]].min() >= exact[~shares[1, 0]].max()


def test_curves_begin_and_end_where_the_picture_is_whole_or_gone(classifier, image, exact):
    found = curves(classifier, image, 0, exact)
    assert found.insertion[0] == pytest.approx(found.deletion[-1])
    assert found.insertion[-1] == pytest.approx(found.deletion[0])
    assert found.insertion[-1] > found.insertion[0] + 0.5


def test_the_gap_is_the_area_between_the_curves():
    assert ErasingCurves(insertion=(0, 1, 1), deletion=(1, 0, 0)).gap == pytest.approx(0.5)


def test_the_exact_map_of_a_linear_network_is_supported(classifier, image, exact, yardstick):
    verdict = judge(evidence_of(classifier, image, exact, yardstick))
    assert verdict.label == Label.SUPPORTED
    assert verdict.sentence.startswith("Where this map is high, hiding a square lowers")
    assert "of 287 moved copies agree as well." in verdict.sentence
    assert RIGHT_OR_NOT in verdict.sentence


@pytest.mark.parametrize("key", RIVALS)
def test_a_map_that_knows_nothing_of_the_network_is_no_better(key, classifier, image, yardstick):
    evidence = evidence_of(classifier, image, RIVALS[key](image), yardstick)
    assert judge(evidence).label == Label.NO_BETTER


def test_other_random_maps_are_hardly_ever_supported(classifier, image, yardstick):
    maps = torch.rand(20, 32, 32, generator=torch.Generator().manual_seed(5))
    labels = [judge(evidence_of(classifier, image, map_, yardstick)).label for map_ in maps]
    assert Label.SUPPORTED not in labels
    assert labels.count(Label.NO_BETTER) >= 18


def test_a_map_with_a_minus_sign_is_never_supported(classifier, image, exact, yardstick):
    assert judge(evidence_of(classifier, image, -exact, yardstick)).label == Label.NO_BETTER


def test_where_the_answer_does_not_depend_on_the_picture_nothing_can_be_tested(image, exact):
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 2))
    with torch.no_grad():
        model[1].weight.mul_(1e-3)
    untrained = Classifier(model=model.eval(), classes=("this", "that"), layer=None)
    evidence = evidence_of(untrained, image, exact, measure(untrained, image, 0))
    verdict = judge(evidence)
    assert verdict.label == Label.UNTESTABLE
    assert f"gives this class {percent(evidence.whole, 0)} for the picture" in verdict.sentence
    assert judge(evidence_from(agreed(), whole=0.5, nothing=0.45)).label == Label.UNTESTABLE


def test_one_way_to_hide_is_enough():
    missed = agreed(value=0.0, chance=0.5, beyond=0.5)
    for ways in ((agreed(), missed), (missed, agreed())):
        assert judge(evidence_from(*ways)).label == Label.SUPPORTED
    assert "(hidden with gray)" in judge(evidence_from(missed, agreed())).sentence


def test_a_supported_map_that_the_picture_alone_could_have_drawn_says_so():
    clear = agreed(value=0.9, best=0.95, chance=0.03, beyond=0.6)
    verdict = judge(evidence_from(clear))
    assert verdict.label == Label.SUPPORTED
    assert "this picture cannot show which of them looked into it" in verdict.sentence
    assert "edges, colors" not in verdict.sentence
    assert "cannot show" not in judge(evidence_from(agreed())).sentence


@pytest.mark.parametrize(
    ("lacking", "because"),
    [
        ({"value": 0.55, "best": 0.6}, "a map made without the network agrees better (edge"),
        ({"beyond": 0.08}, "little is left of it once edges"),
        ({"chance": 0.04}, "too many moved copies"),
        ({"value": 0.4}, "the agreement is below 0.5"),
    ],
)
def test_a_weak_map_says_what_it_lacks(lacking, because):
    verdict = judge(evidence_from(agreed(**lacking)))
    assert verdict.label == Label.WEAK
    assert f"moved copies, but {because}" in verdict.sentence


@pytest.mark.parametrize(
    "lacking",
    [{"value": 0.29}, {"chance": 0.06}, {"beyond": 0.11}, {"value": 0.55, "best": 0.7}],
)
def test_less_than_weak_is_no_better(lacking):
    verdict = judge(evidence_from(agreed(**lacking)))
    assert verdict.label == Label.NO_BETTER
    assert verdict.sentence.startswith("Nothing distinguishes this map from one drawn without")


def test_every_rival_has_a_title():
    assert list(TITLES) == list(RIVALS)


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


def test_a_network_that_says_nothing_misses_nothing(classifier, image):
    """An untrained Vision Transformer has a last layer of zeros."""
    nn.init.zeros_(classifier.model[1].weight)
    nn.init.zeros_(classifier.model[1].bias)
    assert completeness(classifier, image, 0, torch.zeros(32, 32), SUBSTRATES).error == 0


def test_a_map_that_does_not_add_up_is_weak_at_best(classifier, image, exact, yardstick):
    right, wrong = (
        evidence_of(classifier, image, factor * exact, yardstick, "deep_lift")
        for factor in (1, 1.5)
    )
    assert judge(right).label == Label.SUPPORTED
    assert judge(wrong).label == Label.WEAK
    assert "misses the rise of the score by 50\xa0%" in judge(wrong).sentence
    assert judge(wrong).sentence.startswith("Hiding squares supports this map, but there is a dou")


@pytest.mark.parametrize(
    ("total", "rise", "words"),
    [
        (2.91, 3.0, "The map sums to 97\xa0% of the rise of the class's logit over the "
         "baseline (+3."),
        (-2.0, -2.0, "The map sums to 100\xa0% of the rise of the class's logit over the "
         "baseline (-2"),
        (0.4, 0.01, "The map sums to +0.40, while the class's logit is +0.01 above that of the "),
        (0.0, 0.0, "The map sums to +0.00, while the class's logit is +0.00 above that of the "),
    ],
)  # fmt: skip
def test_what_a_map_sums_to_is_said_as_measured(total, rise, words):
    assert Completeness(total=total, rise=rise, error=0.0).sentence.startswith(words)


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
    assert sum(seen) == PASSES
    seen.clear()
    evidence_of(classifier, image, exact, yardstick)
    assert sum(seen) == 0
    seen.clear()
    evidence_of(classifier, image, exact, yardstick, "deep_lift")
    assert sum(seen) == 3


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


@pytest.mark.parametrize("key", [key for key, spec in SALIENCY.items() if spec.random])
def test_a_random_method_says_how_steady_it_is(key, image):
    torch.manual_seed(0)
    bent = nn.Sequential(nn.Conv2d(3, 4, 5), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 28 * 28, 2))
    classifier = Classifier(model=bent.eval(), classes=("this", "that"), layer=None)
    first, again = (
        explain(classifier, image, torch.tensor([0]), key, draw=draw)[0] for draw in (0, 1)
    )
    assert not torch.equal(first, again)
    found = steadiness(first, again)
    assert found.correlation == pytest.approx(
        float(torch.corrcoef(torch.stack([first.flatten(), again.flatten()]))[0, 1]), abs=1e-4
    )
    assert f"correlate at {found.correlation:.2f}" in found.sentence


def test_a_noisy_map_is_said_to_be_so():
    assert "More draws" in Steadiness(correlation=0.7).sentence
    assert "More draws" not in Steadiness(correlation=0.95).sentence
    assert steadiness(torch.ones(4, 4), torch.rand(4, 4)).correlation == 0


def test_only_random_methods_draw_again(classifier, image):
    for key in ("gradient", "occlusion", "integrated_gradients"):
        first, again = (
            explain(classifier, image, torch.tensor([0]), key, draw=draw) for draw in (0, 1)
        )
        assert torch.equal(first, again)
