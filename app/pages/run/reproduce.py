"""How to get a run again, and whether its first steps come out the same here."""

import json

import streamlit as st

from app import theme
from app.shared.job_offer import offer
from cifar_core.people import OPERATOR
from cifar_core.runs import Run, RunStatus
from cifar_core.runs.exchange.recipe import recipe
from cifar_core.runs.record.records import Environment
from cifar_core.runs.results.verify import STEPS, Verification, errand, kept

ABOUT = (
    f"Trains the first {STEPS} steps again from the same seed, with the recorded threads and way "
    "to compute a step, and compares every logged number bit for bit."
)


def reproduce(run: Run, status: RunStatus) -> None:
    """Draw the command, the whole record, and the check of both."""
    with st.skeleton(height=160):
        found = recipe(run)  # imports torch
    st.caption("The command that trains the same again:")
    st.code(found["command"], language=None, wrap_lines=True)
    data, program = found["data"], found["program"]
    facts = {
        "Seed": str(found["seed"]),
        "Images": f"{data.get('title', theme.NONE)} {data.get('fingerprint', '')[:16]}",
        "Program": program["git_commit"][:12] or theme.NONE,
        "Versions": ", ".join(f"{name} {value}" for name, value in found["versions"].items()),
    }
    st.table({k: theme.safe(v) for k, v in facts.items()}, border="horizontal", alt="Versions")
    text = json.dumps(found, indent=2)
    with st.expander("All of it, as JSON"):
        st.code(text, language="json", height=320)
        st.download_button("JSON", text, f"{run.id}-reproduce.json", "application/json",
                           icon=":material/download:", on_click="ignore")  # fmt: skip
    st.markdown("**Verify**")
    verification(run)


def verification(run: Run) -> None:
    """Draw the last comparison, and offer another."""
    may = run.by.may(OPERATOR, run.owner)
    last = kept(run)
    if last is not None:
        verdict(last)
        if may:
            st.button("Verify again", icon=":material/refresh:", key="verify_again",
                      on_click=again, args=(run,))  # fmt: skip
    elif may and run.environment != Environment():
        offer(errand(run), "Verify", ABOUT, key="verify")
    else:
        st.caption("Not verified yet. " + ABOUT)


def verdict(last: Verification) -> None:
    """Draw what came out."""
    color, icon = ("green", "check_circle") if last.equal else ("orange", "difference")
    st.markdown(f":{color}[:material/{icon}:] {theme.safe(last.sentence)}")
    st.caption(f"{theme.clock(last.at)}, in {theme.duration(last.seconds)}")


def again(run: Run) -> None:
    """Forget the last comparison and begin another."""
    work = errand(run)
    work.path.unlink(missing_ok=True)
    work.start()
