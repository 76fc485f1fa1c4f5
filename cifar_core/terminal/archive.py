"""export, import: a run as one file, for another store or program; curves of other tools."""

import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from cifar_core.disk import output
from cifar_core.errors import ArchiveError
from cifar_core.registry import did_you_mean
from cifar_core.runs.exchange.run_zip import WEIGHTS
from cifar_core.terminal.output import add_run, add_store, progress, store_of

FORMAT_KEYS = ("tensorboard", "csv", "wandb", "trackio", "mlflow")  # of FORMATS; a test checks it


def add(commands: Any) -> None:
    """Add the commands of this module."""
    export = commands.add_parser("export", help="write a run as a zip file, or only its metrics")
    add_run(export)
    export.add_argument(
        "--out",
        help="a .zip for the whole run (default: its id), a .csv for its metrics, or a folder "
        "for TensorBoard event files",
    )
    export.add_argument(
        "--weights", default="all", choices=list(WEIGHTS), help="weights to put into the zip"
    )
    export.add_argument(
        "--machine",
        action="store_true",
        help="with a .csv: how the run used its machine, instead of its metrics",
    )
    add_store(export)
    export.set_defaults(command=export_run)

    import_ = commands.add_parser(
        "import", help="add a run from a zip that export wrote, or curves of another tool"
    )
    import_.add_argument(
        "file",
        help="the zip, or a file or a folder of TensorBoard, W&B, Trackio or MLflow, or a CSV",
    )
    import_.add_argument(
        "--as",
        dest="format",
        default="",
        choices=["", *FORMAT_KEYS],
        help="format of another tool (default: found out)",
    )
    import_.add_argument(
        "--steps-per-epoch", type=float, default=0.0, metavar="N",
        help="for curves of another tool that have only steps or only epochs",
    )  # fmt: skip
    import_.add_argument(
        "--take", action="append", default=[], metavar="NAME=CURVE",
        help="take a curve of another tool for one of ours, such as top1=val_accuracy",
    )  # fmt: skip
    import_.add_argument(
        "--data", default="", help="images to continue with: 'synthetic', a folder or an archive"
    )
    add_store(import_)
    import_.set_defaults(command=import_run)


def export_run(arguments: Namespace) -> int:
    """Write a run in the format that the target's name asks for."""
    from cifar_core.runs.exchange import metric_files, run_zip

    run = store_of(arguments).run(arguments.run)
    target = Path(arguments.out or f"{run.id}{'-machine.csv' if arguments.machine else '.zip'}")
    if arguments.machine and target.suffix != ".csv":
        raise ArchiveError(
            f"{target} is not a .csv, and the use of the machine can be written only as CSV. Give "
            "a name that ends with .csv, or leave --machine out."
        )
    with progress(f"Writing {target}"):
        if target.suffix == ".zip":
            run_zip.export_run(run, target, arguments.weights)
        elif target.suffix == ".csv":
            as_csv = metric_files.machine_csv if arguments.machine else metric_files.metrics_csv
            output.write(target, as_csv([run]))
        else:
            output.make_folder(target / run.id)
            metric_files.export_events(run, target / run.id)
    print(target)
    return 0


def import_run(arguments: Namespace) -> int:
    """Add a run from a zip file, or several from files of another tool, and print their ids."""
    from cifar_core.runs.exchange import import_run
    from cifar_core.runs.exchange.curves.given import is_own_run

    file = Path(arguments.file)
    if not file.exists():
        raise ArchiveError(
            f"There is no file {file}. Give a zip file that export wrote, or a file or a folder of "
            "another tool."
        )
    if arguments.format or not file.is_file() or not is_own_run(file):
        return import_curves(arguments, file)
    with progress(f"Importing {file}"):
        run = import_run.import_run(store_of(arguments), file, data=arguments.data)
    print(run.id)
    return 0


def import_curves(arguments: Namespace, file: Path) -> int:
    """Add the runs in files of another tool; say on the error stream what was taken for what."""
    from cifar_core.runs.exchange.curves import mapping
    from cifar_core.runs.exchange.curves.bring_in import bring_in
    from cifar_core.runs.exchange.curves.look import look

    targets = dict(pair(word) for word in arguments.take)
    store = store_of(arguments)
    with progress(f"Reading {file}"):
        found = look(file, format_=arguments.format)
    choices = mapping.proposed(found)
    if unknown := [name for name in targets if name not in choices]:
        raise ArchiveError(
            f"{file} has no curve '{unknown[0]}'. {did_you_mean(unknown[0], choices)}"
            f"It has: {', '.join(list(choices)[:20])}."
        )
    choices = mapping.changed(found, choices, targets)
    for choice in choices.values():
        words = f"{choice.name}: {mapping.in_words(choice)}. {choice.why}".strip()
        print(words, file=sys.stderr)
    for run in bring_in(store, found, choices, steps_per_epoch=arguments.steps_per_epoch):
        print(run.id)
    return 0


def pair(word: str) -> tuple[str, str]:
    """Split NAME=CURVE at the last equals sign; ArchiveError if it has none."""
    name, equals, target = word.rpartition("=")
    if not equals:
        raise ArchiveError(
            f"'{word}' is not of the form NAME=CURVE, for example top1=val_accuracy."
        )
    return name.strip(), target.strip()
