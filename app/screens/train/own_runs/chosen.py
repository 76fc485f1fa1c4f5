"""What a draft takes from runs, as the session and the address keep it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from app import boundary
from app.session import Key, remember, remembered, store
from cifar_core.errors import RunError
from cifar_core.runs import TRAINING, CheckpointInfo, Run
from cifar_core.runs.family.kept import ancestor_of
from cifar_core.runs.record.family.ancestors import Ancestor

BEST = "best"  # the checkpoint that is taken unless another is named
START, TEACHER = "start", "teacher"  # parameters of the address
MOST_TEACHERS = 5


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """A checkpoint of a run, or of what another run has kept of it."""

    folder: str  # of the run
    checkpoint: str = BEST  # "best", "last" or a name

    @property
    def run(self) -> Run:
        """The run."""
        return Run(Path(self.folder), store().by)

    @property
    def info(self) -> CheckpointInfo:
        """The checkpoint; RunError if it is gone."""
        return self.run.checkpoint(self.checkpoint)

    @property
    def is_kept(self) -> bool:
        """Whether it is the copy that another run has kept, as in a clone of that run."""
        return Path(self.folder).parent != store().root / "runs"

    @property
    def words(self) -> str:
        """The run and the checkpoint as the address and a command name them, as in 12:400-a1."""
        number = str(self.run.number)
        return number if self.checkpoint == BEST else f"{number}:{self.checkpoint}"

    @property
    def title(self) -> str:
        """The run's number and name, for people."""
        return f"#{self.run.number} {self.run.name}"


def start() -> Chosen | None:
    """Return the checkpoint whose weights the draft starts from, if any."""
    found: Chosen | None = remembered(Key.DRAFT_START)
    return found


def teachers() -> tuple[Chosen, ...]:
    """Return the checkpoints that the draft learns from."""
    found: tuple[Chosen, ...] = remembered(Key.DRAFT_TEACHERS, ())
    return found


def set_start(chosen: Chosen | None) -> None:
    """Let the draft start from other weights, or from its network's own; the address follows."""
    remember(Key.DRAFT_START, chosen)
    write_address()


def set_teachers(chosen: Sequence[Chosen]) -> None:
    """Let the draft learn from these, each once; the address follows."""
    remember(Key.DRAFT_TEACHERS, tuple(dict.fromkeys(chosen))[:MOST_TEACHERS])
    write_address()


def forget() -> None:
    """Let a new draft begin with nothing from other runs."""
    remember(Key.DRAFT_START, None)
    remember(Key.DRAFT_TEACHERS, ())


def asked() -> tuple[str, str]:
    """Return what the address asks for and was not followed yet: a start, and teachers."""
    words = st.query_params.get(START, ""), st.query_params.get(TEACHER, "")
    return ("", "") if words == remembered(Key.OWN_ASKED, ("", "")) else words


def follow_address() -> None:
    """Take the start and the teachers that the address names; what there is not is said once."""
    wanted_start, wanted_teachers = asked()
    remember(Key.OWN_ASKED, (st.query_params.get(START, ""), st.query_params.get(TEACHER, "")))
    try:
        if wanted_start:
            remember(Key.DRAFT_START, named(wanted_start))
        if wanted_teachers:
            found = [named(words) for words in wanted_teachers.split(",") if words.strip()]
            remember(Key.DRAFT_TEACHERS, tuple(dict.fromkeys(found))[:MOST_TEACHERS])
    except boundary.REFUSED as error:
        boundary.toast(error)
        write_address()


def write_address() -> None:
    """Let the address name what the draft takes, but for copies that another run has kept."""
    begins, learns = start(), [one.words for one in teachers() if not one.is_kept]
    words = {
        START: begins.words if begins and not begins.is_kept else "",
        TEACHER: ",".join(learns),
    }
    for name, value in words.items():
        if value:
            st.query_params[name] = value
        else:
            st.query_params.pop(name, None)
    remember(Key.OWN_ASKED, (words[START], words[TEACHER]))


def named(words: str) -> Chosen:
    """Return the checkpoint that some words name, as in 12:400-a1; RunError if there is none."""
    ref, _, checkpoint = words.strip().partition(":")
    run = store().run(ref)
    if run.kind != TRAINING:
        raise RunError(f"#{run.number} {run.name} keeps no network. Choose a training run.")
    run.checkpoint(checkpoint or BEST)
    return Chosen(folder=str(run.path), checkpoint=checkpoint or BEST)


def of_clone(run: Run, ancestor: Ancestor) -> Chosen | None:
    """Return what a clone of a run takes from the same ancestor; None if it is gone.

    The ancestor itself, if it still has that checkpoint, else the copy that the run has kept.
    """
    in_store = Run(run.path.parent / ancestor.run, run.by)
    is_own = run.about.imported is None  # else the id is that of a run in another store
    for source in (in_store, ancestor_of(run, ancestor)) if is_own else (ancestor_of(run, ancestor),):
        if any(info.name == ancestor.checkpoint for info in source.checkpoints()):
            return Chosen(folder=str(source.path), checkpoint=ancestor.checkpoint)
    return None
