"""How to repeat a run, and whether its first steps come out the same on this machine."""

import json

import streamlit as st

from app import boundary, theme
from app.shared.job_offer import offer
from cifar_core.people import OPERATOR
from cifar_core.runs import Run, RunStatus
from cifar_core.runs.exchange.recipe import recipe
from cifar_core.runs.record.records import Environment
from cifar_core.runs.results.verify import STEPS, Verification, job, kept, refusal

ABOUT = (
    f"Verification trains the first {STEPS} steps again with the same seed, number of threads and "
    "step plan, and compares every logged number bit for bit."
)


def reproduce(run: Run, status: RunStatus) -> None:
    """Draw the command, the whole record, and the verification."""
    with st.skeleton(height=160):
        details = recipe(run)  # imports torch
    st.caption("This command trains the same run again:")
    st.code(details["command"], language=None, wrap_lines=True)
    data, program = details["data"], details["program"]
    facts = {
        "Seed": str(details["seed"]),
        "Images": f"{data.get('title', theme.NONE)} {data.get('fingerprint', '')[:16]}",
        "Git commit": program["git_commit"][:12] or theme.NONE,
        "Versions": ", ".join(f"{name} {value}" for name, value in details["versions"].items()),
    }
    st.table({k: theme.safe(v) for k, v in facts.items()}, border="horizontal", alt="Versions")
    text = json.dumps(details, indent=2)
    with st.expander("Everything, as JSON"):
        st.code(text, language="json", height=320)
        st.download_button("JSON", text, f"{run.id}-reproduce.json", "application/json",
                           icon=":material/download:", on_click="ignore")  # fmt: skip
    st.markdown("**Verify**")
    verification(run)


def verification(run: Run) -> None:
    """Draw the result of the last verification, and offer another."""
    if why_not := refusal(run):
        st.caption(theme.safe(why_not))
        return
    allowed = run.by.may(OPERATOR, run.owner)
    last = kept(run)
    if last is not None:
        verdict(last)
        if allowed:
            st.button("Verify again", icon=":material/refresh:", key="verify_again",
                      on_click=boundary.callback(verify_again), args=(run,))  # fmt: skip
    elif allowed and run.environment != Environment():
        offer(job(run), "Verify", ABOUT, key="verify")
    else:
        st.caption("Not verified yet. " + ABOUT)


def verdict(last: Verification) -> None:
    """Draw the result of a verification."""
    color, icon = ("green", "check_circle") if last.equal else ("orange", "difference")
    st.markdown(f":{color}[:material/{icon}:] {theme.safe(last.sentence)}")
    st.caption(f"{theme.clock(last.at)}, in {theme.duration(last.seconds)}")


def verify_again(run: Run) -> None:
    """Delete the last result and start another verification."""
    try:
        job(run).begin(again=True)
    except boundary.REFUSED as error:
        boundary.toast(error)
