"""What a draft takes from runs, as the session and the address keep it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from app import boundary
from app.screens.train.controls import prefix
from app.session import Key, remember, remembered, store
from cifar_core.config.distill_settings import USUAL_SHARE
from cifar_core.errors import RunError
from cifar_core.runs import TRAINING, CheckpointInfo, Run
from cifar_core.runs.family import start_from
from cifar_core.runs.family.kept import ancestor_of
from cifar_core.runs.record.family.ancestors import ELSEWHERE, WEIGHTS, Ancestor

BEST = "best"  # the checkpoint that is taken unless another is named
START, TEACHER = "start", "teacher"  # parameters of the address
MOST_TEACHERS = 5
SHARE = "distill_share"  # the setting: how much is learned from teachers


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """A checkpoint of a run, or of what another run has kept of it."""

    folder: str  # of the run
    checkpoint: str = BEST  # or its name

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
        """The run's number and name, for people; of one from another store the name alone."""
        run = self.run
        return run.name if run.id.startswith(ELSEWHERE) else f"#{run.number} {run.name}"


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
    learn_from(chosen)
    write_address()


def learn_from(chosen: Sequence[Chosen]) -> None:
    """Remember the teachers, and let the draft learn as much from them as is usual, or nothing."""
    found = tuple(dict.fromkeys(chosen))[:MOST_TEACHERS]
    remember(Key.DRAFT_TEACHERS, found)
    remember(Key.ESTIMATE, None)  # measured with other teachers
    remember(Key.LARGEST_BATCH, None)
    key = f"{prefix()}.{SHARE}"
    share = st.session_state.get(key, remembered(Key.DRAFT, {}).get(SHARE))
    if share is not None and bool(share) != bool(found):
        st.session_state[key] = USUAL_SHARE if found else 0.0


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
            learn_from([named(words) for words in wanted_teachers.split(",") if words.strip()])
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
    info = run.checkpoint(checkpoint or BEST)
    return Chosen(folder=str(run.path), checkpoint=BEST if info.best else info.name)


def of_clone(run: Run, ancestor: Ancestor) -> Chosen | None:
    """Return what a clone of a run takes from the same ancestor; None if it is gone.

    The ancestor itself, if it still has that checkpoint, else the copy that the run has kept.
    """
    in_store = Run(run.path.parent / ancestor.run, run.by)
    is_own = run.about.imported is None  # else the id is that of a run in another store
    kept = ancestor_of(run, ancestor)
    for source in (in_store, kept) if is_own else (kept,):
        for info in source.checkpoints():
            if info.name == ancestor.checkpoint:
                checkpoint = BEST if info.best else info.name
                return Chosen(folder=str(source.path), checkpoint=checkpoint)
    return None


def take_over(run: Run) -> None:
    """Let a clone of a run start from the weights that the run started from, and learn alike.

    One that was trained on starts from the beginning: its settings alone do not go on.
    """
    about = run.about
    if about.start and about.start.how == WEIGHTS:
        remember(Key.DRAFT_START, of_clone(run, about.start))
    found = [of_clone(run, teacher) for teacher in about.teachers]
    remember(Key.DRAFT_TEACHERS, tuple(one for one in found if one))


def sources() -> dict[str, Any]:
    """Return the draft's `start`, a run and its checkpoint or None, and its `teachers` likewise."""
    begins = start()
    return {
        "start": (begins.run, begins.checkpoint) if begins else None,
        "teachers": taught(),
    }


def taught() -> list[tuple[Run, str]]:
    """Return the runs that the draft learns from, each with the name of its checkpoint."""
    return [(one.run, one.checkpoint) for one in teachers()]


def filler() -> Callable[[Path], Mapping[str, Any]]:
    """Return what puts the draft's start and teachers into the folder of its run."""
    return start_from.filler(**sources())
