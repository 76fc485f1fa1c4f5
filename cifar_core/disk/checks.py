"""Of which kind the values in a run's files are, so that no page trips over another.

A file that says otherwise was made by hand or is damaged; either way it is not used.
"""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

LONGEST = 10_000  # characters of a text
MOST_ITEMS = 100_000  # of a list
HALF = re.compile("[\ud800-\udfff]")  # what JSON can say and no file can hold
Check = Callable[[Any], bool]
Shape = Mapping[str, Check]


def is_text(value: Any) -> bool:
    """Tell whether it is a text that can be drawn: not too long, and without half characters."""
    return isinstance(value, str) and len(value) <= LONGEST and not HALF.search(value)


def is_whole(value: Any) -> bool:
    """Tell whether it is a whole number that is not negative and fits into 63 bits."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def is_number(value: Any) -> bool:
    """Tell whether it is a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < 2**63 if isinstance(value, int) else math.isfinite(value)


def is_moment(value: Any) -> bool:
    """Tell whether it is a time in unix seconds that a calendar knows."""
    return is_number(value) and 0 <= value < 1e11


def is_switch(value: Any) -> bool:
    """Tell whether it is true or false."""
    return isinstance(value, bool)


def is_scalar(value: Any) -> bool:
    """Tell whether it is a text, a number, or true or false."""
    return is_text(value) or is_number(value) or is_switch(value)


def maybe(check: Check) -> Check:
    """Allow null too."""
    return lambda value: value is None or check(value)


def list_of(check: Check, most: int = MOST_ITEMS) -> Check:
    """Allow a list of at most so many."""
    return lambda value: isinstance(value, list) and len(value) <= most and all(map(check, value))


def one_of(known: Any) -> Check:
    """Allow certain words only."""
    words = list(known)
    return lambda value: value in words


def object_of(shape: Shape, needed: tuple[str, ...] = ()) -> Check:
    """Allow an object whose known entries are right; others may be scalars."""

    def check(value: Any) -> bool:
        if not isinstance(value, dict) or any(name not in value for name in needed):
            return False
        return all(shape.get(name, is_scalar)(entry) for name, entry in value.items())

    return check


def is_object(value: Any) -> bool:
    """Tell whether it is an object, whatever it holds."""
    return isinstance(value, dict)


def is_long_text(value: Any) -> bool:
    """Tell whether it is a text that can be drawn, such as the last words of a program."""
    return isinstance(value, str) and not HALF.search(value)


def fits(values: Mapping[str, Any], shape: Shape) -> bool:
    """Tell whether every entry that the shape knows is of its kind; others may be anything."""
    return all(check(values[name]) for name, check in shape.items() if name in values)


NUMBERS = ("step", "epoch", "loss", "accuracy", "learning_rate", "grad_norm", "images_per_second",
           "train_loss", "train_accuracy", "val_loss", "val_accuracy", "seconds",
           "cpu_seconds", "test_loss", "test_accuracy", "plain_accuracy", "images")  # fmt: skip
ROW_SHAPE: Shape = {"kind": is_text, "t": is_moment, "views": is_text, "best": is_switch,
                    **dict.fromkeys(NUMBERS, maybe(is_number)), "step": is_number}  # fmt: skip
NEEDED = {  # what a row of each kind must say
    "step": ("step",),
    "epoch": ("step", "epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy", "best"),
    "test": ("step", "test_loss", "test_accuracy", "images"),
}


def is_like_a_row(row: Mapping[str, Any]) -> bool:
    """Tell whether a row says all that its kind must, each of the right kind."""
    if not fits(row, ROW_SHAPE):
        return False
    return all(row.get(name) is not None for name in NEEDED.get(row.get("kind", ""), ()))


DATA: Shape = {**dict.fromkeys(("title", "kind", "source", "note"), is_text),
               "classes": list_of(is_text, 1000),
               **dict.fromkeys(("train_images", "val_images", "test_images"), is_whole),
               }  # fmt: skip
IDENTITY = object_of({"pid": is_whole, "boot": is_text})
END = object_of({"oom_kills": is_whole, "code": maybe(is_number), "signal": maybe(is_whole),
                 "peak_megabytes": is_number, "at": is_moment})  # fmt: skip

EXPECTED: dict[str, Shape] = {  # by file name; entries that are not listed may be anything
    "about.json": {
        **dict.fromkeys(("name", "parent", "owner", "kind", "sweep"), is_text),
        "note": is_long_text,
        "created_at": is_moment,
        "cell": is_whole,
        "tags": list_of(is_text),
        **dict.fromkeys(("starred", "pinned"), is_switch),
        "pinned_checkpoints": list_of(is_text),
    },
    "config.json": {
        **dict.fromkeys(("data", "model", "optimizer", "schedule"), is_text),
        **dict.fromkeys(("learning_rate", "train_fraction", "val_fraction"), is_number),
        **dict.fromkeys(("batch_size", "epochs", "seed"), is_number),
    },
    "status.json": {
        **dict.fromkeys(("state", "reason", "device"), is_text),
        **dict.fromkeys(("message", "action"), is_long_text),
        **dict.fromkeys(("attempt", "deaths", "needs"), is_whole),
        **dict.fromkeys(("since", "deadline", "position"), is_number),
        "suggestion": object_of({}),
    },
    "control.json": {
        **dict.fromkeys(("sequence", "profiles"), is_whole),
        **dict.fromkeys(("request", "reason"), is_text),
        "note": is_long_text,
        "at": is_moment,
    },
    "summary.json": {
        **dict.fromkeys(("total_steps", "step", "epochs_done", "test_images"), is_whole),
        **dict.fromkeys(
            ("last_train_loss", "last_train_accuracy", "last_val_loss", "last_val_accuracy",
             "best_val_accuracy", "test_accuracy", "test_loss", "test_plain_accuracy",
             "images_per_second", "seconds", "eta_seconds", "best_epoch"),
            maybe(is_number),
        ),
        **dict.fromkeys(("history", "sparkline"), list_of(is_number)),
        "test_views": is_text,
        "features": object_of(dict.fromkeys(("done", "total", "kept", "seconds"), is_number)),
        "suggestion": lambda value: is_object(value) and fits(value, {"rate": maybe(is_number)}),
    },
    "environment.json": {
        "device": is_text,
        **dict.fromkeys(("threads", "parameters"), maybe(is_number)),
        "data": lambda value: is_object(value) and fits(value, DATA),
    },
    "attempt.json": {"device": is_text, "at": is_moment, "threads": is_whole},
    "start.json": {
        **dict.fromkeys(("checkpoint",), is_text),
        **dict.fromkeys(("step", "from_attempt", "from_bytes"), is_whole),
        "note": is_long_text,
        "at": is_moment,
    },
    "shim.json": {"shim": IDENTITY, "trainer": IDENTITY, "ended": maybe(END)},
    "result.json": {
        **dict.fromkeys(("outcome", "reason"), is_text),
        "message": is_long_text,
        "rows_bytes": is_whole,
        "at": is_moment,
    },
    "end.json": {"message": is_long_text, "state": is_text, "at": is_moment},
    "notice.json": {"message": is_long_text},
    "deleted.json": {"at": is_moment},
    "looks.json": {"looks": list_of(is_object)},
}  # fmt: skip
