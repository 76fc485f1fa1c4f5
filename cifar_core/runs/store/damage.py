"""Finds damaged or missing files of a run, and names them in sentences. It changes nothing."""

from collections.abc import Iterator
from pathlib import Path

from cifar_core.disk import arrays, files
from cifar_core.errors import CheckpointError
from cifar_core.runs.record import checkpoints, metrics
from cifar_core.runs.record.records import RECORDS, AttemptResult
from cifar_core.runs.record.run import Run
from cifar_core.runs.record.run_kinds import CURVES
from cifar_core.runs.record.watched import rows as watched

ALWAYS = ("about.json", "status.json")  # and what `always` adds
ONCE_STARTED = ("environment.json", "summary.json")
OF_A_FINISHED_ATTEMPT = ("attempt.json", "start.json", "result.json", "end.json")
OF_PROCESSES = ("shim.json",)  # an imported run has none
OF_SEVERAL = ("rank_failure.json", "balance.json")  # devices
OF_AN_ATTEMPT = (
    *(*OF_A_FINISHED_ATTEMPT, *OF_PROCESSES, *OF_SEVERAL), "notice.json", "profile.json"
)  # fmt: skip


def damages(run: Run, *, thorough: bool = False) -> list[str]:
    """Return a sentence for each damage; `thorough` also reads every byte of the large files."""
    found = [*of_small_files(run), *of_checkpoints(run, thorough=thorough)]
    return found + (list(of_predictions(run)) if thorough else [])


def of_small_files(run: Run) -> list[str]:
    """Return what is wrong with the small files: all but the checkpoints."""
    numbers, about = metrics.attempt_numbers(run.path), run.about
    finished = run.status.state == "finished"
    wanted: tuple[str, ...] = OF_A_FINISHED_ATTEMPT
    if not about.imported and not about.example:
        wanted += OF_PROCESSES
    wanted_always = always(run.kind)
    sentences = [*of_files(run.path, wanted_always, wanted_always)]
    optional = (*ONCE_STARTED, "control.json")
    sentences += of_files(run.path, optional, ONCE_STARTED if finished else ())
    for number in numbers:
        last = finished and number == numbers[-1]
        sentences += of_attempt(metrics.attempt_folder(run.path, number), wanted if last else ())
    return [*sentences, *of_marker(run)]


def always(kind: str) -> tuple[str, ...]:
    """Return the small files that every run of a kind has."""
    return ("curves.json" if kind == CURVES else "config.json", *ALWAYS)


def of_files(folder: Path, names: tuple[str, ...], wanted: tuple[str, ...]) -> Iterator[str]:
    """Yield what is wrong with JSON files; those in `wanted` must exist."""
    for name in names:
        where = f"{folder.parent.name}/{folder.name}/{name}" if folder.name.isdecimal() else name
        try:
            files.sound(folder / name, RECORDS.get(name, dict))
        except FileNotFoundError:
            if name in wanted:
                yield f"{where} is missing."
        except OSError as error:
            yield f"{where} cannot be read: {error.strerror}."
        except ValueError:
            yield f"{where} is damaged and is not used."


def of_attempt(folder: Path, wanted: tuple[str, ...]) -> Iterator[str]:
    """Yield what is wrong with an attempt's small files and its rows; `wanted` must exist."""
    yield from of_files(folder, OF_AN_ATTEMPT, wanted)
    result = files.read(folder / "result.json", AttemptResult)
    for file, is_like_a_row, expected in (
        ("metrics.jsonl", metrics.is_like_a_row, result.rows_bytes),
        (watched.NAME, watched.is_like_a_row, result.watched_bytes),
    ):
        name = f"attempts/{folder.name}/{file}"
        size, count = files.damaged_lines(folder / file, whole=bool(expected), like=is_like_a_row)
        if size < expected:
            yield f"{name} should be {expected:,} bytes long, but is {size:,}: rows are missing."
        if count:
            yield f"{name} has damaged rows ({count:,}), which are skipped."


def of_predictions(run: Run) -> Iterator[str]:
    """Yield which kept predictions are damaged; a page that needs them computes them again."""
    for path in sorted((run.path / "predictions").glob("*.safetensors")):
        try:
            arrays.sound(path)
        except OSError as error:
            yield f"predictions/{path.name} cannot be read: {error.strerror}."
        except ValueError:
            yield f"predictions/{path.name} is damaged. It is computed again when it is needed."


def of_marker(run: Run) -> Iterator[str]:
    """Yield what is wrong with the marker of the best epoch."""
    saved = checkpoints.folders(run.path / "checkpoints")
    try:
        expected = checkpoints.manifest_of(saved[0]).get("best", "") if saved else ""
    except CheckpointError:  # only the newest names it, and its damage is reported already
        return
    if expected and not run.status.is_live and not checkpoints.is_marked_best(run.path, expected):
        yield f"The file 'best' does not name {expected}, the checkpoint of the best epoch."


def of_checkpoints(run: Run, *, thorough: bool) -> Iterator[str]:
    """Yield what is wrong with the existing checkpoints, and which ones were set aside."""
    check = checkpoints.verify if thorough else checkpoints.manifest_of
    for path in checkpoints.folders(run.path / "checkpoints"):
        try:
            check(path)
        except CheckpointError as error:
            yield str(error)
    for path in sorted((run.path / "checkpoints").glob("damaged-*")):
        yield f"{path.name.removeprefix('damaged-')} was damaged and has been set aside."
