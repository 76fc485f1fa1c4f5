"""weights list, fetch, verify, import: the files that pretrained networks start from."""

from argparse import Namespace
from pathlib import Path
from typing import Any

from cifar_core import weights
from cifar_core.terminal.output import add_json, add_store, progress, show, store_of


def add(commands: Any) -> None:
    """Add the commands of this module."""
    about = commands.add_parser("weights", help="list, download or import pretrained weights")
    actions = about.add_subparsers(required=True, metavar="ACTION")
    for name, command, words in [
        ("list", list_weights, "list the weights and their files"),
        ("fetch", fetch, "download the weights of one network"),
        ("verify", verify, "read every file again and compare its checksum"),
        ("import", import_file, "import a file whose tensors fit a network"),
    ]:
        parser = actions.add_parser(name, help=words)
        if name == "fetch":
            parser.add_argument(
                "key", help="name of the weights, from 'weights list', or timm:NAME"
            )
            parser.add_argument("--url", help="another address of the same file")
        if name == "import":
            parser.add_argument("file", help="a .pth, .pt or .safetensors file")
            parser.add_argument("--model", default="", help="its model, if several fit")
        add_store(parser)
        if name in ("list", "verify"):
            add_json(parser)
        parser.set_defaults(command=command)


def list_weights(arguments: Namespace) -> int:
    """Print one line for each file of weights."""
    root = store_of(arguments).root
    rows = []
    for key in [*weights.WEIGHTS, *weights.on_demand(root)]:
        spec = weights.WEIGHTS[key]
        file = weights.find(key, root)
        rows.append(
            {
                "weights": key,
                "here": file is not None,
                "file": spec.file,
                "MB": spec.megabytes,
                "sha256": file.sha256[:16] if file else f"{spec.sha256}...",
                "where": str(file.path) if file else "",
            }
        )
    show(rows, arguments.json)
    return 0


def fetch(arguments: Namespace) -> int:
    """Download one file and verify it."""
    spec = weights.WEIGHTS[arguments.key]  # an unknown name is refused before anything is done
    store = store_of(arguments)
    with (
        store.action("download weights", "downloaded", spec.file),
        progress(f"Downloading {spec.file}", in_bytes=True) as tell,
    ):
        file = weights.fetch(arguments.key, store.root, url=arguments.url, progress=tell)
    print(f"{spec.title}: {file.path}")
    return 0


def verify(arguments: Namespace) -> int:
    """Print one line for each file that is there; the exit code is 1 if one is not right."""
    root = store_of(arguments).root
    weights.forget_verified(root)
    rows = []
    with progress("Reading the files") as tell:
        keys = [*weights.WEIGHTS, *weights.on_demand(root)]
        for number, key in enumerate(keys, start=1):
            for examined in weights.examine(key, root):
                file = examined if isinstance(examined, weights.WeightsFile) else None
                rows.append(
                    {
                        "weights": key,
                        "right": file is not None,
                        "what": f"{file.path} {file.sha256}" if file else examined,
                    }
                )
            tell(number, len(keys))
    show(rows, arguments.json)
    return 0 if all(row["right"] for row in rows) else 1


def import_file(arguments: Namespace) -> int:
    """Convert a file to safetensors in the store and print which network it belongs to."""
    from cifar_core.runs.prepare.pretrained import import_weights

    store = store_of(arguments)
    with (
        store.action("import weights", "imported weights") as line,
        progress(f"Importing {arguments.file}"),
    ):
        made = import_weights(Path(arguments.file), store.root, arguments.model)
        line.detail = made.key
    print(f"{made.key}: {made.tensors} tensors, sha256 {made.sha256}\n{made.path}")
    return 0
