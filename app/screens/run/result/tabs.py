"""The tabs of the Result tab: each shows one side of a network's predictions."""

from typing import Any

import numpy as np
import streamlit as st

from app import theme
from app.cache.results import job_seconds
from app.screens.run.result import charts
from app.screens.run.result.evaluation import Evaluation
from app.screens.run.result.mistakes import pages
from app.session import Key, remember
from app.shared.figure import show_figure
from app.shared.job_offer import offer
from cifar_core.data.away import not_here
from cifar_core.data.disturbances import DISTURBANCES
from cifar_core.evaluation.confusion import by_similarity, errors_only, row_shares
from cifar_core.evaluation.coverage import at_threshold, coverage
from cifar_core.evaluation.mistakes import ranked
from cifar_core.evaluation.scores import Scores
from cifar_core.evaluation.temperature import TemperatureFit
from cifar_core.runs.results import robustness as robust

CELLS = ("Counts", "Shares of the class", "Errors only")


def confused(evaluation: Evaluation) -> None:
    """Draw the confusion matrix; a click on a cell shows its images."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        cells = st.segmented_control("Cells", CELLS, default=CELLS[0], required=True, key="cells")
        similar = st.toggle("Group similar classes", key="similar",
                            help="Puts classes that are often confused side by side.")  # fmt: skip
    counts, classes = evaluation.counts, evaluation.predictions.classes
    order = by_similarity(counts) if similar else np.arange(len(classes))
    values = row_shares(counts) if cells == CELLS[1] else counts.astype(float)
    if cells == CELLS[2]:
        values = np.where(np.eye(len(classes), dtype=bool), np.nan, errors_only(counts))
    chosen: Any = show_figure(
        charts.confusion_figure(
            values[np.ix_(order, order)], [classes[k] for k in order], percent=cells == CELLS[1]
        ),
        key=f"confusion {cells} {similar}",
        on_select=first_page,
        selection_mode="points",
        alt="How often each class was predicted as each class",
    )
    points = chosen.selection.points
    if not points:
        st.caption("Click a cell to see its images.")
        return
    truth, predicted = int(order[int(points[0]["y"])]), int(order[int(points[0]["x"])])
    names = theme.safe(classes[truth]), theme.safe(classes[predicted])
    st.markdown("**{}** predicted as **{}**".format(*names))
    predictions = evaluation.predictions
    cell = (predictions.labels == truth) & (predictions.predicted == predicted)
    rows = ranked(predictions.logits, predictions.labels, "loss", among=cell)
    pages(evaluation, rows, key="confused")


def first_page() -> None:
    """Show the first pictures of the cell that was clicked."""
    remember(Key.GALLERY_PAGE, 0)


def by_class(evaluation: Evaluation) -> None:
    """Draw precision, recall and F1 of each class."""
    scores, classes = evaluation.scores.classes, evaluation.predictions.classes
    left, right = st.columns([1.2, 1], gap="large")
    with left:
        show_figure(
            charts.class_figure(scores, classes),
            key="classes chart",
            alt="Precision and recall of each class",
        )
    with right:
        st.table(
            {
                "Class": [theme.safe(name) for name in classes],
                "Precision": [theme.percent(score.precision) for score in scores],
                "Recall": [theme.percent(score.recall) for score in scores],
                "F1": [theme.percent(score.f1) for score in scores],
                "Images": [theme.count(score.count) for score in scores],
            },
            border="horizontal", hide_index=True, alt="Precision, recall and F1 of each class",
        )  # fmt: skip
    st.caption("Precision: what share of the predictions of a class are correct. Recall: what "
               "share of its images are found, which is the accuracy on that class.")  # fmt: skip


def calibrated(evaluation: Evaluation) -> None:
    """Draw accuracy against confidence, before and after temperature."""
    fitted = evaluation.calibration
    if fitted is None:
        st.caption("The temperature is fitted on the validation images, which have not been "
                   "classified yet. Choose the validation split above first.")  # fmt: skip
        return
    before, after = evaluation.scores, evaluation.calibrated
    left, right = st.columns([1.6, 1], gap="large")
    with left:
        show_figure(
            charts.reliability_figure(
                before.reliability, after.reliability if fitted.is_clear else None
            ),
            key="reliability chart",
            alt="Accuracy against confidence",
        )
    with right:
        st.table(
            {"": ["ECE", "NLL", "Brier score"], "Uncalibrated": column(before)}
            | ({f"T = {fitted.temperature:.2f}": column(after)} if fitted.is_clear else {}),
            border="horizontal", hide_index=True, alt="Calibration before and after temperature",
        )  # fmt: skip
        st.markdown(temperature_words(fitted))
        st.markdown(chance_words(before, len(evaluation.predictions.labels)))
        if evaluation.part == "val" and fitted.is_clear:
            st.caption("The temperature is fitted on these same images, so the right column is "
                       "slightly optimistic.")  # fmt: skip


def column(figures: Scores) -> list[str]:
    """Return three figures about the confidence."""
    error = theme.percent(figures.reliability.ece)
    return [error, f"{figures.loss:.3f}", f"{figures.brier:.3f}"]


def temperature_words(fitted: TemperatureFit) -> str:
    """Say what a temperature says about the network's confidence, or why there is none."""
    if not fitted.is_clear:
        return f"Uncalibrated. {fitted.why_not}"
    low, high = fitted.interval
    known = f"95 % interval of T: {low:.2f} to {high:.2f}"
    if low > 1:
        return f"Above 1: the network is overconfident ({known})."
    if high < 1:
        return f"Below 1: the network is underconfident ({known})."
    return f"Close to 1: the network's confidence is about right on average ({known})."


def chance_words(figures: Scores, images: int) -> str:
    """Say what calibration error chance alone would give."""
    low, high = figures.reliability.by_chance
    whole = (
        f"On {theme.plural(images, 'image')}, chance alone gives a perfectly calibrated network an "
        f"ECE of {theme.between((low, high))} (95 % of tries)"
    )
    error = figures.reliability.ece
    if error <= high:
        return f"{whole}; the uncalibrated {theme.percent(error)} is no more than that."
    return f"{whole}; the uncalibrated {theme.percent(error)} is more than that."


def covered(evaluation: Evaluation) -> None:
    """Draw the accuracy gained by leaving out predictions of low confidence."""
    confidence, right = evaluation.probabilities.max(axis=1), evaluation.predictions.right
    threshold = st.slider("Accept predictions with at least this confidence", 0, 99, 50,
                          format="%d %%", key="threshold", width=420) / 100  # fmt: skip
    accepted, correct = at_threshold(confidence, right, threshold)
    figure = charts.coverage_figure(coverage(confidence, right), threshold)
    st.markdown(
        f"**{theme.percent(accepted.share)}** of the predictions are accepted. Of these, "
        f"**{theme.percent(correct.share)}** are correct ({theme.between(correct.interval)}), "
        f"compared with {theme.percent(evaluation.scores.top1.share)} of all."
        if accepted.hits else "The network is not that confident about any image."
    )  # fmt: skip
    show_figure(
        figure, key="coverage chart", alt="Accuracy of the accepted predictions over their share"
    )


def robust_to(evaluation: Evaluation) -> None:
    """Draw the accuracy on disturbed pictures, or offer to measure it."""
    run, name, part = evaluation.run, evaluation.predictions.checkpoint, evaluation.part
    results = robust.kept(run, part, name)
    if not results and not evaluation.has_pictures:
        st.caption(theme.safe(not_here(run.source)))
        return
    if not results:
        count = min(robust.IMAGES, len(evaluation.predictions.labels)) * robust.KINDS
        seconds = job_seconds(str(run.path), name, count)
        about = f"{theme.count(count // robust.KINDS)} images in {robust.KINDS} versions"
        st.markdown("How does the accuracy change when the pictures are shifted, mirrored, "
                    "blurred, noisy, darker, brighter or compressed a little?")  # fmt: skip
        offer(robust.job(run, part, name), "Measure the robustness",
              f"{about}, about {theme.duration(seconds)}", key="robustness")  # fmt: skip
        return
    plain, *disturbed = results
    labels = [
        f"{DISTURBANCES[result.disturbance].title} "
        + DISTURBANCES[result.disturbance].words(result.strength, run.sizing.side)
        for result in disturbed
    ]
    figure = charts.robustness_figure(
        labels, [result.accuracy for result in disturbed],
        [result.interval for result in disturbed], plain.accuracy,
    )  # fmt: skip
    show_figure(figure, key="robustness chart", alt="Accuracy on disturbed pictures")
    st.caption(
        f"The same {theme.count(plain.count)} images each time; {theme.percent(plain.accuracy)} "
        "are classified correctly without any disturbance. Bars: 95 % intervals."
    )
