"""The card of the network: what it is, what it costs, its weights, and how to choose another."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import streamlit as st

from app import boundary, theme
from app.cache.new_run import stages
from app.screens.train.cards.timm_networks import timm_networks
from app.screens.train.draft import Draft
from app.screens.train.form import Form
from app.screens.train.proposed import current, reasons, taken
from app.session import store
from app.shared.picker import choose_network
from app.shared.widgets import say_problem
from cifar_core import numbers, weights
from cifar_core.config import TrainConfig
from cifar_core.data.sizing import LARGEST, SMALLEST, USUAL
from cifar_core.models import MODELS, ModelSpec
from cifar_core.models.measure import ModelCard, card
from cifar_core.runs.store.run_row import own
from cifar_core.settings.declaration import in_range, rule_of

KEY = "network"  # of the choice


def network_card(form: Form) -> None:
    """Draw the card."""
    draft, model = form.draft, form.values["model"]
    proposal = current(draft, model)
    with st.container(border=True, key="card-network", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center"):
            with st.container(gap="xsmall", width="stretch"):
                st.subheader("2 Network", anchor=False)
                if form.many and "model" in form.many.hidden:
                    st.markdown("**Several networks**")
                    st.caption("They are chosen in the row *Repeats and sweeps*.")
                    return
                side = draft.side if draft.size else side_of(form.values["image_size"])
                about(model, form.values, side, proposed=proposal is not None)
            with st.container(gap="xsmall", width="content"):
                if st.button("Change", key="change_network"):
                    images = len(draft.images.train) if draft.images else 0
                    choose_network(
                        KEY, source=draft.source, images=images, chosen=model,
                        proposed=network_proposed(draft),
                    )  # fmt: skip
        if proposal is not None:
            with st.popover("Why this one?", type="tertiary"):
                st.markdown(reasons(proposal))
        timm_networks(form)
        if model in MODELS:
            if form.own is None:
                missing_weights(MODELS[model])
        elif why := draft.problems.get("model"):
            say_problem(why)


def about(model: str, values: Mapping[str, Any], side: int, *, proposed: bool) -> None:
    """Say what a network is, what it costs, and whether it was chosen for these images.

    `side` is how many pixels a side they will have.
    """
    if model not in MODELS:
        st.markdown(f"**{theme.safe(str(model))}**")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{MODELS[model].title}**", width="content")
        if proposed:
            st.badge("proposed for these images", color="blue")
    st.caption(MODELS[model].summary)
    st.caption(network_facts(values, side), help=at_this_size(values, side))


def network_proposed(draft: Draft) -> str:
    """Return the network that was proposed for the images of a draft; empty if none was."""
    found = taken(draft)
    return found.proposal.network if found and found.proposal else ""


def choose(prefix: str, model: str) -> None:
    """Put a chosen network into the form."""
    st.session_state[f"{prefix}.model"] = model


def network_facts(values: Mapping[str, Any], side: int) -> str:
    """Return the size of a network, its cost for images of a side, and how long an epoch took."""
    spec, facts = MODELS[values["model"]], card_at(values, side)
    words = [
        f"{theme.magnitude(facts.parameters)} weights, {theme.magnitude(facts.multiply_adds)} "
        f"multiply-adds per image at {facts.input_size} x {facts.input_size} pixels",
        spec.family if spec.weights else f"{spec.family} network",
        seconds_per_epoch(spec.key),
        f"[Paper]({spec.paper})" if spec.paper else "",
    ]
    return ". ".join(filter(None, words))


def at_this_size(values: Mapping[str, Any], side: int) -> str:
    """Say what memory a step takes for images of a side, and how the network begins there."""
    kept = theme.magnitude(card_at(values, side).kept_bytes)
    words = (
        f"Training all of it keeps {kept}B of memory for each image of a step, about half of that "
        "in bfloat16."
    )
    stem = MODELS[values["model"]].stem_words(side)
    return f"{words} Stem for images of {side} x {side} pixels: {stem}." if stem else words


def card_at(values: Mapping[str, Any], side: int) -> ModelCard:
    """Return the figures of the chosen network for images of a side."""
    spec = MODELS[values["model"]]
    return card(spec, side=side, resolution=resolution_of(spec, values["resolution"], side))


def side_of(image_size: int) -> int:
    """Return the chosen side of the images if it is possible and not automatic, else 32."""
    return image_size if SMALLEST <= image_size <= LARGEST else USUAL.side


def resolution_of(spec: ModelSpec, resolution: int, side: int) -> int:
    """Return the chosen resolution if the network uses it and it is possible, else 0."""
    (setting,) = (f for f in fields(TrainConfig) if f.name == "resolution")
    possible = "resolution" in spec.uses and in_range(rule_of(setting), resolution)
    return resolution if possible and (resolution <= side or resolution % spec.patch == 0) else 0


def seconds_per_epoch(key: str) -> str:
    """Say how long an epoch took in the newest run of this network here, if there is one."""
    for row in own(store().seen()):
        if row.model == key and row.epochs_done and row.seconds:
            seconds = theme.duration(max(0.0, row.seconds - row.features_seconds) / row.epochs_done)
            share = row.settings.get("train_fraction", 1.0)
            of = "" if share == 1 else f"{100 * share:.3g}{numbers.NARROW}% of "
            return f"{seconds} per epoch in run #{row.number} on {of}{theme.safe(row.data_title)}"
    return ""


def freeze_diagram(spec: ModelSpec, values: Mapping[str, Any]) -> None:
    """Draw the stages from input to head: those that are trained, and those that are frozen."""
    rows = stages(spec.key, values["plan"], int(values["head_epochs"]))
    with st.container(horizontal=True, gap="small"):
        for row in rows:
            late = f", from epoch {row.from_epoch}" if row.from_epoch > 1 else ""
            st.badge(
                f"{row.title}{late}",
                icon=":material/school:" if row.trained else ":material/lock:",
                color="blue" if row.trained else "gray",
            )
    trained, whole = sum(row.trained for row in rows), sum(row.parameters for row in rows)
    frozen = " Frozen layers stay exactly as they were, including their batch-norm statistics."
    st.caption(
        f"{theme.magnitude(trained)} of {theme.magnitude(whole)} parameters are trained."
        f"{frozen if trained < whole else ''}"
    )


def weights_facts(spec: ModelSpec) -> None:
    """Say which file the pretrained weights come from, if they are here."""
    if file := weights.find(spec.weights, store().root):
        st.caption(
            f":material/verified: Weights verified: {theme.safe(file.path.name)}, sha256 "
            f"{file.sha256[:8]}. {theme.safe(weights.WEIGHTS[spec.weights].summary)}"
        )


def missing_weights(spec: ModelSpec) -> None:
    """Offer the pretrained weights if they are not here, and say how else they can be brought."""
    root = store().root
    if not spec.weights or weights.find(spec.weights, root):
        return
    megabytes = f"{weights.WEIGHTS[spec.weights].megabytes:,.0f}{numbers.NARROW}MB"
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(
            f"Download the weights, {megabytes}", icon=":material/download:", key="fetch_weights"
        ):
            download(spec.weights)
        with st.popover("Without a network connection", type="tertiary"):
            st.markdown(theme.safe(str(weights.missing(spec.weights, root))))


def download(key: str) -> None:
    """Download weights while the page waits, with a progress bar; say what went wrong."""
    bar = st.progress(0.0, text="Connecting")

    def progress(done: int, total: int) -> None:
        bar.progress(min(1.0, done / max(total, 1)), text=f"{done / 1e6:,.0f} MB")

    try:
        with store().action("download weights", "downloaded", weights.WEIGHTS[key].file):
            weights.fetch(key, store().root, progress=progress)
    except boundary.REFUSED as error:
        bar.empty()
        boundary.show(error)
    else:
        st.rerun()
