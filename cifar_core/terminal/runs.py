"""train, runs, show, stop, resume, evaluate: everything about runs."""

import json
import sys
import time
from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from cifar_core.errors import ConfigError
from cifar_core.runs.states import STATES
from cifar_core.runs.store import Run
from cifar_core.terminal.output import add_json, add_store, percent, show, store_of

if TYPE_CHECKING:
    from cifar_core.config import TrainConfig


def add(commands: Any) -> None:
    """Add the commands of this module."""
    train = commands.add_parser("train", help="start a run in the background and print its id")
    add_settings(train)
    train.add_argument("--name", default="", help="what to call the run")
    train.add_argument(
        "--foreground", action="store_true", help="wait for the run and print its epochs"
    )
    add_store(train)
    train.set_defaults(command=start)

    listing = commands.add_parser("runs", help="list the runs, newest first")
    add_store(listing)
    add_json(listing)
    listing.set_defaults(command=list_runs)

    for name, command, about in [
        ("show", show_run, "print what is known about a run"),
        ("stop", stop, "end a run"),
        ("resume", resume, "go on with a run that was stopped or failed"),
        ("evaluate", evaluate, "classify the validation or the test images with a run's weights"),
    ]:
        parser: ArgumentParser = commands.add_parser(name, help=about)
        parser.add_argument("run", help="the run's number or id")
        add_store(parser)
        parser.set_defaults(command=command)
        if name == "stop":
            parser.add_argument(
                "--when",
                default="now",
                choices=["epoch", "now", "kill"],
                help="after this epoch, now with a checkpoint (default), or without",
            )
        if name == "evaluate":
            parser.add_argument("--split", default="val", choices=["val", "test"])
        if name in ("show", "evaluate"):
            add_json(parser)


def add_settings(parser: ArgumentParser) -> None:
    """Give a command the switches that say what to train."""
    parser.add_argument("--preset", default="lab_cnn", help="where to start from")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change one setting"
    )
    parser.add_argument("--data", help="'synthetic', a folder or an archive (default: $CIFAR_DATA)")


def config_of(arguments: Namespace) -> "TrainConfig":
    """Return the settings that the command line says."""
    from cifar_core.config import TrainConfig
    from cifar_core.presets import PRESETS

    words = dict(pair(word) for word in arguments.set)
    if arguments.data:
        words["data"] = arguments.data
    return TrainConfig.from_text(words, base=PRESETS[arguments.preset].values)


def start(arguments: Namespace) -> int:
    """Create a run from a preset and changes, put it into the queue and print its id."""
    store = store_of(arguments)
    run = store.create(config_of(arguments), name=arguments.name)
    store.submit(run)
    print(run.id, flush=True)
    return follow(run) if arguments.foreground else 0


def pair(word: str) -> tuple[str, str]:
    """Split KEY=VALUE."""
    key, equals, value = word.partition("=")
    if not equals:
        raise ConfigError({word: f"'{word}' is not of the form KEY=VALUE, for example epochs=3."})
    return key.strip(), value.strip()


def follow(run: Run) -> int:
    """Print a line for each epoch until the run ends; Ctrl-C leaves it running."""
    printed = 0
    try:
        while True:
            final = STATES[run.status.state].is_final
            epochs = [row for row in run.metrics() if row["kind"] == "epoch"]
            for row in epochs[printed:]:
                print(
                    f"epoch {row['epoch']:>3}  train loss {row['train_loss']:.4f}  "
                    f"val loss {row['val_loss']:.4f}  val accuracy {percent(row['val_accuracy'])}  "
                    f"{row['seconds']:.1f} s",
                    flush=True,
                )
            printed = len(epochs)
            if final:
                break
            time.sleep(0.5)
    except KeyboardInterrupt:
        print(
            f"\nThe run goes on in the background. Stop it with: python -m cifar_core stop "
            f"{run.number}",
            file=sys.stderr,
        )
        return 0
    status = run.status
    for row in run.metrics():
        if row["kind"] == "test":
            print(f"test accuracy {percent(row['test_accuracy'])} of {row['images']:,} images")
    print(f"{status.state}: {status.message}")
    return 0 if status.state == "finished" else 1


def list_runs(arguments: Namespace) -> int:
    """Print one line for each run."""
    rows = store_of(arguments).runs()
    if arguments.json:
        show([asdict(row) for row in rows], as_json=True)
        return 0
    show(
        [
            {
                "run": row.number,
                "state": row.state,
                "name": row.name,
                "model": row.model,
                "optimizer": row.optimizer,
                "rate": row.learning_rate,
                "epochs": f"{row.epochs_done}/{row.epochs}",
                "best val": percent(row.best_val_accuracy),
                "at epoch": row.best_epoch,
                "test": percent(row.test_accuracy),
                "data": row.data_title,
            }
            for row in rows
        ],
        as_json=False,
    )
    return 0


def show_run(arguments: Namespace) -> int:
    """Print a run's state, results, settings and environment."""
    run = store_of(arguments).run(arguments.run)
    record: dict[str, Any] = {
        "id": run.id,
        "name": run.name,
        "path": str(run.path),
        "status": asdict(run.status),
        "summary": run.summary,
        "settings": run.settings,
        "environment": run.environment,
        "checkpoints": [asdict(checkpoint) for checkpoint in run.checkpoints()],
    }
    if arguments.json:
        print(json.dumps(record, indent=2, default=str))
        return 0
    print(f"{run.id}  ({run.path})\n{run.status.state}: {run.status.message}")
    for title in ("summary", "settings", "environment"):
        print(f"\n{title}")
        for key, value in record[title].items():
            print(f"  {key:<20} {value}")
    return 0


def stop(arguments: Namespace) -> int:
    """Ask a run to end; stopping one that is over already is fine."""
    run = store_of(arguments).run(arguments.run)
    run.stop(arguments.when)
    status = run.status
    if STATES[status.state].is_live:
        print(f"{run.id} was asked to stop. How it stands: python -m cifar_core show {run.number}")
    else:
        print(f"{run.id}: {status.state}. {status.message}")
    return 0


def resume(arguments: Namespace) -> int:
    """Put a run back into the queue, to go on from its newest checkpoint."""
    run = store_of(arguments).run(arguments.run)
    run.resume()
    print(f"{run.id}: {run.status.state}. {run.status.message}")
    return 0


def evaluate(arguments: Namespace) -> int:
    """Classify one split with the run's best weights and print loss and accuracy."""
    from cifar_core.runs.evaluation import evaluate_run

    run = store_of(arguments).run(arguments.run)
    score = evaluate_run(run, arguments.split)
    row = {"run": run.number, "split": arguments.split, **asdict(score)}
    show([row], arguments.json)
    return 0
