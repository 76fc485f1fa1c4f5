"""explain: what a run predicts for images, and which pixels decided it."""

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifar_core.disk import output
from cifar_core.disk.checks import readable
from cifar_core.disk.tables import as_csv
from cifar_core.errors import ImageError
from cifar_core.runs.record.run import Run
from cifar_core.terminal.output import (
    add_json,
    add_run,
    add_store,
    percent,
    progress,
    show,
    store_of,
)

if TYPE_CHECKING:
    from cifar_core.evaluation.temperature import TemperatureFit
    from cifar_core.runs.results.neighbors import Likeness, Neighbors

ENDINGS = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"}


def add(commands: Any) -> None:
    """Add the command of this module."""
    parser = commands.add_parser("explain", help="classify images and draw their saliency maps")
    add_run(parser)
    parser.add_argument("image", nargs="+", help="image files, or folders of them")
    parser.add_argument(
        "--method", default="gradient", help="saliency methods, separated by commas"
    )
    parser.add_argument("--target", help="class to explain, or 'all' (default: the prediction)")
    parser.add_argument("--rival", help="explain why it is the target rather than this class")
    parser.add_argument(
        "--keep", type=float, default=100, help="percentage of pixels to color (default: 100)"
    )
    parser.add_argument(
        "--calibrate",
        action="store_true",
        help="calibrate and name the nearest training images; computes what is missing",
    )
    parser.add_argument(
        "--out",
        help="a folder for maps, arrays, records and predictions.csv; for a single map also a file "
        "ending in .png",
    )
    parser.add_argument("--inside", action="store_true", help="print the network's layers instead")
    parser.add_argument(
        "--graph", metavar="ROW,COLUMN", help="print the neighbors of a Vision GNN patch instead"
    )
    add_store(parser)
    add_json(parser)
    parser.set_defaults(command=explain)


def explain(arguments: Namespace) -> int:
    """Print the five likeliest classes of each image; write the maps if asked.

    Probabilities are calibrated and the nearest training images named if both are known.
    """
    from cifar_core.data.pictures.images import network_view, open_image, to_tensor
    from cifar_core.explain import SALIENCY
    from cifar_core.runs.results.classifier import load_classifier

    methods = [SALIENCY[key] for key in arguments.method.split(",")]
    paths = pictures_in(arguments.image)
    one_file(arguments, len(paths) * len(methods))
    run = store_of(arguments).run(arguments.run)
    classifier = load_classifier(run)
    if arguments.inside or arguments.graph:
        views = [to_tensor(open_image(p.read_bytes(), p.name), run.sizing) for p in paths]
        if arguments.graph:
            show(patch_neighbors(classifier, views[0], arguments.graph), arguments.json)
        else:
            show(layers(classifier, views), arguments.json)
        return 0
    calibration, training = calibrated(run, arguments.calibrate)
    rows = []
    with progress("Explaining") as tell:
        for number, path in enumerate(paths, start=1):
            photo = open_image(path.read_bytes(), path.name)
            seen = network_view(photo, run.sizing)
            table = likeliest(classifier, seen, calibration, training)
            name = {"picture": readable(path.name)} if len(paths) > 1 else {}
            rows += [{**name, **row} for row in table]
            if arguments.out:
                for method in methods:
                    predicted = table[0]["class"]
                    write_maps(arguments, run, classifier, path, photo, seen, predicted, method)
            tell(number, len(paths))
    show(rows, arguments.json)
    if arguments.out and not arguments.out.endswith(".png"):
        output.write(Path(arguments.out) / "predictions.csv", as_csv(rows))
    return 0


def likeliest(
    classifier: Any, seen: Any, calibration: "TemperatureFit | None", training: "Neighbors | None"
) -> list[dict[str, Any]]:
    """Return a row for each of an image's five likeliest classes, the likeliest first."""
    from cifar_core.data.pictures.images import tensor_of
    from cifar_core.inference import outputs, top

    logits, features = outputs(classifier, tensor_of(seen))
    temperature = calibration.temperature if calibration else 1.0
    best = top(classifier, (logits / temperature).softmax(dim=1)[0])
    table = [{"class": label, "probability": percent(share)} for label, share in best]
    if calibration and calibration.is_clear:
        raw = dict(top(classifier, logits.softmax(dim=1)[0], len(classifier.classes)))
        table = [{**row, "raw": percent(raw[str(row["class"])])} for row in table]
    if training:
        near = near_images(training.likeness(features[0].numpy()))
        table = [{**row, **words} for row, words in zip(table, near, strict=False)]
    return table


def layers(classifier: Any, seen: Sequence[Any]) -> list[dict[str, Any]]:
    """Return a row for each main layer, with its activity over the images."""
    import torch

    from cifar_core.inside import activity, layers_of

    found = activity(classifier, torch.cat(list(seen)))
    return [
        {
            "layer": layer.name, "kind": layer.kind, "shape": " x ".join(map(str, layer.shape)),
            "mean": f"{found[layer.name].mean:.3g}", "spread": f"{found[layer.name].spread:.3g}",
            "dead": percent(found[layer.name].dead),
        }
        for layer in layers_of(classifier) if layer.main
    ]  # fmt: skip


def patch_neighbors(classifier: Any, seen: Any, where: str) -> list[dict[str, Any]]:
    """Return a row for each patch that the one at ROW,COLUMN is connected to in the last block."""
    from cifar_core.inference import predict
    from cifar_core.inside import graph_blocks, neighbors_of

    blocks = graph_blocks(classifier.model)
    if not blocks:
        raise ImageError("Only a Vision GNN builds a graph. Choose a run of such a network.")
    target = int(predict(classifier, seen)[0].argmax())
    side = neighbors_of(classifier, seen, blocks[-1], 0, target).side
    row, column = corner(where, side)
    found = neighbors_of(classifier, seen, blocks[-1], (row - 1) * side + column - 1, target)
    columns = zip(found.neighbors, found.similarity, found.decided, found.influence, strict=True)
    return [
        {
            "row,column": f"{who // found.key_side + 1},{who % found.key_side + 1}",
            "likeness": f"{likeness:.3f}", "decided": percent(share),
            f"for {classifier.classes[target]}": f"{influence:+.4f}",
        }
        for who, likeness, share, influence in columns
    ]  # fmt: skip


def corner(where: str, side: int) -> tuple[int, int]:
    """Read a patch's row and column, which count from 1."""
    numbers = where.split(",")
    if len(numbers) == 2 and all(n.isdecimal() and 1 <= int(n) <= side for n in numbers):
        return int(numbers[0]), int(numbers[1])
    raise ImageError(
        f"--graph is {where}, but it must be two numbers from 1 to {side}, such as 2,5."
    )


def calibrated(run: Run, wanted: bool) -> "tuple[TemperatureFit | None, Neighbors | None]":
    """Return what is kept about a run's calibration and training images; compute it if wanted."""
    from cifar_core.runs.results import calibration, neighbors, predictions

    if wanted and not predictions.kept(run, "val"):
        with progress("Classifying the validation images") as tell:
            predictions.compute(run, "val", report=tell)
    if wanted and not neighbors.kept(run):
        with progress("Comparing with the training images") as tell:
            neighbors.compute(run, report=tell)
    return calibration.kept(run), neighbors.kept(run)


def near_images(likeness: "Likeness") -> list[dict[str, Any]]:
    """Return for each row of an image's table a near training image, and whether it is unlike."""
    return [
        {"unlike": likeness.is_unlike, "nearest": near.name,
         "similarity": f"{near.similarity:.2f}", "training image": near.index}
        for near in likeness.nearest
    ]  # fmt: skip


def pictures_in(words: Sequence[str]) -> list[Path]:
    """Return the image files that are named, and those in the folders that are named."""
    files: list[Path] = []
    for path in map(Path, words):
        if path.is_dir():
            files += sorted(p for p in path.iterdir() if p.suffix.lower() in ENDINGS)
        elif path.is_file():
            files.append(path)
        else:
            raise ImageError(f"There is no file {path}. Give the path of an image.")
    if not files:
        endings = ", ".join(sorted(ENDINGS))
        raise ImageError(f"There are no images in {', '.join(words)} (looked for: {endings}).")
    return files


def one_file(arguments: Namespace, maps: int) -> None:
    """Refuse to write several maps into one file."""
    several = maps > 1 or arguments.target == "all"
    if several and (arguments.out or "").endswith(".png"):
        raise ImageError(
            f"--out {arguments.out} is one file, but there are several maps. Give a folder."
        )


def write_maps(
    arguments: Namespace, run: Any, classifier: Any, path: Path, photo: Any, seen: Any,
    predicted: str, method: Any,
) -> None:  # fmt: skip
    """Write one method's maps of an image, for the class asked for or for all."""
    from cifar_core.data.pictures.images import pictured_box, seen_box
    from cifar_core.runs.results.explanation import Drawing, Explanation, Question, attribute

    drawing = Drawing(keep=arguments.keep / 100)
    every = arguments.target == "all"
    for target in classifier.classes if every else [arguments.target or predicted]:
        question = Question(
            method=method.key, settings=method.settings(), target=target,
            rival=arguments.rival or "",
        )  # fmt: skip
        explained = Explanation(
            run=run, checkpoint=run.checkpoint().name, question=question,
            name=readable(path.name),
            photo=photo, box=seen_box(photo, run.sizing), seen=seen,
            pictured=pictured_box(photo.size, run.sizing),
            map=attribute(classifier, seen, question),
        )  # fmt: skip
        if arguments.out.endswith(".png"):
            with output.replacing(Path(arguments.out)) as draft:
                explained.overlay(drawing).save(draft, "PNG")
        else:
            folder = Path(arguments.out)
            output.make_folder(folder)
            for name, content in explained.files(drawing).items():
                output.write(folder / name, content)
