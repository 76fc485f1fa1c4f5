"""The networks of the benchmark: natural pictures, planted patches, and untrained ones.

All are fresh: no seed, picture or planted place was used to choose the rule or its thresholds.
A planted patch is a square of one of four colors, which alone decides the class; the pictures
behind it are drawn at random, so that the truth of where the network has to look is known.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.verdicts.planted import planted
from cifar_core import data
from cifar_core.config import TrainConfig
from cifar_core.config.presets import PRESETS
from cifar_core.data.dataset import Dataset, Images
from cifar_core.inference import Classifier, make_classifier
from cifar_core.models import MODELS
from cifar_core.training.setup import prepare

PLAIN: dict[str, Any] = {"optimizer": "adam", "learning_rate": 0.005, "batch_size": 32}
FAST = {**PRESETS["record_cpu"].values, "label_smoothing": 0.0, "batch_size": 100}
ATTENTIVE: dict[str, Any] = {
    "optimizer": "adamw", "learning_rate": 0.002, "batch_size": 50, "clip_norm": 1.0,
}  # fmt: skip
RECIPES: Mapping[str, dict[str, Any]] = {
    "simple_cnn": PLAIN,
    "speed_net_strided": FAST,
    "vig_nano": ATTENTIVE,
    "vit_small": {**ATTENTIVE, "learning_rate": 0.001},
}
NATURAL, SHAPES, PLANTED, UNTRAINED = "natural", "shapes", "planted", "untrained"


@dataclass(frozen=True, kw_only=True)
class Network:
    """One network of the benchmark and how it is trained."""

    model: str
    seed: int
    kind: str = NATURAL
    images: int = 0  # that it is trained on
    epochs: int = 0
    place: str = ""  # of a planted patch: fixed, anywhere or decoy
    side: int = 0  # of a planted patch, pixels of 32

    @property
    def name(self) -> str:
        """A word for files and tables."""
        patch = f"-{self.place}{self.side}" if self.side else ""
        return f"{self.kind}{patch}-{self.model}-{self.seed}"


def planted_one(model: str, seed: int, place: str, side: int, images: int, epochs: int) -> Network:
    """Return a network that learns planted patches."""
    return Network(
        model=model, seed=seed, kind=PLANTED, place=place, side=side, images=images, epochs=epochs
    )


NETWORKS = [
    Network(model="simple_cnn", seed=101, images=8000, epochs=3),
    Network(model="speed_net_strided", seed=103, images=16_000, epochs=2),
    planted_one("simple_cnn", 111, "fixed", 4, 3000, 2),
    planted_one("speed_net_strided", 112, "anywhere", 5, 6000, 2),
    planted_one("simple_cnn", 113, "decoy", 6, 5000, 2),
    Network(model="simple_cnn", seed=121, kind=UNTRAINED),
    planted_one("vig_nano", 116, "anywhere", 6, 3000, 2),
    Network(model="speed_net_strided", seed=122, kind=UNTRAINED),
    planted_one("vit_small", 117, "fixed", 5, 1200, 2),
    Network(model="speed_net_strided", seed=104, images=16_000, epochs=2),
    Network(model="vig_nano", seed=124, kind=UNTRAINED),
    Network(model="vig_nano", seed=105, images=6000, epochs=2),
    planted_one("speed_net_strided", 115, "decoy", 5, 6000, 2),
    Network(model="vit_small", seed=123, kind=UNTRAINED),
    Network(model="simple_cnn", seed=107, kind=SHAPES, images=9000, epochs=3),
    planted_one("simple_cnn", 114, "anywhere", 4, 5000, 2),
    Network(model="simple_cnn", seed=102, images=8000, epochs=3),
    planted_one("speed_net_strided", 118, "anywhere", 6, 6000, 2),
]


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A network with the pictures that its maps are made of."""

    network: Network
    classifier: Classifier
    images: torch.Tensor  # [N, 3, 32, 32] in [0, 1]
    targets: torch.Tensor  # [N], the classes that are explained
    truth: torch.Tensor | None  # bool [N, 32, 32], the planted patch or the object
    accuracy: float  # on the held-out pictures


def build(network: Network, source: str, store: Path, folder: Path, pictures: int) -> Subject:
    """Return a network, trained or from the folder, with pictures that it classifies rightly.

    A trained network explains pictures that it gives more than one half to the right class, an
    untrained one any picture and the class that it prefers.
    """
    dataset = dataset_of(network, data.load(data.resolve(source, store), store))
    classifier = classifier_of(network, dataset, folder)
    pixels = torch.from_numpy(np.array(dataset.test.pixels[:2000]))
    images, labels = pixels.permute(0, 3, 1, 2) / 255, torch.from_numpy(dataset.test.labels[:2000])
    found = torch.cat([chances(classifier, part) for part in images[:600].split(100)])
    share, guess = found.max(dim=1)
    good = guess == labels[:600]
    accuracy = float(good.double().mean())
    if network.kind != UNTRAINED:
        order = ((share > 0.5) & good).nonzero().flatten()
    else:
        order = torch.arange(len(guess))
    chosen = order[torch.linspace(0, len(order) - 1, pictures).round().long()]
    truth = (
        None
        if dataset.test_masks is None
        else torch.from_numpy(np.array(dataset.test_masks))[chosen]
    )
    return Subject(
        network=network, classifier=classifier, images=images[chosen], targets=guess[chosen],
        truth=truth, accuracy=accuracy,
    )  # fmt: skip


def chances(classifier: Classifier, images: torch.Tensor) -> torch.Tensor:
    """Return the probabilities [N, K]."""
    with torch.inference_mode():
        return classifier.model(images).softmax(dim=1)


def dataset_of(network: Network, natural: Dataset) -> Dataset:
    """Return the pictures of a network, the same every time."""
    random = np.random.default_rng(network.seed)
    if network.kind == SHAPES:
        return data.load("synthetic", Path("unused"))
    if network.side:
        return planted(natural, network.place, network.side, network.images, random)
    chosen, kept = (random.permutation(len(part)) for part in (natural.train, natural.test))
    return Dataset(
        kind=natural.kind, title=natural.title, source=natural.source, classes=natural.classes,
        train=part_of(natural.train, chosen[: network.images or 500]),
        test=part_of(natural.test, kept[:2000]), fingerprint=network.name, note="",
    )  # fmt: skip


def part_of(images: Images, chosen: np.ndarray) -> Images:
    """Return some of the images."""
    return Images(pixels=images.pixels[chosen], labels=images.labels[chosen])


def classifier_of(network: Network, dataset: Dataset, folder: Path) -> Classifier:
    """Return the network with its weights, which are trained if the folder does not have them."""
    spec = MODELS[network.model]
    torch.manual_seed(network.seed)
    model = spec.build(len(dataset.classes))
    file = folder / f"{network.name}.pt"
    if file.exists():
        weights = torch.load(file)
    elif network.kind == UNTRAINED:
        return untrained_like(network, dataset.classes)
    else:
        trainer = prepare(config_of(network), dataset, "cpu").trainer
        for _ in trainer.run():
            pass
        weights = trainer.model.state_dict()
        torch.save(weights, file)
    return make_classifier(model, weights, classes=dataset.classes, layer=spec.cam_layer)


def untrained_like(network: Network, classes: tuple[str, ...]) -> Classifier:
    """Return a network with random weights."""
    spec = MODELS[network.model]
    torch.manual_seed(network.seed)
    model = spec.build(len(classes))
    return make_classifier(model, model.state_dict(), classes=classes, layer=spec.cam_layer)


def config_of(network: Network) -> TrainConfig:
    """Return how a network is trained: few images, few epochs, nothing disturbed."""
    return TrainConfig(**{
        **RECIPES[network.model], "model": network.model, "seed": network.seed,
        "epochs": max(1, network.epochs), "val_fraction": 0.02, "crop_padding": 0, "flip": False,
        "threads": 1, "device": "cpu",
    })  # fmt: skip
