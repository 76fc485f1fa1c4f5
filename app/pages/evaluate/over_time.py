"""How a network learned: what its kept checkpoints answer, with a slider over their epochs."""

from typing import Any

import numpy as np
import streamlit as st

from app import theme
from app.cache.results import answers_of, pass_seconds
from app.pages.evaluate import charts
from app.pages.evaluate.evaluated import Evaluated
from app.pages.evaluate.followed_image import pinned
from app.shared.job_offer import offer
from cifar_core.evaluation.confusion import confusion, errors_only
from cifar_core.runs.results import look_back
from cifar_core.runs.results.predictions import Predictions

STILL: dict[str, Any] = {"displayModeBar": False}


def over_time(judged: Evaluated) -> None:
    """Draw the slider and what the network answered then, or offer to compute the answers."""
    run, part = judged.run, judged.part
    kept = look_back.epochs(run)
    given = {info.epoch: answers_of(run, info.name, part) for info in kept}
    known = {epoch: each for epoch, each in given.items() if each is not None}
    if len(known) < len(kept):
        left = len(kept) - len(known)
        seconds = (
            left * len(judged.given.labels) * pass_seconds(str(run.path), judged.given.checkpoint)
        )
        about = f"{theme.plural(left, 'checkpoint')}, about {theme.duration(seconds)}"
        offer(look_back.job(run, part), "Answer with all kept checkpoints", about, key="times")
    if len(known) < 2:
        st.caption("Two epochs' weights are needed to look back. How many are kept is said by the "
                   "setting *Checkpoints to look back at*.")  # fmt: skip
        return
    epoch = st.select_slider("Epoch", list(known), value=max(known), key="epoch",
                             format_func="{:g}".format, width=520)  # fmt: skip
    lines = {
        name: [recall(each, k) for each in known.values()]
        for k, name in enumerate(judged.given.classes)
    }
    left_side, right_side = st.columns(2, gap="large")
    with left_side:
        st.markdown("**Accuracy of each class**")
        st.plotly_chart(
            charts.lines_figure(list(known), lines, epoch, "Accuracy"), config=STILL,
            key="classes over time", alt="Accuracy of each class over epochs",
        )  # fmt: skip
    with right_side:
        now = known[epoch]
        st.markdown(
            f"**Mistakes after epoch {epoch:g}**, {theme.percent(float(now.right.mean()))} right"
        )
        counts = errors_only(confusion(now.answers, now.labels, len(now.classes)))
        values = np.where(np.eye(len(counts), dtype=bool), np.nan, counts)
        st.plotly_chart(charts.confusion_figure(values, now.classes), config=STILL,
                        key="confusion over time", alt="Mistakes after this epoch")  # fmt: skip
    pinned(judged, known, epoch)


def recall(given: Predictions, k: int) -> float:
    """Return the share of a class's images that are answered right; NaN without any."""
    own = given.labels == k
    return float(given.right[own].mean()) if own.any() else float("nan")
