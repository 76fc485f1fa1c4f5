"""What is inside a network: layers, filters, feature maps; cached in memory for all sessions."""

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from app.cache.results import classifier, images_of
from cifar_core.batching import FORWARD, images_at_once
from cifar_core.runs import Run

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from cifar_core.inside import Activity, Aim, Layer, NodeNeighbors

MOST_PIXELS = 4 * FORWARD  # of the test images that a page looks at: 256 of 128 pixels a side


@st.cache_resource(max_entries=64, show_spinner=False)
def layers(folder: str, checkpoint: str) -> "list[Layer]":
    """Return the layers of a run's network, in the order of a forward pass."""
    from cifar_core.inside import layers_of

    return layers_of(classifier(folder, checkpoint))


def first_images(folder: str, count: int) -> "NDArray[np.uint8]":
    """Return a run's first test images [N, S, S, 3], fewer of large ones, which take longer."""
    run = Run(Path(folder))
    most = images_at_once(run.sizing.side, MOST_PIXELS)
    return images_of(run).test.pixels[: min(count, most)]


def test_views(folder: str, count: int) -> "Tensor":
    """Return the same images as [N, 3, S, S] in [0, 1]."""
    import torch

    pixels = torch.tensor(first_images(folder, count))
    return pixels.permute(0, 3, 1, 2).float() / 255


@st.cache_resource(max_entries=16, show_spinner=False)
def activities(folder: str, checkpoint: str, count: int) -> "dict[str, Activity]":
    """Return the activity of each layer over the first test images."""
    from cifar_core.inside import activity

    return activity(classifier(folder, checkpoint), test_views(folder, count))


@st.cache_data(max_entries=128, show_spinner=False)
def filters(folder: str, checkpoint: str, layer: str) -> "NDArray[np.float32] | None":
    """Return a convolution's filters as pictures in [0, 1], or None."""
    from cifar_core import inside

    pictures = inside.filters(classifier(folder, checkpoint), layer)
    return None if pictures is None else pictures.numpy()


@st.cache_data(max_entries=64, show_spinner=False)
def features(
    folder: str, checkpoint: str, layer: str, digest: str, _view: "Tensor"
) -> "NDArray[np.float32]":
    """Return a layer's maps [C, h, w] of one view [1, 3, S, S]."""
    from cifar_core.inside import feature_maps

    return feature_maps(classifier(folder, checkpoint), _view, layer).numpy()


@st.cache_data(max_entries=64, show_spinner="Searching for the images that activate it most")
def strongest_images(
    folder: str, checkpoint: str, count: int, aim: "Aim", most: int = 6
) -> "tuple[list[NDArray[np.uint8]], list[float], float]":
    """Return the test images that activate a unit most, its activations, and their spread."""
    from cifar_core.inside import strengths

    activations = strengths(classifier(folder, checkpoint), aim, test_views(folder, count))
    best = activations.topk(min(most, len(activations)))
    pixels = first_images(folder, count)
    images = [pixels[index] for index in best.indices.tolist()]
    return images, best.values.tolist(), activations.std().item() or 1.0


@st.cache_data(max_entries=512, show_spinner=False)
def patch_neighbors(
    folder: str, checkpoint: str, digest: str, block: str, patch: int, target: int, _view: "Tensor"
) -> "NodeNeighbors":
    """Return the patches that a patch of one view [1, 3, S, S] is connected to in a block."""
    from cifar_core.inside import neighbors_of

    return neighbors_of(classifier(folder, checkpoint), _view, block, patch, target)
