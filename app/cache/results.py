"""Images, networks and their predictions, cached in memory for all sessions."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from cifar_core.data.sizing import USUAL, Sizing
from cifar_core.disk import files
from cifar_core.runs import Run
from cifar_core.runs.results import predictions as predictions_files
from cifar_core.runs.results.predictions import Part, Predictions, path_of

if TYPE_CHECKING:
    from torch import Tensor

    from cifar_core.data.dataset import Dataset
    from cifar_core.evaluation.temperature import TemperatureFit
    from cifar_core.inference import Classifier


JOB_START = 5.0  # seconds that a background job takes to load the program, network and images


@st.cache_resource(max_entries=4, show_spinner=False)
def classifier(folder: str, checkpoint: str) -> "Classifier":
    """Return a run's network with the weights of one checkpoint, named in full."""
    from cifar_core.runs.results.classifier import load_classifier

    return load_classifier(Run(Path(folder)), checkpoint)


@st.cache_data(max_entries=512, show_spinner=False)
def outputs(
    folder: str, checkpoint: str, digest: str, _view: "Tensor"
) -> "tuple[NDArray[np.float32], NDArray[np.float32]]":
    """Return the logits [K] and the last layer's features [D] of one view [1, 3, S, S]."""
    from cifar_core.inference import outputs

    logits, features = outputs(classifier(folder, checkpoint), _view)
    return logits[0].numpy(), features[0].numpy()


@st.cache_data(max_entries=64, show_spinner=False)
def calibration(folder: str, checkpoint: str, stamp: int) -> "TemperatureFit | None":
    """Return the calibration of a checkpoint; `stamp` identifies the file it comes from."""
    from cifar_core.runs.results.calibration import kept

    return kept(Run(Path(folder)), checkpoint)


@st.cache_data(max_entries=64, show_spinner=False)
def pass_seconds(folder: str, checkpoint: str) -> float:
    """Return the seconds that a forward pass of one image takes, measured once."""
    from cifar_core.inference import seconds_per_image

    return seconds_per_image(classifier(folder, checkpoint))


@st.cache_data(max_entries=64, show_spinner=False)
def job_seconds(folder: str, checkpoint: str, images: int) -> float:
    """Return about how many seconds a background job takes to classify this many images."""
    from cifar_core.inference import job_seconds_per_image
    from cifar_core.training.setup import evaluation_size

    at_once = evaluation_size("cpu", Run(Path(folder)).config.computes_on)
    return JOB_START + images * job_seconds_per_image(classifier(folder, checkpoint), at_once)


@st.cache_data(max_entries=16, show_spinner="Classifying the test images (only once)")
def test_predictions(
    folder: str, checkpoint: str, count: int
) -> "tuple[NDArray[np.int64], NDArray[np.float32]]":
    """Return a run's predictions [N] for the first test images, and their confidence [N]."""
    from cifar_core.inference import predictions

    pixels = images_of(Run(Path(folder))).test.pixels[:count]
    return predictions(classifier(folder, checkpoint), pixels)


@st.cache_resource(max_entries=32, show_spinner=False)
def kept_predictions(folder: str, checkpoint: str, part: Part, stamp: int) -> Predictions | None:
    """Return the predictions kept for a split; `stamp` identifies the file."""
    return predictions_files.kept(Run(Path(folder)), part, checkpoint)


@st.cache_resource(max_entries=4, show_spinner=False)
def dataset(source: str, root: str, sizing: Sizing = USUAL) -> "Dataset":
    """Return the images of a resolved source."""
    from cifar_core import data

    return data.load(source, Path(root), sizing)


def images_of(run: Run) -> "Dataset":
    """Return a run's images at the size that its network takes."""
    return dataset(run.source, str(run.store_root), run.sizing)


def predictions_of(run: Run, checkpoint: str, part: Part) -> Predictions | None:
    """Return the kept predictions of a checkpoint for a split, if there are any."""
    stamp = files.stamp(path_of(run, part, checkpoint))
    return kept_predictions(str(run.path), checkpoint, part, stamp) if stamp else None


def calibration_of(run: Run, checkpoint: str) -> "TemperatureFit | None":
    """Return the calibration, if the validation images have been classified."""
    stamp = files.stamp(path_of(run, "val", checkpoint))
    return calibration(str(run.path), checkpoint, stamp) if stamp else None
