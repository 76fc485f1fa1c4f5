"""At what size a run would have its images, and a few of them, cached for all sessions."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from app.cache.results import dataset
from cifar_core.data.dataset import Images
from cifar_core.data.sizing import Sizing
from cifar_core.runs.prepare import image_size
from cifar_core.runs.prepare.image_size import Decision

if TYPE_CHECKING:
    from cifar_core.config import TrainConfig

LASTS = 60  # seconds, since the room on the disk changes


def decided(config: "TrainConfig", root: str, device: str, fingerprint: str) -> Decision:
    """Return the size that a run on a device would have.

    `fingerprint` is that of its images, so that it is decided again for others.
    """
    return _decided(config.to_dict(), root, device, fingerprint, config)


@st.cache_data(max_entries=256, ttl=LASTS, show_spinner=False)
def _decided(
    settings: dict[str, object], root: str, device: str, fingerprint: str, _config: "TrainConfig"
) -> Decision:
    return image_size.decided(_config, Path(root), device)


@st.cache_data(max_entries=16, show_spinner="Reading a few pictures")
def some(source: str, root: str, fingerprint: str, seed: int, count: int, sizing: Sizing) -> Images:
    """Return some training images of a source at a size; each `seed` chooses others.

    `fingerprint` is that of its images, of which there are at least `count`. Raises DataError.
    """
    from cifar_core.data.sizing.glimpse import glimpse

    total = len(dataset(source, root).train)
    chosen = np.sort(np.random.default_rng(seed).choice(total, min(count, total), replace=False))
    return glimpse(source, Path(root), chosen, sizing)
