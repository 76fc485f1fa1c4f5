"""read: what the curves of a run show, in words."""

import json
import textwrap
from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from typing import Any

from cifar_core.reading import KINDS, PHASES, Reading
from cifar_core.runs.results.reading import reading_of
from cifar_core.terminal.output import add_json, add_run, add_store, store_of, window_width


def add(commands: Any) -> None:
    """Add the commands of this module."""
    parser: ArgumentParser = commands.add_parser(
        "read", help="say in words what a run's curves show"
    )
    add_run(parser)
    parser.add_argument(
        "--evidence", action="store_true", help="print the numbers behind each sentence"
    )
    add_store(parser)
    add_json(parser)
    parser.set_defaults(command=command)


def command(arguments: Namespace) -> int:
    """Print the reading of a run."""
    reading = reading_of(store_of(arguments).run(arguments.run), with_machine=True)
    if arguments.json:
        text = json.dumps(asdict(reading), indent=2)
    else:
        text = "\n".join(lines(reading, evidence=arguments.evidence))
    print(text)
    return 0


def lines(reading: Reading, *, evidence: bool) -> list[str]:
    """Write a reading as lines of text."""
    width = min(100, window_width())
    said = [textwrap.fill(reading.headline, width)]
    if reading.phases:
        parts = [f"{PHASES[p.key].title.lower()} ({p.span.words})" for p in reading.phases]
        said += ["", textwrap.fill(f"Phases: {', '.join(parts)}", width)]
    for finding in reading.findings:
        said += [
            "",
            textwrap.fill(finding.sentence, width, initial_indent="- ", subsequent_indent="  "),
        ]
        if evidence:
            said.append(f"    {KINDS[finding.kind].title}, {finding.confidence}")
            said += [f"    {number.words}" for number in finding.evidence]
        for trial in finding.trials:
            changes = " ".join(f"{key}={value}" for key, value in trial.changes.items())
            said.append(f"    try {changes}: {trial.why}")
    return said
