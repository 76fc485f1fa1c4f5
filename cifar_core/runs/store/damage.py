"""What of a run's folder is damaged or missing, in sentences. Nothing is changed."""

from collections.abc import Iterator
from pathlib import Path

from cifar_core.disk import files
from cifar_core.errors import CheckpointError
from cifar_core.runs.record import checkpoints, metrics
from cifar_core.runs.record.records import RECORDS, AttemptResult
from cifar_core.runs.record.run import Run

ALWAYS = ("config.json", "about.json", "status.json")
ONCE_STARTED = ("environment.json", "summary.json")
OF_A_FINISHED_ATTEMPT = ("attempt.json", "start.json", "shim.json", "result.json", "end.json")
OF_AN_ATTEMPT = (*OF_A_FINISHED_ATTEMPT, "notice.json", "profile.json")


def found(run: Run, *, thorough: bool = False) -> list[str]:
    """Return a sentence for each damage; `thorough` also reads every byte of the checkpoints."""
    return [*of_small_files(run), *of_checkpoints(run, thorough=thorough)]


def of_small_files(run: Run) -> list[str]:
    """Return what is wrong with everything but the checkpoints."""
    numbers = metrics.attempt_numbers(run.path)
    finished = run.status.state == "finished"
    damages = [*of_files(run.path, ALWAYS, ALWAYS)]
    damages += of_files(run.path, (*ONCE_STARTED, "control.json"), ONCE_STARTED if finished else ())
    for number in numbers:
        last = finished and number == numbers[-1]
        damages += of_attempt(metrics.attempt_folder(run.path, number), finished=last)
    return [*damages, *of_marker(run)]


def of_files(folder: Path, names: tuple[str, ...], wanted: tuple[str, ...]) -> Iterator[str]:
    """Yield what is wrong with JSON files; those that are wanted must be there."""
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


def of_attempt(folder: Path, *, finished: bool) -> Iterator[str]:
    """Yield what is wrong with an attempt's small files and its rows."""
    yield from of_files(folder, OF_AN_ATTEMPT, OF_A_FINISHED_ATTEMPT if finished else ())
    path, name = folder / "metrics.jsonl", f"attempts/{folder.name}/metrics.jsonl"
    known = files.read(folder / "result.json", AttemptResult).rows_bytes
    size, count = files.damaged_lines(path, whole=bool(known), like=metrics.is_like_a_row)
    if size < known:
        yield f"{name} should be {known:,} bytes long, but is {size:,}: rows are missing."
    if count:
        yield f"{name} has damaged rows ({count:,}), which are passed over."


def of_marker(run: Run) -> Iterator[str]:
    """Yield what is wrong with the marker of the best epoch."""
    saved = checkpoints.folders(run.path / "checkpoints")
    try:
        known = checkpoints.manifest_of(saved[0]).get("best", "") if saved else ""
    except CheckpointError:  # only the newest knows, and that it is damaged is said already
        return
    if known and not run.status.is_live and not checkpoints.is_marked_best(run.path, known):
        yield f"The file 'best' does not name {known}, the checkpoint of the best epoch."


def of_checkpoints(run: Run, *, thorough: bool) -> Iterator[str]:
    """Yield what is wrong with the checkpoints that are there, and which were set aside."""
    check = checkpoints.verify if thorough else checkpoints.manifest_of
    for path in checkpoints.folders(run.path / "checkpoints"):
        try:
            check(path)
        except CheckpointError as error:
            yield str(error)
    for path in sorted((run.path / "checkpoints").glob("damaged-*")):
        yield f"{path.name.removeprefix('damaged-')} was damaged and has been set aside."
