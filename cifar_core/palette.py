"""The colors and dashes of every chart, map and report.

Lines of runs follow Okabe and Ito, whose colors color-blind people can tell apart
(https://jfly.uni-koeln.de/color/), darkened or lightened for the page behind them.
"""

LIGHT = ("#0072B2", "#C44E00", "#007E5C", "#B0508A", "#9A6A00", "#2B7FB8", "#6A3D9A", "#5F6670")
DARK = ("#56B4E9", "#F28E4B", "#3FC79A", "#E3A0C4", "#F0C04A", "#9BD0F5", "#B79BE0", "#A8A8A8")
# for charts that do not know what page they are on: legible on white and on dark
ANY = ("#2B7FB8", "#D9762B", "#1F9E77", "#C0609E", "#B8860B", "#7A5FC0", "#6B7280", "#B5485A")
BLUE, ORANGE, GREEN, _, _, _, GRAY, RED = ANY
FAINT = "#8A93A0"  # what is only there to be compared with
INK, GRID = "#1f2933", "#e4e7eb"  # of a report
SUPPORTS, AGAINST = "#e66101", "#5e3c99"  # of a class; told apart with every kind of color vision
# Viridis: its lightness rises evenly, so twice the value looks twice as much, and its greens stand
# out from fur, skin and sky where the usual reds and yellows drown.
HEAT = (
    "#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c",
    "#28ae80", "#5ec962", "#addc30", "#fde725",
)  # fmt: skip

PENS = (0, 1, 2, 3, 4, 6, 7)  # places in LIGHT and DARK; 5 looks too much like 0 for lines
DASHES = ("solid", "dash", "dot", "dashdot")
FIRST_EXAMPLE = 9001  # number of the first shipped example; the store reserves a few from there


def pen(number: int) -> tuple[int, str]:
    """Return the color of a run, a place in LIGHT and DARK, and its dash.

    By its number, so that a run looks the same wherever it is drawn; 28 in a row look different.
    """
    cycle, place = divmod(place_of(number), len(PENS))
    return PENS[place], DASHES[cycle % len(DASHES)]


def pen_on_any(number: int) -> tuple[str, str]:
    """Return the color of a run for charts that do not know what page they are on, and its dash.

    It has the hue that `pen` gives the run, since ANY begins with those of PENS.
    """
    _, dash = pen(number)
    return ANY[place_of(number) % len(PENS)], dash


def place_of(number: int) -> int:
    """Return a run's place in the order of colors and dashes: its number.

    The shipped examples count backwards from the color of #7, in the last dash, so that none of
    the three looks like a person's first runs: their colors are those of #7, #6 and #5.
    """
    if number < FIRST_EXAMPLE:
        return number
    return len(PENS) * (len(DASHES) - 1) + (FIRST_EXAMPLE - number) % len(PENS)


def faded(color: str, opacity: float) -> str:
    """Return a color "#RRGGBB" as CSS with an opacity in [0, 1]."""
    red, green, blue = bytes.fromhex(color[1:])
    return f"rgba({red}, {green}, {blue}, {opacity:g})"
