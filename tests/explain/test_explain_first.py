import pytest

from cifar_core.explain import SALIENCY
from cifar_core.explain.first import ORDER, first_method


def suits(spec):
    return ""


def chosen(similarities=(), *, refusal=suits, seconds=0.001, most=1.0):
    return first_method(refusal, dict(similarities), seconds=seconds, most=most).key


def test_every_method_of_the_order_exists_and_has_no_known_weakness():
    assert [SALIENCY[key].warning for key in ORDER] == [""] * len(ORDER)


def test_the_first_of_the_order_is_chosen_on_a_quick_network():
    assert chosen() == ORDER[0]


def test_a_method_that_failed_the_check_of_this_network_is_passed_over():
    assert chosen({"occlusion": 0.7}) == "hires_cam"
    assert chosen({"occlusion": 0.5}) == "occlusion"


def test_a_method_that_takes_too_long_is_passed_over():
    assert chosen(seconds=0.02) == "hires_cam"


def test_a_method_that_does_not_suit_is_passed_over():
    assert chosen(seconds=0.02, refusal=lambda spec: "No layer." * spec.needs_layer) == "deep_lift"


def test_the_cheapest_is_chosen_if_none_is_quick():
    assert chosen(seconds=10) in ("hires_cam", "gradient")


@pytest.mark.parametrize("reason", ["", "No."])
def test_there_is_always_one(reason):
    failed = dict.fromkeys(ORDER, 1.0)
    found = chosen(failed, refusal=lambda spec: reason)
    assert found == ("occlusion" if not reason else "gradient")


def test_a_refusal_is_asked_of_no_more_methods_than_needed():
    asked = []
    first_method(lambda spec: asked.append(spec.key) or "", {}, seconds=0.001, most=1.0)
    assert asked == ["occlusion"]
