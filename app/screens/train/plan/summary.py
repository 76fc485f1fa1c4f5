"""The plan: what will happen, how long it takes, its name, and the button that starts it."""

from uuid import uuid4

import streamlit as st

from app import boundary, theme
from app.navigation import go
from app.screens.train.form import Form
from app.screens.train.many.many_runs import Many, many_summary
from app.screens.train.own_runs.chosen import filler, sources, taught
from app.screens.train.plan.command import same_as_a_command
from app.screens.train.plan.time import how_long, measure_the_time
from app.screens.train.starting_points import cloned_run, source_title
from app.session import Key, remember, remembered, store
from app.shared import widgets
from app.shared.queue.paused import say_if_paused
from app.shared.start_once import start_once
from cifar_core.config import TrainConfig
from cifar_core.models import MODELS
from cifar_core.people import OPERATOR
from cifar_core.runs import Run
from cifar_core.runs.family import teachers

VIEW_ONLY = "You have view-only access. Only operators and admins can start runs."


def summary(form: Form) -> None:
    """Say what will happen, how long it takes, and offer to start it."""
    draft, many = form.draft, form.many
    with st.container(border=True, key="plan"):
        st.subheader("Plan", anchor=False)
        shown = draft.of({**form.values, **many.example}) if many else draft
        if shown.sentence:
            st.markdown(theme.safe(introduced(many, shown.sentence)))
        if draft.config is not None and many is None:
            how_long(form, draft.config)
        if shown.details:
            st.caption(theme.safe(shown.details))
        own_runs_words(form)
        if draft.device:
            st.caption(f":material/memory: {theme.safe(draft.device)}")
        if many and draft.config is not None:
            many_summary(many, form.values, draft.images)
        source = remembered(Key.DRAFT_SOURCE)
        name = st.text_input(
            "Name", max_chars=80, key=form.key("name"), persist_state="session",
            placeholder=placeholder(form, source),
        )  # fmt: skip
        for why in obstacles(form):
            widgets.say_problem(why)
        say_if_paused("A run that is started now waits until it is resumed.")
        pressed = start_button(form)
        with st.container(horizontal=True, horizontal_alignment="center", gap="small"):
            if draft.config is not None:
                measure_the_time(draft.config, taught())
                same_as_a_command(draft.config, form)
    if not pressed:
        remember(Key.STARTED, None)
    elif draft.config is not None and many:
        start_many(draft.config, many, name)
    elif draft.config is not None:
        start(draft.config, name, source)


def placeholder(form: Form, source: str) -> str:
    """Return the name that is given if no one types one."""
    draft, network = form.draft, MODELS.get(form.values["model"])
    if form.many:
        return form.many.title
    if draft.config:
        return store().proposed_name(draft.config)
    if network and draft.images:
        return f"{network.title} on {draft.images.title}"
    return source_title(source)


def own_runs_words(form: Form) -> None:
    """Say whose weights it starts from, and from whom it learns."""
    if form.own and not form.own.problem:
        st.caption(f":material/account_tree: Starts from {theme.safe(form.own.words)}.")
    if form.teachers:
        names = theme.safe(" and ".join(one.title for one in form.teachers))
        st.caption(f":material/school: Learns from {names} as well as from the labels.")


def obstacles(form: Form) -> list[str]:
    """Say what has to be done before it can start."""
    draft = form.draft
    wrong = len(draft.problems) - draft.lacks_weights
    words = []
    if wrong:
        need = "needs" if wrong == 1 else "need"
        words.append(f"{theme.plural(wrong, 'setting')} {need} to be corrected first.")
    if draft.lacks_weights:
        words.append("The weights of the network have to be downloaded first.")
    if form.own and form.own.problem:
        words.append("It cannot start from these weights; see the row Starting point.")
    return words


def start_button(form: Form) -> bool:
    """Draw the button; it is off while something is wrong, or for those who may only look."""
    many, allowed = form.many, store().by.may(OPERATOR)
    unfit = form.own is not None and form.own.problem
    wrong = bool(form.draft.problems or unfit or (many and (many.problems or many.waits)))
    return st.button(
        many.label if many else "Start training", type="primary", icon=":material/play_arrow:",
        width="stretch", key="start", disabled=wrong or not allowed, shortcut="Mod+Enter",
        help=None if allowed else VIEW_ONLY,
    )  # fmt: skip


def introduced(many: Many | None, sentence: str) -> str:
    """Say which of many runs the sentence about the form describes, then the sentence."""
    if many is None:
        return sentence
    sentence = sentence.replace("A new", "a new", 1)
    return f"{'Each' if many.names == ['seed'] else 'For example'}: {sentence}"


def start_many(config: TrainConfig, many: Many, name: str) -> None:
    """Begin a sweep; the second click of a double click finds the same one."""
    token = remembered(Key.STARTED) or uuid4().hex
    remember(Key.STARTED, token)
    try:
        with st.spinner(f"Setting up {theme.plural(many.runs, 'run')}"):
            teachers.check(config, taught(), teachers.classes_of(config, store()))
            made = many.begin(config, name, token, **sources())
    except boundary.REFUSED as error:
        boundary.show(error)
    else:
        go("sweep", id=made.number)


def start(config: TrainConfig, name: str, source: str) -> None:
    """Create the run, queue it and open it."""

    def create() -> Run:
        teachers.check(config, taught(), teachers.classes_of(config, store()))
        parent = cloned_run(source)
        return store().create(
            config, name=name, parent=parent.id if parent else "", fill=filler()
        )  # fmt: skip

    start_once(create)
