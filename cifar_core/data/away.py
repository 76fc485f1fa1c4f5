"""Sources that stand for images that are not on this machine, or may not be used by a person."""

from pathlib import Path

from cifar_core.data.sources.archive import shown
from cifar_core.installation import PROGRAM

ELSEWHERE = "elsewhere:"  # how the source of an imported run begins whose images are not here
UNSHIPPED = "unshipped:"  # the same of an example that is shipped without its images


def elsewhere(source: str) -> str:
    """Return a source that stands for images that are not on this machine, or may not be used."""
    return ELSEWHERE + Path(source).name


def is_away(source: str) -> bool:
    """Return True if a source stands for images that are not on this machine."""
    return source.startswith((ELSEWHERE, UNSHIPPED))


def not_here(source: str) -> str:
    """Say that a run's images are elsewhere, and what to do."""
    if source.startswith(UNSHIPPED):
        return (
            f"The images '{shown(source.removeprefix(UNSHIPPED))}' are not shipped with this "
            "example. Its network can be asked about pictures of your own."
        )
    name = shown(source.removeprefix(ELSEWHERE))
    return (
        f"The images '{name}' of this run, which was imported, are not available here. On this "
        f"machine itself, import the run again and name them: {PROGRAM} import RUN.zip --data PATH"
    )
