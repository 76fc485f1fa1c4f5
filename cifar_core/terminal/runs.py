"""train, fit, show, stop, resume, profile: everything about one run."""

import json
import sys
import time
from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from msgspec import structs

from cifar_core import devices
from cifar_core.devices import Inventory
from cifar_core.disk import files
from cifar_core.errors import ConfigError, RunError
from cifar_core.installation import PROGRAM
from cifar_core.runs.backends import settings as backend_settings
from cifar_core.runs.backends.offered import not_set_up, too_many
from cifar_core.runs.family import start_from
from cifar_core.runs.record.figures.summary_record import Summary
from cifar_core.runs.record.machine.words import use_in_words
from cifar_core.runs.record.profiles import ABOUT
from cifar_core.runs.record.records import Environment
from cifar_core.runs.record.states import STATES
from cifar_core.runs.record.summary import views_note
from cifar_core.runs.store import damage
from cifar_core.runs.store.store import Run
from cifar_core.statistics.class_shares import are_uneven, uneven_words
from cifar_core.terminal.output import (
    add_json,
    add_run,
    add_store,
    percent,
    progress,
    say,
    show,
    store_of,
)
from cifar_core.terminal.teachers import add_teachers, teachers_of, with_usual_share
from cifar_core.terminal.train_on import pair, source_of

if TYPE_CHECKING:
    from cifar_core.config import TrainConfig


def add(commands: Any) -> None:
    """Add the commands of this module."""
    train = commands.add_parser("train", help="start a run in the background and print its id")
    add_settings(train)
    add_teachers(train)
    train.add_argument("--name", default="", help="name of the run")
    train.add_argument(
        "--from",
        dest="source",
        default="",
        metavar="RUN[:CHECKPOINT]",
        help="start from the weights of another run (its best epoch, or a checkpoint)",
    )
    train.add_argument(
        "--foreground", action="store_true", help="wait for the run and print each epoch"
    )
    add_store(train)
    train.set_defaults(command=start)

    largest = commands.add_parser("fit", help="measure the largest batch that fits into memory")
    add_settings(largest)
    add_teachers(largest)
    add_store(largest)
    add_json(largest)
    largest.set_defaults(command=fit)

    for name, command, about in [
        ("show", show_run, "print a run's state, results, settings and environment"),
        ("stop", stop, "stop a run"),
        ("resume", resume, "continue a run that was stopped or failed"),
        ("profile", print_profile, "print where the time of a step goes while a run trains"),
    ]:
        parser: ArgumentParser = commands.add_parser(name, help=about)
        add_run(parser)
        add_store(parser)
        parser.set_defaults(command=command)
        if name == "stop":
            parser.add_argument(
                "--when",
                default="now",
                choices=["epoch", "now", "kill"],
                help="after this epoch, now with a checkpoint (default), or now without one (kill)",
            )
        if name in ("show", "profile"):
            add_json(parser)


def add_settings(parser: ArgumentParser) -> None:
    """Give a command the switches for the settings of a run."""
    parser.add_argument(
        "--preset", default="lab_cnn", help="preset to start from (default: lab_cnn)"
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change one setting"
    )
    parser.add_argument(
        "--data", help="images: 'synthetic', a folder or an archive (default: $CIFAR_DATA)"
    )


def config_of(arguments: Namespace) -> "TrainConfig":
    """Return the settings of a preset with the changes from the command line."""
    from cifar_core.config import TrainConfig
    from cifar_core.config.presets import PRESETS

    words = dict(pair(word) for word in arguments.set)
    if arguments.data:
        words["data"] = arguments.data
    words = with_usual_share(words, arguments)
    return TrainConfig.from_text(words, base=PRESETS[arguments.preset].values)


def fit(arguments: Namespace) -> int:
    """Measure the largest batch that fits and print it, with what the chosen batch needs."""
    from cifar_core.runs.prepare.largest_batch import measure

    config, store = config_of(arguments), store_of(arguments)
    teachers = teachers_of(arguments, config, store)
    with progress("Measuring memory"):
        largest = measure(config, store.root, teachers)
    micro_batch = largest.micro_batch(config.batch_size)
    if arguments.json:
        print(json.dumps({**asdict(largest), "micro_batch": micro_batch}, indent=2))
        return 0
    say(f"{largest.sentence(config.batch_size)}\n({largest.basis})")
    if micro_batch:
        print(f"Train it with: --set micro_batch={micro_batch}")
    return 0


def start(arguments: Namespace) -> int:
    """Create a run from a preset and changes, put it into the queue and print its id."""
    store, config = store_of(arguments), config_of(arguments)
    if why := not_set_up(config.run_on, backend_settings.read(store.root)):
        raise ConfigError({"run_on": why})
    here = devices.known(store.root) or Inventory()
    if why := too_many(config.run_on, config.device, config.devices, here):
        raise ConfigError({"devices": why})
    teachers = teachers_of(arguments, config, store)
    if arguments.source:
        source = source_of(store, arguments.source)
        run = start_from.begin(store, config, *source, name=arguments.name, teachers=teachers)
    else:
        fill = start_from.filler(teachers=teachers)
        run = store.create(config, name=arguments.name, fill=fill)
    store.submit(run)
    print(run.id, flush=True)
    return follow(run) if arguments.foreground else 0


def wait_for(run: Run, title: str, *, print_epochs: bool = False) -> bool:
    """Wait until a run ends, with a bar over its steps; return False if Ctrl-C ended the wait."""
    printed = 0
    try:
        with progress(title) as tell:
            while True:
                final = STATES[run.status.state].is_final
                epochs = [row for row in run.metrics() if print_epochs and row["kind"] == "epoch"]
                for row in epochs[printed:]:
                    uneven = are_uneven(run.environment.data.train_counts)
                    print(epoch_line(row, uneven=uneven), flush=True)
                printed = len(epochs)
                if final:
                    return True
                summary = run.summary
                tell(summary.step, summary.total_steps)
                time.sleep(0.5)
    except KeyboardInterrupt:
        print(
            f"\nThe run continues in the background. Stop it with: {PROGRAM} stop {run.number}",
            file=sys.stderr,
        )
        return False


def epoch_line(row: dict[str, Any], *, uneven: bool = False) -> str:
    """Write an epoch's metrics as one line; with the balanced accuracy if classes are uneven."""
    return (
        f"epoch {row['epoch']:>3}  train loss {row['train_loss']:.4f}  "
        f"val loss {row['val_loss']:.4f}  val accuracy {percent(row['val_accuracy'])}  "
        f"{balanced_note(row, uneven=uneven)}{row['seconds']:.1f} s"
    )


def balanced_note(row: dict[str, Any], *, uneven: bool) -> str:
    """Return an epoch's balanced accuracy, where the classes are uneven and it was measured."""
    balanced = row.get("val_balanced_accuracy")
    return f"balanced {percent(balanced)}  " if uneven and balanced is not None else ""


def follow(run: Run) -> int:
    """Print a line for each epoch until the run ends; Ctrl-C leaves it running."""
    if not wait_for(run, "Training", print_epochs=True):
        return 0
    status = run.status
    summary = run.summary
    if summary.test_accuracy is not None:
        print(
            f"test accuracy {percent(summary.test_accuracy)} of {summary.test_images:,} "
            f"images{views_note(summary)}"
        )
        if words := uneven_words(
            run.environment.data.test_counts,
            "test",
            summary.test_balanced_accuracy,
            summary.test_macro_f1,
            summary.test_accuracy,
        ):
            print(words)
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
        "damages": damage.damages(run, thorough=True),
        "machine": use_in_words(run.path, run.status),
        "summary": files.read_json(run.path / "summary.json", Summary),
        "settings": run.settings,
        "environment": files.read_json(run.path / "environment.json", Environment),
        "checkpoints": [structs.asdict(checkpoint) for checkpoint in run.checkpoints()],
    }
    if arguments.json:
        print(json.dumps(record, indent=2, default=str))
        return 0
    print(f"{run.id}  ({run.path})\n{run.status.state}: {run.status.message}")
    if run.status.device:
        print(f"where: {run.status.device}")
    for damaged in record["damages"]:
        print(f"damaged: {damaged}")
    if record["machine"]:
        print(f"machine: {record['machine']}")
    for title in ("summary", "settings", "environment"):
        print(f"\n{title}")
        for key, value in record[title].items():
            print(f"  {key:<20} {value}")
    return 0


def stop(arguments: Namespace) -> int:
    """Ask a run to stop; for a run that has ended, print its state."""
    run = store_of(arguments).run(arguments.run)
    run.stop(arguments.when)
    status = run.status
    if STATES[status.state].is_live:
        print(f"{run.id} was asked to stop. Its state: {PROGRAM} show {run.number}")
    else:
        print(f"{run.id}: {status.state}. {status.message}")
    return 0


def resume(arguments: Namespace) -> int:
    """Put a run back into the queue, to continue from its newest checkpoint."""
    run = store_of(arguments).run(arguments.run)
    run.resume()
    print(f"{run.id}: {run.status.state}. {run.status.message}")
    return 0


def print_profile(arguments: Namespace) -> int:
    """Ask the trainer for a profile, wait for it and print it; for an ended run, the last one."""
    run = store_of(arguments).run(arguments.run)
    profile = run.profile
    if run.status.is_live or not profile:
        asked = run.ask_profile()
        with progress("Measuring steps"):
            while (not (profile := run.profile) or profile.request < asked) and run.status.is_live:
                time.sleep(0.2)
        if not profile or profile.request < asked:
            raise RunError(f"Run {run.id} is {run.status.state} and has not been profiled.")
    if profile.error:
        raise RunError(profile.error)
    if arguments.json:
        print(json.dumps(profile.values, indent=2))
        return 0
    say(profile.sentence)
    show(
        [
            {"part": bar.title, "ms": bar.ms, "share": percent(bar.share), "about": ABOUT[bar.name]}
            for bar in profile.bars
        ],
        as_json=False,
    )
    say(profile.hint)
    return 0
