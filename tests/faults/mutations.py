"""Tests of the tests: python tests/faults/mutations.py breaks the run engine and sees who notices.

Each mutation is applied alone, in a copy of the tree; at least one of its tests must fail, all of
which pass without it.
"""

import os
import shutil
import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
import safetensors.torch  # noqa: F401 - loaded once, for all that is forked
import torch  # noqa: F401

ROOT = Path(__file__).resolve().parents[2]
CORE = "cifar_core/"
LONGEST = 200  # seconds for the tests of one mutation
ORDER = "tests/faults/test_order.py"
FILES, CHECKPOINTS = "tests/runs/test_runs_files.py", "tests/runs/test_runs_checkpoints.py"
STORE, SUPERVISOR = "tests/runs/test_runs_store.py", "tests/runs/test_runs_supervisor.py"
METRICS, TABLE = "tests/runs/test_runs_metrics.py", "tests/faults/test_table.py"
DISK = "tests/faults/test_disk_full.py"
KEPT = "tests/runs/test_runs_kept_predictions.py"
RETENTION = "tests/runs/test_retention.py"
ENDING, DAMAGE = "tests/runs/test_runs_ending.py", "tests/faults/test_damage.py"


@dataclass(frozen=True)
class Mutation:
    """One way to break the program."""

    what: str
    file: str
    old: str
    new: str
    tests: str  # a file, or a file and a word in the names of its tests


MUTATIONS = [
    Mutation("no fsync of a small file", "disk/files.py",
             "            os.fsync(file.fileno())\n", "            pass\n", ORDER + " small_file"),
    Mutation("no fsync of a small file's folder", "disk/files.py",
             "        sync_folder(path.parent)\n", "        pass\n", ORDER + " small_file"),
    Mutation("a small file written in place", "disk/files.py",
             "        draft.replace(path)\n", "        path.write_text(draft.read_text())\n",
             ORDER + " small_file"),
    Mutation("no fsync in sync_file", "disk/files.py",
             '    with path.open("rb") as file:\n        os.fsync(file.fileno())\n',
             "    pass\n", ORDER + " written"),
    Mutation("no fsync in sync_folder", "disk/files.py",
             "        os.fsync(descriptor)\n", "        pass\n", ORDER + " written"),
    Mutation("a half line is read", "disk/files.py",
             'data[: data.rfind(b"\\n") + 1]', "data", FILES + " half_written"),
    Mutation("a row's checksum is not compared", "disk/files.py",
             "mark + end != LINE_END % zlib.crc32(head)", "False", FILES + " in_a_row"),
    Mutation("a file's checksum is not compared", "disk/files.py",
             'values.pop(CHECK, "") != crc(head)', "not values.pop(CHECK)", FILES + " json_file"),
    Mutation("a missing checksum key is let pass", "disk/files.py",
             "if end or CHECK in values:", "if CHECK in values:", FILES + " json_file"),
    Mutation("no fsync of a checkpoint's files", "runs/record/checkpoints.py",
             "                files.sync_file(draft / file)\n", "", ORDER + " gets_its_name"),
    Mutation("no fsync of the checkpoints' folder", "runs/record/checkpoints.py",
             "    files.sync_folder(folder)\n    return target", "    return target",
             ORDER + " gets_its_name"),
    Mutation("the name before the manifest", "runs/record/checkpoints.py",
             "        files.write_json(draft / MANIFEST, sealed)  # syncs the draft folder too\n",
             "        draft.rename(target)\n        files.write_json(target / MANIFEST, sealed)\n"
             "        return target\n", ORDER + " gets_its_name"),
    Mutation("a checkpoint written in its place", "runs/record/checkpoints.py",
             'folder / f".draft-{name}", folder / name',
             'folder / f".draft-{name}", folder / f".draft-{name}"', CHECKPOINTS + " line_of"),
    Mutation("sha256 is not compared", "runs/record/checkpoints.py",
             'if files.sha256_of(path / file) != facts["sha256"]:', "if False:", CHECKPOINTS + " every_damage"),
    Mutation("sizes are not compared", "runs/record/checkpoints.py",
             'if size != facts["bytes"]:', "if False:", CHECKPOINTS + " every_damage"),
    Mutation("the manifest's seal is not compared", "runs/record/checkpoints.py",
             "if not manifest or manifest != seal(manifest):", "if not manifest:", CHECKPOINTS + " seal"),
    Mutation("a damaged checkpoint ends the search", "runs/record/checkpoints.py",
             "            set_aside(path)\n", "            set_aside(path)\n            break\n", CHECKPOINTS + " every_damage"),
    Mutation("leftovers stay", "runs/record/checkpoint_cleanup.py",
             "    for path in list(leftovers(run)):\n", "    for path in []:\n", CHECKPOINTS + " line_of"),
    Mutation("the best checkpoint is pruned", "runs/record/checkpoint_cleanup.py",
             "keep = {best_name(run), *about", "keep = {*about", CHECKPOINTS + " best"),
    Mutation("the newest checkpoints are pruned", "runs/record/checkpoint_cleanup.py",
             "newest <= keep_last", "newest <= 0", CHECKPOINTS + " best"),
    Mutation("pinned checkpoints are pruned", "runs/record/checkpoint_cleanup.py",
             ", *about.pinned_checkpoints", "", RETENTION + " pinned"),
    Mutation("checkpoints deleted under their names", "runs/record/checkpoints.py",
             "    path.rename(gone)\n    shutil.rmtree(gone)\n", "    shutil.rmtree(path)\n", ORDER + " deleted"),
    Mutation("no look at the room before a checkpoint", "runs/record/checkpoints.py",
             "    space.ensure(size, folder, WHAT)\n", "", DISK + " any_point"),
    Mutation("status without its lock", "runs/record/status.py",
             '        with lock.held(folder / ".lock"):\n', "        if True:\n",
             STORE + " many"),
    Mutation("status moved whatever it was", "runs/record/status.py",
             "not in expected:\n                return None", "not in expected:\n                pass", STORE + " many"),
    Mutation("numbers without the store's lock", "runs/store/store.py",
             '        with lock.held(self.root / ".store.lock"):\n', "        if True:\n", STORE + " many_hands"),
    Mutation("signals without a look at the identity", "disk/lock.py",
             "    if not is_same(process):\n        return False\n", "", FILES + " signalled"),
    Mutation("the boot id is not compared", "disk/lock.py",
             'process.get("boot") != boot_id()', "False", FILES + " signalled"),
    Mutation("the start time is not compared", "disk/lock.py",
             'start_mark(pid) == process.get("start")', "True", FILES + " signalled"),
    Mutation("locks that lock nothing", "disk/lock.py",
             "        fcntl.flock(descriptor, mode if wait else mode | fcntl.LOCK_NB)\n",
             "        pass\n", FILES + " lock"),
    Mutation("the executor without its lock", "runs/engine/executor.py",
             "            if mine is None:\n                return ONE_TOO_MANY\n",
             "            if mine is None:\n                mine = os.dup(0)\n", TABLE + " hundred"),
    Mutation("a damaged executor.json stays", "runs/engine/executor.py",
             "                seen, scanned_at = woken, now\n                self.write_identity()\n",
             "                seen, scanned_at = woken, now\n", TABLE + " record"),
    Mutation("rows are not superseded", "runs/record/metrics.py",
             "            parts.insert(0, RowRange(attempt, end))",
             "            parts.insert(0, RowRange(attempt, 10**9))", METRICS),
    Mutation("the rest of a cut row is not kept", "runs/engine/full_disk.py",
             "self.waiting = self.waiting[file.write(self.waiting) :]",
             'file.write(self.waiting)\n                self.waiting = b""', DISK + " rows"),
    Mutation("the rows are not flushed before a checkpoint", "runs/engine/full_disk.py",
             "            files.sync_file(self.path)\n", "            pass\n", ORDER + " worker"),
    Mutation("a silent process is given up", "runs/engine/supervisor.py",
             '        alive = lock.is_locked(live.folder / "lock")\n',
             "        alive = live.run.seconds_since_news is None\n", SUPERVISOR + " silent"),
    Mutation("a late shim trains beside another", "runs/engine/shim.py",
             '    if (folder / "shim.json").exists():', "    if False:", SUPERVISOR + " late"),
    Mutation("the shim's record is not flushed", "runs/engine/shim.py",
             "        os.fsync(file.fileno())\n", "", ORDER + " shims"),
    Mutation("the shim's record has no checksum of its own", "runs/engine/shim.py",
             "{zlib.crc32(head.encode()):08x}", "00000000", ORDER + " shims"),
    Mutation("orphans stay", "runs/engine/shim.py",
             "    orphans = kill_descendants()\n", "    orphans = 0\n", SUPERVISOR + " leaves"),
    Mutation("the device is lent without a look", "runs/engine/supervisor.py",
             "free = [candidate for candidate in wanted if candidate.id not in taken]", "free = wanted", SUPERVISOR + " two_gpus"),
    Mutation("the index lends a device twice", "runs/store/index.py",
             "INSERT INTO lease VALUES (?, ?, ?)\", (device", "INSERT OR REPLACE INTO lease VALUES (?, ?, ?)\", (device",
             STORE + " lent_once"),
    Mutation("an attempt never begun is a death", "runs/engine/ending.py",
             "deaths + ended.launched", "deaths + 1", SUPERVISOR + " never_launched"),
    Mutation("a full disk fails the run", "runs/engine/attempt.py",
             '        if reason == "disk":\n            return paused_for_space(error, worker.run.path)\n',
             "", DISK + " any_point"),
    Mutation("a paused run does not go on", "runs/engine/supervisor.py",
             '            run.enqueue(("paused",))\n', "            pass\n", DISK + " executor"),
    Mutation("lost settings are the defaults", "runs/record/run.py",
             "        if not (settings := self.settings):  # never train with the defaults instead",
             "        if (settings := self.settings) is None:", DAMAGE + " defaults"),
    Mutation("no prior on the temperature", "evaluation/temperature.py",
             "prior: float = PRIOR", "prior: float = 0.0",
             "tests/judging/test_judging_temperature.py handful"),
    Mutation("a temperature without a clear gain", "evaluation/temperature.py",
             "return self.found if self.is_clear else 1.0", "return self.found",
             "tests/judging/test_judging_temperature.py worse"),
    Mutation("the trainer keeps no predictions", "runs/engine/training_worker.py",
             '            self.keep_predictions("val", name, self.trainer.validation)\n',
             "            pass\n", KEPT + " epochs_end"),
    Mutation("test views are kept as plain", "training/evaluate.py",
             "kept.add(seen[0], batches.images)", "kept.add(logits, batches.images)",
             KEPT + " test_views"),
    Mutation("a model card opens the test results", "report/model_card.py",
             "    if not was_opened(account.run):\n        return \"\"\n", "", KEPT + " no_look"),
    Mutation("predictions outlive their checkpoint", "runs/record/checkpoint_cleanup.py",
             "        path.unlink(missing_ok=True)\n\n\ndef without", "        pass\n\n\ndef without",
             KEPT + " go_with"),
    Mutation("an imported zip's predictions are believed", "runs/exchange/import_run.py",
             "        check_predictions(folder, path)\n", "        pass\n", KEPT + " refused"),
    Mutation("seeds needed as of large samples", "statistics/over_seeds.py",
             "    while ratio and power(count, 1 / ratio) < POWER:\n        count += 1\n", "",
             "tests/judging/test_over_seeds.py needed"),
    Mutation("all values copied for each setting", "settings/declaration.py",
             "is_used(f, vars(self), type(self))", "is_used(f, asdict(self), type(self))",
             "tests/settings/test_config.py relevant"),
]  # fmt: skip


def main() -> int:
    """Try every mutation, or those whose name holds a word; print a table."""
    words = " ".join(sys.argv[1:])
    sys.dont_write_bytecode = True
    chosen = [mutation for mutation in MUTATIONS if words in mutation.what]
    stale = [f"{one.file}: {one.what}" for one in chosen if one.old not in source(ROOT, one)]
    if stale:
        raise SystemExit("\n".join(["Mend these mutations, whose lines have changed:", *stale]))
    survived: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "tree"
        skip = shutil.ignore_patterns(".git", ".venv", "models_store", "__pycache__", ".*_cache")
        shutil.copytree(ROOT, copy, ignore=skip)
        for tests in dict.fromkeys(mutation.tests for mutation in chosen):
            if code := tested(copy, tests):
                raise SystemExit(f"{tests} must pass as the program stands (pytest: {code}).")
        for mutation in chosen:
            noticed = is_noticed(copy, mutation)
            print(f"{'noticed ' if noticed else 'SURVIVED'}  {mutation.file:<15} {mutation.what}",
                  flush=True)  # fmt: skip
            survived += [] if noticed else [mutation.what]
    print(f"{len(chosen) - len(survived)} of {len(chosen)} mutations were noticed.")
    return len(survived)


def source(tree: Path, mutation: Mutation) -> str:
    """Return the file that a mutation changes, as it stands."""
    return (tree / CORE / mutation.file).read_text(encoding="utf-8")


def is_noticed(copy: Path, mutation: Mutation) -> bool:
    """Apply a mutation to the copy, run its tests, and put the file back."""
    path, whole = copy / CORE / mutation.file, source(copy, mutation)
    path.write_text(whole.replace(mutation.old, mutation.new, 1), encoding="utf-8")
    try:
        code = tested(copy, mutation.tests)
    finally:
        path.write_text(whole, encoding="utf-8")
        end_leftovers(copy)
    return code != 0


def end_leftovers(copy: Path) -> None:
    """Kill what a broken program has left behind: whoever runs in the copy, or code of it."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().decode(errors="replace")
            where = str((process / "cwd").readlink())
        except OSError:  # it has ended
            continue
        if int(process.name) != os.getpid() and (str(copy) in words or str(copy) in where):
            os.kill(int(process.name), signal.SIGKILL)


def tested(copy: Path, tests: str) -> int:
    """Run some tests of the copy in a fork of this process; return pytest's exit code."""
    file, _, word = tests.partition(" ")
    child = os.fork()
    if not child:
        signal.alarm(LONGEST)  # to wait for ever is to notice
        os.chdir(copy)
        sys.path[:0] = [str(copy)]
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        words = ["-x", "-q", "-p", "no:cacheprovider", file, *(["-k", word] if word else [])]
        os._exit(int(pytest.main(words)))
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 1, -signal.SIGALRM), f"{tests}: pytest could not run them ({code})"
    return code


if __name__ == "__main__":
    sys.exit(main())
