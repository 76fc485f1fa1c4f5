"""explain: what a run sees in a picture, and which pixels made it say so."""

from argparse import Namespace
from pathlib import Path
from typing import Any

from cifar_core.errors import ImageError
from cifar_core.terminal.output import add_json, add_store, percent, show, store_of


def add(commands: Any) -> None:
    """Add the command of this module."""
    parser = commands.add_parser("explain", help="predict a picture and draw its saliency map")
    parser.add_argument("run", help="the run's number or id")
    parser.add_argument("image", help="a picture file")
    parser.add_argument("--method", default="gradient", help="the saliency method")
    parser.add_argument("--target", help="class to explain (default: the predicted one)")
    parser.add_argument("--out", help="where to write the overlay as PNG")
    add_store(parser)
    add_json(parser)
    parser.set_defaults(command=explain)


def explain(arguments: Namespace) -> int:
    """Print the five likeliest classes; write the overlay if asked."""
    from cifar_core.data import images
    from cifar_core.explain import SALIENCY
    from cifar_core.inference import predict
    from cifar_core.runs.classifier import load_classifier

    method = SALIENCY[arguments.method]
    classifier = load_classifier(store_of(arguments).run(arguments.run))
    path = Path(arguments.image)
    if not path.is_file():
        raise ImageError(f"There is no file {path}. Give the path of a picture.")
    picture = images.open_image(path.read_bytes(), path.name)
    view = images.to_tensor(picture)
    probabilities = predict(classifier, view)[0]
    top = probabilities.topk(min(5, len(classifier.classes)))
    show(
        [
            {"class": classifier.classes[i], "probability": percent(p)}
            for p, i in zip(top.values.tolist(), top.indices.tolist(), strict=True)
        ],
        arguments.json,
    )
    if arguments.out:
        target = target_index(arguments.target, classifier.classes, int(top.indices[0]))
        draw(classifier, picture, view, target, method, Path(arguments.out))
    return 0


def target_index(name: str | None, classes: tuple[str, ...], predicted: int) -> int:
    """Return the index of the class to explain."""
    if name is None:
        return predicted
    if name not in classes:
        raise ImageError(f"There is no class '{name}'. Known: {', '.join(classes)}.")
    return classes.index(name)


def draw(classifier: Any, picture: Any, view: Any, target: int, method: Any, out: Path) -> None:
    """Write the overlay of one map on the original picture."""
    import torch

    from cifar_core.data.images import seen_box
    from cifar_core.explain import explain as attribute
    from cifar_core.explain.render import overlay

    saliency = attribute(classifier, view, torch.tensor([target]), method.key)[0]
    overlay(picture, saliency, box=seen_box(picture), signed=method.signed).save(out)
    print(f"{method.title} for '{classifier.classes[target]}' written to {out}")
