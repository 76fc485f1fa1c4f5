"""How far a map can be trusted: a badge below it, and a dialog with the evidence."""

import streamlit as st
import torch

from app import boundary, theme
from app.cache.explain import erasing_curves, evidence, steadiness
from app.cache.results import pass_seconds
from app.screens.predict import charts
from app.session import Key, remember, remembered
from app.shared import job_offer
from app.shared.figure import show_figure
from app.shared.pictures.picture import Picture
from cifar_core.explain import SALIENCY
from cifar_core.explain.trust import PASSES, Evidence, Label, Verdict, judge
from cifar_core.explain.trust.agreement import COPIES
from cifar_core.explain.trust.objects import on_object
from cifar_core.explain.trust.rivals import TITLES
from cifar_core.explain.trust.sanity import sanity_sentence
from cifar_core.explain.trust.squares import COUNT
from cifar_core.runs.results.explanation import Explanation
from cifar_core.runs.results.sanity_cards import CardFile, cards

STYLES = {  # color and icon of a badge
    Label.SUPPORTED: ("green", ":material/verified:"),
    Label.WEAK: ("orange", ":material/help:"),
    Label.NO_BETTER: ("gray", ":material/do_not_disturb_on:"),
    Label.UNTESTABLE: ("gray", ":material/indeterminate_question_box:"),
}
UNASKED = 1.0  # longest estimate in seconds for a test that is run without a click


def badge(explanation: Explanation, picture: Picture) -> None:
    """Draw the verdict on a map; a click shows the evidence.

    On a slow network the map is tested only after a click; then the verdict stays on the badge. A
    map of one class rather than another has no verdict, because the tests are about the score of a
    single class.
    """
    if explanation.question.rival:
        return
    card_file = card_file_of(explanation)
    key = f"trust {explanation.run.number} {picture.key} {explanation.question.method} "
    key += explanation.question.target
    asked = explanation.digest in remembered(Key.TESTED_MAPS, ())
    if seconds(explanation) > UNASKED and not asked:
        label = ":gray[:material/help: Can this map be trusted?]"
        words = "Click to test the map, which takes a while."
    else:
        verdict = judge(tested(explanation), card_file.read().get("stays"))
        color, icon = STYLES[verdict.label]
        label, words = f":{color}[{icon} {verdict.label.capitalize()}]", verdict.sentence
    if st.button(label, type="tertiary", key=key, help=words):
        details(explanation, picture, card_file)


def card_file_of(explanation: Explanation) -> CardFile:
    """Return the file of the sanity card of the map's method."""
    question = explanation.question
    defaults = SALIENCY[question.method].settings()
    return CardFile(
        run=explanation.run, checkpoint=explanation.checkpoint, method=question.method,
        settings=None if question.settings == defaults else question.settings,
    )  # fmt: skip


def seconds(explanation: Explanation) -> float:
    """Return about how many seconds testing one picture's maps takes."""
    cost = pass_seconds(str(explanation.run.path), explanation.checkpoint)
    return cost * PASSES


def tested(explanation: Explanation) -> Evidence:
    """Return how the map did in the tests, which are run once."""
    return evidence(explanation, explanation.digest)


@boundary.dialog("How far can this map be trusted?", width="large", on_dismiss="rerun")
def details(explanation: Explanation, picture: Picture, card_file: CardFile) -> None:
    """Draw the verdict, the numbers, the curves on request, and the sanity card."""
    spec = SALIENCY[card_file.method]
    with st.spinner("Testing the map"):
        result = tested(explanation)
        noise = steadiness(explanation, explanation.digest) if spec.random else None
    remember(Key.TESTED_MAPS, {*remembered(Key.TESTED_MAPS, ()), explanation.digest})
    st.markdown(f"**{spec.title}** for {theme.safe(explanation.question.target)}")
    headline(judge(result, card_file.read().get("stays")))
    numbers(result)
    if noise:
        st.markdown(noise.sentence)
    curves(explanation)
    whole = picture.box is None and picture.cover is None
    if picture.mask is not None and whole:
        share = on_object(torch.tensor(explanation.map)[None], torch.tensor(picture.mask)[None])
        st.markdown(f":material/center_focus_strong: {share.sentence}")
    boundary.fragment(card, run_every=None if card_file.read() else job_offer.POLL)(card_file)


def headline(verdict: Verdict) -> None:
    """Write the verdict and its sentence."""
    color, icon = STYLES[verdict.label]
    st.badge(verdict.label.capitalize(), icon=icon, color=color)  # type: ignore[arg-type]
    st.markdown(theme.safe(verdict.sentence))


def numbers(result: Evidence) -> None:
    """Draw the agreement of the map, and that of the best map made without the network."""
    best = [f"{way.best:+.2f} ({TITLES[way.rival]})" for way in result.ways.values()]
    st.table(
        {
            "Squares are hidden": [way.capitalize() for way in result.ways],
            "This map agrees": [f"{way.value:+.2f}" for way in result.ways.values()],
            "Best map without the network": best,
            "Moved copies as good": [f"{way.copies} of {COPIES}" for way in result.ways.values()],
        },
        border="horizontal", hide_index=True, alt="Agreement of this map and of its rivals",
    )  # fmt: skip
    st.caption(
        f"{COUNT} squares of four sizes are hidden one at a time, softly (blurred, and filled in "
        "from their border) or with gray. Agreement is the correlation, from -1 to 1, of what the "
        "map holds in the squares with how far the score of the class falls."
    )
    if total := result.completeness:
        st.markdown(total.sentence)


def curves(explanation: Explanation) -> None:
    """Draw insertion and deletion on request; the verdict does not depend on them."""
    if not st.toggle("Show insertion and deletion curves", key="trust curves"):
        return
    with st.spinner("Drawing the curves"):
        found = erasing_curves(explanation, explanation.digest)
    show_figure(
        charts.trust_figure(found),
        key="trust chart",
        alt="Probability of the class while pixels are shown, and while they are hidden",
    )
    st.caption(
        "Left: the pixels that the map ranks highest are shown first. Right: they are hidden "
        f"first. Insertion minus deletion is {found.gap:+.2f}. The verdict does not depend on "
        "these curves, because many maps made without the network do well in them."
    )


def card(card_file: CardFile) -> None:
    """Draw the method's sanity card, or offer to compute it; repeated until there is one."""
    st.markdown("**Sanity card of the method**")
    values = card_file.read()
    if values:
        st.markdown(sanity_sentence(values["stays"]))
        show_figure(
            charts.cascade_figure(values["stages"]),
            key="cascade chart",
            alt="Similarity of the maps as more layers are randomized",
        )
        objects(card_file)
        return
    about = "Do its maps change when the learned weights are replaced by random ones?"
    if job_offer.draw(card_file.job, "Compute", about, key="card"):
        st.rerun(scope="fragment")


def objects(card_file: CardFile) -> None:
    """List how much of each method's maps lies on the object, for cards that measured it."""
    measured = [card for card in cards(card_file.run, card_file.checkpoint) if "object" in card]
    if measured:
        st.table(
            {
                "Method": [SALIENCY[card["method"]].title for card in measured],
                "On the object": [theme.percent(card["object"]["mass"]) for card in measured],
                "Area of the object": [theme.percent(card["object"]["area"]) for card in measured],
            },
            border="horizontal", hide_index=True, alt="How much of the maps lies on the object",
        )  # fmt: skip
