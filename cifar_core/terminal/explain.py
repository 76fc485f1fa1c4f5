"""explain: what a run sees in pictures, and which pixels made it say so."""

import csv
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifar_core.errors import ImageError
from cifar_core.runs.record.run import Run
from cifar_core.terminal.output import add_json, add_store, percent, show, store_of

if TYPE_CHECKING:
    from cifar_core.runs.results.calibration import Calibration
    from cifar_core.runs.results.neighbors import Likeness, Neighbors

KINDS = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"}


def add(commands: Any) -> None:
    """Add the command of this module."""
    parser = commands.add_parser("explain", help="predict pictures and draw their saliency maps")
    parser.add_argument("run", help="the run's number or id")
    parser.add_argument("image", nargs="+", help="picture files, or folders of them")
    parser.add_argument("--method", default="gradient", help="saliency methods, with commas")
    parser.add_argument("--target", help="class to explain, or 'all' (default: the predicted one)")
    parser.add_argument("--rival", help="explain why the target rather than this class")
    parser.add_argument("--keep", type=float, default=100, help="percentage of pixels with colour")
    parser.add_argument(
        "--calibrate",
        action="store_true",
        help="first compute, if it is not kept, what calibration and the nearest images need",
    )
    parser.add_argument(
        "--out",
        help="a folder for pictures, arrays, records and predictions.csv; or, for a single map, "
        "a file ending in .png",
    )
    parser.add_argument("--inside", action="store_true", help="print the network's layers instead")
    parser.add_argument(
        "--graph", metavar="ROW,COLUMN", help="print a Vision GNN patch's neighbours instead"
    )
    add_store(parser)
    add_json(parser)
    parser.set_defaults(command=explain)


def explain(arguments: Namespace) -> int:
    """Print the five likeliest classes of each picture; write the maps if asked.

    Probabilities are calibrated, and the nearest training images named, if that is known.
    """
    from cifar_core.data.images import network_view, open_image, to_tensor
    from cifar_core.explain import SALIENCY
    from cifar_core.inference import outputs, top
    from cifar_core.runs.results.classifier import load_classifier

    methods = [SALIENCY[key] for key in arguments.method.split(",")]
    paths = pictures_in(arguments.image)
    one_file(arguments, len(paths) * len(methods))
    run = store_of(arguments).run(arguments.run)
    classifier = load_classifier(run)
    if arguments.inside or arguments.graph:
        views = [to_tensor(network_view(open_image(p.read_bytes(), p.name))) for p in paths]
        if arguments.graph:
            show(neighbours(classifier, views[0], arguments.graph), arguments.json)
        else:
            show(layers(classifier, views), arguments.json)
        return 0
    calibration, training = known(run, arguments.calibrate)
    rows = []
    for path in paths:
        photo = open_image(path.read_bytes(), path.name)
        seen = network_view(photo)
        logits, features = outputs(classifier, to_tensor(seen))
        raw = dict(top(classifier, logits.softmax(dim=1)[0], len(classifier.classes)))
        temperature = calibration.temperature if calibration else 1.0
        best = top(classifier, (logits / temperature).softmax(dim=1)[0])
        name = {"picture": path.name} if len(paths) > 1 else {}
        table = [{**name, "class": label, "probability": percent(p)} for label, p in best]
        if calibration:
            table = [{**row, "raw": percent(raw[str(row["class"])])} for row in table]
        if training:
            near = training.likeness(features[0].numpy())
            table = [
                {**row, **words} for row, words in zip(table, likeness(near), strict=False)
            ]  # each class has one
        rows += table
        if arguments.out:
            for method in methods:
                write_maps(arguments, run, classifier, path, photo, seen, best[0][0], method)
    show(rows, arguments.json)
    if arguments.out and not arguments.out.endswith(".png"):
        write_table(Path(arguments.out) / "predictions.csv", rows)
    return 0


def layers(classifier: Any, seen: Sequence[Any]) -> list[dict[str, Any]]:
    """Return a row for each main layer, with its activity over the pictures."""
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


def neighbours(classifier: Any, seen: Any, where: str) -> list[dict[str, Any]]:
    """Return a row for each patch that the one at ROW,COLUMN listens to in the last block."""
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
    raise ImageError(f"--graph is {where}, but it must be two numbers from 1 to {side}, as 2,5.")


def known(run: Run, wanted: bool) -> "tuple[Calibration | None, Neighbors | None]":
    """Return what is kept about a run's calibration and training images; compute it if wanted."""
    from cifar_core.runs.results import calibration, neighbors, predictions

    if wanted and not predictions.kept(run, "val"):
        predictions.compute(run, "val")
    if wanted and not neighbors.kept(run):
        neighbors.compute(run)
    return calibration.kept(run), neighbors.kept(run)


def likeness(found: "Likeness") -> list[dict[str, Any]]:
    """Return for each row of a picture's table a near training image, and whether it is unlike."""
    return [
        {"unlike": found.is_unlike, "nearest": each.name, "similarity": f"{each.similarity:.2f}",
         "training image": each.place}
        for each in found.nearest
    ]  # fmt: skip


def pictures_in(words: Sequence[str]) -> list[Path]:
    """Return the picture files that are named, and those in the folders that are named."""
    found: list[Path] = []
    for path in map(Path, words):
        if path.is_dir():
            found += sorted(p for p in path.iterdir() if p.suffix.lower() in KINDS)
        elif path.is_file():
            found.append(path)
        else:
            raise ImageError(f"There is no file {path}. Give the path of a picture.")
    if not found:
        raise ImageError(f"There is no picture in {', '.join(words)}. Known: {sorted(KINDS)}.")
    return found


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
    """Write one method's maps of a picture, for the class asked for or for all."""
    from cifar_core.data.images import seen_box
    from cifar_core.runs.results.explanation import Drawing, Explanation, Question, attribute

    drawing = Drawing(keep=arguments.keep / 100)
    every = arguments.target == "all"
    for target in classifier.classes if every else [arguments.target or predicted]:
        question = Question(
            method=method.key, settings=method.settings(), target=target,
            rival=arguments.rival or "",
        )  # fmt: skip
        found = Explanation(
            run=run, checkpoint=run.checkpoint().name, question=question, name=path.name,
            photo=photo, box=seen_box(photo), seen=seen,
            map=attribute(classifier, seen, question),
        )  # fmt: skip
        if arguments.out.endswith(".png"):
            found.overlay(drawing).save(arguments.out)
        else:
            folder = Path(arguments.out)
            folder.mkdir(parents=True, exist_ok=True)
            for name, content in found.files(drawing).items():
                (folder / name).write_bytes(content)


def write_table(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write the predictions as CSV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
