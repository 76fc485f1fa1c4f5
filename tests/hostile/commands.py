"""Every command of the terminal with plausible words, found in its parser."""

import argparse

from cifar_core.__main__ import parser

WORDS = {  # by the name of an argument: what a person may give, the usual first
    "run": ["1", "3", "2", "1-whole", "9", "x"],
    "runs": ["1", "5", "9"],
    "sweep": ["1", "2", "9"],
    "query": ["acc>1", "lr<", "tag:lab", "status:failed"],
    "image": ["{pictures}", "/nope.png"],
    "picture": ["{pictures}", "/nope.png"],
    "pictures": ["{pictures}", "/nope.png"],
    "file": ["{pictures}", "/nope.zip"],
    "key": ["resnet18_imagenet", "nothing"],
    "out": ["{out}", "/nope/deep/m.png", "{root}"],
    "over": ["learning_rate=0.001..0.1", "x"],
    "vary": ["learning_rate=0.01,0.02", "seed=1-3", "x=1"],
    "set": ["data=synthetic:120", "epochs=0"],
    "data": ["synthetic:120", "/", "~nosuchuser"],
    "view": ["Good ones", "none"],
    "checkpoint": ["best", "last", "x"],
    "columns": ["run,acc", "x"],
    "sort": ["-acc", "x"],
    "text": ["A note.", ""],
    "tags": ["lab", "a b"],
    "steps": ["2", "0"],
    "add": ["1", "0"],
}
ENDLESS = {"foreground"}  # switches of commands that wait for a training


def commands():
    """Return the words of every command, with its parser."""
    return list(leaves(parser(), []))


def leaves(of, words):
    """Yield the commands below a parser."""
    choices = [a for a in of._actions if isinstance(a, argparse._SubParsersAction)]
    if not choices:
        yield words, of
    for name, child in (pair for action in choices for pair in action.choices.items()):
        yield from leaves(child, [*words, name])


def line(words, of, draw, places):
    """Return a command line: what is needed, and some of what is possible."""
    given = list(words)
    for action in of._actions:
        if action.dest in ("help", "store", *ENDLESS):
            continue
        needed = action.required if action.option_strings else action.nargs not in ("*", "?")
        switch = action.nargs == 0
        if action.dest == "background":  # of a command that otherwise waits
            given.append(action.option_strings[0])
        elif needed or (draw.random() < (0.25 if action.option_strings else 0.7)):
            value = draw.choice(list(action.choices or WORDS.get(action.dest, ["1", "x"])))
            value = str(value).format(**places)
            given += [action.option_strings[-1]] if action.option_strings else []
            given += [] if switch else [value]
    return given
