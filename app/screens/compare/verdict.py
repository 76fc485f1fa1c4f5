"""Which run is better, in words first: on the same images, and over seeds."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from app import boundary, theme
from app.screens.compare.runs_and_predictions import ask_for, kept_predictions, offer_predictions
from app.session import Key, remember, remembered
from cifar_core.runs import Run
from cifar_core.runs.results import comparison
from cifar_core.runs.results.comparison import IMAGES, PairComparison
from cifar_core.runs.results.predictions import Part, Predictions
from cifar_core.runs.results.side_by_side import RunFacts
from cifar_core.runs.results.test_looks import count_look, looks

SPLITS: dict[str, Part] = {"Validation": "val", "Test": "test"}


@dataclass(frozen=True, kw_only=True)
class RunComparison:
    """Several runs' predictions for the same images, and what they show."""

    part: Part
    predictions: list[Predictions]
    pairs: list[PairComparison]  # the baseline with each other run


def verdict(runs: Sequence[RunFacts], base: RunFacts) -> RunComparison | None:
    """Draw the verdict, or what is needed to reach one."""
    records = [facts.run for facts in runs]
    with st.container(border=True):
        top = st.container(gap="small")
        part = choose_split()
        try:
            result = compare(records, base.run, part)
        except boundary.REFUSED as error:
            boundary.show(error)
            return None
        pairs = result.pairs if result else []
        with top:
            st.subheader(theme.safe(headline(runs, base, pairs)), anchor=False)
            if len(pairs) == 1:
                st.markdown(theme.safe(comparison.evidence(pairs[0], part)))
            for sentence in comparison.beyond(records, pairs):
                st.markdown(theme.safe(sentence))
            if result and (words := comparison.balanced_words(result.predictions, part)):
                st.markdown(theme.safe(words))
        if len(pairs) > 1:
            pair_table(pairs, part)
    return result


def choose_split() -> Part:
    """Draw the choice of the images on which the runs are compared."""
    name = st.segmented_control(
        "Split", list(SPLITS), default="Validation", required=True, key="images",
        bind="query-params",
        help="Use validation images for choosing between runs, and test images for reporting.",
    )  # fmt: skip
    return SPLITS[name or "Validation"]


def compare(runs: Sequence[Run], base: Run, part: Part) -> RunComparison | None:
    """Return the comparison on the same images, or draw why there is none yet."""
    for obstacle in comparison.obstacles(runs, part):
        st.markdown(f":material/info: {theme.safe(obstacle)}")
    if part == "test" and not revealed(runs):
        return None
    predictions = kept_predictions(runs, part)
    if len(predictions) < len(runs):
        offer_predictions(runs, part, IMAGES[part])
        return None
    pairs = comparison.compare_with(base, predictions)
    return RunComparison(part=part, predictions=predictions, pairs=pairs) if pairs else None


def revealed(runs: Sequence[Run]) -> bool:
    """Whether the test results may be shown; if not, draw the button that counts as a look."""
    ids = tuple(run.id for run in runs)
    if remembered(Key.COMPARE_REVEALED) == ids:
        return True
    most = max(len(looks(run)) for run in runs)
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Show the test results", icon=":material/visibility:", key="look"):
            for run in runs:
                count_look(run, "the page Compare", run.checkpoint("best").name)
            remember(Key.COMPARE_REVEALED, ids)
            ask_for(runs, "test")
            st.rerun()
        st.caption(
            f"This counts as one look for each run ({f'at most {most}' if most else 'none'} so "
            "far). Choosing between runs by their test images makes the chosen one look better "
            "than it is.",
            width="content",
        )
    return False


def headline(runs: Sequence[RunFacts], base: RunFacts, pairs: Sequence[PairComparison]) -> str:
    """Return the sentence at the top."""
    if pairs:
        return comparison.headline(base.run, pairs)
    second, best = sorted(facts.best or 0.0 for facts in runs)[-2:]
    if second == best:
        return (
            "In their best epochs, several runs share the highest validation accuracy, "
            f"{theme.percent(best, 2)}."
        )
    leader = next(facts for facts in runs if facts.best == best)
    return (
        f"In their best epochs, #{leader.run.number} has the highest validation accuracy, "
        f"{theme.percent(best, 2)}, {100 * (best - second):.2f} points ahead."
    )


def pair_table(pairs: Sequence[PairComparison], part: Part) -> None:
    """Draw the comparison of the baseline with each other run."""
    base = pairs[0].first.number
    rows = {
        f"#{base} vs.": [f"#{pair.second.number}" for pair in pairs],
        "Difference": [f"{100 * pair.counts.difference:+.2f}" for pair in pairs],
        "95 % interval": [
            "{:+.2f} to {:+.2f}".format(*(100 * end for end in pair.counts.interval))
            for pair in pairs
        ],
        f"Only #{base} correct": [theme.count(pair.counts.only_first) for pair in pairs],
        "Only the other correct": [theme.count(pair.counts.only_second) for pair in pairs],
        "McNemar": [comparison.p_words(pair.corrected) for pair in pairs],
    }
    st.table(rows, border="horizontal", hide_index=True, alt="Differences on the same images")
    total = theme.count(pairs[0].counts.total)
    st.caption(
        f"{total} {IMAGES[part]} images; difference of accuracies in points. "
        f"{comparison.correction(pairs)}"
    )
