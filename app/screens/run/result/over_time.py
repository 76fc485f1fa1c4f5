"""How a network learned: the predictions of its saved epochs, with a slider over the epochs."""

import numpy as np
import streamlit as st

from app import theme
from app.cache.results import job_seconds, predictions_of
from app.screens.run.result import charts
from app.screens.run.result.evaluation import Evaluation
from app.screens.run.result.followed_image import ByEpoch, followed_image
from app.shared.family.join_lines import add_joins
from app.shared.figure import show_figure
from app.shared.job_offer import offer
from cifar_core.config import TrainConfig
from cifar_core.evaluation.confusion import confusion, errors_only
from cifar_core.runs.family.joins import joins
from cifar_core.runs.results import look_back
from cifar_core.runs.results.predictions import Predictions
from cifar_core.settings import label_of

KEPT = TrainConfig.__dataclass_fields__["keep_checkpoints"]


def over_time(evaluation: Evaluation) -> None:
    """Draw how the classes fared over the epochs, or offer to compute the missing predictions."""
    by_epoch = epochs_with_predictions(evaluation)
    if len(by_epoch) < 2:
        st.caption("Predictions of at least two epochs are needed. How many epochs are saved is "
                   f"set by *{label_of(KEPT)}*.")  # fmt: skip
        return
    epoch = st.select_slider("Epoch", list(by_epoch), value=max(by_epoch), key="epoch",
                             format_func="{:g}".format, width=520)  # fmt: skip
    lines = {
        name: [recall(then, k) for then in by_epoch.values()]
        for k, name in enumerate(evaluation.predictions.classes)
    }
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Accuracy of each class**")
        figure = charts.lines_figure(list(by_epoch), lines, epoch, "Accuracy")
        show_figure(
            add_joins(figure, joins(evaluation.run), max(by_epoch)),
            key="classes over time",
            alt="Accuracy of each class over the epochs",
        )
    with right:
        now = by_epoch[epoch]
        accuracy = theme.percent(float(now.right.mean()))
        st.markdown(f"**Mistakes after epoch {epoch:g}**, accuracy {accuracy}")
        counts = errors_only(confusion(now.predicted, now.labels, len(now.classes)))
        values = np.where(np.eye(len(counts), dtype=bool), np.nan, counts)
        show_figure(
            charts.confusion_figure(values, now.classes),
            key="confusion over time",
            alt="Mistakes after this epoch",
        )
    followed_image(evaluation, by_epoch, epoch)


def epochs_with_predictions(evaluation: Evaluation) -> ByEpoch:
    """Return the kept predictions by epoch, and offer to compute those that are missing."""
    run, part = evaluation.run, evaluation.part
    checkpoints = look_back.epochs(run)
    kept = {info.epoch: predictions_of(run, info.name, part) for info in checkpoints}
    by_epoch = {epoch: then for epoch, then in kept.items() if then is not None}
    if missing := len(checkpoints) - len(by_epoch):
        images, checkpoint = len(evaluation.predictions.labels), evaluation.predictions.checkpoint
        seconds = job_seconds(str(run.path), checkpoint, missing * images)
        about = f"{theme.plural(missing, 'checkpoint')}, about {theme.duration(seconds)}"
        offer(look_back.job(run, part), "Classify with all saved epochs", about, key="times")
    return by_epoch


def recall(predictions: Predictions, k: int) -> float:
    """Return the share of a class's images that are classified correctly; NaN without any."""
    own = predictions.labels == k
    return float(predictions.right[own].mean()) if own.any() else float("nan")
