"""weights list, fetch, verify, import: what pretrained networks begin from."""

import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from cifar_core import weights
from cifar_core.terminal.output import add_json, add_store, show, store_of


def add(commands: Any) -> None:
    """Add the commands of this module."""
    about = commands.add_parser("weights", help="see, download or bring in pretrained weights")
    actions = about.add_subparsers(required=True, metavar="ACTION")
    for name, command, words in [
        ("list", list_weights, "list the weights and where they are"),
        ("fetch", fetch, "download the weights of one network"),
        ("verify", verify, "read every file again and compare its checksum"),
        ("import", import_file, "bring in a file whose tensors fit a network"),
    ]:
        parser = actions.add_parser(name, help=words)
        if name == "fetch":
            parser.add_argument("key", help="whose weights, as 'weights list' names them")
            parser.add_argument("--url", help="another address of the same file")
        if name == "import":
            parser.add_argument("file", help="a .pth, .pt or .safetensors file")
            parser.add_argument("--model", default="", help="which model it is for, if in doubt")
        add_store(parser)
        if name in ("list", "verify"):
            add_json(parser)
        parser.set_defaults(command=command)


def list_weights(arguments: Namespace) -> int:
    """Print one line for each file of weights."""
    root = store_of(arguments).root
    rows = []
    for key, spec in weights.WEIGHTS.items():
        found = weights.find(key, root)
        rows.append(
            {
                "weights": key,
                "here": found is not None,
                "file": spec.file,
                "MB": spec.megabytes,
                "sha256": found.sha256[:16] if found else f"{spec.sha256}...",
                "where": str(found.path) if found else "",
            }
        )
    show(rows, arguments.json)
    return 0


def fetch(arguments: Namespace) -> int:
    """Download one file and verify it, with progress on the error stream."""

    def progress(done: int, total: int) -> None:
        share = f"{100 * done / total:5.1f} %" if total else ""
        print(f"\r{done / 1e6:8.1f} of {total / 1e6:.1f} MB {share}", end="", file=sys.stderr)

    weights.WEIGHTS[arguments.key]  # a strange name is told before anything is done
    root = store_of(arguments).root
    found = weights.fetch(arguments.key, root, url=arguments.url, progress=progress)
    print(f"\n{weights.WEIGHTS[arguments.key].title}: {found.path}", file=sys.stderr)
    return 0


def verify(arguments: Namespace) -> int:
    """Print one line for each file that is there; the exit code is 1 if one is not right."""
    root = store_of(arguments).root
    weights.forget_verified(root)
    rows = []
    for key in weights.WEIGHTS:
        for place in weights.examine(key, root):
            found = place if isinstance(place, weights.WeightsFile) else None
            rows.append(
                {
                    "weights": key,
                    "right": found is not None,
                    "what": f"{found.path} {found.sha256}" if found else place,
                }
            )
    show(rows, arguments.json)
    return 0 if all(row["right"] for row in rows) else 1


def import_file(arguments: Namespace) -> int:
    """Convert a file to safetensors in the store and say what it was taken for."""
    from cifar_core.runs.prepare.pretrained import import_weights

    made = import_weights(Path(arguments.file), store_of(arguments).root, arguments.model)
    print(f"{made.key}: {made.tensors} tensors, sha256 {made.sha256}\n{made.path}")
    return 0
