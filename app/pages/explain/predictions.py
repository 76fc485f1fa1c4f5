"""What the networks answer about a picture: probabilities, and maps with their scale."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from app.cache.explain import likeness, saliency
from app.cache.results import calibration, outputs
from app.pages.explain.background import calibrating, comparing
from app.pages.explain.question import EVERY, MOST_CLASSES, PREDICTED, RATHER, SECOND, Asked
from app.shared.networks import Network
from app.shared.picture import Picture
from cifar_core.data.images import network_view, to_tensor
from cifar_core.evaluation.softmax import softmax
from cifar_core.explain.render import limit_of, softened
from cifar_core.runs.results.calibration import Calibration
from cifar_core.runs.results.explanation import Explanation, Question, place_of, sha256_of
from cifar_core.runs.results.neighbors import Likeness

Ranked = list[tuple[str, float]]  # classes with their probabilities, likeliest first


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a network says about a picture."""

    network: Network
    picture: Picture
    ranked: Ranked  # calibrated, if that is known
    uncovered: Ranked  # the same without the cover
    raw: Ranked  # with the cover, as the network gives them
    calibration: Calibration | None
    likeness: Likeness | None  # to the training images, if those have been looked at


def answer(network: Network, picture: Picture) -> Answer:
    """Ask a network which class a picture shows."""
    seen, where = picture.seen, network.where
    known = calibration(*where, calibrating(network).stamp)
    ranked = ranking(network, seen, known)
    bare = network_view(picture.image, box=picture.region) if picture.cover else seen
    digest = sha256_of(seen)
    _, features = outputs(*where, digest, to_tensor(seen))
    return Answer(
        network=network, picture=picture, ranked=ranked,
        uncovered=ranking(network, bare, known) if picture.cover else ranked,
        raw=ranking(network, seen, None), calibration=known,
        likeness=likeness(*where, comparing(network).stamp, digest, features),
    )  # fmt: skip


def ranking(network: Network, seen: Image.Image, known: Calibration | None) -> Ranked:
    """Return all classes with their probabilities."""
    logits, _ = outputs(*network.where, sha256_of(seen), to_tensor(seen))
    (found,) = softmax(logits[None], known.temperature if known else 1.0)
    names = network.classifier.classes
    return [(names[place], float(found[place])) for place in np.argsort(-found, kind="stable")]


def explanations(given: Answer, asked: Asked, method: str) -> list[Explanation]:
    """Return a method's maps: of the class asked for, or of each of the likeliest ten."""
    network, picture = given.network, given.picture
    classes = network.classifier.classes
    names, rival = aims(given.ranked, asked)
    settings = asked.methods[method]
    maps = saliency(
        *network.where, method, tuple(place_of(name, classes) for name in names),
        sha256_of(picture.seen), to_tensor(picture.seen),
        settings=tuple(settings.to_dict().items()),
        rival=place_of(rival, classes) if rival else None,
    )  # fmt: skip
    return [
        Explanation(
            run=network.run, checkpoint=network.checkpoint.name, map=map_, name=picture.name,
            photo=picture.photo, box=picture.region, seen=picture.seen,
            question=Question(method=method, settings=settings, target=name, rival=rival),
        )
        for name, map_ in zip(names, maps, strict=True)
    ]  # fmt: skip


def aims(ranked: Ranked, asked: Asked) -> tuple[list[str], str]:
    """Return the classes to explain and the one to compare with, if any."""
    if asked.why == EVERY:
        return [name for name, _ in ranked[:MOST_CLASSES]], ""
    target = ranked[0][0] if asked.target == PREDICTED else asked.target
    if asked.why != RATHER:
        return [target], ""
    likeliest_other = next(name for name, _ in ranked if name != target)
    return [target], likeliest_other if asked.rival == SECOND else asked.rival


def shared_limits(
    given: Sequence[Answer], asked: Asked, methods: Iterable[str]
) -> dict[str, float]:
    """Return for each method the value in full colour that suits all of its maps."""
    return {
        method: limit_of(
            *(softened(one.map) for each in given for one in explanations(each, asked, method))
        )
        for method in methods
    }
