"""What the rows hold besides their settings: plots, measurements, offers and pictures."""

from collections.abc import Callable, Mapping

import streamlit as st

from app import boundary, theme
from app.screens.train.cards.network import freeze_diagram, weights_facts
from app.screens.train.form import Form
from app.screens.train.many.many_runs import many_inputs
from app.screens.train.own_runs import row as own_row
from app.screens.train.own_runs.chosen import taught
from app.screens.train.place import expectation
from app.screens.train.rows import charts
from app.screens.train.rows.largest_batch import batch_fit
from app.screens.train.rows.pictures import augmented
from app.screens.train.rows.rate_finder import rate_finder
from app.screens.train.rows.rate_hint import rate_hint
from app.session import inventory
from app.shared.figure import show_figure
from cifar_core.config import TrainConfig
from cifar_core.config.groups import CHANGES, LEARNING, MACHINE, REPEATS, STARTING
from cifar_core.config.transfer_plans import TRANSFER_PLANS
from cifar_core.models import MODELS
from cifar_core.settings import rule_of

STEP_HELP = (
    "Memory order: how the pixels of a batch are stored. Number format: lower precision is faster "
    "where the hardware supports it. Compiling: torch first writes a program for this network. "
    "The result is the same except for rounding."
)


def changes(form: Form) -> None:
    """Draw images before and after the changes, unless one of the settings is wrong."""
    wrong = form.draft.problems
    if not any(rule_of(f).group == CHANGES for f in form.fields if f.name in wrong):
        boundary.part(augmented)(form)


def learning(form: Form) -> None:
    """Draw the planned rate, and offer to find a rate and a batch size."""
    draft = form.draft
    if not form.many or not {"optimizer", "learning_rate"} & {*form.many.hidden}:
        with st.container(horizontal=True):
            rate_finder(draft.config, draft.training_images)
            rate_hint(form.values["optimizer"], form.values["learning_rate"], form.prefix)
    if draft.config is None:
        return
    shown = example(form, draft.config)
    figure = charts.schedule_figure(shown.epochs, shown.rates, shown.momenta)
    show_figure(figure, key="schedule", alt="Planned learning rate over the epochs")
    if shown.note:
        st.caption(shown.note)
    batch_fit(draft.config, form.prefix, taught())


def example(form: Form, config: TrainConfig) -> charts.Planned:
    """Return the rates of the form's run, or of the first of several."""
    draft = form.draft.of({**form.values, **form.many.example}) if form.many else form.draft
    return charts.planned(draft.config or config)


def starting(form: Form) -> None:
    """Draw where the weights come from, what is trained of them, and who teaches."""
    spec = MODELS[form.values["model"]]
    if form.own:
        own_row.weights_of_a_run(form.own, form)
    elif not spec.weights:
        st.markdown(
            "This network begins with random weights, so that all it knows comes from these "
            "images. Networks that were trained on ImageNet before are marked in the choice of "
            "the network."
        )
    if spec.weights and form.values["plan"] in TRANSFER_PLANS:
        freeze_diagram(spec, form.values)
    if spec.weights and not form.own:
        weights_facts(spec)
    own_row.offers(form)


def machine(form: Form) -> None:
    """Say what several devices do, how a step is computed, and which GPUs cannot be used."""
    config = form.draft.config
    if config is not None and config.devices > 1:
        st.markdown(f":material/call_split: {expectation(config)}")
    if form.draft.step:
        st.markdown(f":material/speed: {theme.safe(form.draft.step)}", help=STEP_HELP)
    for refused in inventory().refused if form.draft.here else ():
        st.caption(f":material/warning: {theme.safe(refused.sentence)}")


def repeats(form: Form) -> None:
    """Draw the choice between one run and several, and the controls of the latter."""
    many_inputs(form.prefix, form.many, form.values, form.draft.config, form.draft.images)


CONTENTS: Mapping[str, Callable[[Form], None]] = {
    CHANGES: changes,
    LEARNING: learning,
    STARTING: starting,
    MACHINE: machine,
    REPEATS: repeats,
}
