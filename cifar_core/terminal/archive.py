"""export, import: a run as one file, for another store or another program."""

from argparse import Namespace
from pathlib import Path
from typing import Any

from cifar_core.errors import ArchiveError
from cifar_core.runs.exchange.run_zip import WEIGHTS
from cifar_core.terminal.output import add_store, store_of


def add(commands: Any) -> None:
    """Add the commands of this module."""
    export = commands.add_parser("export", help="write a run as a zip, or its metrics")
    export.add_argument("run", help="the run's number or id")
    export.add_argument(
        "--out",
        help="a .zip for the whole run (default: its id), a .csv for its metrics, or a folder "
        "for TensorBoard event files",
    )
    export.add_argument("--weights", default="all", choices=list(WEIGHTS), help="what a zip holds")
    add_store(export)
    export.set_defaults(command=export_run)

    import_ = commands.add_parser("import", help="make a run of a zip that export wrote")
    import_.add_argument("file", help="the zip")
    import_.add_argument(
        "--data", default="", help="the images it goes on with: 'synthetic', a folder, an archive"
    )
    add_store(import_)
    import_.set_defaults(command=import_run)


def export_run(arguments: Namespace) -> int:
    """Write a run in the form that the name of the target asks for."""
    from cifar_core.runs.exchange import metric_files, run_zip

    run = store_of(arguments).run(arguments.run)
    target = Path(arguments.out or f"{run.id}.zip")
    try:
        if target.suffix == ".zip":
            run_zip.export_run(run, target, arguments.weights)
        elif target.suffix == ".csv":
            target.write_text(metric_files.metrics_csv([run]), encoding="utf-8")
        else:
            metric_files.write_events(run, target / run.id)
    except OSError as error:
        raise ArchiveError(f"{target} cannot be written: {error.strerror}.") from error
    print(target)
    return 0


def import_run(arguments: Namespace) -> int:
    """Make a run of a zip and print its id."""
    from cifar_core.runs.exchange import import_run

    file = Path(arguments.file)
    if not file.is_file():
        raise ArchiveError(f"There is no file {file}. Give a zip that export wrote.")
    run = import_run.import_run(store_of(arguments), file, data=arguments.data)
    print(run.id)
    return 0
