"""The row *Starting point*, as far as it is about own runs: whose weights, and which teachers."""

from functools import partial

import streamlit as st

from app import boundary, theme
from app.screens.train.form import Form
from app.screens.train.own_runs import chosen as own
from app.screens.train.own_runs.chosen import BEST, Chosen
from app.screens.train.own_runs.fitting import Fitting
from app.session import store
from app.shared.picker import choose_run, picked
from app.shared.widgets import say_problem
from cifar_core.errors import CifarError
from cifar_core.models import MODELS
from cifar_core.runs import TRAINING, Run, RunRow
from cifar_core.runs.family.start_from import Fit

START, TEACHER = "own_start", "own_teacher"  # keys of the choices
LISTED = 12  # names of weights that are left out
NO_COPY = "This is the copy that the cloned run has kept."


def follow_choices() -> None:
    """Put runs that were chosen from cards into the draft."""
    if number := picked(START):
        attempt_start(number)
    if number := picked(TEACHER):
        attempt_teacher(number)


def attempt_start(words: str) -> None:
    """Let the draft start from a run, or say why it cannot."""
    try:
        own.set_start(own.named(words))
    except boundary.REFUSED as error:
        boundary.toast(error)


def attempt_teacher(words: str) -> None:
    """Let the draft learn from one more run, or say why it cannot."""
    try:
        own.set_teachers([*own.teachers(), own.named(words)])
    except boundary.REFUSED as error:
        boundary.toast(error)


def weights_of_a_run(begins: Fitting, form: Form) -> None:
    """Draw whose weights the draft starts from, which checkpoint, and what of it fits."""
    chosen = begins.chosen
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"The weights of **{theme.safe(chosen.title)}**", width="content")
            checkpoint_choice(chosen)
        if begins.problem:
            say_problem(begins.problem)
        elif begins.fit:
            what_fits(begins.fit)
        elif form.draft.reading:
            st.caption("What of them fits is known once the images are read.")
        if form.many and "model" in form.many.hidden:
            st.caption("Each run takes what fits its own network.")
        if words := other_split(chosen.run, form):
            st.caption(f":material/warning: {words}")


def checkpoint_choice(chosen: Chosen) -> None:
    """Draw the choice of a checkpoint; a copy that another run has kept is the only one."""
    if chosen.is_kept:
        st.caption(NO_COPY)
        return
    names = checkpoint_names(chosen.run)
    if chosen.checkpoint not in names:  # gone, which is said below
        return
    key = f"own_checkpoint {chosen.words}"
    st.selectbox(
        "Checkpoint", list(names), format_func=names.__getitem__, label_visibility="collapsed",
        index=list(names).index(chosen.checkpoint), key=key, width=190,
        on_change=boundary.callback(partial(take_checkpoint, chosen.folder, key)),
    )  # fmt: skip


def checkpoint_names(run: Run) -> dict[str, str]:
    """Return a run's checkpoints and their titles: the best, then the others, newest first."""
    kept = run.checkpoints()
    best = [(BEST, f"Best epoch, {info.epoch:g}") for info in kept if info.best]
    return dict(best + [(info.name, f"Epoch {info.epoch:g}") for info in kept if not info.best])


def take_checkpoint(folder: str, key: str) -> None:
    """Let the draft start from another checkpoint of the same run."""
    own.set_start(Chosen(folder=folder, checkpoint=st.session_state[key]))


def what_fits(fit: Fit) -> None:
    """Say what is taken of the weights, and list what is not."""
    st.caption(theme.safe(fit.sentence))
    if not fit.left:
        return
    with st.popover(f"What is left out ({len(fit.left)})", type="tertiary"):
        lines = [f"- `{name}`: {theme.safe(why)}" for name, why in fit.left[:LISTED]]
        st.markdown("\n".join(lines))
        if len(fit.left) > LISTED:
            st.caption(f"and {theme.plural(len(fit.left) - LISTED, 'other')}")


def other_split(run: Run, form: Form) -> str:
    """Say that the run has learned from images that this draft keeps for validation, if so."""
    before, now = run.environment.data, form.draft.images
    config = form.draft.config
    if now is None or config is None or now.train.kept_back is not None:
        return ""
    if before.usual_fingerprint != now.usual_fingerprint:
        return ""
    settings = run.settings
    same = all(
        settings.get(name, getattr(config, name)) == getattr(config, name)
        for name in ("val_fraction", "split_seed")
    )
    return "" if same else (
        "That run kept other images for validation, so it has learned from some of those that "
        "choose the best epoch here. Their accuracy will be too high."
    )  # fmt: skip


def offers(form: Form) -> None:
    """Draw the teachers, and the buttons that choose or drop a start and teachers."""
    for place, teacher in enumerate(form.teachers):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(
                f":material/school: Learns from **{theme.safe(teacher.title)}**, "
                f"{teacher_epoch(teacher)}", width="content",
            )  # fmt: skip
            st.button(
                "Remove", icon=":material/close:", type="tertiary", key=f"drop_teacher {place}",
                on_click=boundary.callback(partial(drop_teacher, teacher)),
            )  # fmt: skip
    rows = with_weights()
    if not rows:
        return
    with st.container(horizontal=True, gap="small"):
        label = "Another run" if form.own else "Start from the weights of a run"
        if st.button(label, icon=":material/account_tree:", key="choose_start"):
            chosen = str(form.own.chosen.run.number) if form.own else ""
            choose_run(START, rows, title="Start from the weights of a run", chosen=chosen,
                       label="Start from it", images=images_of(form))  # fmt: skip
        if form.own:
            st.button(drop_label(form), icon=":material/undo:", key="drop_start", type="tertiary",
                      on_click=boundary.callback(partial(own.set_start, None)))  # fmt: skip
        label = "Another teacher" if form.teachers else "Learn from a run"
        if len(form.teachers) < own.MOST_TEACHERS and st.button(
            label, icon=":material/school:", key="choose_teacher",
            type="secondary" if form.teachers else "tertiary",
        ):  # fmt: skip
            choose_run(TEACHER, rows, title="Learn from a run", label="Learn from it",
                       images=images_of(form))  # fmt: skip


def drop_label(form: Form) -> str:
    """Name what a draft begins with when it drops the weights of a run."""
    pretrained = MODELS[form.values["model"]].weights
    return "Pretrained weights instead" if pretrained else "From the beginning instead"


def drop_teacher(teacher: Chosen) -> None:
    """Let the draft no longer learn from a run."""
    own.set_teachers([one for one in own.teachers() if one != teacher])


def teacher_epoch(teacher: Chosen) -> str:
    """Name the epoch of a teacher, or say that its checkpoint is gone."""
    try:
        return f"epoch {teacher.info.epoch:g}"
    except CifarError:
        return ":red[whose checkpoint is gone]"


def with_weights() -> list[RunRow]:
    """Return the runs whose weights can be taken, newest first."""
    return [row for row in store().seen() if row.kind == TRAINING and row.epochs_done]


def images_of(form: Form) -> str:
    """Return the title of the draft's images; empty while they are not open."""
    return form.draft.images.title if form.draft.images else ""
