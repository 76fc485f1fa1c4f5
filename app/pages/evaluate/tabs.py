"""The tabs of the Evaluate page: each draws one way to look at a network's answers."""

from typing import Any

import numpy as np
import streamlit as st

from app import theme
from app.cache.results import pass_seconds
from app.pages.evaluate import charts
from app.pages.evaluate.evaluated import Evaluated
from app.pages.evaluate.mistakes import pages
from app.session import Key, remember
from app.shared.job_offer import offer
from cifar_core.data.disturbances import DISTURBANCES
from cifar_core.evaluation.confusion import by_similarity, errors_only, row_shares
from cifar_core.evaluation.coverage import at_threshold, coverage
from cifar_core.evaluation.mistakes import ranked
from cifar_core.runs.results import robustness as robust

STILL: dict[str, Any] = {"displayModeBar": False}
VIEWS = ("Counts", "Share of each class", "Errors only")


def confused(judged: Evaluated) -> None:
    """Draw the confusion matrix; a click on a cell opens its images."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        view = st.segmented_control("Cells", VIEWS, default=VIEWS[0], required=True, key="cells")
        similar = st.toggle("Similar classes together", key="similar",
                            help="Classes that are confused come next to each other.")  # fmt: skip
    counts, classes = judged.counts, judged.given.classes
    order = by_similarity(counts) if similar else np.arange(len(classes))
    values = row_shares(counts) if view == VIEWS[1] else counts.astype(float)
    if view == VIEWS[2]:
        values = np.where(np.eye(len(classes), dtype=bool), np.nan, errors_only(counts))
    chosen: Any = st.plotly_chart(
        charts.confusion_figure(
            values[np.ix_(order, order)], [classes[k] for k in order], percent=view == VIEWS[1]
        ),
        key=f"confusion {view} {similar}", on_select=first_page, selection_mode="points",
        config=STILL, alt="How often each class got each answer",
    )  # fmt: skip
    points = chosen.selection.points
    if not points:
        st.caption("A click on a cell opens its images.")
        return
    truth, answer = int(order[int(points[0]["y"])]), int(order[int(points[0]["x"])])
    st.markdown(f"**{theme.safe(classes[truth])}** taken for **{theme.safe(classes[answer])}**")
    given = judged.given
    cell = (given.labels == truth) & (given.answers == answer)
    pages(judged, ranked(given.logits, given.labels, "loss", among=cell), key="confused")


def first_page() -> None:
    """Begin with the first pictures of what was chosen."""
    remember(Key.PAGE, 0)


def by_class(judged: Evaluated) -> None:
    """Draw precision, recall and F1 of each class."""
    scores, classes = judged.scores.classes, judged.given.classes
    left, right = st.columns([1.2, 1], gap="large")
    with left:
        st.plotly_chart(charts.class_figure(scores, classes), config=STILL, key="classes chart",
                        alt="Precision and recall of each class")  # fmt: skip
    with right:
        st.table(
            {
                "Class": [theme.safe(name) for name in classes],
                "Precision": [theme.percent(each.precision) for each in scores],
                "Recall": [theme.percent(each.recall) for each in scores],
                "F1": [theme.percent(each.f1) for each in scores],
                "Images": [theme.count(each.count) for each in scores],
            },
            border="horizontal", hide_index=True, alt="Figures of each class",
        )  # fmt: skip
    st.caption("Precision: how many of the answers with this class are right. Recall: how many of "
               "the class's images are found; it is the accuracy on that class.")  # fmt: skip


def calibrated(judged: Evaluated) -> None:
    """Draw how often the network is right where it is so sure, before and after temperature."""
    if judged.temperature is None:
        st.caption("The temperature is fitted on the validation images, which have not been "
                   "answered yet: choose Validation above first.")  # fmt: skip
        return
    before, after = judged.scores, judged.scaled
    left, right = st.columns([1.6, 1], gap="large")
    with left:
        st.plotly_chart(
            charts.reliability_figure(before.reliability, after.reliability), config=STILL,
            key="reliability chart", alt="Accuracy against the probability of the answer",
        )  # fmt: skip
    with right:
        st.table(
            {
                "": ["ECE", "NLL", "Brier score"],
                "As it is": [theme.percent(before.reliability.ece),
                             f"{before.loss:.3f}", f"{before.brier:.3f}"],
                f"T = {judged.temperature:.2f}": [theme.percent(after.reliability.ece),
                                                  f"{after.loss:.3f}", f"{after.brier:.3f}"],
            },
            border="horizontal", hide_index=True, alt="Calibration before and after temperature",
        )  # fmt: skip
        st.markdown(temperature_words(judged.temperature))
        if judged.part == "val":
            st.caption("The temperature is fitted on these very images, so the right column is a "
                       "little flattered.")  # fmt: skip


def temperature_words(temperature: float) -> str:
    """Say what a temperature means."""
    if temperature > 1.05:
        return "Above 1: the network is surer of itself than it should be."
    if temperature < 0.95:
        return "Below 1: the network is less sure of itself than it could be."
    return "Close to 1: the network is about as sure of itself as it is right."


def covered(judged: Evaluated) -> None:
    """Draw how much accuracy is gained by leaving out what the network is not sure of."""
    sureness, right = judged.chances.max(axis=1), judged.given.right
    threshold = st.slider("Answer only if at least so sure", 0, 99, 50, format="%d %%",
                          key="threshold", width=420) / 100  # fmt: skip
    kept, correct = at_threshold(sureness, right, threshold)
    figure = charts.coverage_figure(coverage(sureness, right), threshold)
    st.markdown(
        f"**{theme.percent(kept.share)}** of the images get an answer, of which "
        f"**{theme.percent(correct.share)}** are right ({theme.between(correct.interval)}), "
        f"against {theme.percent(judged.scores.top1.share)} of all."
        if kept.hits else "The network is not so sure of any image."
    )  # fmt: skip
    st.plotly_chart(figure, config=STILL, key="coverage chart",
                    alt="Accuracy of the answers over the share of images answered")  # fmt: skip


def robust_to(judged: Evaluated) -> None:
    """Draw the accuracy on disturbed pictures, or offer to measure it."""
    run, name, part = judged.run, judged.given.checkpoint, judged.part
    stands = robust.kept(run, part, name)
    if not stands:
        count = min(robust.IMAGES, len(judged.given.labels)) * robust.KINDS
        seconds = count * pass_seconds(str(run.path), name)
        about = f"{robust.KINDS} kinds of {theme.count(count // robust.KINDS)} images"
        st.markdown("How many answers stay right when the pictures are shifted, mirrored, blurred, "
                    "noisy, darker, brighter or compressed a little?")  # fmt: skip
        offer(robust.errand(run, part, name), "Disturb the pictures",
              f"{about}, about {theme.duration(seconds)}", key="robustness")  # fmt: skip
        return
    plain, *others = stands
    labels = [
        f"{DISTURBANCES[each.disturbance].title} "
        + DISTURBANCES[each.disturbance].unit.format(each.strength)
        for each in others
    ]
    figure = charts.robustness_figure(
        labels, [each.accuracy for each in others], [each.interval for each in others],
        plain.accuracy,
    )  # fmt: skip
    st.plotly_chart(figure, config=STILL, key="robustness chart",
                    alt="Accuracy on disturbed pictures")  # fmt: skip
    st.caption(
        f"The same {theme.count(plain.count)} images each time, of which "
        f"{theme.percent(plain.accuracy)} are right as they are. Bars: 95 % intervals."
    )
