"""The few numbers that most people look for, in one line above the curves."""

import math

import streamlit as st

from app import theme
from cifar_core.data.test_views import TEST_VIEWS
from cifar_core.reading.curves import Curves
from cifar_core.runs import Run, RunStatus
from cifar_core.runs.record.records import Summary
from cifar_core.statistics.class_shares import are_uneven, uneven_words
from cifar_core.statistics.intervals import wilson


def figures(run: Run, status: RunStatus, summary: Summary, curves: Curves) -> None:
    """Draw the numbers that are known so far; the others get no place."""
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        if (best := summary.best_val_accuracy) is not None:
            figure("Best validation accuracy", theme.percent(best), f"epoch {summary.best_epoch}")
        if len(curves.val_loss):
            figure("Validation loss", f"{curves.val_loss[-1]:.3f}", "last epoch")
        elif len(curves.train_loss):
            figure("Training loss", f"{curves.train_loss[-1]:.3f}", "latest steps")
        test = summary.test_accuracy
        if test is not None:
            interval = theme.between(wilson(test, run.environment.data.test_images))
            figure("Test accuracy", theme.percent(test), interval + views_words(summary))
        elif status.is_under_way:
            st.caption("Test accuracy: when the run finishes", width="content")
    beside_accuracy(run, summary, curves)


def figure(label: str, value: str, note: str) -> None:
    """Draw one number with a short note."""
    st.metric(label, value, delta=note, delta_color="off", delta_arrow="off", width="content")


def views_words(summary: Summary) -> str:
    """Say which test views were averaged, and the accuracy without them."""
    words = TEST_VIEWS[summary.test_views].words
    plain = theme.percent(summary.test_plain_accuracy)
    return f", {words}; {plain} without" if words else ""


def beside_accuracy(run: Run, summary: Summary, curves: Curves) -> None:
    """Say what to read beside the accuracies if the classes are uneven; nothing otherwise."""
    data, best = run.environment.data, curves.best
    if not are_uneven(data.train_counts) or best is None:
        return
    balanced, f1 = curves.val_balanced_accuracy[best], curves.val_macro_f1[best]
    known = math.isfinite(balanced) and math.isfinite(f1)
    words = [
        uneven_words(data.val_counts, "validation", *((balanced, f1) if known else (None,) * 2))
    ]
    if summary.test_accuracy is not None:
        words.append(
            uneven_words(data.test_counts, "test", summary.test_balanced_accuracy,
                         summary.test_macro_f1)
        )  # fmt: skip
    st.caption(" ".join(filter(None, words)))
