"""models, data status, data fetch: what there is to train, and on what."""

from argparse import Namespace
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cifar_core import data
from cifar_core.terminal.output import add_json, add_store, progress, show, store_of


def add(commands: Any) -> None:
    """Add the commands of this module."""
    models = commands.add_parser("models", help="list the architectures")
    add_json(models)
    models.set_defaults(command=list_models)

    about = commands.add_parser("data", help="list or download the images")
    actions = about.add_subparsers(required=True, metavar="ACTION")
    status = actions.add_parser(
        "status", aliases=["list"], help="list the datasets on this machine"
    )
    add_store(status)
    add_json(status)
    status.set_defaults(command=list_data)
    fetch = actions.add_parser("fetch", help="download a published set of images")
    fetch.add_argument("name", nargs="?", default="cifar10", help="such as cifar100 (cifar10)")
    fetch.add_argument("--list", action="store_true", help="list the sets instead")
    fetch.add_argument("--url", help="another address of the archive of CIFAR-10")
    add_store(fetch)
    add_json(fetch)
    fetch.set_defaults(command=fetch_data)


def list_models(arguments: Namespace) -> int:
    """Print one line for each architecture."""
    from cifar_core.models import MODELS
    from cifar_core.models.measure import card

    rows = []
    with progress("Counting parameters") as tell:
        for spec in MODELS.values():
            rows.append(
                {
                    "model": spec.key,
                    "title": spec.title,
                    "family": spec.family,
                    "parameters": card(spec).parameters,
                    "pixels": spec.input_size,
                    "summary": spec.summary,
                }
            )
            tell(len(rows), len(MODELS))
    show(rows, arguments.json)
    return 0


def list_data(arguments: Namespace) -> int:
    """Print one line for each dataset; a star marks the one that `auto` means."""
    datasets = data.status(store_of(arguments).root)
    if arguments.json:
        show([asdict(row) for row in datasets], as_json=True)
        return 0
    show(
        [
            {
                "": "*" if row.default else " ",
                "title": row.title,
                "ready": row.ready,
                "train": row.train_images or None,
                "test": row.test_images or None,
                "where": row.where,
                "what to do": row.action,
            }
            for row in datasets
        ],
        as_json=False,
    )
    return 0


def fetch_data(arguments: Namespace) -> int:
    """Download and verify a published set, or list those that there are."""
    from cifar_core.data.published.downloads import fetch
    from cifar_core.data.published.places import PUBLISHED, keyed

    store = store_of(arguments)
    if arguments.list:
        show(list(published_rows(store.root)), arguments.json)
        return 0
    spec = PUBLISHED[keyed(arguments.name) or arguments.name]
    with (
        store.action("download images", "downloaded", spec.title),
        progress(f"Downloading {spec.title}", in_bytes=True) as tell,
    ):
        folder = fetch.fetch(spec.key, store.root, url=arguments.url, report=tell, by=store.by.name)
    print(f"{spec.title} is ready in {folder}.")
    return 0


def published_rows(root: Path) -> Iterator[dict[str, Any]]:
    """Yield one row for each published set."""
    from cifar_core.data.published.places import PUBLISHED, find

    for key, spec in PUBLISHED.items():
        yield {
            "name": key,
            "title": spec.title,
            "classes": spec.classes,
            "train": spec.train,
            "val": spec.val or None,
            "test": spec.test or None,
            "download": "by hand" if spec.by_hand else spec.size or None,
            "here": find(key, root) is not None,
        }
