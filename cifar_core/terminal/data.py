"""models, data status, data fetch, data decode: what there is to train, and on what."""

from argparse import Namespace
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cifar_core import data
from cifar_core.proposals.networks import network_facts
from cifar_core.terminal.output import add_json, add_store, progress, say, show, store_of


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
    fetch = actions.add_parser("fetch", help="download a set of images")
    fetch.add_argument(
        "name", nargs="?", default="cifar10", help="such as cifar100 or hf:owner/name (cifar10)"
    )
    fetch.add_argument("--list", action="store_true", help="list the sets instead")
    fetch.add_argument("--url", help="another address of the archive of CIFAR-10")
    add_store(fetch)
    add_json(fetch)
    fetch.set_defaults(command=fetch_data)
    decode = actions.add_parser("decode", help="read images once, so that runs start immediately")
    decode.add_argument("data", help="a folder, an archive, or another source of images")
    decode.add_argument(
        "--unreadable", type=share, help="the share of pictures that may be unreadable, such as 5%%"
    )
    add_store(decode)
    decode.set_defaults(command=decode_data)


def list_models(arguments: Namespace) -> int:
    """Print one line for each architecture."""
    rows = [
        {
            "model": facts.key,
            "title": facts.title,
            "family": facts.family,
            "parameters": facts.parameters,
            "pixels": facts.pixels,
            "summary": facts.summary,
        }
        for facts in network_facts().values()
    ]
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
    """Download a published set or one of the hub, or list the published ones."""
    from cifar_core.data.find import downloadable
    from cifar_core.data.published.downloads import fetch
    from cifar_core.data.published.downloads.offered import download_of

    store = store_of(arguments)
    if arguments.list:
        show(list(published_rows(store.root)), arguments.json)
        return 0
    wanted = download_of(downloadable(arguments.name) or arguments.name)
    with (
        store.action("download images", "downloaded", wanted.title),
        progress(f"Downloading {wanted.title}", in_bytes=True) as tell,
    ):
        folder = fetch.fetch(
            wanted.key, store.root, url=arguments.url, report=tell, by=store.by.name
        )
    print(f"{wanted.title} is ready in {folder}.")
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


def share(text: str) -> float:
    """Return a share between 0 and 1, written as 0.05 or 5%; ValueError if it is none."""
    value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    if not 0 <= value <= 1:
        raise ValueError(text)
    return value


def decode_data(arguments: Namespace) -> int:
    """Decode images from where an earlier attempt stopped, and say what was found and left out."""
    from msgspec.structs import replace

    from cifar_core.data import decoding, options

    store = store_of(arguments)
    source = data.resolve(arguments.data, store.root)
    if arguments.unreadable is not None:
        with store.action("change how it is read", "changed how to read", arguments.data):
            decided = options.options_of(store.root, source)
            options.keep_options(
                store.root, source, replace(decided, unreadable=arguments.unreadable)
            )
    try:
        with (
            store.action("read images", "read the images", arguments.data),
            progress("Reading the images") as tell,
        ):
            images = data.load(source, store.root, thorough=True, report=tell)
    finally:
        lists = decoding.lists_of(store.root, source)
        for path in filter(None, (lists.unreadable, lists.ignored)):
            say(f"Left out, with the reasons: {path}")
    found = decoding.details_of(store.root, source, images.fingerprint)
    for words in found.found.said if found else ():
        say(words)
    say(
        f"{images.title}: {len(images.train):,} images to train on and {len(images.test):,} to "
        f"test with, of {len(images.classes):,} classes. {images.note}"
    )
    return 0
