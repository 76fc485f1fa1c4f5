"""Which of the runs is better, in words first: on the same images, and over seeds."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from app import theme
from app.pages.compare.runs_and_predictions import answers, ask_for, offer_answers
from app.session import Key, remember, remembered
from cifar_core.errors import CifarError
from cifar_core.runs import Run
from cifar_core.runs.results import comparison
from cifar_core.runs.results.comparison import IMAGES, Duel
from cifar_core.runs.results.predictions import Part, Predictions
from cifar_core.runs.results.side_by_side import RunFacts
from cifar_core.runs.results.test_looks import count_look, looks

CHOICES: dict[str, Part] = {"Validation": "val", "Test": "test"}


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What the page knows once the runs have answered the same images."""

    part: Part
    answers: list[Predictions]
    found: list[Duel]  # of the base against each other run


def verdict(found: Sequence[RunFacts], base: RunFacts) -> Compared | None:
    """Draw the verdict, or what it takes to have one."""
    runs = [one.run for one in found]
    with st.container(border=True):
        said = st.container(gap="small")
        part = choose_part()
        try:
            compared = judged(runs, base.run, part)
        except CifarError as error:
            st.error(theme.safe(str(error)), icon=":material/error:")
            return None
        with said:
            st.subheader(theme.safe(title_of(found, base, compared)), anchor=False)
            if compared and len(compared.found) == 1:
                st.markdown(theme.safe(comparison.evidence(compared.found[0], part)))
            for sentence in comparison.beyond(runs, compared.found if compared else []):
                st.markdown(theme.safe(sentence))
        if compared and len(compared.found) > 1:
            duel_table(compared)
    return compared


def choose_part() -> Part:
    """Draw the choice of the images that the runs are compared on."""
    name = st.segmented_control(
        "Images", list(CHOICES), default="Validation", required=True, key="images",
        bind="query-params",
        help="Validation images are for choosing between runs, test images for the report.",
    )  # fmt: skip
    return CHOICES[name or "Validation"]


def judged(runs: Sequence[Run], base: Run, part: Part) -> Compared | None:
    """Return the comparison on the same images, or draw why there is none yet."""
    for why in comparison.obstacles(runs, part):
        st.markdown(f":material/info: {theme.safe(why)}")
    if part == "test" and not revealed(runs):
        return None
    given = answers(runs, part)
    if len(given) < len(runs):
        offer_answers(runs, part, IMAGES[part])
        return None
    found = comparison.duels_of(base, given)
    return Compared(part=part, answers=given, found=found) if found else None


def revealed(runs: Sequence[Run]) -> bool:
    """Tell whether the test images may be shown; draw the button that counts as a look."""
    ids = tuple(run.id for run in runs)
    if remembered(Key.LOOKED) == ids:
        return True
    most = max(len(looks(run)) for run in runs)
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Look at the test images", icon=":material/visibility:", key="look"):
            for run in runs:
                count_look(run, "the page Compare", run.checkpoint("best").name)
            remember(Key.LOOKED, ids)
            ask_for(runs, "test")
            st.rerun()
        st.caption(
            f"It counts as a look for each run; so far up to {theme.plural(most, 'look')}. "
            "Choosing between runs by their test images makes the chosen one look too good.",
            width="content",
        )
    return False


def title_of(found: Sequence[RunFacts], base: RunFacts, compared: Compared | None) -> str:
    """Return the sentence on top."""
    if compared:
        return comparison.headline(base.run, compared.found)
    best = max(one.best or 0.0 for one in found)
    first = next(one for one in found if one.best == best)
    others = sorted((one.best or 0.0 for one in found if one is not first), reverse=True)
    lead = 100 * (best - others[0])
    return (
        f"#{first.run.number} has the best validation accuracy, {theme.percent(best, 2)}, "
        f"{lead:.2f} points ahead. Whether that is more than chance is not known yet."
    )


def duel_table(compared: Compared) -> None:
    """Draw the base against each other run."""
    found = compared.found
    base = found[0].first.number
    rows = {
        f"#{base} against": [f"#{duel.second.number}" for duel in found],
        "Points": [f"{100 * duel.counts.difference:+.2f}" for duel in found],
        "95 % interval": [
            "{:+.2f} to {:+.2f}".format(*(100 * end for end in duel.counts.interval))
            for duel in found
        ],
        f"Only #{base} right": [theme.count(duel.counts.only_first) for duel in found],
        "Only the other right": [theme.count(duel.counts.only_second) for duel in found],
        "McNemar": [comparison.p_words(duel.corrected) for duel in found],
    }
    st.table(rows, border="horizontal", hide_index=True, alt="Differences on the same images")
    total = theme.count(found[0].counts.total)
    st.caption(f"{total} {IMAGES[compared.part]} images. {comparison.correction(found)}")
