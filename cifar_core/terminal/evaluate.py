"""evaluate: judge a run's answers to its validation or test images."""

import json
import sys
from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from typing import Any

from cifar_core.evaluation.scores import Scores, scores
from cifar_core.evaluation.temperature import fit_temperature
from cifar_core.runs import Run
from cifar_core.runs.results import predictions, test_looks
from cifar_core.runs.results.predictions import Part, Predictions
from cifar_core.terminal.output import add_json, add_store, percent, show, store_of


def add(commands: Any) -> None:
    """Add the command."""
    parser: ArgumentParser = commands.add_parser(
        "evaluate", help="judge a run's answers to its validation or test images"
    )
    parser.add_argument("run", help="the run's number or id")
    parser.add_argument("--split", default="val", choices=["val", "test"])
    parser.add_argument(
        "--checkpoint", default="best", help="best (default), last or a checkpoint's name"
    )
    parser.add_argument("--classes", action="store_true", help="one line for each class")
    add_store(parser)
    add_json(parser)
    parser.set_defaults(command=evaluate)


def evaluate(arguments: Namespace) -> int:
    """Answer the images if that has not been done, and print what the answers are worth."""
    run = store_of(arguments).run(arguments.run)
    given = answers(run, arguments.split, arguments.checkpoint)
    val = given if arguments.split == "val" else answers(run, "val", arguments.checkpoint)
    temperature = fit_temperature(val.logits, val.labels)
    found = scores(given.logits, given.labels)
    if arguments.split == "test":
        before = test_looks.looks(run)[-1:]
        count = test_looks.count_look(run, "the terminal", given.checkpoint)
        last = [f"The last look before this: {look.words}." for look in before]
        print(" ".join([test_looks.sentence(count), *last]), file=sys.stderr)
    if arguments.classes:
        show(by_class(found, given), arguments.json)
        return 0
    facts = headline(run, given, found)
    facts |= {
        "temperature": temperature,
        "ece_scaled": scores(given.logits, given.labels, temperature).reliability.ece,
    }
    if given.part == "test" and run.config.test_views != "plain":
        from cifar_core.runs.results.evaluation import evaluate_run

        facts["accuracy_in_views"] = evaluate_run(run, "test", given.checkpoint).accuracy
    if arguments.json:
        print(json.dumps([facts], indent=2))
    else:
        show([{"what": key, "value": word(key, value)} for key, value in facts.items()], False)
    return 0


def answers(run: Run, part: Part, checkpoint: str) -> Predictions:
    """Return the answers to a part, computed here unless they are kept."""
    kept = predictions.kept(run, part, checkpoint)
    return kept or predictions.compute(run, part, checkpoint)


def headline(run: Run, given: Predictions, found: Scores) -> dict[str, Any]:
    """Return the figures that most people look for; shares from 0 to 1."""
    return {
        "run": run.number,
        "checkpoint": given.checkpoint,
        "split": given.part,
        "images": found.top1.count,
        "accuracy": found.top1.share,
        "accuracy_interval": found.top1.interval,
        "top3": found.top3.share,
        "top3_interval": found.top3.interval,
        "loss": found.loss,
        "brier": found.brier,
        "macro_f1": found.macro_f1,
        "ece": found.reliability.ece,
    }


SHARES = ("accuracy", "top3", "macro_f1", "ece", "ece_scaled", "accuracy_in_views")


def word(key: str, value: Any) -> Any:
    """Write shares as per cent, and an interval as its two ends."""
    if isinstance(value, tuple):
        return " to ".join(str(percent(end)) for end in value)
    return percent(value) if key in SHARES else value


def by_class(found: Scores, given: Predictions) -> list[dict[str, Any]]:
    """Return one row for each class; shares from 0 to 1."""
    pairs = zip(given.classes, found.classes, strict=True)
    return [{"class": name, **asdict(score)} for name, score in pairs]
