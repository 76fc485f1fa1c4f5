"""One palette: every color stands in cifar_core/palette.py, and is legible where it is drawn."""

import colorsys
import re
import tomllib
from pathlib import Path

import pytest

from cifar_core import palette
from cifar_core.examples import EXAMPLES
from cifar_core.runs.store.store import RESERVED

ROOT = Path(__file__).parent.parent
THEME = tomllib.loads((ROOT / "app" / ".streamlit" / "config.toml").read_text("utf-8"))["theme"]
HEX = re.compile(r"#[0-9A-Fa-f]{6}\b")


def luminance(color):
    channels = (byte / 255 for byte in bytes.fromhex(color[1:]))
    linear = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(("name", "colors"), [("light", palette.LIGHT), ("dark", palette.DARK)])
def test_the_theme_has_the_colors_of_the_palette(name, colors):
    assert tuple(THEME[name]["chartCategoricalColors"]) == colors
    assert min(contrast(color, THEME[name]["backgroundColor"]) for color in colors) > 4.2


def test_colors_for_any_page_are_legible_on_both():
    for name in ("light", "dark"):
        page = THEME[name]["backgroundColor"]
        assert min(contrast(color, page) for color in (*palette.ANY, palette.FAINT)) > 3


def test_no_other_module_declares_a_color():
    paths = [*(ROOT / "cifar_core").rglob("*.py"), *(ROOT / "app").rglob("*.py")]
    declared = {
        path.name: found
        for path in paths
        if path.name != "palette.py"
        if (found := [code for code in HEX.findall(path.read_text("utf-8")) if code != "#ffffff"])
    }
    assert declared == {}
    style = (ROOT / "cifar_core" / "report" / "report.css").read_text("utf-8")
    assert {palette.INK, palette.GRID} < set(HEX.findall(style))


def test_a_color_can_be_faded():
    assert palette.faded("#0072B2", 0.5) == "rgba(0, 114, 178, 0.5)"


def hue(color):
    return colorsys.rgb_to_hsv(*(byte / 255 for byte in bytes.fromhex(color[1:])))


def test_the_examples_do_not_look_like_a_persons_first_runs():
    assert RESERVED[0] == palette.FIRST_EXAMPLE
    numbers = [example.number for example in EXAMPLES.values()]
    examples = [palette.pen(number) for number in numbers]
    first = [palette.pen(number) for number in range(1, 5)]
    assert len({color for color, _ in (*examples, *first)}) == 7
    assert not {*examples} & {palette.pen(number) for number in range(1, 21)}
    assert len({palette.pen_on_any(number) for number in (1, 2, 3, 4, *numbers)}) == 7


@pytest.mark.parametrize("number", [*range(14), *RESERVED])
def test_a_run_has_one_hue_and_dash_on_every_page(number):
    place, dash = palette.pen(number)
    color, same = palette.pen_on_any(number)
    assert same == dash
    for other in (palette.LIGHT[place], palette.DARK[place]):
        (first, gray, _), (second, also, _) = hue(color), hue(other)
        apart = abs(first - second)
        assert min(apart, 1 - apart) < 0.09 or max(gray, also) < 0.2
