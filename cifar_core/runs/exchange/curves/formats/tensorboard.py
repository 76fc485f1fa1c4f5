"""TensorBoard: event files, one folder for each run, as SummaryWriter and Keras write them.

A scalar is a number (`simple_value`) or a tensor with one element. Pictures, histograms, texts and
graphs are skipped. The folders "train" and "validation" that Keras makes are parts of one run.
"""

import re
import sys
from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import PurePosixPath
from types import ModuleType
from typing import Any

import numpy as np

from cifar_core.runs.exchange.curves.event_files import records
from cifar_core.runs.exchange.curves.format import Format
from cifar_core.runs.exchange.curves.gather import Gathered, GatheredRun
from cifar_core.runs.exchange.curves.limits import MOST_ROWS
from cifar_core.runs.exchange.curves.materials import Materials

PARTS = ("train", "training", "val", "valid", "validation", "eval", "evaluation", "test")
DTYPES = {1: "<f4", 2: "<f8", 3: "<i4", 9: "<i8", 19: "<f2"}  # of tensors, by their number
SESSION = re.compile(r"\d{9,}(?:[.-]\d+)*")
UNNAMED = "TensorBoard run"
HPARAMS = "_hparams_/session_start_info"
TABLES = (".csv", ".tsv", ".jsonl", ".parquet")


def claims(found: Materials) -> bool:
    """Return True if any file is an event file."""
    return bool(event_files(found))


def event_files(found: Materials) -> list[str]:
    """List the event files, by their names or their first record."""
    return [name for name, head in found.heads.items()
            if "tfevents" in PurePosixPath(name).name or b"brain.Event:" in head[:64]]  # fmt: skip


def read(found: Materials, gathered: Gathered) -> None:
    """Read all event files, those of one folder in the order of their names."""
    events, plugins = classes()
    count, names = 0, event_files(found)
    for table in set(found.ending(*TABLES)) - set(names):
        gathered.left[f"table beside the event files ({PurePosixPath(table).name[:60]}); "
                      "import it without them"] += 1  # fmt: skip
    folders = {PurePosixPath(name).parent for name in names}
    for name in names:
        folder, prefix = place(PurePosixPath(name).parent, folders)
        unnamed = not folder and "tfevents" in gathered.fallback  # one file, named by its time
        run = gathered.run(folder, UNNAMED if unnamed else PurePosixPath(folder).name)
        for data in records(found.path(name), gathered.left):
            count += 1
            if count > MOST_ROWS:
                gathered.left[f"events after the first {MOST_ROWS:,}"] += 1
                return
            try:
                event = events.FromString(data)
            except Exception as error:
                if type(error).__name__ != "DecodeError":
                    raise
                gathered.left["records that are not events"] += 1
                continue
            add(event, run, prefix, plugins, gathered.left)


def place(folder: PurePosixPath, folders: set[PurePosixPath]) -> tuple[str, str]:
    """Return the folder of a run, and what its part puts before the names of its curves.

    `add_hparams` writes into a folder of its own that is named by the time, inside of the run's.
    """
    if folder.name.lower() in PARTS:
        return text_of(folder.parent), f"{folder.name.lower()}/"
    if folder.parent in folders and SESSION.fullmatch(folder.name):
        return text_of(folder.parent), ""
    return text_of(folder), ""


def text_of(folder: PurePosixPath) -> str:
    """Return a folder as text; empty for the one that was given."""
    return "" if folder == PurePosixPath() else str(folder)


def add(event: Any, run: GatheredRun, prefix: str, plugins: Any, left: Counter[str]) -> None:
    """Add the scalars of an event."""
    for value in event.summary.value:
        kind = value.WhichOneof("value")
        if kind == "simple_value":
            number = float(f"{value.simple_value:.7g}")  # of 32 bits: 0.45, not 0.44999998
            run.add(prefix + value.tag, event.step, number, event.wall_time)
        elif kind == "tensor" and (one := scalar(value.tensor)) is not None:
            run.add(prefix + value.tag, event.step, one, event.wall_time)
        elif value.tag == HPARAMS:
            for name, setting in hyperparameters(value.metadata.plugin_data.content, plugins):
                run.put(name, setting)
        elif kind is not None:
            left["pictures, histograms, texts and sounds"] += 1


def scalar(tensor: Any) -> float | None:
    """Return the number in a tensor with one element; None for any other tensor."""
    if any(side.size != 1 for side in tensor.tensor_shape.dim) or tensor.dtype not in DTYPES:
        return None
    if tensor.tensor_content:
        found = np.frombuffer(tensor.tensor_content[:8], dtype=np.uint8)
        kind = np.dtype(DTYPES[tensor.dtype])
        return float(found[: kind.itemsize].view(kind)[0]) if len(found) >= kind.itemsize else None
    for values in (tensor.float_val, tensor.double_val, tensor.int_val, tensor.int64_val):
        if len(values) == 1:
            return float(values[0])
    return None


def hyperparameters(content: bytes, plugins: Any) -> Iterator[tuple[str, Any]]:
    """Yield the settings that `add_hparams` wrote; nothing if they cannot be read."""
    try:
        said = plugins.FromString(content).session_start_info.hparams
    except Exception as error:
        if type(error).__name__ != "DecodeError":
            raise
        return
    for name in sorted(said):
        if kind := said[name].WhichOneof("kind"):
            yield name, getattr(said[name], kind)


def classes() -> tuple[Any, Any]:
    """Return the classes of events and of settings, without the package that imports torch."""
    if "tensorboardX" not in sys.modules:
        spec = find_spec("tensorboardX")
        assert spec is not None
        package = ModuleType("tensorboardX")
        package.__path__ = list(spec.submodule_search_locations or ())
        sys.modules["tensorboardX"] = package
        try:
            from tensorboardX.proto import event_pb2, plugin_hparams_pb2
        finally:
            del sys.modules["tensorboardX"]
    else:
        from tensorboardX.proto import event_pb2, plugin_hparams_pb2
    return event_pb2.Event, plugin_hparams_pb2.HParamsPluginData


FORMAT = Format(
    key="tensorboard",
    title="TensorBoard",
    summary="An event file, or a folder or a zip with event files.",
    claims=claims,
    read=read,
)
