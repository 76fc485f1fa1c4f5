"""export, import: a run as one file, for another store or another program."""

from argparse import Namespace
from pathlib import Path
from typing import Any

from cifar_core.disk import output
from cifar_core.errors import ArchiveError
from cifar_core.runs.exchange.run_zip import WEIGHTS
from cifar_core.terminal.output import add_run, add_store, progress, store_of


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

    import_ = commands.add_parser("import", help="add a run from a zip file that export wrote")
    import_.add_argument("file", help="the zip file")
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
    """Add a run from a zip file and print its id."""
    from cifar_core.runs.exchange import import_run

    file = Path(arguments.file)
    if not file.is_file():
        raise ArchiveError(f"There is no file {file}. Give a zip file that export wrote.")
    with progress(f"Importing {file}"):
        run = import_run.import_run(store_of(arguments), file, data=arguments.data)
    print(run.id)
    return 0
