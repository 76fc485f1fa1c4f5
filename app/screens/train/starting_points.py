"""Where a draft's settings come from: a preset, a run, a rate search's result, or some images."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import streamlit as st

from app import boundary, theme
from app.screens.train.controls import prefix
from app.screens.train.own_runs import chosen as own
from app.session import Key, remember, remembered, store
from app.shared import widgets
from app.shared.picker import choose_run, picked
from cifar_core import data
from cifar_core.config import TrainConfig
from cifar_core.config.groups import DATA, KEPT_BACK
from cifar_core.config.presets import PRESETS
from cifar_core.data.away import UNSHIPPED
from cifar_core.errors import RunError
from cifar_core.runs import RATE_SEARCH, TRAINING, Run
from cifar_core.runs.sweeps.rate_searches import alike
from cifar_core.settings import rule_of

FIRST_PRESET = next(iter(PRESETS))
CLONE = "clone of "
SEARCH = "rate of "
IMAGES = "images "
WEIGHTS = "weights of "
TEACHER = "taught by "
ADDRESS = ("clone", "set", "search", "rate", "data", "preset", own.START, own.TEACHER)
KEPT_ALIKE = (DATA, KEPT_BACK)  # groups of settings that a teacher and its pupil share
RUN = "run"  # the entry of the menu that opens the choice of a run, and the key of that choice


def follow_address() -> None:
    """Begin with what the address names: a preset, a run, a rate search, or images."""
    start, teacher = own.asked()
    if ref := st.query_params.get("clone"):
        source = f"{CLONE}{ref} {st.query_params.get('set', '')}".strip()
    elif ref := st.query_params.get("search"):
        source = f"{SEARCH}{ref} {st.query_params.get('rate', '')}".strip()
    elif ref := st.query_params.get("data"):
        source = f"{IMAGES}{ref}"
    elif "preset" in st.query_params:
        source = st.query_params["preset"]
    else:
        source = f"{WEIGHTS}{start}" if start else f"{TEACHER}{teacher}" if teacher else ""
    if remembered(Key.DRAFT) is None:
        source = source or FIRST_PRESET
    if source and source != remembered(Key.DRAFT_SOURCE):
        begin(source)
    own.follow_address()


def begin(source: str) -> None:
    """Start a draft from a preset or a run; from the first preset if there is no such thing.

    The address then no longer names what there is not, so that this is said once.
    """
    own.forget()
    try:
        if source.startswith(CLONE):
            ref, changes = clone_of(source)
            run = store().run(ref)
            config = TrainConfig.from_text(changes, base=settings_of(run))
            own.take_over(run)
        elif source.startswith(WEIGHTS):
            config = TrainConfig.from_dict(settings_of(own_run(source)))
        elif source.startswith(TEACHER):
            config = taught_by(own_run(source))
        elif source.startswith(SEARCH):
            ref, _, rate = source.removeprefix(SEARCH).partition(" ")
            config = with_rate(ref, rate.strip())
            own.take_over(store().run(ref))
        elif source.startswith(IMAGES):
            config = on_images(source.removeprefix(IMAGES))
        else:
            config = PRESETS[source].config
    except boundary.REFUSED as error:
        boundary.toast(error)
        for name in ADDRESS:
            st.query_params.pop(name, None)
        source, config = FIRST_PRESET, PRESETS[FIRST_PRESET].config
    take(config.to_dict())
    remember(Key.DRAFT_SOURCE, source)


def settings_of(run: Run) -> dict[str, Any]:
    """Return the settings of a run, with what its failure asks for."""
    values = {**run.config.to_dict(), **run.status.suggestion}
    return values | ({"data": "auto"} if values["data"].startswith(UNSHIPPED) else {})


def own_run(source: str) -> Run:
    """Return the first run that a draft takes something from; RunError if it is not there."""
    words = source.removeprefix(WEIGHTS).removeprefix(TEACHER)
    return own.named(words.split(",")[0]).run


def taught_by(teacher: Run) -> TrainConfig:
    """Return the first preset on the images of a teacher, with the same images kept back."""
    values = settings_of(teacher)
    shared = {f.name: values[f.name] for f in fields(TrainConfig)
             if rule_of(f).group in KEPT_ALIKE}  # fmt: skip
    return TrainConfig.from_dict({**PRESETS[FIRST_PRESET].config.to_dict(), **shared})


def take(values: Mapping[str, Any]) -> None:
    """Fill the form with settings; its controls are reset. Raises ConfigError if one is wrong."""
    remember(Key.DRAFT, TrainConfig.from_dict(values).to_dict())
    remember(Key.DRAFT_NUMBER, remembered(Key.DRAFT_NUMBER, 0) + 1)


def on_images(source: str) -> TrainConfig:
    """Return the first preset on some images, for which a network is proposed once they are open.

    Raises DataError if these images cannot be used.
    """
    resolved = data.resolve(source, store().root, store().by)
    remember(Key.AWAITED, resolved)
    base = PRESETS[FIRST_PRESET].config.to_dict()
    return TrainConfig.from_dict({**base, "data": source})


def clone_of(source: str) -> tuple[str, dict[str, str]]:
    """Return the run that a draft is a clone of, and the settings that the address changes."""
    ref, _, text = source.removeprefix(CLONE).partition(" ")
    pairs = [word.partition("=") for word in text.split(";") if word]
    return ref, {name: value for name, _, value in pairs}


def with_rate(ref: str, rate: str) -> TrainConfig:
    """Return the settings that a rate was searched for, with that rate.

    Raises RunError if the address names no rate search, or no rate.
    """
    run = store().run(ref)
    if run.kind != RATE_SEARCH:
        raise RunError(f"#{run.number} {run.name} is not a rate search. Clone it instead.")
    if not rate:
        raise RunError(
            f"The address names rate search #{run.number} but no rate. Open the search and choose "
            "a rate there."
        )
    first, *_ = alike(store(), run)  # repetitions have other seeds
    return TrainConfig.from_text({"learning_rate": rate}, base=first.config.to_dict())


def menu() -> None:
    """Draw the menu of starting points, and take what was chosen."""
    if number := picked(RUN):
        choose_source(f"{CLONE}{number}")
        st.rerun()
    rows = [row for row in store().seen() if row.kind == TRAINING]
    chosen = st.menu_button(
        "Settings from", [*PRESETS, *([RUN] if rows else [])], icon=":material/flag:", key="source",
        type="tertiary", format_func=lambda key: "A run of yours \u2026" if key == RUN
        else PRESETS[key].title,
    )  # fmt: skip
    if chosen == RUN:
        choose_run(RUN, rows, title="Settings from a run", label="Use its settings")
    elif chosen:
        choose_preset(chosen)
        st.rerun()


def started_from() -> str:
    """Say where the values in the form come from, as Markdown."""
    source = remembered(Key.DRAFT_SOURCE)
    if source in PRESETS:
        return f"{PRESETS[source].title}: {PRESETS[source].summary}"
    if source.startswith(SEARCH):
        return "The settings of that rate search, with the rate filled in."
    if source.startswith(IMAGES):
        return "Begun with these images. Change anything you like."
    if source.startswith((WEIGHTS, TEACHER)):
        return theme.safe(f"{begun_with(source)}. Change anything you like.")
    if run := cloned_run(source):
        return clone_words(run, *clone_of(source))
    ref, _ = clone_of(source)
    return theme.safe(
        f"Copied from run {ref}, which is no longer in the store. Change anything you like."
    )


def begun_with(source: str) -> str:
    """Say which settings a draft began with that takes something from a run."""
    ref = source.removeprefix(WEIGHTS).removeprefix(TEACHER).split(",")[0].split(":")[0]
    return f"Copied from run {ref}" if source.startswith(WEIGHTS) else f"On the images of run {ref}"


def cloned_run(source: str) -> Run | None:
    """Return the run that a draft is a clone of, if it is still there."""
    if not source.startswith(CLONE):
        return None
    try:
        return store().run(clone_of(source)[0])
    except RunError:
        return None


def clone_words(run: Run, ref: str, changes: Mapping[str, str]) -> str:
    """Say where the settings come from, and which of them its failure or the address changed."""
    advised = run.status.suggestion
    changed = [f"{name} {value:g} so that the failure is not repeated"
               for name, value in advised.items() if name not in changes]  # fmt: skip
    changed += [f"{name} {value}" for name, value in changes.items()]
    words = f", with {', '.join(changed)}" if changed else ""
    if run.settings.get("data", "").startswith(UNSHIPPED):
        words += ", but for its images, which are not here"
    return theme.safe(f"Copied from run {ref}{words}. Change anything you like.")


def source_title(source: str) -> str:
    """Write a starting point in words."""
    if source in PRESETS:
        return PRESETS[source].title
    if source.startswith(SEARCH):
        return f"Rate of rate search #{source.removeprefix(SEARCH).split()[0]}"
    if source.startswith(IMAGES):
        return "Begun with the images"
    if source.startswith((WEIGHTS, TEACHER)):
        return begun_with(source)
    ref, changes = clone_of(source)
    changed = ", ".join(f"{key} {value}" for key, value in changes.items())
    return f"Clone of #{ref}" + (f" with {changed}" if changed else "")


def choose_preset(key: str) -> None:
    """Begin again from a preset, on the images that are in the form."""
    images = widgets.chosen(TrainConfig, remembered(Key.DRAFT), prefix())["data"]
    remember(Key.AWAITED, None)  # the preset's network is the chosen one
    choose_source(key)
    take({**remembered(Key.DRAFT), "data": images})


def choose_source(source: str) -> None:
    """Begin again from a starting point, and put it into the address."""
    begin(source)
    source = remembered(Key.DRAFT_SOURCE)
    st.query_params.from_dict(
        dict(zip(("clone", "set"), source.removeprefix(CLONE).split(" ", 1), strict=False))
        if source.startswith(CLONE) else {"preset": source}
    )  # fmt: skip
