"""Saliency maps and the evidence for them, cached in memory for all sessions."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from app.cache.results import classifier, pass_seconds
from cifar_core.runs import Run

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from cifar_core.explain import SaliencySpec
    from cifar_core.explain.trust import Evidence, Yardstick
    from cifar_core.explain.trust.curves import ErasingCurves
    from cifar_core.explain.trust.steadiness import Steadiness
    from cifar_core.runs.results.explanation import Explanation
    from cifar_core.runs.results.neighbors import Likeness, Neighbors


QUICK = 2.0  # seconds of a map that is drawn unasked


def first_method(run: Run, checkpoint: str, most: float = QUICK) -> "SaliencySpec":
    """Return the method that is shown if no one asks for another; `most` is in seconds a map."""
    from cifar_core.explain import first, subject_of
    from cifar_core.runs.results.sanity_cards import CardFile

    folder = str(run.path)
    network = classifier(folder, checkpoint)
    files = [CardFile(run=run, checkpoint=checkpoint, method=key) for key in first.ORDER]
    similarities = {file.method: card["stays"] for file in files if (card := file.read())}
    seconds = pass_seconds(folder, checkpoint)
    with network.lock:
        subject = subject_of(network)
        return first.first_method(
            lambda spec: spec.refusal(subject), similarities, seconds=seconds, most=most
        )


@st.cache_data(max_entries=512, show_spinner=False)
def saliency(
    folder: str,
    checkpoint: str,
    method: str,
    targets: tuple[int, ...],
    digest: str,
    _view: "Tensor",
    *,
    settings: tuple[tuple[str, Any], ...] = (),
    rival: int | None = None,
) -> "NDArray[np.float32]":
    """Return the maps [T, S, S] of one view [1, 3, S, S], which `digest` identifies."""
    import torch

    from cifar_core.explain import SALIENCY, explain

    maps = explain(
        classifier(folder, checkpoint), _view.expand(len(targets), -1, -1, -1),
        torch.tensor(targets), method, SALIENCY[method].settings.from_dict(dict(settings)),
        rival=rival,
    )  # fmt: skip
    return maps.numpy()


@st.cache_resource(max_entries=3, show_spinner=False)
def neighbors(folder: str, checkpoint: str, stamp: int) -> "Neighbors | None":
    """Return the kept features of training images, up to 41 MB; `stamp` identifies the file."""
    from cifar_core.runs.results.neighbors import kept

    return kept(Run(Path(folder)), checkpoint)


@st.cache_data(max_entries=512, show_spinner=False)
def likeness(
    folder: str, checkpoint: str, stamp: int, digest: str, _features: "NDArray[np.float32]"
) -> "Likeness | None":
    """Return how close a view's features [D] are to those of the training images, if kept."""
    training_images = neighbors(folder, checkpoint, stamp)
    return training_images.likeness(_features) if training_images else None


@st.cache_resource(max_entries=64, show_spinner=False)
def yardstick(
    folder: str, checkpoint: str, target: int, digest: str, _view: "Tensor"
) -> "Yardstick":
    """Return what all maps of one picture and class are compared with."""
    from cifar_core.explain.trust import measure

    return measure(classifier(folder, checkpoint), _view, target)


@st.cache_resource(max_entries=256, show_spinner=False)
def evidence(_explanation: "Explanation", digest: str) -> "Evidence":
    """Return how a map did in the tests; `digest` identifies the map."""
    import torch

    from cifar_core.data.pictures.images import tensor_of
    from cifar_core.explain import SALIENCY
    from cifar_core.explain.trust import examine
    from cifar_core.runs.results.explanation import class_index, sha256_of

    question, seen = _explanation.question, _explanation.seen
    where = str(_explanation.run.path), _explanation.checkpoint
    network, view = classifier(*where), tensor_of(seen)
    target = class_index(question.target, network.classes)
    common = yardstick(*where, target, sha256_of(seen), view)
    map_ = torch.tensor(_explanation.map)
    spec = SALIENCY[question.method]
    return examine(network, view, target, map_, common, spec, question.settings)


@st.cache_resource(max_entries=64, show_spinner=False)
def erasing_curves(_explanation: "Explanation", digest: str) -> "ErasingCurves":
    """Return a map's insertion and deletion; `digest` identifies the map."""
    import torch

    from cifar_core.data.pictures.images import tensor_of
    from cifar_core.explain.trust.curves import curves
    from cifar_core.runs.results.explanation import class_index

    network = classifier(str(_explanation.run.path), _explanation.checkpoint)
    target = class_index(_explanation.question.target, network.classes)
    return curves(network, tensor_of(_explanation.seen), target, torch.tensor(_explanation.map))


@st.cache_resource(max_entries=256, show_spinner=False)
def steadiness(_explanation: "Explanation", digest: str) -> "Steadiness":
    """Return how a map agrees with one drawn with other random numbers; costs one more map."""
    import torch

    from cifar_core.data.pictures.images import tensor_of
    from cifar_core.explain import explain
    from cifar_core.explain.trust.steadiness import steadiness as agreement
    from cifar_core.runs.results.explanation import class_index

    question = _explanation.question
    network = classifier(str(_explanation.run.path), _explanation.checkpoint)
    target = torch.tensor([class_index(question.target, network.classes)])
    again = explain(
        network, tensor_of(_explanation.seen), target, question.method, question.settings, draw=1
    )
    return agreement(torch.tensor(_explanation.map), again[0])
