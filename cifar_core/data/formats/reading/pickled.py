"""Reads a pickle's plain values and arrays from its list of instructions, executing none of it.

Loading a pickle can run any program. Here numbers, texts, lists, tuples and dictionaries are put
together; what a program would have to be run for stays a `Foreign`, except for the two forms in
which NumPy stores an array, and for bytes that Python 3 stored for Python 2.
"""

import pickletools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO, Any

import numpy as np

from cifar_core.data.formats.reading.limited import Limited
from cifar_core.errors import DataError

MOST_BYTES = 2**30
RECONSTRUCT = {f"numpy.{core}.multiarray _reconstruct" for core in ("core", "_core")}
FROM_BUFFER = {f"numpy.{core}.numeric _frombuffer" for core in ("core", "_core")}
SCALAR = {f"numpy.{core}.multiarray scalar" for core in ("core", "_core")}
MARK = object()


@dataclass(kw_only=True)
class Foreign:
    """What would have to be made by a program: its name, arguments and state."""

    name: str
    arguments: Any = ()
    state: Any = None


@dataclass(kw_only=True)
class Machine:
    """The stack and memory of a pickle's instructions."""

    stack: list[Any] = field(default_factory=list)
    memory: dict[int, Any] = field(default_factory=dict)
    made: int = 0  # bytes of what was made from texts, which can be remembered and used again

    def bytes_of(self, letters: Any) -> bytes:
        """Return a text whose letters stand for bytes as bytes."""
        if not isinstance(letters, str | bytes):
            raise ValueError("an array has no data")  # noqa: TRY004
        self.made += len(letters)
        if self.made > 2 * MOST_BYTES:
            raise ValueError("it unpacks to too much")
        return letters if isinstance(letters, bytes) else letters.encode("latin-1")

    def to_mark(self) -> list[Any]:
        """Take what is above the last mark, and the mark."""
        place = len(self.stack) - 1 - next(
            place for place, value in enumerate(reversed(self.stack)) if value is MARK
        )  # fmt: skip
        values = self.stack[place + 1 :]
        del self.stack[place:]
        return values

    def take(self, count: int) -> tuple[Any, ...]:
        """Take the topmost values, the first of them first."""
        if len(self.stack) < count:
            raise IndexError("it takes a value that is not there")
        values = tuple(self.stack[len(self.stack) - count :])
        del self.stack[len(self.stack) - count :]
        return values


def plain(name: str, file: IO[bytes]) -> Any:
    """Return the value of a pickle; keys of dictionaries are text. Raises DataError."""
    size = file.seek(0, 2)
    if size > MOST_BYTES:
        raise DataError(
            f"{name} has {size / 1e6:,.0f} MB, but a pickle of at most {MOST_BYTES / 1e6:,.0f} MB "
            "can be read. Save the images as .npz."
        )
    machine = Machine()
    try:
        for operation, value, _ in pickletools.genops(Limited(file)):  # type: ignore[arg-type]
            step(machine, operation.name, value)
        return machine.take(1)[0]
    except (ValueError, IndexError, KeyError, TypeError, StopIteration, OverflowError) as error:
        why = str(error) or type(error).__name__
        raise DataError(
            f"{name} is not a complete pickle: {why[:80]}. Get the file again and compare its size "
            "with the original."
        ) from error


def step(machine: Machine, name: str, value: Any) -> None:
    """Follow one instruction."""
    stack = machine.stack
    if name in VALUES:
        stack.append(VALUES[name](value))
    elif name in TUPLES:
        stack.append(machine.take(TUPLES[name]))
    elif name in ACTIONS:
        ACTIONS[name](machine, value)
    elif name not in ("PROTO", "FRAME", "STOP", "READONLY_BUFFER"):
        raise ValueError(f"it has the instruction {name}")


def text(value: Any) -> Any:
    """Return bytes as text where they are short, so that both versions of Python agree."""
    return value.decode("latin-1") if isinstance(value, bytes) else value


def word(value: Any) -> str:
    """Return a name as text; anything else, which could be of any size, as "?"."""
    return str(text(value))[:100] if isinstance(value, str | bytes) else "?"


def append(machine: Machine, values: list[Any]) -> None:
    """Add values to the list, set or object that is topmost."""
    target = machine.stack[-1]
    if isinstance(target, list):
        target.extend(values)


def store(machine: Machine, values: list[Any]) -> None:
    """Add keys and values to the dictionary that is topmost."""
    target = machine.stack[-1]
    if len(values) % 2:
        raise ValueError("a dictionary has a key without a value")
    if isinstance(target, dict):
        target.update(
            (text(key), value)
            for key, value in zip(values[::2], values[1::2], strict=True)
            if isinstance(key, str | bytes | int)
        )


def remember(machine: Machine, place: int) -> None:
    """Keep the topmost value for later use."""
    machine.memory[place] = machine.stack[-1]


def recall(machine: Machine, place: int) -> None:
    """Put a value that was kept."""
    if place not in machine.memory:
        raise ValueError("it recalls a value that it never kept")
    machine.stack.append(machine.memory[place])


def called(machine: Machine, _: Any = None) -> None:
    """Put what a function would return as a `Foreign`, or as what it stands for."""
    function, arguments = machine.take(2)
    name = function.name if isinstance(function, Foreign) else str(type(function).__name__)
    machine.stack.append(known(machine, Foreign(name=name, arguments=arguments)))


def known(machine: Machine, made: Foreign) -> Any:
    """Return a `Foreign` as the bytes, number or array that it stands for, else unchanged."""
    arguments = made.arguments if isinstance(made.arguments, tuple) else ()
    if made.name == "_codecs encode" and arguments[1:] == ("latin1",):
        return machine.bytes_of(arguments[0])
    if made.name in FROM_BUFFER and len(arguments) >= 3:
        data, kind, shape = arguments[:3]
        order = arguments[3] if len(arguments) > 3 else "C"
        return array(data, kind, shape, by_column=order == "F")
    if made.name in SCALAR and len(arguments) == 2:
        return array(arguments[1], arguments[0], (), by_column=False).item()
    return made


def build(machine: Machine, _: Any = None) -> None:
    """Give the topmost value its state; an array becomes one."""
    target, state = machine.take(2)
    if isinstance(target, Foreign):
        if target.name in RECONSTRUCT and isinstance(state, tuple) and len(state) == 5:
            target = as_array(machine, state)
        else:
            target.state = state
    machine.stack.append(target)


def as_array(machine: Machine, state: tuple[Any, ...]) -> Any:
    """Return the array that NumPy's own state describes: version, shape, type, order, data."""
    _, shape, kind, by_column, data = state
    if isinstance(data, str):
        data = machine.bytes_of(data)
    return array(data, kind, shape, by_column=bool(by_column))


def array(data: Any, kind: Any, shape: Any, *, by_column: bool) -> Any:
    """Return an array of numbers; a list of what it holds stays a `Foreign`."""
    if not (isinstance(kind, Foreign) and kind.name == "numpy dtype" and isinstance(data, bytes)):
        return Foreign(name="an array of Python objects", arguments=data)
    order = kind.state[1] if isinstance(kind.state, tuple) and len(kind.state) > 1 else "|"
    letters = word(kind.arguments[0])
    if not letters[:1].isalpha() or letters[0] not in "uifb" or not letters[1:].isdigit():
        return Foreign(name=f"an array of {letters[:20]}", arguments=data)
    dtype = np.dtype(letters).newbyteorder(">" if text(order) == ">" else "<")
    flat = np.frombuffer(data, dtype)
    return flat.reshape(tuple(map(int, shape)), order="F" if by_column else "C")


def named(machine: Machine, _: Any = None) -> None:
    """Put the function or class that the two topmost texts name."""
    module, name = machine.take(2)
    machine.stack.append(Foreign(name=f"{word(module)} {word(name)}"))


def made(machine: Machine, values: list[Any]) -> None:
    """Put an object of a class; its arguments are `values`."""
    kind, *arguments = values
    name = kind.name if isinstance(kind, Foreign) else word(kind)
    machine.stack.append(Foreign(name=name, arguments=tuple(arguments)))


def put(make: Callable[[Machine], Any]) -> Callable[[Machine, Any], None]:
    """Return the action that puts a value made from the stack onto it."""

    def action(machine: Machine, _: Any) -> None:
        machine.stack.append(make(machine))

    return action


def pairs(values: list[Any]) -> dict[Any, Any]:
    """Return keys and values in turn as a dictionary."""
    machine = Machine(stack=[{}])
    store(machine, values)
    return dict(machine.stack[0])


def same(value: Any) -> Any:
    """Return the value of an instruction that stands for itself."""
    return value


def latin(value: Any) -> Any:
    """Return a text of Python 2, whose letters stand for bytes, as bytes."""
    return value.encode("latin-1") if isinstance(value, str) else value


VALUES: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4"), same),
    **dict.fromkeys(("FLOAT", "BINFLOAT", "UNICODE", "SHORT_BINUNICODE", "BINUNICODE"), same),
    **dict.fromkeys(("BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"), same),
    **dict.fromkeys(("STRING", "BINSTRING", "SHORT_BINSTRING"), latin),
    "BYTEARRAY8": bytes,
    "NONE": lambda value: None,
    "NEWTRUE": lambda value: True,
    "NEWFALSE": lambda value: False,
    "EMPTY_LIST": lambda value: [],
    "EMPTY_TUPLE": lambda value: (),
    "EMPTY_DICT": lambda value: {},
    "EMPTY_SET": lambda value: [],
    "MARK": lambda value: MARK,
    "GLOBAL": lambda value: Foreign(name=value),
}
TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
ACTIONS: dict[str, Callable[[Machine, Any], Any]] = {
    "TUPLE": put(lambda machine: tuple(machine.to_mark())),
    "LIST": put(lambda machine: machine.to_mark()),
    "DICT": put(lambda machine: pairs(machine.to_mark())),
    "FROZENSET": put(lambda machine: machine.to_mark()),
    "APPEND": lambda machine, _: append(machine, list(machine.take(1))),
    "APPENDS": lambda machine, _: append(machine, machine.to_mark()),
    "ADDITEMS": lambda machine, _: append(machine, machine.to_mark()),
    "SETITEM": lambda machine, _: store(machine, list(machine.take(2))),
    "SETITEMS": lambda machine, _: store(machine, machine.to_mark()),
    "PUT": remember,
    "BINPUT": remember,
    "LONG_BINPUT": remember,
    "MEMOIZE": lambda machine, _: remember(machine, len(machine.memory)),
    **dict.fromkeys(
        ("GET", "BINGET", "LONG_BINGET"),
        recall,
    ),
    "POP": lambda machine, _: machine.take(1),
    "POP_MARK": lambda machine, _: machine.to_mark(),
    "DUP": put(lambda machine: machine.stack[-1]),
    "STACK_GLOBAL": named,
    "REDUCE": called,
    "BUILD": build,
    "NEWOBJ": called,
    "OBJ": lambda machine, _: made(machine, machine.to_mark()),
    "INST": lambda machine, name: made(machine, [Foreign(name=name), *machine.to_mark()]),
}


def foreign(value: Any) -> Iterator[str]:
    """Yield the names of what a program would be needed for, at the top of a pickle's value."""
    values = value.values() if isinstance(value, dict) else [value]
    yield from (each.name for each in values if isinstance(each, Foreign))
