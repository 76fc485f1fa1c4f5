"""Finds the Chromium that benchmarks, screenshots and the browser tests drive."""

import shutil

SHELL = "chromium-headless-shell"  # without a window, in Debian: needs less of the CPU
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")


def program(*, sparing: bool = False) -> str | None:
    """Return the path of a Chromium; None if there is none.

    The one that people use comes first, so that figures are those of their browser; with
    `sparing`, the one that needs less of the CPU.
    """
    names = (SHELL, *PROGRAMS) if sparing else (*PROGRAMS, SHELL)
    return next(filter(None, map(shutil.which, names)), None)
