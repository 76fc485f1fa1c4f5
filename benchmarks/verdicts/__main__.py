"""How often the verdicts on saliency maps are right, on fresh networks; the old rule beside it.

python -m benchmarks.verdicts [--data PATH] [--folder FOLDER] [--pictures 8] [--old 4]
                               [--train] [--report]

Trains small networks on natural pictures, on drawn shapes and on pictures with a planted patch, and
leaves some untrained. Each picture gets real maps, maps that never saw the network, the true place
and minus signs; completeness and sanity cards count as on the Explain page. Networks and verdicts
are kept in the folder and not made again. The old rule takes 68 passes a map, so it judges only
the first pictures, and none of ViG and ViT. `--train` only trains, `--report` only prints.
About 25 CPU minutes on one thread of an AMD EPYC.
"""

import argparse
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import process_time
from typing import Any

import torch

from benchmarks import machine
from benchmarks.verdicts import maps, old_rule, table
from benchmarks.verdicts.networks import (
    NETWORKS,
    UNTRAINED,
    Network,
    Subject,
    build,
    untrained_like,
)
from cifar_core.explain import SALIENCY
from cifar_core.explain.trust import examine, judge, measure
from cifar_core.explain.trust.sanity import cascade, stay_of
from cifar_core.explain.trust.verdict import COMPLETE, SIMILAR

SLOW = ("vig_nano", "vit_small")
CARD_IMAGES = 2
Row = dict[str, Any]


def main() -> int:
    """Train, judge and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="auto", help="as for training; $CIFAR_DATA if not given")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "verdicts")
    parser.add_argument("--pictures", type=int, default=8, help="half of them for ViG and ViT")
    parser.add_argument("--old", type=int, default=4, help="pictures that the old rule judges too")
    parser.add_argument("--train", action="store_true")
    parser.add_argument("--report", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.folder.mkdir(parents=True, exist_ok=True)
    for network in [] if options.report else NETWORKS:
        run(network, options)
    if not options.train:
        print(machine.line())
        print(table.report([row for n in NETWORKS for row in kept(options.folder, n)]))
    return 0


def run(network: Network, options: argparse.Namespace) -> None:
    """Train a network and judge its maps, unless both are kept."""
    if kept(options.folder, network):
        return
    store = Path(os.environ.get("CIFAR_STORE") or options.folder / "store")
    start = process_time()
    pictures = options.pictures // 2 if network.model in SLOW else options.pictures
    subject = build(network, options.data, store, options.folder, pictures)
    trained = process_time() - start
    print(f"{network.name}: {subject.accuracy:.1%} right, {trained:.0f} s", flush=True)
    if options.train:
        return
    rows = list(judged(subject, untrained(subject), options.old))
    (options.folder / f"{network.name}.json").write_text(json.dumps(rows))
    print(f"{network.name}: {len(rows)} maps judged, {process_time() - start:.0f} s", flush=True)


def kept(folder: Path, network: Network) -> list[Row]:
    """Return the verdicts that the folder has of a network."""
    file = folder / f"{network.name}.json"
    return json.loads(file.read_text()) if file.exists() else []


def untrained(subject: Subject) -> Subject:
    """Return the same pictures with a network of the same kind that has learned nothing."""
    network = replace(subject.network, kind=UNTRAINED, seed=subject.network.seed + 50)
    return replace(subject, classifier=untrained_like(network, subject.classifier.classes))


def judged(subject: Subject, like: Subject, old_pictures: int) -> Iterator[Row]:
    """Yield a row for every map of every picture; the old rule judges only the first few."""
    real, strange = maps.reals(subject), maps.strangers(subject, like)
    cards = {key: card(subject, key) for key in real}
    for index in range(len(subject.images)):
        image, target = subject.images[index : index + 1], int(subject.targets[index])
        yardstick = measure(subject.classifier, image, target)
        with_old = index < old_pictures and subject.network.model not in SLOW
        old = old_rule.measure(subject.classifier, image, target) if with_old else None
        for each in maps.candidates(subject, index, real, strange):
            spec = SALIENCY[each.method or "gradient"]
            found = examine(subject.classifier, image, target, each.map, yardstick, spec)
            similarity = cards.get(each.method)
            doubted = bool(
                (found.completeness and found.completeness.error > COMPLETE)
                or (similarity is not None and similarity > SIMILAR)
            )
            yield {
                "network": subject.network.name,
                "model": subject.network.model,
                "kind": subject.network.kind,
                "accuracy": subject.accuracy,
                "picture": index,
                "group": each.group,
                "name": each.name,
                "new": judge(found, similarity).label.value,
                "bare": judge(replace(found, completeness=None)).label.value,
                "old": old and old_verdict(subject, index, each, old, doubted=doubted),
                "on": subject.network.side > 0 and maps.on_patch(each.map, subject.truth[index]),
                "stake": found.whole - found.nothing,
                "missed": found.completeness and found.completeness.error,
                "card": similarity,
                "ways": {
                    way: [a.value, a.best, a.chance, a.beyond] for way, a in found.ways.items()
                },
            }


def old_verdict(
    subject: Subject, index: int, each: maps.Candidate, old: old_rule.OldYardstick, *, doubted: bool
) -> str:
    """Return the label that the old rule gives a map."""
    image, target = subject.images[index : index + 1], int(subject.targets[index])
    return old_rule.judge(subject.classifier, image, target, each.map, old, doubted=doubted).value


def card(subject: Subject, method: str) -> float:
    """Return the figure of a method's sanity card."""
    few = slice(0, 1 if subject.network.model in SLOW else CARD_IMAGES)
    (_, *stages) = cascade(
        subject.classifier, subject.images[few], subject.targets[few], SALIENCY[method]
    )
    return stay_of([stage for stage, _ in stages])


if __name__ == "__main__":
    raise SystemExit(main())
