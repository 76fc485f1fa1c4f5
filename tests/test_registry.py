import pytest

from cifar_core.errors import UnknownKeyError
from cifar_core.registry import Option, Registry

COLORS = Registry(
    "color",
    [Option(key=key, title=key.title(), summary=f"{key}.") for key in ("red", "green", "blue")],
)


def test_entries_keep_the_order_in_which_they_were_given():
    assert list(COLORS) == ["red", "green", "blue"]


def test_a_misspelt_key_is_answered_with_the_nearest_one_and_the_whole_list():
    with pytest.raises(UnknownKeyError, match=r"color called 'gren'. Did you mean 'green'\?.*blue"):
        COLORS["gren"]


def test_a_key_that_resembles_none_is_answered_with_the_list_alone():
    with pytest.raises(UnknownKeyError, match=r"'xyz'\. Known: red, green, blue"):
        COLORS["xyz"]


def test_two_entries_may_not_share_a_key():
    with pytest.raises(ValueError, match="'red'"):
        Registry("color", [COLORS["red"], COLORS["red"]])


def test_asking_whether_a_key_is_there_does_not_raise():
    registry = Registry("thing", [Option(key="a", title="A", summary="The first.")])
    assert "a" in registry
    assert "b" not in registry
