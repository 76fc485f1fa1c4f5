import pytest

from cifar_core.errors import UnknownKeyError
from cifar_core.registry import Option, Registry

COLOURS = Registry(
    "colour",
    [Option(key=key, title=key.title(), summary=f"{key}.") for key in ("red", "green", "blue")],
)


def test_entries_keep_the_order_in_which_they_were_given():
    assert list(COLOURS) == ["red", "green", "blue"]


def test_a_misspelt_key_is_answered_with_the_nearest_one_and_the_whole_list():
    with pytest.raises(
        UnknownKeyError, match=r"colour called 'gren'. Did you mean 'green'\?.*blue"
    ):
        COLOURS["gren"]


def test_a_key_that_resembles_none_is_answered_with_the_list_alone():
    with pytest.raises(UnknownKeyError, match=r"'xyz'\. Known: red, green, blue"):
        COLOURS["xyz"]


def test_two_entries_may_not_share_a_key():
    with pytest.raises(ValueError, match="'red'"):
        Registry("colour", [COLOURS["red"], COLOURS["red"]])


def test_asking_whether_a_key_is_there_does_not_raise():
    registry = Registry("thing", [Option(key="a", title="A", summary="The first.")])
    assert "a" in registry
    assert "b" not in registry
