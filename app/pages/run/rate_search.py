"""What the Run page shows of a search for a rate: sweep, race, verdict and what to do with it."""

import time
from typing import Any

import pandas as pd
import streamlit as st

from app import theme
from app.navigation import go, link
from app.pages.run import rate_charts
from app.session import store
from cifar_core.errors import CifarError
from cifar_core.rate_search.parabola import agreement, middle
from cifar_core.rate_search.record import Record, record
from cifar_core.rate_search.rules import RULES, opinions
from cifar_core.runs import Run, RunStatus
from cifar_core.runs.sweeps.rate_searches import alike, answer, repeat

QUIET = {"displayModeBar": False}
PHASES = {
    "sweep": "Sweep: one step at each rate",
    "race": "Race: first lap",
    "cool-down": "Race: the best ones cool down",
}


def rate_search(run: Run, status: RunStatus) -> None:
    """Draw the search as it stands."""
    found, summary = record(run.metrics()), run.summary
    if status.is_live and summary.total_steps:
        left = summary.eta_seconds
        words = PHASES.get(summary.phase or "", "Search")
        words += (
            f", {theme.duration(left)} left, done at {theme.clock(time.time() + left)}"
            if left
            else ""
        )
        st.progress(min(1.0, summary.step / summary.total_steps), text=words)
    if found.suggestion:
        verdict(run, found.suggestion)
    left_side, right_side = st.columns([3, 2], gap="medium")
    with left_side, st.container(border=True):
        race(run, found)
    with right_side, st.container(border=True):
        sweep(found)
    if found.suggestion:
        others(found)


def verdict(run: Run, suggestion: dict[str, Any]) -> None:
    """Say what came out and offer to use it."""
    searches = alike(store(), run)
    rates = [rate for search in searches if (rate := answer(search)) is not None]
    rate = middle(rates) if len(rates) > 1 else suggestion["rate"]
    with st.container(border=True):
        st.subheader(str(headline(suggestion, rate)), anchor=False)
        st.markdown(theme.safe(str(suggestion["verdict"])))
        if len(rates) > 1:
            st.markdown(f"**{theme.safe(agreement(rates))}**")
            with st.container(horizontal=True):
                for search in searches:
                    link(
                        "run", f"#{search.number}: {answer(search) or theme.NONE}", id=search.number
                    )
        elif suggestion["advice"] != "none":
            st.caption(
                f"90 % interval {suggestion['low']:g} to {suggestion['high']:g}, green plateau "
                f"{suggestion['plateau_low']:g} to {suggestion['plateau_high']:g}. One order of "
                "the batches says little about chance: repeat it with another to see how far two "
                "answers agree."
            )
        with st.container(horizontal=True):
            if suggestion["advice"] != "none":
                use(run, rate, wanted=suggestion["advice"] == "take")
            if st.button("Repeat with another order", icon=":material/repeat:", key="repeat"):
                again(run)


def use(run: Run, rate: float, *, wanted: bool) -> None:
    """Offer to put the rate into the form of a new run."""
    label, look = (f"Use {rate:g}", "primary") if wanted else (f"Use {rate:g} anyway", "secondary")
    paint: Any = look
    if st.button(label, type=paint, icon=":material/check:", key="use_rate"):
        go("new_run", search=run.number, rate=f"{rate:g}")


def headline(suggestion: dict[str, Any], rate: float) -> str:
    """Return the answer in a few words."""
    if suggestion["advice"] == "none":
        return "No suggestion"
    return (
        f"Keep {suggestion['own_rate']:g}" if suggestion["advice"] == "keep" else f"Take {rate:g}"
    )


def again(run: Run) -> None:
    """Begin a second opinion and open it."""
    try:
        number = repeat(store(), run).number
    except CifarError as error:
        st.toast(str(error), icon=":material/error:")
    else:
        go("run", id=number)


def race(run: Run, found: Record) -> None:
    """Draw the race."""
    st.subheader("Race", anchor=False)
    if not found.candidates:
        st.caption("The candidates appear here once the sweep has found the range.")
        st.space("large")
        return
    suggestion = found.suggestion or {}
    own = run.settings.get("learning_rate", 0.0)
    figure = rate_charts.race_figure(found, own, suggestion.get("usual_rate", own))
    st.plotly_chart(figure, key="race", config=QUIET, alt="Loss of each candidate rate")
    st.caption(
        "Every candidate began from the same weights and saw the same images. The bars say how "
        "sure the differences are."
    )


def sweep(found: Record) -> None:
    """Draw the sweep."""
    st.subheader("Sweep", anchor=False)
    if not found.rates:
        st.caption("The first numbers come within seconds.")
        st.space("large")
        return
    st.plotly_chart(
        rate_charts.sweep_figure(found), key="sweep", config=QUIET, alt="Loss after each step"
    )
    st.caption("One step at each rate: enough to see where to race, not which rate is best.")


def others(found: Record) -> None:
    """Say what the rules of other tools read from the same sweep."""
    with st.expander("What other tools would have said"):
        picks = opinions(found.rates, found.train_losses)
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
            "They read one sweep of the training loss, whose noise is larger than what tells one "
            "rate from another; repeated, they often differ by a factor of 2 to 4."
        )
