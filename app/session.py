"""What is remembered: every key of the session's state and everything that is cached."""

import threading
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from app.access.admission import person
from cifar_core import device
from cifar_core.reading import Reading, Situation, read
from cifar_core.reading.curves import Curves, curves, joined
from cifar_core.runs import MetricsReader, Run, Status, Store
from cifar_core.runs.listing.goals import Goal, goals
from cifar_core.runs.results.reading import situation_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from cifar_core.data.dataset import Dataset
    from cifar_core.explain.trust import Evidence, Yardstick
    from cifar_core.inference import Classifier
    from cifar_core.inside import Activity, Aim, Heard, Layer
    from cifar_core.runs.results.calibration import Calibration
    from cifar_core.runs.results.explanation import Explanation
    from cifar_core.runs.results.neighbors import Likeness, Neighbours
    from cifar_core.runs.results.predictions import Part, Predictions
    from cifar_core.training.freezing import StageRow

QUARTERS = 4  # times an epoch that a reading is made anew


class Key(StrEnum):
    """What a session remembers from one interaction to the next, besides its widgets."""

    DELETED = "deleted"  # ids of the runs that an undo would bring back
    DRAFT = "draft"  # plain settings that the New run page starts from
    DRAFT_SOURCE = "draft_source"  # the preset or the run that they come from
    DRAFT_NUMBER = "draft_number"  # goes up with each draft, so that its controls start anew
    STARTED = "started"  # id of the run that this draft became, or the token of its sweep
    VARIED = "varied"  # the draft and the address's lists that were put into it
    SEARCH = "search_started"  # number of the rate search that this form became
    ESTIMATE = "estimate"  # the settings measured last, and what came out
    FIT = "fit"  # the settings whose largest batch was measured last, and what came out
    RESHUFFLE = "reshuffle"  # seed of the augmentation preview
    PICKED = "picked"  # places of the chosen test images
    ASKED_FOR = "asked_for"  # saliency methods that may take long, which the person asked for
    LINKED = "linked"  # the image that the address names, when it was last looked at
    OFFER = "offer"  # seed of the test images to choose from
    BROWSED = "browsed"  # seed of the images on the Data page
    EVALUATED = "evaluated"  # number of the run that the Evaluate page showed last
    REVEALED = "revealed"  # ids of the runs whose test images this session has looked at
    PAGE = "gallery_page"  # which pictures of a gallery are shown
    PINNED = "pinned"  # the image that is followed over the epochs, as in the address of Explain
    CHART = "chart"  # the live chart's own state: the enlarged part
    COMPARED = "compared"  # the same of the curves on the Compare page
    COSTS = "costs"  # the same of the Compare page's accuracy against cost
    ANSWERING = "answering"  # which runs' answers were asked for on the Compare page
    LOOKED = "looked"  # which runs' test images the Compare page was asked to show


def store() -> Store:
    """Return the store that the environment names, on behalf of whoever looks.

    A handle without memory of its own, so that a role that changes counts at once.
    """
    return Store.default(person())


def goals_of(run: Run) -> list[Goal]:
    """Return what there is to beat on a run's images."""
    return goals(run.environment.get("data", {}), store().runs())


class Feed:
    """The curves of one run, shared by all who watch it; reads only what was appended."""

    def __init__(self, folder: Path) -> None:
        self.lock = threading.Lock()
        self.reader = MetricsReader(folder)
        self.so_far = curves([])

    def curves(self) -> Curves:
        """Return everything measured until now."""
        with self.lock:
            fresh = self.reader.poll()
            if fresh.reset:
                self.so_far = curves(fresh.rows)
            elif fresh.rows:
                self.so_far = joined(self.so_far, curves(fresh.rows))
            return self.so_far


@st.cache_data(max_entries=64, show_spinner=False)
def stages(model: str, plan: str, head_epochs: int) -> "list[StageRow]":
    """Return what a transfer plan trains of a network; no weight of it is ever made."""
    import torch

    from cifar_core.config import TrainConfig
    from cifar_core.training.freezing import diagram

    config = TrainConfig(
        model=model, plan=plan, head_epochs=head_epochs, resolution=224, epochs=1000
    )
    with torch.device("meta"):
        network = config.build_model(10)
    return diagram(network, config)


@st.cache_resource(max_entries=64, show_spinner=False)
def feed(folder: str) -> Feed:
    """Return the one reader of a run's metrics."""
    return Feed(Path(folder))


def reading(run: Run, measured: Curves, status: Status) -> Reading:
    """Return what a run's curves say, anew four times an epoch and whenever its state changes."""
    done = float(measured.step_epoch[-1]) if len(measured.step) else 0.0
    mark = f"{status.state} {status.attempt} {len(measured.epoch)} {done * QUARTERS:.0f}"
    return _reading(str(run.path), mark, measured, situation_of(run, status))


@st.cache_data(max_entries=256, show_spinner=False)
def _reading(folder: str, mark: str, _measured: Curves, _situation: Situation) -> Reading:
    return read(_measured, _situation)


@st.cache_resource(max_entries=4, show_spinner=False)
def classifier(folder: str, checkpoint: str) -> "Classifier":
    """Return a run's network with the weights of one checkpoint, named in full."""
    from cifar_core.runs import Run
    from cifar_core.runs.results.classifier import load_classifier

    return load_classifier(Run(Path(folder)), checkpoint)


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
    """Return the maps [T, 32, 32] of one view [1, 3, 32, 32], told from others by `digest`."""
    import torch

    from cifar_core.explain import SALIENCY, explain

    found = explain(
        classifier(folder, checkpoint), _view.expand(len(targets), -1, -1, -1),
        torch.tensor(targets), method, SALIENCY[method].settings.from_dict(dict(settings)),
        rival=rival,
    )  # fmt: skip
    return found.numpy()


@st.cache_data(max_entries=512, show_spinner=False)
def outputs(
    folder: str, checkpoint: str, digest: str, _view: "Tensor"
) -> "tuple[NDArray[np.float32], NDArray[np.float32]]":
    """Return the logits [K] and the last layer's features [D] of one view [1, 3, 32, 32]."""
    from cifar_core.inference import outputs

    logits, features = outputs(classifier(folder, checkpoint), _view)
    return logits[0].numpy(), features[0].numpy()


@st.cache_data(max_entries=64, show_spinner=False)
def calibration(folder: str, checkpoint: str, stamp: int) -> "Calibration | None":
    """Return the kept calibration of a checkpoint; `stamp` tells which file it comes from."""
    from cifar_core.runs import Run
    from cifar_core.runs.results.calibration import kept

    return kept(Run(Path(folder)), checkpoint)


@st.cache_resource(max_entries=3, show_spinner=False)
def neighbours(folder: str, checkpoint: str, stamp: int) -> "Neighbours | None":
    """Return the kept features of training images, up to 41 MB; `stamp` tells which file it is."""
    from cifar_core.runs import Run
    from cifar_core.runs.results.neighbors import kept

    return kept(Run(Path(folder)), checkpoint)


@st.cache_data(max_entries=512, show_spinner=False)
def likeness(
    folder: str, checkpoint: str, stamp: int, digest: str, _features: "NDArray[np.float32]"
) -> "Likeness | None":
    """Return how near a view's features [D] are to those of the training images, if kept."""
    known = neighbours(folder, checkpoint, stamp)
    return known.likeness(_features) if known else None


@st.cache_data(max_entries=64, show_spinner=False)
def pass_seconds(folder: str, checkpoint: str) -> float:
    """Measure what one image costs on its way forward through a run's network."""
    from cifar_core.inference import seconds_per_image

    return seconds_per_image(classifier(folder, checkpoint))


@st.cache_data(max_entries=16, show_spinner="Classifying the test images, once")
def test_answers(
    folder: str, checkpoint: str, source: str, root: str, count: int
) -> "tuple[NDArray[np.int64], NDArray[np.float32]]":
    """Return the answers [N] of a run to the first test images, and how sure it is of each."""
    from cifar_core.inference import answers

    return answers(classifier(folder, checkpoint), dataset(source, root).test.pixels[:count])


@st.cache_resource(max_entries=32, show_spinner=False)
def kept_answers(folder: str, checkpoint: str, part: "Part", stamp: int) -> "Predictions | None":
    """Return the answers kept for a part; `stamp` tells which file it is."""
    from cifar_core.runs import Run
    from cifar_core.runs.results import predictions

    return predictions.kept(Run(Path(folder)), part, checkpoint)


@st.cache_resource(max_entries=64, show_spinner=False)
def layers(folder: str, checkpoint: str) -> "list[Layer]":
    """Return the layers of a run's network, in the order of the pass."""
    from cifar_core.inside import layers_of

    return layers_of(classifier(folder, checkpoint))


def test_views(source: str, root: str, count: int) -> "Tensor":
    """Return the first test images [N, 3, 32, 32] in [0, 1]."""
    import torch

    pixels = torch.tensor(dataset(source, root).test.pixels[:count])
    return pixels.permute(0, 3, 1, 2).float() / 255


@st.cache_resource(max_entries=16, show_spinner=False)
def activities(
    folder: str, checkpoint: str, source: str, root: str, count: int
) -> "dict[str, Activity]":
    """Return how alive each layer is over the first test images."""
    from cifar_core.inside import activity

    return activity(classifier(folder, checkpoint), test_views(source, root, count))


@st.cache_data(max_entries=128, show_spinner=False)
def filters(folder: str, checkpoint: str, layer: str) -> "NDArray[np.float32] | None":
    """Return a convolution's filters as pictures in [0, 1], or None."""
    from cifar_core import inside

    found = inside.filters(classifier(folder, checkpoint), layer)
    return None if found is None else found.numpy()


@st.cache_data(max_entries=64, show_spinner=False)
def features(
    folder: str, checkpoint: str, layer: str, digest: str, _view: "Tensor"
) -> "NDArray[np.float32]":
    """Return a layer's maps [C, h, w] of one view [1, 3, 32, 32]."""
    from cifar_core.inside import feature_maps

    return feature_maps(classifier(folder, checkpoint), _view, layer).numpy()


@st.cache_data(max_entries=64, show_spinner="Looking for the images that excite it most")
def strongest_images(
    folder: str, checkpoint: str, source: str, root: str, count: int, aim: "Aim", most: int = 6
) -> "tuple[list[NDArray[np.uint8]], list[float], float]":
    """Return the test images that excite an aim most, their strengths, and the spread of all."""
    from cifar_core.inside import strengths

    found = strengths(classifier(folder, checkpoint), aim, test_views(source, root, count))
    best = found.topk(min(most, len(found)))
    pixels = dataset(source, root).test.pixels
    images = [pixels[place] for place in best.indices.tolist()]
    return images, best.values.tolist(), found.std().item() or 1.0


@st.cache_data(max_entries=512, show_spinner=False)
def heard(
    folder: str, checkpoint: str, digest: str, block: str, place: int, target: int, _view: "Tensor"
) -> "Heard":
    """Return whom a patch of one view [1, 3, 32, 32] listens to in a block."""
    from cifar_core.inside import listen

    return listen(classifier(folder, checkpoint), _view, block, place, target)


@st.cache_resource(max_entries=64, show_spinner=False)
def yardstick(
    folder: str, checkpoint: str, target: int, digest: str, _view: "Tensor"
) -> "Yardstick":
    """Return what all maps of one picture and class are held against."""
    from cifar_core.explain.trust import measure

    return measure(classifier(folder, checkpoint), _view, target)


@st.cache_resource(max_entries=256, show_spinner=False)
def evidence(_explanation: "Explanation", digest: str) -> "Evidence":
    """Return how a map did in the tests; `digest` tells which map it is."""
    import torch

    from cifar_core.data.images import to_tensor
    from cifar_core.explain import SALIENCY
    from cifar_core.explain.trust import examine
    from cifar_core.runs.results.explanation import place_of, sha256_of

    asked, seen = _explanation.question, _explanation.seen
    where = str(_explanation.run.path), _explanation.checkpoint
    network, view = classifier(*where), to_tensor(seen)
    target = place_of(asked.target, network.classes)
    common = yardstick(*where, target, sha256_of(seen), view)
    map_ = torch.tensor(_explanation.map)
    spec = SALIENCY[asked.method]
    return examine(network, view, target, map_, common, spec, asked.settings)


@st.cache_resource(max_entries=4, show_spinner=False)
def dataset(source: str, root: str) -> "Dataset":
    """Return the images of a source as the data package resolved it."""
    from cifar_core import data

    return data.load(source, Path(root))


@st.cache_data(ttl=300, show_spinner=False)
def inventory() -> list[device.Device]:
    """Return this machine's devices; asking a GPU takes a moment."""
    return device.inventory()


def remembered(key: Key, default: Any = None) -> Any:
    """Return what the session remembers under a key."""
    return st.session_state.get(key, default)


def remember(key: Key, value: Any) -> None:
    """Keep a value for the session."""
    st.session_state[key] = value
