"""evaluate: scores a run's predictions for its validation or test images."""

import json
import sys
from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from typing import Any

from cifar_core.evaluation.scores import Scores, scores
from cifar_core.runs import Run
from cifar_core.runs.results import calibration, predictions, test_looks
from cifar_core.runs.results.predictions import Part, Predictions
from cifar_core.terminal.output import (
    add_json,
    add_run,
    add_store,
    percent,
    progress,
    show,
    store_of,
)

PARTS = {"train": "training", "val": "validation", "test": "test"}


def add(commands: Any) -> None:
    """Add the command."""
    parser: ArgumentParser = commands.add_parser(
        "evaluate", help="score a run's predictions for its validation or test images"
    )
    add_run(parser)
    parser.add_argument(
        "--split", default="val", choices=["val", "test"],
        help="images to score (default: val); test counts as a look at the test images",
    )  # fmt: skip
    parser.add_argument(
        "--checkpoint", default="best", help="best (default), last or a checkpoint's name"
    )
    parser.add_argument("--classes", action="store_true", help="print one line for each class")
    add_store(parser)
    add_json(parser)
    parser.set_defaults(command=evaluate)


def evaluate(arguments: Namespace) -> int:
    """Classify the images unless that has been done, and print the scores."""
    run = store_of(arguments).run(arguments.run)
    chosen = predictions_of(run, arguments.split, arguments.checkpoint)
    val = chosen if arguments.split == "val" else predictions_of(run, "val", arguments.checkpoint)
    fitted = calibration.fitted(val)
    scored = scores(chosen.logits, chosen.labels)
    if arguments.split == "test":
        before = test_looks.looks(run)[-1:]
        count = test_looks.count_look(run, "the terminal", chosen.checkpoint)
        last = [f"The look before this one: {look.words}." for look in before]
        print(" ".join([test_looks.sentence(count), *last]), file=sys.stderr)
    if arguments.classes:
        show(by_class(scored, chosen), arguments.json)
        return 0
    facts = headline(run, chosen, scored)
    facts |= {
        "temperature": fitted.temperature,
        "ece_scaled": scores(chosen.logits, chosen.labels, fitted.temperature).reliability.ece,
    }
    if fitted.why_not:
        print(f"Uncalibrated. {fitted.why_not}", file=sys.stderr)
    if chosen.part == "test" and run.config.test_views != "plain":
        from cifar_core.runs.results.evaluation import evaluate_run

        with progress("Classifying the test views"):
            facts["accuracy_in_views"] = evaluate_run(run, "test", chosen.checkpoint).accuracy
    if arguments.json:
        print(json.dumps([facts], indent=2))
    else:
        show([{"measure": key, "value": word(key, value)} for key, value in facts.items()], False)
    return 0


def predictions_of(run: Run, part: Part, checkpoint: str) -> Predictions:
    """Return the predictions for a split, computed here unless they are kept."""
    if kept := predictions.kept(run, part, checkpoint):
        return kept
    with progress(f"Classifying the {PARTS[part]} images") as tell:
        return predictions.compute(run, part, checkpoint, tell)


def headline(run: Run, chosen: Predictions, scored: Scores) -> dict[str, Any]:
    """Return the figures that most people need; shares from 0 to 1."""
    return {
        "run": run.number,
        "checkpoint": chosen.checkpoint,
        "split": chosen.part,
        "images": scored.top1.count,
        "accuracy": scored.top1.share,
        "accuracy_interval": scored.top1.interval,
        "top3": scored.top3.share,
        "top3_interval": scored.top3.interval,
        "loss": scored.loss,
        "brier": scored.brier,
        "balanced_accuracy": scored.balanced_accuracy,
        "balanced_accuracy_interval": scored.balanced_interval,
        "macro_f1": scored.macro_f1,
        "ece": scored.reliability.ece,
        "ece_by_chance": scored.reliability.by_chance,
    }


SHARES = ("accuracy", "top3", "balanced_accuracy", "macro_f1", "ece", "ece_scaled",
          "accuracy_in_views")  # fmt: skip


def word(key: str, value: Any) -> Any:
    """Write shares as percentages, and an interval as its two ends."""
    if isinstance(value, tuple):
        return " to ".join(str(percent(end)) for end in value)
    return percent(value) if key in SHARES else value


def by_class(scored: Scores, chosen: Predictions) -> list[dict[str, Any]]:
    """Return one row for each class; shares from 0 to 1."""
    pairs = zip(chosen.classes, scored.classes, strict=True)
    return [{"class": name, **asdict(score)} for name, score in pairs]
