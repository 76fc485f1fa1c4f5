"""A word beside the learning rate when it is far from what the optimizer usually takes."""

import streamlit as st

from cifar_core.optim import OPTIMIZERS

FAR = 5  # times more or less than usual


def rate_hint(optimizer: str, rate: float, prefix: str) -> None:
    """Offer the optimizer's usual rate if the chosen one is far from it."""
    if optimizer not in OPTIMIZERS:
        return
    spec = OPTIMIZERS[optimizer]
    if spec.usual_rate / FAR < rate < spec.usual_rate * FAR:
        return
    st.button(
        f"{spec.title} usually takes {spec.usual_rate:g}: use it",
        icon=":material/lightbulb:",
        type="tertiary",
        key="usual_rate",
        on_click=use,
        args=(f"{prefix}.learning_rate", spec.usual_rate),
    )


def use(key: str, rate: float) -> None:
    """Put a rate into the form."""
    st.session_state[key] = rate
