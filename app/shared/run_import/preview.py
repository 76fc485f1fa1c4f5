"""What was found in files of another tool, before it is imported: runs, curves, a small chart."""

import plotly.graph_objects as go_
import streamlit as st

from app import boundary, theme
from app.navigation import go
from app.session import Key, remembered, store
from app.shared.figure import show_figure
from cifar_core.reading.curves import thin
from cifar_core.runs.exchange.curves import mapping
from cifar_core.runs.exchange.curves.bring_in import MOST_PER_EPOCH, bring_in
from cifar_core.runs.exchange.curves.convert import Places
from cifar_core.runs.exchange.curves.formats import FORMATS
from cifar_core.runs.exchange.curves.found import Found
from cifar_core.runs.exchange.curves.mapping import Choice
from cifar_core.runs.exchange.curves.targets import EPOCH, LEFT_OUT, STEP, TARGETS

DRAWN = 8  # runs in the small chart
LISTED = 12  # curves in sight
CHANGED = 60  # curves whose meaning can be changed on the page
BUCKETS = 150
FIRST = ("val_accuracy", "train_accuracy", "val_loss", "train_loss")  # what the chart shows


@boundary.dialog("Import curves", width="large")
def preview() -> None:
    """Draw what is in the files that this session read last, with the button that imports it."""
    found: Found | None = remembered(Key.LOOKED)
    if found is None:
        st.caption("Nothing is being imported.")
        return
    tool = FORMATS[found.list.format].title
    proposed = mapping.proposed(found)
    st.markdown(f"**{theme.plural(len(found.runs), 'run')}** with "
                f"{theme.plural(len(proposed), 'curve')}, read as {tool}. Only the curves are "
        "imported, to be viewed and compared.")  # fmt: skip
    chosen = choose_runs(found)
    chart = st.container()
    choices = mapping.changed(found, proposed, choose_targets(proposed))
    with chart:
        small_chart(found, choices, chosen)
    per_epoch = steps_per_epoch(found, choices, chosen)
    for sentence in [*found.list.notes, *(note for i in chosen for note in found.runs[i].notes)][
        :8
    ]:
        st.caption(theme.safe(sentence))
    label = f"Import {theme.plural(len(chosen), 'run')}"
    if st.button(label, type="primary", key="import_curves", icon=":material/upload:",
                 disabled=not chosen):  # fmt: skip
        runs = bring_in(store(), found, choices, chosen=chosen, steps_per_epoch=per_epoch)
        if len(runs) == 1:
            go("run", id=runs[0].number)
        go("compare", runs=",".join(str(run.number) for run in runs[:9]))


def choose_runs(found: Found) -> list[int]:
    """Draw the choice of runs if there are several; return their indexes."""
    every = list(range(len(found.runs)))
    if len(every) == 1:
        return every
    return st.multiselect(
        "Runs", every, default=every, format_func=lambda i: found.runs[i].name, key="import_runs",
        placeholder="No run",
    )  # fmt: skip


def choose_targets(choices: dict[str, Choice]) -> dict[str, str]:
    """Draw what each curve is taken for; return the targets that a person changed, by name."""
    listed = sorted(choices.values(), key=lambda c: list(TARGETS).index(c.target))
    rows = {
        "There": [theme.safe(theme.short(c.name, 60)) for c in listed[:LISTED]],
        "Taken for": [theme.safe(mapping.in_words(c)) for c in listed[:LISTED]],
    }
    if any(choice.why for choice in listed[:LISTED]):
        rows["Why"] = [theme.safe(c.why) for c in listed[:LISTED]]
    st.table(rows, border="horizontal", hide_index=True, alt="What each curve is taken for")
    if len(listed) > LISTED:
        st.caption(f"And {theme.plural(len(listed) - LISTED, 'curve')} more.")
    targets = {}
    with st.expander("Change what a curve is taken for"):
        if len(listed) > CHANGED:
            st.caption(f"The first {CHANGED}; others can be changed in a terminal, with --take.")
        with st.grid(2, min_column_width=240, gap="small"):
            for number, choice in enumerate(listed[:CHANGED]):
                target = st.selectbox(
                    theme.safe(theme.short(choice.name, 60)), list(TARGETS),
                    index=list(TARGETS).index(choice.target), key=f"import_target {number}",
                    format_func=lambda key: TARGETS[key].title,
                )  # fmt: skip
                targets[choice.name] = target or choice.target
    return targets


def steps_per_epoch(found: Found, choices: dict[str, Choice], chosen: list[int]) -> float:
    """Ask for the steps of an epoch if a chosen run has only steps, or only epochs."""
    for index in chosen:
        run = found.runs[index]
        there = {choices[curve.name].target: found.points(curve) for curve in run.curves}
        none = next(iter(there.values()))[:0]
        places = Places(axis=run.axis, steps=there.get(STEP, none), epochs=there.get(EPOCH, none),
                        per_epoch=0.0)  # fmt: skip
        if not (places.has_steps and places.has_epochs):
            break
    else:
        return 0.0
    known = "epochs" if places.has_epochs else "steps"
    return float(
        st.number_input(
            "Steps per epoch", 0, MOST_PER_EPOCH, 0, key="import_per_epoch", width=220,
            help=f"The file has only {known}. With this number it has both; leave 0 if you do not "
            "know it.",
        )
    )  # fmt: skip


def small_chart(found: Found, choices: dict[str, Choice], chosen: list[int]) -> None:
    """Draw one quantity of the chosen runs, as it would be imported."""
    used = [choice.target for choice in choices.values() if choice.target not in (EPOCH, STEP)]
    shown = next((key for key in (*FIRST, *used) if key in used and key != LEFT_OUT), None)
    if shown is None:
        st.caption("No curve is imported.")
        return
    figure, title = go_.Figure(), TARGETS[shown].title
    for index in chosen[:DRAWN]:
        run = found.runs[index]
        curve = next((c for c in run.curves if choices[c.name].target == shown), None)
        if curve is None:
            continue
        points = found.points(curve)
        values = points[:, 1] / (100 if choices[curve.name].percent else 1)
        kept = thin(values, BUCKETS)
        mode = "lines+markers" if len(kept) < 40 else "lines"
        figure.add_scatter(x=points[kept, 0], y=values[kept], name=run.name, mode=mode)
    counted = {found.runs[index].axis for index in chosen}
    across = "Epoch in the file" if counted == {"epoch"} else "Step in the file"
    figure.update_layout(
        height=220, margin={"t": 8, "r": 8, "b": 40, "l": 56}, hovermode="x unified",
        xaxis={"title": {"text": across, "standoff": 8}},
        yaxis={"tickformat": ".0%" if TARGETS[shown].is_share else None, "automargin": True},
    )  # fmt: skip
    st.markdown(f"**{title}**")
    show_figure(figure, key="import chart", alt=f"{title} of the runs in the file")
    if len(chosen) > DRAWN:
        st.caption(f"The first {DRAWN} runs.")
