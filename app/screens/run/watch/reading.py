"""The reading of the curves: a headline, the phases, and findings that highlight the chart.

The browser asks the live chart directly to shade a stretch, without a round trip to Python; only
a click on something to try comes back here.
"""

from pathlib import Path
from typing import Any

import streamlit as st

from app.navigation import go
from app.screens.run.watch import charts
from cifar_core.reading import KINDS, PHASES, EpochSpan, Finding, Reading, Trial
from cifar_core.reading.curves import Curves

HERE = Path(__file__).parent
TRIALS = 4  # the most buttons of what to try next

_mount = st.components.v2.component(
    "cifar_lab.reading",
    html="<section class='lab-reading' aria-label='Reading of the curves'></section>",
    css=(HERE / "reading.css").read_text("utf-8"),
    js=(HERE / "reading.js").read_text("utf-8"),
    isolate_styles=False,
)


def reading_panel(reading: Reading, curves: Curves, options: charts.LiveOptions, run: int) -> None:
    """Draw the reading of a run; a click on something to try opens a filled-in form."""
    trials = suggested(reading)
    panel = _mount(
        key=f"reading{run}", data=payload(reading, trials, curves, options),
        on_tried_change=lambda: None, height="content",
    )  # fmt: skip
    index = getattr(panel, "tried", None)
    if index is not None and 0 <= int(index) < len(trials):
        go("train", clone=run, set=as_query(trials[int(index)]))


def suggested(reading: Reading) -> list[Trial]:
    """List what to try next, the most important first, each once."""
    order = list(KINDS)
    trials: dict[str, Trial] = {}
    for finding in sorted(reading.findings, key=lambda f: order.index(f.kind)):
        for trial in finding.trials:
            trials.setdefault(as_query(trial), trial)
    return list(trials.values())[:TRIALS]


def as_query(trial: Trial) -> str:
    """Write the changes in the form that the address of the Train page takes."""
    return ";".join(f"{name}={value}" for name, value in trial.changes.items())


def payload(
    reading: Reading, trials: list[Trial], curves: Curves, options: charts.LiveOptions
) -> dict[str, Any]:
    """Return what the browser draws, with every stretch in the chart's own unit."""

    def stretch(span: EpochSpan) -> dict[str, Any]:
        x0, x1 = charts.positions(curves, (span.start, span.end), options)
        return {"x0": x0, "x1": x1, "panel": span.panel}

    return {
        "headline": reading.headline,
        "final": reading.final,
        "phases": [
            {"title": PHASES[phase.key].title, "key": phase.key, "words": phase.span.words,
             "share": phase.span.end - phase.span.start, "span": stretch(phase.span)}
            for phase in reading.phases
        ],
        "findings": [
            described(finding) | {"span": stretch(finding.span)} for finding in reading.findings
        ],
        "trials": [{"label": trial.label, "why": trial.why} for trial in trials],
    }  # fmt: skip


def described(finding: Finding) -> dict[str, Any]:
    """Return the texts of a finding."""
    kind = KINDS[finding.kind]
    return {
        "key": f"{finding.kind} {finding.span.start:.1f}",
        "rank": list(KINDS).index(finding.kind),
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
