"""Colors of states and runs, and numbers and times written for people."""

from datetime import datetime

from cifar_core import numbers
from cifar_core.numbers import NARROW
from cifar_core.titles import title

__all__ = ["title"]

NONE = "\u2013"  # shown in place of a missing number
PIN = ":material/keep:"

ICONS = {  # state of a run: color of its badge, icon
    "draft": ("gray", "edit_note"),
    "queued": ("gray", "hourglass_empty"),
    "starting": ("blue", "progress_activity"),
    "running": ("blue", "progress_activity"),
    "pausing": ("orange", "pause"),
    "paused": ("orange", "pause"),
    "stopping": ("orange", "stop_circle"),
    "finished": ("green", "check_circle"),
    "stopped": ("gray", "stop_circle"),
    "failed": ("red", "error"),
}


def percent(share: float | None, digits: int = 1) -> str:
    """Write a share in [0, 1] as a percentage, or a dash for None."""
    return NONE if share is None else numbers.percent(share, digits)


def confidence(probability: float, digits: int = 1) -> str:
    """Write a network's probability as a percentage; never 100 %, since no network is certain."""
    highest = 1 - 10.0 ** -(digits + 2)
    if round(probability, digits + 2) > highest:
        return f"over {percent(highest, digits)}"
    return percent(probability, digits)


def between(interval: tuple[float, float]) -> str:
    """Write a 95 % interval of shares as 70.3 to 72.1 %."""
    low, high = interval
    return f"{100 * low:.1f} to {100 * high:.1f}{NARROW}%"


def count(number: float) -> str:
    """Write a whole number with commas."""
    return f"{number:,.0f}"


def magnitude(number: float) -> str:
    """Write a large number with three digits and a unit prefix: 11.2 M."""
    for power, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= power:
            return f"{number / power:.3g}{NARROW}{letter}"
    return count(number)


def plural(number: float, thing: str) -> str:
    """Write a count with its noun, which takes an s in the plural: 1 image, 2 images."""
    return f"{count(number)} {thing}" + ("" if number == 1 else "s")


def ordinal(place: int) -> str:
    """Write a place in an order: 1st, 2nd, 3rd, 11th."""
    last = 0 if place % 100 in (11, 12, 13) else place % 10
    return f"{place}" + {1: "st", 2: "nd", 3: "rd"}.get(last, "th")


def duration(seconds: float | None) -> str:
    """Write a time span in its two largest units, or a dash for None."""
    if seconds is None:
        return NONE
    if seconds < 9.95:
        return f"{seconds:.1f}{NARROW}s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}{NARROW}h {minutes}{NARROW}min"
    return f"{minutes}{NARROW}min {rest}{NARROW}s" if minutes else f"{rest}{NARROW}s"


def clock(unix: float) -> str:
    """Write a time of today as 14:32, and of another day with its date."""
    moment, today = datetime.fromtimestamp(unix), datetime.now()
    return f"{moment:%H:%M}" if moment.date() == today.date() else f"{moment:%d %b %Y, %H:%M}"


def points(difference: float | None) -> str:
    """Write a difference of two shares in percentage points with its sign, or a dash for None."""
    if difference is None:
        return NONE
    text = f"{100 * difference:+.1f}"
    return "0.0" if float(text) == 0 else text


def plain(value: object) -> str:
    """Write a setting's value."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def fact(value: object) -> str:
    """Write a measured value: counts with commas, long checksums shortened."""
    if isinstance(value, int) and not isinstance(value, bool):
        return count(value)
    text = plain(value)
    return text if len(text) <= 40 or " " in text else short(text, 17)


def short(text: str, longest: int) -> str:
    """Shorten a text to at most `longest` characters, with an ellipsis if it was cut."""
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "\u2026"


MARKS = frozenset("\\`*_[]<>#~:$&")  # characters with a meaning in Markdown


def safe(text: str) -> str:
    """Escape a user's text, so that Markdown shows it as it is."""
    return "".join(f"\\{c}" if c in MARKS else c for c in text)


def note(text: str) -> str:
    """Keep a user's Markdown except for pictures, which every reader's browser would fetch."""
    return text.replace("![", "!\\[").replace("$", "\\$")
