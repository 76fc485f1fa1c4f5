"""export-model: a trained network for other programs."""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from cifar_core.runs.exchange.model_export import MODEL_FORMATS, export_model
from cifar_core.terminal.output import add_run, add_store, progress, say, store_of


def add(commands: Any) -> None:
    """Add the command of this module."""
    parser: ArgumentParser = commands.add_parser(
        "export-model", help="write a run's network for other programs"
    )
    add_run(parser)
    parser.add_argument("--format", default="safetensors", choices=list(MODEL_FORMATS))
    parser.add_argument("--out", help="the file (default: the run's id)")
    parser.add_argument("--checkpoint", default="best", help="best (default), last, or a name")
    add_store(parser)
    parser.set_defaults(command=export)


def export(arguments: Namespace) -> int:
    """Write the network and say how it compares with the original."""
    run = store_of(arguments).run(arguments.run)
    target = Path(arguments.out or f"{run.id}{MODEL_FORMATS[arguments.format].ending}")
    with progress(f"Writing and checking {target}"):
        exported = export_model(run, arguments.format, target, arguments.checkpoint)
    print(exported.path)
    say(exported.sentence)
    return 0
