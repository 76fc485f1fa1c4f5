"""train-on: more epochs of a run that is over. And the run that `train --from` names."""

from argparse import ArgumentParser, Namespace
from typing import Any

from cifar_core.errors import ConfigError, RunError
from cifar_core.runs.family import train_on
from cifar_core.runs.store.store import Run, Store
from cifar_core.terminal.output import add_run, add_store, say, store_of


def add(commands: Any) -> None:
    """Add the commands of this module."""
    parser: ArgumentParser = commands.add_parser(
        "train-on", help="train a run that is over for more epochs, as a new run"
    )
    add_run(parser)
    parser.add_argument("--epochs", type=int, required=True, help="number of epochs to add")
    parser.add_argument(
        "--rate",
        default="",
        help="the learning rate: last, cycle, decay, or a number for a constant rate",
    )
    parser.add_argument("--checkpoint", default="last", help="where to go on (default: last)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change one setting"
    )
    parser.add_argument("--name", default="", help="name of the new run")
    add_store(parser)
    parser.set_defaults(command=go_on)


def go_on(arguments: Namespace) -> int:
    """Create the run that trains another one on, put it into the queue and print its id."""
    from cifar_core.config import TrainConfig

    store = store_of(arguments)
    run = store.run(arguments.run)
    words = dict(pair(word) for word in arguments.set)
    parsed = TrainConfig.from_text(words, base=run.config.to_dict()).to_dict()
    rate, value = rate_of(arguments.rate)
    extension = train_on.plan(
        run,
        epochs=arguments.epochs,
        rate=rate,
        learning_rate=value,
        checkpoint=arguments.checkpoint,
        changes={name: parsed[name] for name in words},
    )
    child = train_on.create(store, extension, arguments.name)
    store.submit(child)
    print(child.id, flush=True)
    if extension.new_epochs:
        say(train_on.RATES[extension.rate].title + f", from {extension.config.learning_rate:g}.")
    if extension.turned_off:
        say(extension.turned_off)
    return 0


def rate_of(word: str) -> tuple[str, float | None]:
    """Return the choice that a word names, and the rate if it is a number."""
    try:
        return "constant", float(word)
    except ValueError:
        if word:
            train_on.RATES[word]
        return word, None


def pair(word: str) -> tuple[str, str]:
    """Split KEY=VALUE."""
    key, equals, value = word.partition("=")
    if not equals:
        raise ConfigError({word: f"'{word}' is not of the form KEY=VALUE, for example epochs=3."})
    return key.strip(), value.strip()


def source_of(store: Store, text: str) -> tuple[Run, str]:
    """Return the run and the checkpoint that RUN or RUN:CHECKPOINT names; "best" by default."""
    ref, colon, checkpoint = text.partition(":")
    if colon and not checkpoint:
        raise RunError(f"'{text}' names no checkpoint. Write RUN, or RUN:CHECKPOINT.")
    run = store.run(ref)
    return run, run.checkpoint(checkpoint or "best").name
