"""The facts about the chosen network: size, cost, which stages are trained, and its weights."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import streamlit as st

from app import boundary, theme
from app.cache.new_run import stages
from app.session import store
from cifar_core import numbers, weights
from cifar_core.config import TrainConfig
from cifar_core.config.transfer_plans import TRANSFER_PLANS
from cifar_core.models import MODELS, ModelSpec
from cifar_core.models.measure import card
from cifar_core.runs.store.run_row import own
from cifar_core.settings.declaration import in_range, rule_of


def model_card(values: Mapping[str, Any]) -> None:
    """Draw the facts about an architecture under the control that chooses it."""
    spec = MODELS[values["model"]]
    facts = card(spec, resolution=resolution_of(spec, values["resolution"]))
    st.markdown(
        f"**{theme.magnitude(facts.parameters)}** parameters, "
        f"**{theme.magnitude(facts.multiply_adds)}** multiply-adds per image at "
        f"{facts.input_size} x {facts.input_size} pixels"
    )
    words = [f"{spec.family} network" if not spec.weights else spec.family]
    words += [seconds_per_epoch(spec.key), f"[Paper]({spec.paper})" if spec.paper else ""]
    st.caption(". ".join(filter(None, words)))
    if spec.weights:
        if values["plan"] in TRANSFER_PLANS:
            freeze_diagram(spec, values)
        weights_state(spec)


def resolution_of(spec: ModelSpec, resolution: int) -> int:
    """Return the chosen resolution if the network uses it and it is possible, else 0."""
    (setting,) = (f for f in fields(TrainConfig) if f.name == "resolution")
    possible = "resolution" in spec.uses and in_range(rule_of(setting), resolution)
    return resolution if possible and resolution % spec.patch == 0 else 0


def seconds_per_epoch(key: str) -> str:
    """Say how long an epoch took in the newest run of this network here, if there is one."""
    for row in own(store().runs()):
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


def weights_state(spec: ModelSpec) -> None:
    """Say whether the ImageNet weights are here, and offer to download them if not."""
    root = store().root
    entry = weights.WEIGHTS[spec.weights]
    file = weights.find(spec.weights, root)
    if file:
        st.caption(
            f":material/verified: Weights verified: {theme.safe(file.path.name)}, sha256 "
            f"{file.sha256[:8]}. {theme.safe(entry.summary)}"
        )
        return
    st.markdown(
        f":orange[:material/warning:] {theme.safe(str(weights.missing(spec.weights, root)))}"
    )
    if st.button(f"Download the weights, {entry.megabytes:,.0f} MB", icon=":material/download:",
                   key="fetch_weights"):  # fmt: skip
        download(spec.weights)


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
