"""What networks make of a picture: calibrated probabilities, and saliency maps with their scale."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from PIL import Image

from app.cache.explain import likeness, saliency
from app.cache.results import calibration, outputs
from app.screens.predict.background import calibrating, comparing
from app.screens.predict.request import EVERY, MOST_CLASSES, PREDICTED, RATHER, SECOND, Request
from app.shared.networks import Network
from app.shared.pictures.picture import Picture
from cifar_core.data.pictures.images import tensor_of
from cifar_core.evaluation.softmax import softmax
from cifar_core.evaluation.temperature import TemperatureFit
from cifar_core.explain.render import limit_of, softened
from cifar_core.runs.results.explanation import Explanation, Question, class_index, sha256_of
from cifar_core.runs.results.neighbors import Likeness

Ranked = list[tuple[str, float]]  # classes with their probabilities, likeliest first


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """One network's prediction for one picture."""

    network: Network
    picture: Picture
    ranked: Ranked  # calibrated, if a calibration is kept
    uncovered: Ranked  # the same without the cover
    raw: Ranked  # with the cover, uncalibrated
    calibration: TemperatureFit | None
    likeness: Likeness | None  # to the training images, if their features are kept


def predict(network: Network, picture: Picture) -> Prediction:
    """Classify a picture with a network."""
    seen, where = picture.seen, network.where
    kept = calibration(*where, calibrating(network).stamp)
    ranked = ranking(network, seen, kept)
    digest = sha256_of(seen)
    _, features = outputs(*where, digest, tensor_of(seen))
    return Prediction(
        network=network, picture=picture, ranked=ranked,
        uncovered=ranking(network, picture.bare, kept) if picture.cover else ranked,
        raw=ranking(network, seen, None), calibration=kept,
        likeness=likeness(*where, comparing(network).stamp, digest, features),
    )  # fmt: skip


def ranking(network: Network, seen: Image.Image, kept: TemperatureFit | None) -> Ranked:
    """Return all classes with their probabilities, likeliest first."""
    logits, _ = outputs(*network.where, sha256_of(seen), tensor_of(seen))
    (shares,) = softmax(logits[None], kept.temperature if kept else 1.0)
    names = network.classifier.classes
    return [(names[index], float(shares[index])) for index in np.argsort(-shares, kind="stable")]


def explanations(prediction: Prediction, request: Request, method: str) -> list[Explanation]:
    """Return a method's maps: of the chosen class, or of each of the ten likeliest."""
    network, picture = prediction.network, prediction.picture
    classes = network.classifier.classes
    names, rival = targets(prediction.ranked, request)
    settings = request.methods[method]
    maps = saliency(
        *network.where, method, tuple(class_index(name, classes) for name in names),
        sha256_of(picture.seen), tensor_of(picture.seen),
        settings=tuple(settings.to_dict().items()),
        rival=class_index(rival, classes) if rival else None,
    )  # fmt: skip
    return [
        Explanation(
            run=network.run, checkpoint=network.checkpoint.name, map=map_, name=picture.name,
            photo=picture.photo, box=picture.region, seen=picture.seen,
            pictured=picture.pictured,
            question=Question(method=method, settings=settings, target=name, rival=rival),
        )
        for name, map_ in zip(names, maps, strict=True)
    ]  # fmt: skip


def targets(ranked: Ranked, request: Request) -> tuple[list[str], str]:
    """Return the classes to explain and the one to compare with, if any."""
    if request.why == EVERY:
        return [name for name, _ in ranked[:MOST_CLASSES]], ""
    target = ranked[0][0] if request.target == PREDICTED else request.target
    if request.why != RATHER:
        return [target], ""
    likeliest_other = next(name for name, _ in ranked if name != target)
    return [target], likeliest_other if request.rival == SECOND else request.rival


def shared_limits(
    predictions: Sequence[Prediction], request: Request, methods: Iterable[str]
) -> dict[str, float]:
    """Return for each method the value drawn in full color that suits all of its maps."""

    def maps(method: str) -> Iterable[Explanation]:
        return chain.from_iterable(explanations(own, request, method) for own in predictions)

    return {
        method: limit_of(*(softened(made.visible) for made in maps(method))) for method in methods
    }
