"""A small store in which every kind of file exists, and the ways to damage each of them."""

import ctypes
import os
import shutil
from contextlib import contextmanager
from dataclasses import replace

from outside_files import brought_in, text
from pages import make_run
from run_helpers import SMALL, attempt, store_without_executor
from test_app_rate_search import make_search
from test_app_run import PROFILE

from cifar_core import devices
from cifar_core.background.jobs import quietly
from cifar_core.config import TrainConfig
from cifar_core.disk import files
from cifar_core.report.edits import edit
from cifar_core.runs.exchange import model_export
from cifar_core.runs.listing import saved_listings
from cifar_core.runs.listing.table import Listing
from cifar_core.runs.prepare import step_plans
from cifar_core.runs.record import action_log, control, marks, metrics, status
from cifar_core.runs.results import look_back, neighbors, predictions, robustness, verify
from cifar_core.runs.results.sanity_cards import CardFile
from cifar_core.runs.results.test_looks import count_look
from cifar_core.runs.store import sweep_files
from cifar_core.runs.sweeps import hyperparameter_search, search_space, sweeps

WHOLE, RATES, FAILED, GONE, OTHERS = 1, 2, 3, 4, 5  # numbers of runs
TABLE = "step,loss,val_acc\n10,2,0.4\n20,1,0.6\n"  # of another tool
DATA = {**SMALL, "data": "synthetic:120", "batch_size": 8, "epochs": 2, "model": "simple_cnn"}
UNPROVEN = (".lock", "lock", ".wake")  # empty files that are only locked or touched


def build(root):
    """Make the store: a run with all that is ever kept beside one, a search, a sweep, a trash."""
    with store_without_executor(root) as store:
        (store.root / "executor.log").write_text("2026-11-28 12:00:00  started\n")
        files.write_json(store.root / "executor.json", {"pid": 1, "boot": "", "start": ""})
        run = trained(store)
        make_search(store, **{**DATA, "epochs": 2})
        make_run(store, "Broken", "failed", reason="bug", accuracies=(), **DATA)
        store.delete(make_run(store, "Gone", **DATA))
        brought_in(store, text(root / "theirs.csv", TABLE))
        (root / "theirs.csv").unlink()
        planned(store, run)
        saved_listings.save(store, "Good ones", Listing(query="acc>10"))
        speed_trial(store)
        (store.root / action_log.OLD).write_bytes((store.root / action_log.NAME).read_bytes())
        store.runs()


def speed_trial(store):
    """Keep the speeds that Train finds when it clones the trained run."""
    config = store.run(WHOLE).config
    place, _ = devices.current(store.root).choose(config.device)
    threads = devices.choose_threads(config.threads)
    path = step_plans.path_of(config, place.name, threads, store.root)
    path.parent.mkdir()
    files.write_json(path, {"trials": []})


def trained(store):
    """Train a run, and compute everything that people can ask for afterwards."""
    run = store.create(TrainConfig(**DATA), name="Whole")
    assert attempt(run, 1).work().outcome == "finished"
    folder = metrics.attempt_folder(run.path, 1)
    rows = metrics.metrics_path(run.path, 1).stat().st_size
    files.write_json(folder / "result.json", {"outcome": "finished", "rows_bytes": rows})
    files.write_json(folder / "shim.json", {"shim": {}, "trainer": {}, "ended": {"code": 0}})
    files.write_json(folder / "end.json", {"message": "Over.", "at": 1.7e9})
    files.write_json(folder / "profile.json", PROFILE)
    files.write_json(folder / "notice.json", {"message": "", "needs": 0})
    files.write_json(folder / "balance.json", {"at": 1.7e9, "step": 9, "seconds": 0.1})
    files.write_json(folder / "rank_failure.json", {"outcome": "", "rank": 1})
    (folder / "log.txt").write_text("epoch 1 is over\n" * 9)
    control.write(run.path, "")
    status.move(run.path, ("draft",), "finished", attempt=1)
    name = run.checkpoint("best").name
    jobs = [*(predictions.job(run, part) for part in ("val", "test", "train")),
            look_back.job(run, "val"), neighbors.job(run), robustness.job(run, "val"),
            verify.job(run, 2), model_export.job(run, "safetensors"),
            CardFile(run=run, checkpoint=name, method="gradient").job]  # fmt: skip
    for job in jobs:
        job.path.parent.mkdir(exist_ok=True)
        job.work({**job.request, "path": str(job.path)}, quietly)
        assert job.is_done, job
    count_look(run, "the page", name)
    edit(run, {"description": "Ours."})
    marks.write_note(run, "A **note**.")
    marks.tag(run, ["lab"])
    return run


def planned(store, model):
    """Make a sweep and a hyperparameter search whose runs have the results of a trained one."""
    base = TrainConfig(**DATA)
    axes = [[{"learning_rate": 0.02}, {"learning_rate": 0.01}]]
    sweep = sweeps.create(store, base, axes, [1], name="Rates")
    space = search_space.space_of(["learning_rate=0.001..0.1"])
    search = hyperparameter_search.create(store, base, space, budget=2, name="Best rate")
    hyperparameter_search.step(store, search.id)
    for row in (*sweeps.runs_of(store, sweep), *sweeps.runs_of(store, search)):
        run = store.run(row.id)
        for name in ("attempts", "checkpoints"):
            shutil.copytree(model.path / name, run.path / name)
        for name in ("summary.json", "environment.json", "best"):
            shutil.copy(model.path / name, run.path / name)
        status.move(run.path, ("queued",), "finished", attempt=1)
    over = sweeps.find(store, search.id)
    sweep_files.save(store.root, replace(over, search={**over.search, "ended": "budget"}))


def kinds(root):
    """Return the files of the store by kind: a relative path; runs other than the whole one,
    the search and that of another tool are left out, as their files are of the same kinds."""
    found = []
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root)
        if not path.is_file() or path.name in UNPROVEN or name.parts[0] == "data":
            continue
        number = name.parts[1].split("-")[0] if name.parts[0] == "runs" else ""
        if number not in ("", str(WHOLE), str(RATES), str(OTHERS)):
            continue
        found.append(str(name))
    return found


def missing(path):
    """Remove a file."""
    path.unlink()


def empty(path):
    """Leave nothing of a file but its name."""
    path.write_bytes(b"")


def cut(path):
    """Leave the first two thirds of a file, as a full disk or a broken copy does."""
    data = path.read_bytes()
    path.write_bytes(data[: 2 * len(data) // 3])


def of_another_version(path):
    """Replace a file by one that a later version might write: whole, but with other entries."""
    if path.suffix == ".json":
        files.write_json(path, {"schema": 99, "entries": [{"at": 1.0}], "name": {"en": "Whole"}})
    elif path.suffix == ".jsonl":
        path.write_bytes(b"".join(files.line_of({"event": "epoch", "n": n}) for n in range(9)))
    else:
        path.write_bytes(b"VERSION 2\n" + path.read_bytes()[::-1])


def unreadable(path):
    """Take away every permission on a file."""
    path.chmod(0)


def read_only(path):
    """Take away the permission to write a file, or anything beside it."""
    path.chmod(0o444)
    path.parent.chmod(0o555)


DAMAGES = (missing, empty, cut, of_another_version, unreadable, read_only)


@contextmanager
def as_an_owner():
    """Let permissions count in a `with` block, as they do for everyone but root."""
    if os.geteuid():
        yield
        return
    before = capabilities()
    without = before[0] & ~OVERRIDES
    set_capabilities((without, *before[1:]))
    try:
        yield
    finally:
        set_capabilities(before)


LIBC = ctypes.CDLL(None, use_errno=True)
OVERRIDES = 1 << 1 | 1 << 2  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH
HEADER = (ctypes.c_uint32 * 2)(0x20080522, 0)  # version 3; this thread


def capabilities():
    """Return the capabilities of this thread: effective, permitted, inheritable."""
    words = (ctypes.c_uint32 * 6)()
    assert LIBC.capget(HEADER, words) == 0
    return tuple(words[i] | words[i + 3] << 32 for i in range(3))


def set_capabilities(sets):
    """Set what `capabilities` returns; threads that start later inherit it."""
    words = (ctypes.c_uint32 * 6)()
    for i, bits in enumerate(sets):
        words[i], words[i + 3] = bits & 0xFFFFFFFF, bits >> 32
    assert LIBC.capset(HEADER, words) == 0


def make_writable(root):
    """Give back the permissions, so that the folder can be removed."""
    for path in (root, *root.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o644)
