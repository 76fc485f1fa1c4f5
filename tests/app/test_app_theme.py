import time
from datetime import datetime, timedelta

import pytest

from app import theme
from cifar_core.runs import STATES

SPACE = theme.NARROW


def test_every_state_has_a_colour_and_an_icon():
    assert set(theme.ICONS) == set(STATES)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, theme.NONE),
        (0.52, "0.5 s"),
        (9.97, "10 s"),
        (59.6, "1 min 0 s"),
        (200, "3 min 20 s"),
        (7265, "2 h 1 min"),
    ],
)
def test_a_duration_is_written_in_its_two_largest_units(seconds, words):
    assert theme.duration(seconds).replace(SPACE, " ") == words


def test_a_share_is_written_as_a_percentage_and_none_as_a_dash():
    assert theme.percent(0.6671, 2) == f"66.71{SPACE}%"
    assert theme.percent(None) == theme.NONE
    assert theme.between((0.703, 0.7214)) == f"70.3 to 72.1{SPACE}%"


def test_only_another_day_is_written_with_its_date():
    now = time.time()
    assert len(theme.clock(now)) == len("14:32")
    before = datetime.now() - timedelta(days=3)
    assert f"{before.year}" in theme.clock(before.timestamp())


def test_keys_are_written_in_words():
    assert theme.title("simple_cnn_dropout") == "Simple CNN with dropout"
    assert theme.title("adamw") == "AdamW"
    assert theme.title("next_cnn") == "Next CNN"  # an entry of a later version
    assert theme.title("") == ""


def test_a_name_cannot_draw_markdown():
    assert theme.safe("**a** [b](c) :red[d]") == r"\*\*a\*\* \[b\](c) \:red\[d\]"


def test_a_long_text_is_cut_visibly():
    assert theme.short("abcdef", 6) == "abcdef"
    assert theme.short("abc defg", 5) == "abc\u2026"


def test_one_thing_is_not_plural():
    assert theme.plural(1, "run") == "1 run"
    assert theme.plural(45_000, "image") == "45,000 images"
    assert theme.plain(True) == "yes"
    assert theme.plain(5e-4) == "0.0005"


def test_a_long_checksum_is_cut_but_a_sentence_and_a_commit_are_not():
    assert theme.fact("f" * 64) == "f" * 16 + "\u2026"
    assert theme.fact("f" * 40) == "f" * 40
    assert theme.fact("a sentence " * 9).startswith("a sentence a sentence a sentence")
    assert theme.fact(94_762) == "94,762"
    assert theme.fact(False) == "no"


@pytest.mark.parametrize(
    ("number", "words"),
    [(7, "7"), (94_762, "94.8 k"), (11_173_962, "11.2 M"), (17.6e9, "17.6 G")],
)
def test_a_large_number_is_written_with_three_digits(number, words):
    assert theme.magnitude(number).replace(SPACE, " ") == words


def test_a_difference_that_rounds_to_zero_has_no_sign():
    assert [theme.points(d) for d in (-0.0001, 0.0, 0.0123, -0.02)] == [
        "0.0",
        "0.0",
        "+1.2",
        "-2.0",
    ]
