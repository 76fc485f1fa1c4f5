"""An offer beside the learning rate when it is far from the optimizer's usual one."""

import streamlit as st

from app import boundary
from cifar_core.optim import OPTIMIZERS

FAR = 5  # factor from the usual rate, up or down


def rate_hint(optimizer: str, rate: float, prefix: str) -> None:
    """Offer the optimizer's usual rate if the chosen one is far from it."""
    if optimizer not in OPTIMIZERS:
        return
    spec = OPTIMIZERS[optimizer]
    if spec.usual_rate / FAR < rate < spec.usual_rate * FAR:
        return
    st.button(
        f"Use {spec.usual_rate:g}, the usual rate for {spec.title}",
        icon=":material/lightbulb:",
        type="tertiary",
        key="usual_rate",
        on_click=boundary.callback(use),
        args=(f"{prefix}.learning_rate", spec.usual_rate),
    )


def use(key: str, rate: float) -> None:
    """Put a rate into the form."""
    st.session_state[key] = rate
