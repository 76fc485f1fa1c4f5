"""The reading of the curves: a headline, the phases and a short list that lights up the chart.

Its browser side tells the live chart which stretch to shade, without a round trip to Python; only
a click on something to try comes back here.
"""

from pathlib import Path
from typing import Any

import streamlit as st

from app.navigation import go
from app.pages.run import charts
from cifar_core.reading import KINDS, PHASES, EpochSpan, Finding, Reading, Trial
from cifar_core.reading.curves import Curves

HERE = Path(__file__).parent
TRIALS = 4  # buttons of what to try next

_mount = st.components.v2.component(
    "cifar_lab.reading",
    html="<section class='lab-reading' aria-label='Reading of the curves'></section>",
    css=(HERE / "reading.css").read_text("utf-8"),
    js=(HERE / "reading.js").read_text("utf-8"),
    isolate_styles=False,
)


def reading_panel(reading: Reading, curves: Curves, look: charts.LiveOptions, run: int) -> None:
    """Draw the reading of a run; a click on something to try leaves for a form filled in."""
    trials = offered(reading)
    found = _mount(
        key=f"reading{run}", data=payload(reading, trials, curves, look),
        on_tried_change=lambda: None, height="content",
    )  # fmt: skip
    place = getattr(found, "tried", None)
    if place is not None and 0 <= int(place) < len(trials):
        go("new_run", clone=run, set=written(trials[int(place)]))


def offered(reading: Reading) -> list[Trial]:
    """Gather what to try next, what matters most first, each once."""
    order = list(KINDS)
    trials: dict[str, Trial] = {}
    for finding in sorted(reading.findings, key=lambda f: order.index(f.kind)):
        for trial in finding.trials:
            trials.setdefault(written(trial), trial)
    return list(trials.values())[:TRIALS]


def written(trial: Trial) -> str:
    """Write the changes as the address of the New run page takes them."""
    return ";".join(f"{name}={value}" for name, value in trial.changes.items())


def payload(
    reading: Reading, trials: list[Trial], curves: Curves, look: charts.LiveOptions
) -> dict[str, Any]:
    """Return what the browser draws, with every stretch in the chart's own unit."""

    def place(span: EpochSpan) -> dict[str, Any]:
        x0, x1 = charts.places(curves, (span.start, span.end), look)
        return {"x0": x0, "x1": x1, "panel": span.panel}

    return {
        "headline": reading.headline,
        "final": reading.final,
        "phases": [
            {"title": PHASES[phase.key].title, "key": phase.key, "words": phase.span.words,
             "share": phase.span.end - phase.span.start, "span": place(phase.span)}
            for phase in reading.phases
        ],
        "findings": [said(finding) | {"span": place(finding.span)} for finding in reading.findings],
        "trials": [{"label": trial.label, "why": trial.why} for trial in trials],
    }  # fmt: skip


def said(finding: Finding) -> dict[str, Any]:
    """Return a finding in words."""
    kind = KINDS[finding.kind]
    return {
        "key": f"{finding.kind} {finding.span.start:.1f}",
        "kind": finding.kind,
        "tone": kind.tone,
        "title": kind.title,
        "summary": kind.summary,
        "rule": kind.rule,
        "sentence": finding.sentence,
        "words": finding.span.words,
        "confidence": finding.confidence,
        "evidence": [evidence.words for evidence in finding.evidence],
    }
