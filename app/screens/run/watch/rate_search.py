"""A rate search on the Run page: range test, race, verdict, and the buttons that use the rate."""

from typing import Any

import pandas as pd
import streamlit as st

from app import boundary, theme
from app.navigation import go, link
from app.screens.run.watch import rate_charts
from app.session import store
from app.shared.figure import show_figure
from cifar_core.rate_search.parabola import agreement, middle
from cifar_core.rate_search.record import Record, record
from cifar_core.rate_search.rules import RULES, opinions
from cifar_core.runs import Run
from cifar_core.runs.sweeps.rate_searches import alike, repeat, suggested_rate


def rate_search(run: Run) -> None:
    """Draw the search so far."""
    results = record(run.metrics())
    if results.suggestion:
        verdict(run, results.suggestion)
    left_side, right_side = st.columns([3, 2], gap="medium")
    with left_side, st.container(border=True):
        race(run, results)
    with right_side, st.container(border=True):
        range_test(results)
    if results.suggestion:
        other_methods(results)


def verdict(run: Run, suggestion: dict[str, Any]) -> None:
    """Say what the search suggests, and offer to use it."""
    searches = alike(store(), run)
    rates = [rate for search in searches if (rate := suggested_rate(search)) is not None]
    rate = middle(rates) if len(rates) > 1 else suggestion["rate"]
    with st.container(border=True):
        st.subheader(str(headline(suggestion, rate)), anchor=False)
        st.markdown(theme.safe(str(suggestion["verdict"])))
        if len(rates) > 1:
            st.markdown(f"**{theme.safe(agreement(rates))}**")
            with st.container(horizontal=True):
                for search in searches:
                    label = f"#{search.number}: {suggested_rate(search) or theme.NONE}"
                    link("run", label, id=search.number)
        elif suggestion["advice"] != "none":
            st.caption(
                f"90 % interval {suggestion['low']:g} to {suggestion['high']:g}, plateau (green) "
                f"{suggestion['plateau_low']:g} to {suggestion['plateau_high']:g}. A single search "
                "does not show how much depends on chance: repeat it with another seed to see how "
                "closely the two rates agree."
            )
        with st.container(horizontal=True):
            if suggestion["advice"] != "none":
                use(run, rate, wanted=suggestion["advice"] == "take")
            if st.button("Repeat with another seed", icon=":material/repeat:", key="repeat"):
                search_again(run)


def use(run: Run, rate: float, *, wanted: bool) -> None:
    """Offer to put the rate into the form of a new run."""
    label = f"Use {rate:g}" if wanted else f"Use {rate:g} anyway"
    emphasis: Any = "primary" if wanted else "secondary"
    if st.button(label, type=emphasis, icon=":material/check:", key="use_rate"):
        go("train", search=run.number, rate=f"{rate:g}")


def headline(suggestion: dict[str, Any], rate: float) -> str:
    """Return the suggestion in a few words."""
    if suggestion["advice"] == "none":
        return "No suggestion"
    return (
        f"Keep {suggestion['own_rate']:g}" if suggestion["advice"] == "keep" else f"Take {rate:g}"
    )


def search_again(run: Run) -> None:
    """Start the same search with another seed and open it."""
    try:
        number = repeat(store(), run).number
    except boundary.REFUSED as error:
        boundary.toast(error)
    else:
        go("run", id=number)


def race(run: Run, results: Record) -> None:
    """Draw the race, or say when it begins."""
    st.subheader("Race", anchor=False)
    if not results.candidates:
        st.caption("The race begins when the range test has found a range of rates.")
        st.space("large")
        return
    suggestion = results.suggestion or {}
    own = run.settings.get("learning_rate", 0.0)
    figure = rate_charts.race_figure(results, own, suggestion.get("usual_rate", own))
    show_figure(figure, key="race", alt="Loss of each candidate rate")
    words = "Every candidate started from the same weights and saw the same images."
    if any(candidate.error for candidate in results.candidates):
        words += " The bars show the uncertainty of the differences between candidates."
    st.caption(words)


def range_test(results: Record) -> None:
    """Draw the range test, or say when it begins."""
    st.subheader("Range test", anchor=False)
    if not results.rates:
        st.caption("The curve begins with the first steps.")
        st.space("large")
        return
    show_figure(
        rate_charts.range_test_figure(results),
        key="range_test",
        alt="Loss after each step",
    )
    st.caption("One step at each rate: enough to find where to race, not which rate is best.")


def other_methods(results: Record) -> None:
    """Show which rates the rules of other tools read from the same range test."""
    with st.expander("What other methods suggest"):
        picks = opinions(results.rates, results.train_losses)
        table = pd.DataFrame(
            [
                {"Rule": rule.title, "Rate": f"{picks[key]:.2g}" if picks[key] else theme.NONE,
                 "How": rule.summary, "Source": rule.source}
                for key, rule in RULES.items()
            ]
        )  # fmt: skip
        st.dataframe(
            table, hide_index=True, column_config={"Source": st.column_config.LinkColumn()},
            key="rules",
        )  # fmt: skip
        st.caption(
            "They read the training loss of a single range test, whose noise is larger than the "
            "differences between rates; when repeated, they often differ by a factor of 2 to 4."
        )
