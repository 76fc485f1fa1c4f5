"""What the Train page computes once and caches in memory for all sessions."""

from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from cifar_core.training.freezing import StageRow


@st.cache_data(max_entries=64, show_spinner=False)
def stages(model: str, plan: str, head_epochs: int) -> "list[StageRow]":
    """Return which parts of a network a transfer plan trains; no weights are allocated."""
    import torch

    from cifar_core.config import TrainConfig
    from cifar_core.training.freezing import diagram

    config = TrainConfig(
        model=model, plan=plan, head_epochs=head_epochs, resolution=224, epochs=1000
    )
    with torch.device("meta"):
        network = config.build_model(10)
    return diagram(network, config)
