"""How far a map can be trusted: a badge below it, and a dialog with what the badge rests on."""

import streamlit as st
import torch

from app import theme
from app.cache.explain import evidence
from app.cache.results import pass_seconds
from app.pages.explain import charts
from app.shared import job_offer
from app.shared.picture import Picture
from cifar_core.data.images import seen_box
from cifar_core.explain import SALIENCY
from cifar_core.explain.trust import EXAMINE_PASSES, MEASURE_PASSES, Evidence, Label, Verdict, judge
from cifar_core.explain.trust.objects import on_object
from cifar_core.explain.trust.rivals import TITLES
from cifar_core.explain.trust.sanity import sanity_sentence
from cifar_core.runs.results.explanation import Explanation
from cifar_core.runs.results.sanity_cards import CardFile, cards

LOOKS = {  # colour and icon of a badge
    Label.SUPPORTED: ("green", ":material/verified:"),
    Label.WEAK: ("orange", ":material/help:"),
    Label.NO_BETTER: ("gray", ":material/do_not_disturb_on:"),
}
UNASKED = 1.0  # seconds that testing a map may take without having been asked for


def badge(explanation: Explanation, picture: Picture) -> None:
    """Draw the verdict on a map; a click shows what it rests on.

    On a slow network the map is tested only when asked for. The lead of one class over another
    has no verdict: the tests are about the score of a class.
    """
    if explanation.question.rival:
        return
    place = place_of(explanation)
    key = f"trust {explanation.run.number} {picture.key} {explanation.question.method} "
    key += explanation.question.target
    if seconds(explanation) > UNASKED:
        label, words = ":gray[:material/help: Can it be trusted?]", "Tests the map; takes a while."
    else:
        verdict = judge(tested(explanation), place.read().get("stays"))
        color, icon = LOOKS[verdict.label]
        label, words = f":{color}[{icon} {verdict.label.capitalize()}]", verdict.sentence
    if st.button(label, type="tertiary", key=key, help=words):
        details(explanation, picture, place)


def place_of(explanation: Explanation) -> CardFile:
    """Return where the sanity card of the map's method is."""
    question = explanation.question
    usual = SALIENCY[question.method].settings()
    return CardFile(
        run=explanation.run, checkpoint=explanation.checkpoint, method=question.method,
        settings=None if question.settings == usual else question.settings,
    )  # fmt: skip


def seconds(explanation: Explanation) -> float:
    """Return about how long testing one picture's maps takes."""
    cost = pass_seconds(str(explanation.run.path), explanation.checkpoint)
    return cost * (MEASURE_PASSES + EXAMINE_PASSES)


def tested(explanation: Explanation) -> Evidence:
    """Return how the map did in the tests, which are made once."""
    return evidence(explanation, explanation.digest)


@st.dialog("How far can this map be trusted?", width="large")
def details(explanation: Explanation, picture: Picture, place: CardFile) -> None:
    """Draw the verdict, the curves, the numbers and the sanity card."""
    spec = SALIENCY[place.method]
    with st.spinner("Testing the map"):
        found = tested(explanation)
    st.markdown(f"**{spec.title}** for {theme.safe(explanation.question.target)}")
    headline(judge(found, place.read().get("stays")))
    own, rivals = found.own.curves, {k: r.curves for k, r in found.rivals.items()}
    st.plotly_chart(
        charts.trust_figure(own, {TITLES[key]: each for key, each in rivals.items()}, spec.title),
        config={"displayModeBar": False}, key="trust chart",
        alt="Probability of the class while the picture is built up, and while it is taken away",
    )  # fmt: skip
    st.caption(
        "Left, the pixels that the map holds for most important are shown first: a good map "
        "rises early. Right, they are hidden first: a good map falls early. The thin lines are "
        "maps that know nothing of the network."
    )
    numbers(found)
    whole = picture.region == seen_box(picture.image) and not picture.cover
    if picture.mask is not None and whole:
        share = on_object(torch.tensor(explanation.map)[None], torch.tensor(picture.mask)[None])
        st.markdown(f":material/center_focus_strong: {share.sentence}")
    st.fragment(card, run_every=None if place.read() else job_offer.POLL)(place)
    st.caption("A supported map shows what the network used, not that it was right to use it.")


def headline(verdict: Verdict) -> None:
    """Write the verdict and its sentence."""
    color, icon = LOOKS[verdict.label]
    st.badge(verdict.label.capitalize(), icon=icon, color=color)  # type: ignore[arg-type]
    st.markdown(theme.safe(verdict.sentence))


def numbers(found: Evidence) -> None:
    """Write down the tests' figures, beside those of the maps that know nothing."""
    rows = {"This map": found.own, **{TITLES[k].capitalize(): r for k, r in found.rivals.items()}}
    st.table(
        {
            "Map": list(rows),
            "Insertion less deletion": [f"{row.curves.gap:+.2f}" for row in rows.values()],
            "Patches agree with the network": [f"{row.agreement:+.2f}" for row in rows.values()],
        },
        border="horizontal", hide_index=True, alt="The figures of the map and of its rivals",
    )  # fmt: skip
    chance = theme.percent(found.chance)
    st.markdown(f"At most {chance} of the map's moved copies agree with the network as well.")
    if total := found.completeness:
        st.markdown(
            f"The map adds up to {total.total:.2f}; the score rises by {total.rise:.2f} over the "
            f"picture of nothing: {theme.percent(total.error)} off."
        )


def card(place: CardFile) -> None:
    """Draw the method's sanity card, or offer to compute it; repeated until there is one."""
    st.markdown("**Sanity card of the method**")
    values = place.read()
    if values:
        st.markdown(sanity_sentence(values["stays"]))
        st.plotly_chart(
            charts.cascade_figure(values["stages"]), config={"displayModeBar": False},
            key="cascade chart", alt="Similarity of the maps as more layers are made random",
        )  # fmt: skip
        objects(place)
        return
    about = "Do its maps change when what the network has learnt is replaced by chance?"
    if job_offer.draw(place.job, "Compute", about, key="card"):
        st.rerun(scope="fragment")


def objects(place: CardFile) -> None:
    """List how much of the maps of each method with a card falls on the object, if it is known."""
    known = [each for each in cards(place.run, place.checkpoint) if "object" in each]
    if known:
        st.table(
            {
                "Method": [SALIENCY[each["method"]].title for each in known],
                "On the object": [theme.percent(each["object"]["mass"]) for each in known],
                "Its area": [theme.percent(each["object"]["area"]) for each in known],
            },
            border="horizontal", hide_index=True, alt="How much of the maps is on the object",
        )  # fmt: skip
