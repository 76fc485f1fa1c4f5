"""models, data status, data fetch: what there is to train, and on what."""

import sys
from argparse import Namespace
from dataclasses import asdict
from typing import Any

from cifar_core import data
from cifar_core.terminal.output import add_json, add_store, show, store_of


def add(commands: Any) -> None:
    """Add the commands of this module."""
    models = commands.add_parser("models", help="list the architectures")
    add_json(models)
    models.set_defaults(command=list_models)

    about = commands.add_parser("data", help="see or download the images")
    actions = about.add_subparsers(required=True, metavar="ACTION")
    status = actions.add_parser("status", help="list the datasets that were found")
    add_store(status)
    add_json(status)
    status.set_defaults(command=list_data)
    fetch = actions.add_parser("fetch", help="download the official CIFAR-10 archive")
    fetch.add_argument("--url", help="another address of the same archive")
    add_store(fetch)
    fetch.set_defaults(command=fetch_data)


def list_models(arguments: Namespace) -> int:
    """Print one line for each architecture."""
    from cifar_core.models import MODELS
    from cifar_core.models.measure import card

    show(
        [
            {
                "model": spec.key,
                "title": spec.title,
                "family": spec.family,
                "parameters": card(spec).parameters,
                "pixels": spec.input_size,
                "summary": spec.summary,
            }
            for spec in MODELS.values()
        ],
        arguments.json,
    )
    return 0


def list_data(arguments: Namespace) -> int:
    """Print one line for each dataset; a star marks the one that `auto` means."""
    found = data.status(store_of(arguments).root)
    if arguments.json:
        show([asdict(row) for row in found], as_json=True)
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
            for row in found
        ],
        as_json=False,
    )
    return 0


def fetch_data(arguments: Namespace) -> int:
    """Download and verify CIFAR-10, with progress on the error stream."""
    from cifar_core.data.sources import fetch

    def progress(done: int, total: int) -> None:
        share = f"{100 * done / total:5.1f} %" if total else ""
        print(f"\r{done / 1e6:8.1f} of {total / 1e6:.1f} MB {share}", end="", file=sys.stderr)

    where = fetch.fetch_cifar10(store_of(arguments).root, url=arguments.url, progress=progress)
    print(f"\nCIFAR-10 is ready in {where}.", file=sys.stderr)
    return 0
