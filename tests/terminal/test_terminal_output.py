"""What commands print in a terminal, and where no person looks."""

import io
import json
import re
import sys

import pytest

from cifar_core.__main__ import main
from cifar_core.terminal.output import fitting, progress, say, show

LONG = [
    {"setting": "model", "default": 0.5, "meaning": "The architecture to train, " * 40},
    {"setting": "a_name_of_thirty_characters_xx", "default": 12, "meaning": "short"},
]


class Terminal(io.StringIO):
    """A stream that a terminal shows."""

    def isatty(self):
        return True

    @property
    def shown(self):
        """What a person reads, without control sequences."""
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.getvalue())


@pytest.fixture
def window(monkeypatch):
    """Return what makes a window of a width, and that window."""

    def make(width, stream="stdout"):
        terminal = Terminal()
        monkeypatch.setattr(sys, stream, terminal)
        monkeypatch.setenv("COLUMNS", str(width))
        monkeypatch.setenv("TERM", "xterm-256color")
        return terminal

    return make


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_table_fits_the_window_and_loses_nothing(window, width):
    terminal = window(width)
    show(LONG, as_json=False)
    lines = terminal.shown.splitlines()
    assert max(map(len, lines)) <= width
    text = "".join(terminal.shown.split())
    assert text.count("architecture") == 40
    assert "setting" in text


@pytest.mark.parametrize("command", ["settings", "presets", "models"])
def test_no_list_is_wider_than_the_window(window, command):
    terminal = window(80)
    assert main([command]) == 0
    assert max(map(len, terminal.shown.splitlines())) <= 80


def test_where_no_person_looks_a_row_is_one_line(capsys):
    show(LONG, as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(LONG)
    assert len(lines[1]) > 1000
    show(LONG, as_json=True)
    assert json.loads(capsys.readouterr().out) == LONG


def test_a_row_of_a_window_that_is_too_narrow_is_a_block_of_lines(window):
    terminal = window(18)
    show([{"name": "a", "validation": 0.5, "model": "resnet"}], as_json=False)
    assert terminal.shown.splitlines()[:3] == [
        "name        a",
        "validation  0.5",
        "model       resnet",
    ]


@pytest.mark.parametrize(
    ("room", "widths", "gap"),
    [
        (100, [10, 23], 2),  # everything has room
        (30, [10, 18], 2),  # the longer one wraps
        (17, [8, 8], 1),  # a word is broken
        (10, [], 0),
    ],
)
def test_long_columns_give_way_first(room, widths, gap):
    assert fitting([["a" * 10], ["words that are separated"[:23]]], room) == (widths, gap)


def test_sentences_break_between_words(window, capsys):
    say("one two three four")
    assert capsys.readouterr().out == "one two three four\n"
    terminal = window(10)
    say("one two three four")
    assert terminal.getvalue() == "one two\nthree four\n"


def test_long_work_has_a_bar_that_says_how_much_is_done(window):
    terminal = window(80, "stderr")
    with progress("Reading") as tell:
        tell(3, 4)
    with progress("Downloading", in_bytes=True) as tell:
        tell(1_500_000, 3_000_000)
    shown = terminal.shown
    assert "Reading  3 of 4" in shown
    assert "Downloading  1.5 of 3.0 MB" in shown


def test_a_bar_leaves_what_is_printed_where_it_belongs(window, capsys):
    terminal = window(80, "stderr")
    with progress("Training"):
        print("epoch 1")
    assert capsys.readouterr().out == "epoch 1\n"
    assert "epoch 1" not in terminal.getvalue()


def test_without_a_terminal_there_is_no_bar(capsys):
    with progress("Reading") as tell:
        tell(1, 2)
    assert capsys.readouterr() == ("", "")


def test_no_color_is_honored(window, monkeypatch):
    terminal = window(80)
    monkeypatch.setenv("NO_COLOR", "1")
    show(LONG, as_json=False)
    assert "\x1b[3" not in terminal.getvalue()  # bold is no color
