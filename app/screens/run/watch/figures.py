"""The few numbers that most people look for, in one line above the curves."""

import math

import streamlit as st

from app import theme
from cifar_core.data.test_views import TEST_VIEWS
from cifar_core.evaluation.measures import ACCURACY, MEASURES, Measure, measure_of
from cifar_core.reading.curves import Curves
from cifar_core.runs import Run, RunStatus
from cifar_core.runs.record.figures.summary_record import Summary
from cifar_core.runs.record.summary import best_value
from cifar_core.statistics.class_shares import are_uneven, majority_share
from cifar_core.statistics.intervals import wilson


def figures(run: Run, status: RunStatus, summary: Summary, curves: Curves) -> None:
    """Draw the numbers that are known so far; the others get no place."""
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        best_epoch(run, summary, curves)
        if len(curves.val_loss):
            figure("Validation loss", f"{curves.val_loss[-1]:.3f}", "last epoch")
        elif len(curves.train_loss):
            figure("Training loss", f"{curves.train_loss[-1]:.3f}", "latest steps")
        test = summary.test_accuracy
        if test is not None:
            interval = theme.between(wilson(test, run.environment.data.test_images))
            figure("Test accuracy", theme.percent(test), interval + views_words(summary))
            if are_uneven(run.environment.data.test_counts):
                tested("Test balanced", summary.test_balanced_accuracy, run)
        elif status.is_under_way:
            st.caption("Test accuracy: when the run finishes", width="content")
    beside_accuracy(run, summary, curves)


def best_epoch(run: Run, summary: Summary, curves: Curves) -> None:
    """Draw what decided the best epoch, and with uneven classes what accuracy says beside it."""
    measure, balanced = measure_of(run.settings), MEASURES["balanced_accuracy"]
    if summary.best_val_accuracy is None:
        return
    value = at_best(summary, curves, measure)
    figure(f"Best validation {measure.words}", measure.written(value),
           f"epoch {summary.best_epoch}")  # fmt: skip
    if measure.key != ACCURACY:
        figure("Validation accuracy", theme.percent(summary.best_val_accuracy), "same epoch")
    beside = at_best(summary, curves, balanced)
    uneven = are_uneven(run.environment.data.train_counts)
    if uneven and measure is not balanced and beside is not None:
        figure("Balanced accuracy", theme.percent(beside), "same epoch")


def at_best(summary: Summary, curves: Curves, measure: Measure) -> float | None:
    """Return a figure of the best epoch's validation; None if it was not measured.

    Summaries of earlier versions lack most of them, but the rows may have them.
    """
    kept = best_value(summary, measure)
    if kept is not None or curves.best is None:
        return kept
    value = float(getattr(curves, measure.row_name)[curves.best])
    return value if math.isfinite(value) else None


def tested(label: str, value: float | None, run: Run) -> None:
    """Draw a figure of the test that earlier versions did not measure, and how sure it can be."""
    if value is not None:
        fewest = min(count for count in run.environment.data.test_counts if count)
        figure(label, theme.percent(value), f"{theme.plural(fewest, 'image')} in smallest class")


def figure(label: str, value: str, note: str) -> None:
    """Draw one number with a short note."""
    st.metric(label, value, delta=note, delta_color="off", delta_arrow="off", width="content")


def views_words(summary: Summary) -> str:
    """Say which test views were averaged, and the accuracy without them."""
    words = TEST_VIEWS[summary.test_views].words
    plain = theme.percent(summary.test_plain_accuracy)
    return f", {words}; {plain} without" if words else ""


def beside_accuracy(run: Run, summary: Summary, curves: Curves) -> None:
    """Say why the accuracies mislead if the classes are uneven; nothing otherwise."""
    data = run.environment.data
    if not are_uneven(data.train_counts) or summary.best_val_accuracy is None:
        return
    shares = [f"{theme.percent(majority_share(data.val_counts))} of the validation images"]
    macro_f1 = at_best(summary, curves, MEASURES["macro_f1"])
    f1 = [f"{theme.percent(macro_f1)} in validation"] if macro_f1 is not None else []
    if summary.test_accuracy is not None:
        shares.append(f"{theme.percent(majority_share(data.test_counts))} of the test images")
        if summary.test_macro_f1 is not None:
            f1.append(f"{theme.percent(summary.test_macro_f1)} on test")
    beside = f" Macro F1: {', '.join(f1)}." if f1 else ""
    st.caption(
        "The classes are uneven: always naming the largest one would be right for "
        f"{' and '.join(shares)}.{beside}"
    )
