"""Where a draft starts: a preset, a run to clone, or the result of a rate search."""

from collections.abc import Mapping

import streamlit as st

from app import boundary, theme
from app.session import Key, remember, remembered, store
from cifar_core.config import TrainConfig
from cifar_core.config.presets import PRESETS
from cifar_core.data.find import UNSHIPPED
from cifar_core.runs.sweeps.rate_searches import alike

FIRST_PRESET = next(iter(PRESETS))
CLONE = "clone of "
SEARCH = "rate of "


def follow_address() -> None:
    """Begin with what the address names: a preset, a run to clone, or a rate search."""
    if ref := st.query_params.get("clone"):
        source = f"{CLONE}{ref} {st.query_params.get('set', '')}".strip()
    elif ref := st.query_params.get("search"):
        source = f"{SEARCH}{ref} {st.query_params.get('rate', '')}".strip()
    else:
        source = st.query_params.get("preset", "")
    if remembered(Key.DRAFT) is None:
        source = source or FIRST_PRESET
    if source and source != remembered(Key.DRAFT_SOURCE):
        begin(source)


def begin(source: str) -> None:
    """Start a draft from a preset or a run; from the first preset if there is no such thing."""
    try:
        if source.startswith(CLONE):
            ref, changes = clone_of(source)
            run = store().run(ref)
            base = {**run.config.to_dict(), **run.status.suggestion}  # what a failure asks for
            if base["data"].startswith(UNSHIPPED):
                base["data"] = "auto"
            config = TrainConfig.from_text(changes, base=base)
        elif source.startswith(SEARCH):
            config = with_rate(*source.removeprefix(SEARCH).split()[:2])
        else:
            config = PRESETS[source].config
    except boundary.REFUSED as error:
        boundary.toast(error)
        source, config = FIRST_PRESET, PRESETS[FIRST_PRESET].config
    remember(Key.DRAFT, config.to_dict())
    remember(Key.DRAFT_SOURCE, source)
    remember(Key.DRAFT_NUMBER, remembered(Key.DRAFT_NUMBER, 0) + 1)


def clone_of(source: str) -> tuple[str, dict[str, str]]:
    """Return the run that a draft is a clone of, and the settings that the address changes."""
    ref, _, text = source.removeprefix(CLONE).partition(" ")
    pairs = [word.partition("=") for word in text.split(";") if word]
    return ref, {name: value for name, _, value in pairs}


def with_rate(ref: str, rate: str) -> TrainConfig:
    """Return the settings that a rate was searched for, with that rate."""
    first, *_ = alike(store(), store().run(ref))  # repetitions have other seeds
    return TrainConfig.from_text({"learning_rate": rate}, base=first.config.to_dict())


def sources() -> None:
    """Draw the starting points."""
    source = remembered(Key.DRAFT_SOURCE)
    options = [*PRESETS, *([source] if source not in PRESETS else [])]
    key = f"source{remembered(Key.DRAFT_NUMBER)}"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            "Start from", options, index=options.index(source), format_func=source_title,
            key=key, on_change=boundary.callback(choose_source), args=(key,), width=360,
        )  # fmt: skip
        st.space("stretch")
        st.toggle(
            "Several values", key="several", persist_state="session",
            help="Compare optimizers, rates or any other settings, each with several seeds, or "
            "search for the best values.",
        )  # fmt: skip
        st.toggle("Advanced settings", key="advanced", persist_state="session")
    if source in PRESETS:
        st.caption(PRESETS[source].summary)
    elif source.startswith(SEARCH):
        st.caption("The settings of that rate search, with the rate filled in.")
    else:
        st.caption(clone_words(*clone_of(source)))


def clone_words(ref: str, changes: Mapping[str, str]) -> str:
    """Say where the settings come from, and which of them its failure or the address changed."""
    run = store().run(ref)
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
    ref, changes = clone_of(source)
    changed = ", ".join(f"{key} {value}" for key, value in changes.items())
    return f"Clone of #{ref}" + (f" with {changed}" if changed else "")


def choose_source(key: str) -> None:
    """Begin again from the chosen starting point, and put it into the address."""
    source = st.session_state[key]
    begin(source)
    st.query_params.from_dict(
        dict(zip(("clone", "set"), source.removeprefix(CLONE).split(" ", 1), strict=False))
        if source.startswith(CLONE) else
        {"search": source.removeprefix(SEARCH)} if source.startswith(SEARCH) else
        {"preset": source}
    )  # fmt: skip
