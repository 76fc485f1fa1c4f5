"""The first lines of the Result tab: how good is the network, and how far is it to be believed?"""

import streamlit as st

from app import theme
from app.navigation import link
from app.screens.run.result.evaluation import SPLITS, Evaluation
from app.shared.first_run.examples import only_drawings
from cifar_core.evaluation.calibration import Reliability, Tendency
from cifar_core.statistics.class_shares import are_uneven, uneven_words

ADVICE = {  # what a tendency means for a reader of a prediction
    Tendency.RIGHT: "about right",
    Tendency.OVER: "too high",
    Tendency.UNDER: "too low",
    Tendency.MIXED: "uneven",
}


def headline(evaluation: Evaluation) -> None:
    """Draw the sentence, the figures that matter, and the others a click away."""
    scores, reliability = evaluation.scores, evaluation.scores.reliability
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(how_good(evaluation), anchor=False, width="content")
        st.space("stretch")
        with st.popover("More figures", icon=":material/analytics:", type="tertiary"):
            more(evaluation)
        if not only_drawings(evaluation.run):
            link("predict", "Give it a picture of yours", ":material/add_photo_alternate:",
                 run=evaluation.run.number)  # fmt: skip
    counts = [score.count for score in scores.classes]
    with st.grid(3 if are_uneven(counts) else 2, min_column_width=220):
        card("Accuracy", theme.percent(scores.top1.share),
             f"95 % interval: {theme.between(scores.top1.interval)}")  # fmt: skip
        if are_uneven(counts):
            card("Balanced accuracy", theme.percent(scores.balanced_accuracy),
                 f"95 % interval: {theme.between(scores.balanced_interval)}")  # fmt: skip
        card("Confidence", ADVICE[reliability.tendency], error_words(reliability))
    if words := uneven_words(counts, SPLITS[evaluation.part], None, None, scores.top1.share):
        st.caption(f"{words} The balanced accuracy counts every class the same.")


def how_good(evaluation: Evaluation) -> str:
    """Say how many images are classified correctly."""
    top1 = evaluation.scores.top1
    return f"{theme.count(top1.hits)} of {evaluation.images} are classified correctly"


def error_words(reliability: Reliability) -> str:
    """Say how large the calibration error is, and whether chance alone explains it."""
    low, high = reliability.by_chance
    error = f"calibration error {theme.percent(reliability.ece)}"
    if reliability.ece <= high:
        return f"{error}, within chance ({theme.between((low, high))})"
    return f"{error}; chance: {theme.between((low, high))}"


def more(evaluation: Evaluation) -> None:
    """Draw the other figures, and where all of them come from."""
    scores = evaluation.scores
    worst = min(range(len(scores.classes)), key=lambda k: scores.classes[k].f1)
    name = theme.safe(evaluation.predictions.classes[worst])
    with st.grid(3, min_column_width=150):
        card(
            "Top-3 accuracy", theme.percent(scores.top3.share), theme.between(scores.top3.interval)
        )
        card("Loss", f"{scores.loss:.3f}", evaluation.images)
        card("Macro F1", theme.percent(scores.macro_f1),
             f"lowest: {name} {theme.percent(scores.classes[worst].f1)}")  # fmt: skip
    st.caption(evaluation.origin)


def card(label: str, value: str, note: str) -> None:
    """Draw one figure with a note."""
    st.metric(label, value, delta=note, delta_color="off", delta_arrow="off", border=True,
              height="stretch")  # fmt: skip
