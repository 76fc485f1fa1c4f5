"""train, fit, show, stop, resume, profile: everything about one run."""

import json
import sys
import time
from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from msgspec import structs

from cifar_core.disk import files
from cifar_core.errors import ConfigError, RunError
from cifar_core.runs.record.profiles import ABOUT
from cifar_core.runs.record.records import Environment, Summary
from cifar_core.runs.record.states import STATES
from cifar_core.runs.record.summary import views_note
from cifar_core.runs.store import damage
from cifar_core.runs.store.store import Run
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

    largest = commands.add_parser("fit", help="measure the largest batch that fits into memory")
    add_settings(largest)
    add_store(largest)
    add_json(largest)
    largest.set_defaults(command=fit)

    for name, command, about in [
        ("show", show_run, "print what is known about a run"),
        ("stop", stop, "end a run"),
        ("resume", resume, "go on with a run that was stopped or failed"),
        ("profile", profile, "print where the time of a step goes in a run that trains"),
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
        if name in ("show", "profile"):
            add_json(parser)


def add_settings(parser: ArgumentParser) -> None:
    """Give a command the switches that make the settings of a run."""
    parser.add_argument("--preset", default="lab_cnn", help="where to start from")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change one setting"
    )
    parser.add_argument("--data", help="'synthetic', a folder or an archive (default: $CIFAR_DATA)")


def config_of(arguments: Namespace) -> "TrainConfig":
    """Return the settings of a preset with the changes that were typed."""
    from cifar_core.config import TrainConfig
    from cifar_core.config.presets import PRESETS

    words = dict(pair(word) for word in arguments.set)
    if arguments.data:
        words["data"] = arguments.data
    return TrainConfig.from_text(words, base=PRESETS[arguments.preset].values)


def fit(arguments: Namespace) -> int:
    """Measure the largest batch that fits and print it, with what the chosen one needs."""
    from cifar_core.runs.prepare.largest_batch import measure

    config = config_of(arguments)
    found = measure(config, store_of(arguments).root)
    if arguments.json:
        micro_batch = found.micro_batch(config.batch_size)
        print(json.dumps({**asdict(found), "micro_batch": micro_batch}, indent=2))
        return 0
    print(f"{found.sentence(config.batch_size)}\n({found.basis})")
    if micro_batch := found.micro_batch(config.batch_size):
        print(f"Train it with: --set micro_batch={micro_batch}")
    return 0


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
    summary = run.summary
    if summary.test_accuracy is not None:
        print(
            f"test accuracy {percent(summary.test_accuracy)} of {summary.test_images:,} "
            f"images{views_note(summary)}"
        )
    print(f"{status.state}: {status.message}")
    return 0 if status.state == "finished" else 1


def show_run(arguments: Namespace) -> int:
    """Print a run's state, results, settings and environment."""
    run = store_of(arguments).run(arguments.run)
    record: dict[str, Any] = {
        "id": run.id,
        "name": run.name,
        "path": str(run.path),
        "status": files.plain_of(run.status),
        "damages": damage.found(run, thorough=True),
        "summary": files.read_json(run.path / "summary.json", Summary),
        "settings": run.settings,
        "environment": files.read_json(run.path / "environment.json", Environment),
        "checkpoints": [structs.asdict(checkpoint) for checkpoint in run.checkpoints()],
    }
    if arguments.json:
        print(json.dumps(record, indent=2, default=str))
        return 0
    print(f"{run.id}  ({run.path})\n{run.status.state}: {run.status.message}")
    for words in record["damages"]:
        print(f"damaged: {words}")
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


def profile(arguments: Namespace) -> int:
    """Ask the trainer for a profile, wait for it and print it; of a run that is over, the last."""
    run = store_of(arguments).run(arguments.run)
    found = run.profile
    if run.status.is_live or not found:
        asked = run.ask_profile()
        while (not (found := run.profile) or found.request < asked) and run.status.is_live:
            time.sleep(0.2)
        if not found or found.request < asked:
            raise RunError(f"Run {run.id} is {run.status.state} and has not been profiled.")
    if found.error:
        raise RunError(found.error)
    if arguments.json:
        print(json.dumps(found.values, indent=2))
        return 0
    print(found.sentence)
    show(
        [
            {"part": bar.title, "ms": bar.ms, "share": percent(bar.share), "about": ABOUT[bar.name]}
            for bar in found.bars
        ],
        as_json=False,
    )
    print(found.hint)
    return 0
