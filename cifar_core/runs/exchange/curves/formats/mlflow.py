"""MLflow: the folder of a run below mlruns/, with a file for each metric, `time value step`.

Layout of its file store: mlflow.org/docs, "Backend Stores"; params/ and meta.yaml name the run.
"""

import re
from pathlib import PurePosixPath

from cifar_core.runs.exchange.curves.format import Format
from cifar_core.runs.exchange.curves.gather import Gathered, GatheredRun
from cifar_core.runs.exchange.curves.limits import LONGEST_TEXT
from cifar_core.runs.exchange.curves.materials import Materials
from cifar_core.runs.exchange.curves.tables.text_tables import lines_of

METRIC = re.compile(r"(?:(?P<run>.*)/)?metrics/(?P<name>.+)")
LINE = re.compile(rb"\d{9,16} [-+.\deEinfaNI]+(?: \d+)?\r?$", re.MULTILINE)
RUN_NAME = re.compile(r"^run_name:\s*['\"]?(.+?)['\"]?\s*$", re.MULTILINE)


def claims(found: Materials) -> bool:
    """Return True if any file lies in a folder metrics/ and has lines of MLflow's."""
    return any(METRIC.fullmatch(name) and LINE.match(head) for name, head in found.heads.items())


def read(found: Materials, gathered: Gathered) -> None:
    """Read the metrics of every run."""
    for name in found.names:
        match = METRIC.fullmatch(name)
        if match is None or not LINE.match(found.heads[name]):
            continue
        folder = match["run"] or ""
        run = gathered.run(folder, name_of(found, folder))
        if not run.curves:
            params(found, folder, run)
        for line in lines_of(found.path(name)):
            words = line.split()
            try:
                at, value = float(words[0]) / 1000, float(words[1])
                run.add(match["name"], float(words[2]) if len(words) > 2 else 0.0, value, at)
            except (ValueError, IndexError):
                gathered.left["lines without a metric"] += 1


def name_of(found: Materials, folder: str) -> str:
    """Return the name of a run: as its meta.yaml or its tag says, else of its folder."""
    inside = f"{folder}/" if folder else ""
    meta = found.heads.get(f"{inside}meta.yaml", b"").decode("utf-8", "replace")
    if match := RUN_NAME.search(meta):
        return match[1]
    tag = found.heads.get(f"{inside}tags/mlflow.runName", b"").decode("utf-8", "replace")
    return tag.strip() or PurePosixPath(folder).name


def params(found: Materials, folder: str, run: GatheredRun) -> None:
    """Keep the parameters of a run as its settings."""
    start = f"{folder}/params/" if folder else "params/"
    for name, head in found.heads.items():
        if name.startswith(start):
            text = head[: 4 * LONGEST_TEXT].decode("utf-8", "replace").strip()
            run.put(name.removeprefix(start), text)


FORMAT = Format(
    key="mlflow",
    title="MLflow",
    summary="A zip or the folder of a run, or of several, below mlruns/.",
    claims=claims,
    read=read,
)
