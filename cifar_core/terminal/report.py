"""report: what was trained and what came of it, as one file."""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from cifar_core.disk import output
from cifar_core.report.document import SECTIONS, compose
from cifar_core.report.formats import format_of
from cifar_core.terminal.output import add_store, progress, store_of


def add(commands: Any) -> None:
    """Add the command of this module."""
    parser: ArgumentParser = commands.add_parser(
        "report", help="write a report on runs as HTML, PDF, Markdown or CSV"
    )
    parser.add_argument("run", nargs="*", help="numbers or ids of the runs")
    parser.add_argument(
        "--lab", action="store_true", help="add the newest finished run of each lab preset"
    )
    parser.add_argument(
        "--out",
        default="report.html",
        help=".html (default), .pdf, .zip (Markdown with images), .md or .csv",
    )
    parser.add_argument("--title", default="", help="title of the report")
    parser.add_argument("--author", default="", help="author of the report")
    parser.add_argument(
        "--sections", default=",".join(SECTIONS), help=f"default: {','.join(SECTIONS)}"
    )
    add_store(parser)
    parser.set_defaults(command=report)


def report(arguments: Namespace) -> int:
    """Write the report and print where it is."""
    store, target = store_of(arguments), Path(arguments.out)
    kind = format_of(target)
    sections = [SECTIONS[key].key for key in arguments.sections.split(",") if key]
    title, refs = arguments.title, arguments.run
    if arguments.lab:
        from cifar_core.report import lab

        course = lab.lab_runs(store)
        if course.missing:
            print(f"Not trained yet: {', '.join(course.missing)}")
        title, refs = title or lab.TITLE, [*refs, *course.trained]
    runs = [store.run(ref) for ref in refs]
    with progress(f"Writing {target}"):
        document = compose(runs, title=title, author=arguments.author, sections=sections)
        output.write(target, kind.write(document))
    print(target)
    return 0
