"""The Train page: choose settings, see what they mean, start."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any
from uuid import uuid4

import numpy as np
import streamlit as st

from app import boundary, theme
from app.navigation import go
from app.screens.train import charts
from app.screens.train.draft import Draft, check_draft
from app.screens.train.largest_batch import batch_fit
from app.screens.train.many_runs import Many, chosen_many, many_inputs, many_summary
from app.screens.train.many_runs import follow_address as follow_lists
from app.screens.train.model_card import model_card
from app.screens.train.plan_facts import about_data, about_device, estimate
from app.screens.train.rate_finder import rate_finder
from app.screens.train.rate_hint import rate_hint
from app.screens.train.starting_points import (
    CLONE,
    clone_of,
    follow_address,
    source_title,
    sources,
)
from app.session import Key, inventory, remember, remembered, store
from app.shared import widgets
from app.shared.charts import picture_rows
from app.shared.figure import show_figure
from cifar_core import data
from cifar_core.config import (
    DATA,
    MACHINE,
    NETWORK,
    OPTIMIZATION,
    STOPPING,
    TrainConfig,
)
from cifar_core.data.augmentation.augment import Augment
from cifar_core.data.dataset import Dataset
from cifar_core.models import MODELS
from cifar_core.people import OPERATOR
from cifar_core.settings import rule_of

SHOWN = 8  # images, before and after augmentation
FOLDED = (STOPPING, MACHINE)  # groups that most people never open
UNPACKING = "Reading the images. The first time, they are unpacked, which can take a minute."
VIEW_ONLY = "You have view-only access. Only operators and admins can start runs."


def page() -> None:
    """Draw the page; Streamlit calls this again on every interaction."""
    follow_address()
    start, prefix = remembered(Key.DRAFT), f"new{remembered(Key.DRAFT_NUMBER)}"
    values = widgets.chosen(TrainConfig, start, prefix)
    follow_lists(prefix)
    st.header("Train", anchor=False)
    sources()
    with st.spinner(UNPACKING), st.skeleton(height=320):
        draft = check_draft(values, store().root, store().by)
    many = chosen_many(prefix, values, draft.images) if st.session_state.get("several") else None
    left, right = st.columns([3, 2], gap="large")
    with left:
        if many:
            with st.container(border=True):
                many_inputs(prefix, many, values, draft.config, draft.images)
        form(start, prefix, values, draft, many.hidden if many else ())
    with right:
        summary(prefix, draft, many, values)


def form(
    start: Mapping[str, Any],
    prefix: str,
    values: Mapping[str, Any],
    draft: Draft,
    varied: Sequence[str] = (),
) -> None:
    """Draw every setting that has a meaning and does not vary, in its groups."""
    advanced = bool(st.session_state.get("advanced"))
    groups: dict[str, list[Any]] = {}
    for f in fields(TrainConfig):
        if f.name not in varied and widgets.is_shown(
            f, TrainConfig, values, draft.problems, advanced=advanced
        ):
            groups.setdefault(rule_of(f).group, []).append(f)
    suggested = {"data": sources_of_images(), "device": devices()}
    for group, settings in groups.items():
        wrong = any(f.name in draft.problems for f in settings)
        folded = group in FOLDED
        box = st.expander(group, expanded=wrong) if folded else st.container(border=True)
        with box:
            if not folded:
                st.subheader(group, anchor=False)
            widgets.settings_inputs(
                settings, start, prefix, problems=draft.problems, suggested=suggested
            )
            if group == DATA and draft.images is not None and not wrong:
                augmentation(draft.images, values)
            elif group == MACHINE:
                refused_devices()
            elif group == NETWORK and values["model"] in MODELS:
                model_card(values)
            elif group == OPTIMIZATION and not {"optimizer", "learning_rate"} & {*varied}:
                with st.container(horizontal=True):
                    rate_finder(draft.config, draft.training_images)
                    rate_hint(values["optimizer"], values["learning_rate"], prefix)


def sources_of_images() -> dict[str, str]:
    """Map values of the data setting, those that are on this machine, to what they are called."""
    return data.titles_of(data.offered_to(store().by, store().root))


def devices() -> dict[str, str]:
    """Map values of the device setting, also devices that are awaited, to what they are called."""
    return {"auto": "auto", **{name: name for name in inventory().names}}


def refused_devices() -> None:
    """Say which GPUs cannot be used, and why; nothing if all can."""
    for refused in inventory().refused:
        st.caption(f":material/warning: {theme.safe(refused.sentence)}")


def augmentation(images: Dataset, values: Mapping[str, Any]) -> None:
    """Draw up to SHOWN images, original and as the network may see them in an epoch."""
    augment = Augment.from_settings(values)
    seed, count = remembered(Key.RESHUFFLE, 0), min(SHOWN, len(images.train))
    chosen = np.random.default_rng(seed).choice(len(images.train), count, replace=False)
    before = np.asarray(images.train.pixels[np.sort(chosen)])
    after = augment.apply(before, seed=seed, epoch=0)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("Top: original. Bottom: as they may appear in one epoch.")
        st.space("stretch")
        st.button(
            "Reshuffle", icon=":material/shuffle:", type="tertiary", key="other_images",
            on_click=remember, args=(Key.RESHUFFLE, seed + 1),
        )  # fmt: skip
    picture = picture_rows([before, after], zoom=3)
    st.image(
        picture, width="stretch", output_format="PNG", alt="Images before and after augmentation"
    )


def summary(prefix: str, draft: Draft, many: Many | None, values: Mapping[str, Any]) -> None:
    """Say what will happen, how long it takes, and offer to start it."""
    with st.container(border=True):
        st.subheader("Plan", anchor=False)
        if draft.config is not None:
            shown = draft.of({**values, **many.example}) if many else draft
            st.markdown(theme.safe(introduction(many) + shown.sentence))
            figure = charts.schedule_figure(*shown.rates, shown.momenta)
            show_figure(
                figure,
                key="schedule",
                alt="Planned learning rate over the epochs",
            )
            if shown.schedule_note:
                st.caption(shown.schedule_note)
        about_data(draft)
        about_device(draft)
        if draft.config is not None:
            estimate(draft.config)
            batch_fit(draft.config, prefix)
        if many and draft.config is not None:
            many_summary(many, values, draft.images)
        source = remembered(Key.DRAFT_SOURCE)
        name = st.text_input(
            "Name", max_chars=80, key=f"{prefix}.name",
            placeholder=placeholder(many, draft, source),
            persist_state="session",
        )  # fmt: skip
        if draft.problems:
            need = "needs" if len(draft.problems) == 1 else "need"
            count = theme.plural(len(draft.problems), "setting")
            widgets.say_problem(f"{count} {need} to be corrected first.")
        label = many.label if many else "Start training"
        wrong = bool(draft.problems or (many and (many.problems or many.waits)))
        allowed = store().by.may(OPERATOR)
        pressed = st.button(
            label, type="primary", icon=":material/play_arrow:", width="stretch",
            key="start", disabled=wrong or not allowed,
            help=None if allowed else VIEW_ONLY,
        )  # fmt: skip
    if not pressed:
        remember(Key.STARTED, None)
    elif draft.config is not None and many:
        start_many(draft.config, many, name)
    elif draft.config is not None:
        start(draft.config, name, source)


def placeholder(many: Many | None, draft: Draft, source: str) -> str:
    """Return the name that is given if no one types one."""
    if many:
        return many.title
    return store().proposed_name(draft.config) if draft.config else source_title(source)


def introduction(many: Many | None) -> str:
    """Say which of many runs the sentence about the form describes."""
    if many is None:
        return ""
    return "Each: " if many.names == ["seed"] else "For example: "


def start_many(config: TrainConfig, many: Many, name: str) -> None:
    """Begin a sweep; the second click of a double click finds the same one."""
    token = remembered(Key.STARTED) or uuid4().hex
    remember(Key.STARTED, token)
    try:
        with st.spinner(f"Setting up {theme.plural(many.runs, 'run')}"):
            made = many.begin(config, name, token)
    except boundary.REFUSED as error:
        boundary.show(error)
    else:
        go("sweep", id=made.number)


def start(config: TrainConfig, name: str, source: str) -> None:
    """Create the run and queue it; the second click of a double click finds the same run."""
    try:
        if (id_ := remembered(Key.STARTED)) is None:
            parent = store().run(clone_of(source)[0]).id if CLONE in source else ""
            id_ = store().create(config, name=name, parent=parent).id
            remember(Key.STARTED, id_)
        run = store().run(id_)
        store().submit(run)
    except boundary.REFUSED as error:
        boundary.show(error)
    else:
        go("run", id=run.number)
