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
QUEUE_ORDER, QUEUE_PAUSE = "tests/runs/test_queue_order.py", "tests/runs/test_queue_pause.py"
QUEUE_DEVICE = "tests/runs/test_queue_device.py"
METRICS, TABLE = "tests/runs/test_runs_metrics.py", "tests/faults/test_table.py"
DISK = "tests/faults/test_disk_full.py"
KEPT = "tests/runs/test_runs_kept_predictions.py"
RETENTION = "tests/runs/test_retention.py"
TRUST = "tests/explain/test_explain_trust.py"
ERASING = "tests/explain/test_explain_erasing.py"
OUTSIDE = "tests/runs/test_outside_"
SWEEPS, LISTING = "tests/runs/test_sweeps.py", "tests/runs/test_runs_listing.py"
TRASH, EDITED = "tests/runs/test_trash.py", "tests/runs/test_edited.py"
OUTPUT = "tests/runs/test_output.py"
STEP = "tests/training/test_step_plan.py"
OWNERS, ROOTS = "tests/runs/test_owners.py", "tests/data/test_data_roots.py"
READINGS, RATES = "tests/judging/test_readings.py", "tests/runs/test_rate_search.py"
EXAMPLES = "tests/test_examples.py"
ENDING, DAMAGE = "tests/runs/test_runs_ending.py", "tests/faults/test_damage.py"
ROSTER, PROBING = "tests/runs/test_runs_out_of_service.py", "tests/devices/test_devices_probing.py"
BOUNDARY = "tests/hostile/test_boundary.py"
FAKE_CUDA = "tests/fake_cuda/test_fake_cuda_"
TURNS = "tests/runs/test_gpu_turns.py"
UNEVEN, UNEVEN_DATA = "tests/training/test_uneven_training.py", "tests/data/test_data_uneven.py"
TASK = "tests/training/test_task.py"
MACHINE, SAMPLED = "tests/judging/test_machine_findings.py", "tests/runs/test_machine_rows.py"
TRAIN_ON = "tests/runs/family/test_train_on.py"
START_FROM = "tests/runs/family/test_start_from.py"
TEACHERS = "tests/training/test_distillation.py"
UNEVEN_RUNS = "tests/runs/test_runs_uneven.py"
PLANNED = "tests/runs/test_planned_ends.py"
SENDING, ADDRESSES = (f"tests/runs/test_notifications_{x}.py" for x in ("sending", "addresses"))


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
    Mutation("folders deleted under their names", "disk/removal.py",
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
    Mutation("own runs take the numbers of the examples", "runs/store/store.py",
             "RESERVED.stop if number in RESERVED else number", "number", EXAMPLES + " never_gets"),
    Mutation("the examples are put into any store", "examples/place.py",
             "(store.root / MARK).exists() or ", "", EXAMPLES + " gone_for_good"),
    Mutation("the examples count in statistics", "runs/listing/goals.py",
             "for row in own(rows)", "for row in rows", EXAMPLES + " no_statistics"),
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
             "                    break\n                self.write_identity()\n",
             "                    break\n", TABLE + " record"),
    Mutation("rows are not superseded", "runs/record/metrics.py",
             "            parts.insert(0, RowRange(attempt, end))",
             "            parts.insert(0, RowRange(attempt, 10**9))", METRICS),
    Mutation("the rest of a cut row is not kept", "runs/engine/full_disk.py",
             "self.waiting = self.waiting[file.write(self.waiting) :]",
             'file.write(self.waiting)\n                self.waiting = b""', DISK + " rows"),
    Mutation("the rows are not flushed before a checkpoint", "runs/engine/full_disk.py",
             "            files.sync_file(self.path)\n", "            pass\n", ORDER + " worker"),
    Mutation("a checkpoint covers the rows of later steps", "runs/engine/worker/training_worker.py",
             "            manifest=manifest,\n",
             '            manifest={**manifest, "metrics_bytes": self.rows.bytes},\n',
             "tests/runs/test_background_write.py meanwhile"),
    Mutation("gradients are added up in a graph's memory", "training/step/compiling.py",
             " and len(pieces) == 1", "", STEP + " cuda_graph"),
    Mutation("a compiled step is rehearsed once", "training/step/compiling.py",
             "REHEARSED_STEPS = 3", "REHEARSED_STEPS = 1", STEP + " rehears"),
    Mutation("a compiled step that fails is not taken again", "training/step/gradient.py",
             "        if not trainer.plan.compiled:\n            raise\n", "        raise\n",
             STEP + " fails_later"),
    Mutation("each GPU is timed by the first one's clock", "training/step/timing.py",
             "with torch.cuda.device(device):", "if True:", STEP + " timed_on_the_gpu"),
    Mutation("the last batch of validation has a size of its own",
             "training/step/compiled_evaluation.py",
             "if len(images) == count:", "if len(images) <= count:",
             "tests/training/test_compiled_evaluation.py compiled_once"),
    Mutation("a format without a scaled loss cannot be left", "training/snapshot.py",
             'if snapshot.meta["scaler"]:', "if True:", "tests/training/test_trainer.py scaled_loss_can"),
    Mutation("reports on their way are lost", "training/trainer.py",
             "        self.unread += self._said(list(self.sums.arrived(wait=True)))\n        return", "        return",
             "tests/training/test_reports.py snapshot"),
    Mutation("the summary is ahead of the checkpoint", "runs/engine/worker/training_worker.py",
             "        if not self.saving:\n", "        if True:\n",
             "tests/runs/test_background_write.py summary"),
    Mutation("whoever kills a run blames its GPU", "runs/engine/ending.py",
             '"" if control.request else last_words', "last_words",
             "tests/runs/test_runs_ending.py last_words"),
    Mutation("a late shim trains beside another", "runs/engine/shim.py",
             '    if (folder / "shim.json").exists():', "    if False:", SUPERVISOR + " late"),
    Mutation("the shim's record is not flushed", "runs/engine/shim.py",
             "        os.fsync(file.fileno())\n", "", ORDER + " shims"),
    Mutation("the shim's record has no checksum of its own", "runs/engine/shim.py",
             "{zlib.crc32(head.encode()):08x}", "00000000", ORDER + " shims"),
    Mutation("orphans stay", "runs/engine/shim.py",
             "    orphans = kill_descendants()\n", "    orphans = 0\n", SUPERVISOR + " leaves"),
    Mutation("the device is lent without a look", "runs/engine/lending.py",
             "free = [candidate for candidate in suitable if candidate.id not in lent]", "free = suitable",
             SUPERVISOR + " two_places"),
    Mutation("the index lends a device twice", "runs/store/index.py",
             "device in devices or holder == run", "holder == run",
             STORE + " lent_once"),
    Mutation("an attempt never begun is a death", "runs/engine/ending.py",
             "deaths + ended.launched", "deaths + 1", SUPERVISOR + " never_launched"),
    Mutation("a full disk fails the run", "runs/engine/worker/attempt.py",
             '        if reason == "disk":\n            return paused_for_space(error, worker.run.path)\n',
             "", DISK + " any_point"),
    Mutation("a paused run does not go on", "runs/engine/lending.py",
             '        run.enqueue(("paused",))\n', "        pass\n", DISK + " executor"),
    Mutation("a paused queue starts runs", "runs/engine/lending.py",
             "        if paused.is_on:\n", "        if False:\n", QUEUE_PAUSE + " goes_on"),
    Mutation("a pause during a scan comes too late", "runs/engine/lending.py",
             " and not pause.read(chief.store.root).is_on", "", QUEUE_PAUSE + " about_to_start"),
    Mutation("a device that is given during a scan is ignored", "runs/engine/lending.py",
             "wanted_by(run) == wanted and ", "", QUEUE_DEVICE + " during_a_scan"),
    Mutation("own runs get ahead of those of others", "runs/store/queue/order.py",
             "order = places.permitted(now, wanted, own)", "order = list(wanted)", QUEUE_ORDER + " ahead_of_no_one"),
    Mutation("an old order is taken although the queue has changed", "runs/store/queue/order.py",
             "        raise RunError(CHANGED)\n", "        pass\n", QUEUE_ORDER + " someone_else_moved"),
    Mutation("a run is moved although it has started", "runs/record/status.py",
             '            if old.state == "queued":\n', "            if True:\n", QUEUE_ORDER + " positions_are_only"),
    Mutation("no one is asked for a role", "runs/record/action_log.py",
             "    by.must(needed, request, owner)\n", "", OWNERS + " bens"),
    Mutation("an action leaves no line", "runs/record/action_log.py",
             "    if not line.skip:\n", "    if line.skip:\n", OWNERS + " bens"),
    Mutation("an edit of a sweep overwrites another one", "runs/sweeps/edits.py",
             "now = sweeps.find(store, sweep.id)", "now = sweep",
             "tests/runs/test_sweep_edits.py same_moment"),
    Mutation("anyone lets a sweep overtake others", "runs/sweeps/priority.py",
             "return priority != FIRST or by.may(ADMIN)", "return True",
             "tests/runs/test_sweep_edits.py overtake"),
    Mutation("a removed setting still counts as a comparison", "runs/sweeps/sweep_results.py",
             "if removed or not cell.removed", "if True", "tests/runs/test_sweep_edits.py count"),
    Mutation("a search learns from settings that it no longer has", "runs/sweeps/search_space.py",
             "if name not in space):\n        return None", "if name not in space):\n        pass",
             "tests/runs/test_sweep_edits.py teaches_nothing"),
    Mutation("a sweep's runs belong to whoever adds them", "runs/sweeps/sweeps.py",
             'owner = {"owner": name} if (name := owner_of(store, sweep)) else {}',
             "owner: dict[str, str] = {}", OWNERS + " admin_adds"),
    Mutation("a job is anyone's to cancel", "runs/store/run_job.py",
             '"canceled the computation of", self.asker)', '"canceled the computation of", "")',
             OWNERS + " cancel"),
    Mutation("a person may have any number of jobs", "background/tickets.py",
             "        if own >= MOST_EACH:\n", "        if False:\n", "tests/runs/test_tickets.py so_many"),
    Mutation("jobs do not wait", "background/tickets.py",
             "(before := earlier(ticket)) >= slots()", "(before := earlier(ticket)) < 0",
             "tests/runs/test_tickets.py first"),
    Mutation("a path outside the folders is opened", "data/roots.py",
             "    return real if root and real and real.is_relative_to(root) else None",
             "    return Path(wanted)", ROOTS + " no_one or lead_out"),
    Mutation("links out of the folders are followed", "data/roots.py",
             "    if root and not path.resolve().is_relative_to(root):\n", "    if False:\n", ROOTS + " laid_later"),
    Mutation("one lock for all datasets", "data/cache.py",
             "lock.take(lock_of(folder), wait=False)", 'lock.take(locks / "one", wait=False)',
             "tests/data/test_data_cache.py another_dataset"),
    Mutation("formulas stay formulas", "disk/tables.py",
             "value.startswith(FORMULA)", "value.startswith(FORMULA[:0])", "tests/test_csv.py execute"),
    Mutation("the depth of 16-bit pictures is not looked for", "data/pictures/depth.py",
             "next(depth for depth in DEPTHS if largest < 2**depth)", "16",
             "tests/data/test_pictures_images.py sixteen"),
    Mutation("lost settings are the defaults", "runs/record/run.py",
             "        if not (settings := self.settings):  # never train with the defaults instead",
             "        if (settings := self.settings) is None:", DAMAGE + " defaults"),
    Mutation("sizes of squares are not kept apart", "explain/trust/agreement.py",
             "    return torch.stack(each).mean(dim=0)\n",
             "    return (unit(values) * unit(falls[None])).sum(dim=-1)\n", TRUST + " within_each_size"),
    Mutation("a supported map keeps its label when its total is off", "explain/trust/verdict.py",
             "    if label == Label.SUPPORTED and caveats:", "    if False:", TRUST + " weak_at_best"),
    Mutation("a picture that decides nothing is tested all the same", "explain/trust/verdict.py",
             "    if evidence.whole - evidence.nothing < STAKE:", "    if False:",
             TRUST + " nothing_can_be_tested"),
    Mutation("occlusion's windows stay inside the picture", "explain/erasing.py",
             "range(settings.stride - settings.window, SIDE, settings.stride)",
             "range(0, SIDE, settings.stride)",
             ERASING + " occlusion"),
    Mutation("a part of a window counts as if it were whole", "explain/erasing.py",
             "(lost / shares[:, None])", "lost[:, :]", ERASING + " occlusion"),
    Mutation("RISE's masks are all drawn by chance", "explain/erasing.py",
             "    masks = smooth_masks(ceil(count / 2), height, width, seed)\n",
             "    return smooth_masks(count, height, width, seed)\n", ERASING + " opposite"),
    Mutation("RISE predicts nothing of what the rest of the picture adds", "explain/erasing.py",
             "    rest = scores - cells @ weights\n", "    rest, weights = scores, 0 * weights\n",
             ERASING + " two_draws"),
    Mutation("integrated gradients by Gauss and Legendre", "explain/integrated.py",
             'integral_by("riemann_middle"', 'integral_by("gausslegendre"',
             "tests/explain/test_explain_gradients.py kinks"),
    Mutation("earlier records are reproduced by today's methods", "runs/results/explanation.py",
             "EARLIER if format == 1 else SALIENCY", "SALIENCY",
             "tests/runs/test_runs_explanation.py earlier_version"),
    Mutation("the surest images get the other views", "training/evaluate.py",
             "margins(logits).sort(stable=True)",
             "margins(logits).sort(stable=True, descending=True)",
             "tests/data/test_test_views.py least_sure"),
    Mutation("a resumed run watches other images", "training/snapshot.py",
             'list(snapshot.meta.get("watched", []))', "[]",
             "tests/runs/test_runs_watched.py interrupted"),
    Mutation("whitening biases are trained to the end", "training/freezing.py",
             "bool(spec.early) and epoch", "False and epoch",
             "tests/training/test_freezing.py whitening"),
    Mutation("the rest's factor acts on SGD's decay", "optim/muon.py",
             "(1 if rest.factors_act_on_decay else factor)", "1",
             "tests/training/test_muon.py sgd_moves"),
    Mutation("no prior on the temperature", "evaluation/temperature.py",
             "prior: float = PRIOR", "prior: float = 0.0",
             "tests/judging/test_judging_temperature.py handful"),
    Mutation("a temperature without a clear gain", "evaluation/temperature.py",
             "return self.found if self.is_clear else 1.0", "return self.found",
             "tests/judging/test_judging_temperature.py worse"),
    Mutation("the trainer keeps no predictions", "runs/engine/worker/training_worker.py",
             '            self.keep_predictions("val", name, validation)\n',
             "            pass\n", KEPT + " epochs_end"),
    Mutation("test views are kept as plain", "training/evaluate.py",
             "kept.keep(plain)", "kept.keep(logits)",
             KEPT + " test_views"),
    Mutation("a model card opens the test results", "report/model_card.py",
             "    if not was_opened(account.run):\n        return \"\"\n", "", KEPT + " no_look"),
    Mutation("predictions outlive their checkpoint", "runs/record/checkpoint_cleanup.py",
             "        path.unlink(missing_ok=True)\n\n\ndef without", "        pass\n\n\ndef without",
             KEPT + " go_with"),
    Mutation("an imported zip's predictions are believed", "runs/exchange/import_run.py",
             "        check_predictions(folder, path)\n", "        pass\n", KEPT + " refused"),
    Mutation("a curve is thinned without its peaks", "runs/exchange/curves/gather.py",
             "found = [starts + values.argmin(axis=1), starts + values.argmax(axis=1)]",
             "found = [starts]", OUTSIDE + "formats.py evenly"),
    Mutation("the first of repeated steps counts", "runs/exchange/curves/gather.py",
             "last = np.append(np.diff(every[:, 0]) > 0, True)[: len(every)]",
             "last = np.append(True, np.diff(every[:, 0]) > 0)[: len(every)]",
             OUTSIDE + "formats.py repeated"),
    Mutation("damaged records of events are believed", "runs/exchange/curves/event_files.py",
             "                if is_sound:\n                    yield", "                if True:\n                    yield",
             OUTSIDE + "formats.py damaged"),
    Mutation("a zip of another tool writes anywhere", "runs/exchange/curves/materials.py",
             'if path.is_absolute() or ".." in path.parts', "if False",
             "tests/hostile/test_outside_files.py hostile_zip"),
    Mutation("imported curves count as goals", "runs/listing/goals.py",
             "if row.kind == TRAINING\n        and row.test", "if row.test",
             OUTSIDE + "runs.py goals"),
    Mutation("seeds needed as of large samples", "statistics/over_seeds.py",
             "    while ratio and power(count, 1 / ratio) < POWER:\n        count += 1\n", "",
             "tests/judging/test_over_seeds.py needed"),
    Mutation("all values copied for each setting", "settings/declaration.py",
             "is_used(f, vars(self), type(self))", "is_used(f, asdict(self), type(self))",
             "tests/settings/test_config.py relevant"),
    Mutation("a sweep is numbered by the readable files", "runs/sweeps/sweeps.py",
             "sweep_files.next_number(store.root, [row.sweep for row in rows])",
             "1 + max([sweep.number for sweep in existing], default=0)", SWEEPS + " adopts"),
    Mutation("the numbers of the runs' sweeps do not count", "runs/sweeps/sweeps.py",
             "[row.sweep for row in rows]", "[]", SWEEPS + " adopts"),
    Mutation("a damaged listing is written over", "runs/listing/saved_listings.py",
             "if not path_of(store, id_).exists()", "if True", LISTING + " damaged_listing"),
    Mutation("a dict of tensors is taken for a plain value", "training/snapshot.py",
             "    if isinstance(value, dict):\n        items", "    if False:\n        items",
             "tests/training/test_trainer.py aggmo"),
    Mutation("a deleted run has to fit on the disk", "runs/store/trash.py",
             "                with contextlib.suppress(DiskFullError):\n                    leave_queue",
             "                if True:\n                    leave_queue", TRASH + " without_a_byte"),
    Mutation("no reserve is kept", "runs/store/store.py",
             "            space.keep_reserve(self.root)\n", "", TRASH + " reserve"),
    Mutation("the reserve is not given up", "runs/record/run.py",
             "        space.release_reserve(self.store_root)\n", "", TRASH + " stopped_on_a_full_disk"),
    Mutation("the trash is emptied under the runs' names", "runs/store/trash.py",
             "                removal.discard(run.path)\n", "                shutil.rmtree(run.path)\n",
             TRASH + " killed"),
    Mutation("a run's folder is moved onto another", "runs/store/trash.py",
             "    if (folder / path.name).exists():\n", "    if False:\n", TRASH + " twice"),
    Mutation("one of two runs with a number is taken", "runs/store/store.py",
             "    if len(same) > 1:  # never one of them silently\n", "    if False:\n",
             TRASH + " copied"),
    Mutation("texts of a report without a lock", "runs/results/report_texts.py",
             '        lock.held(run.path / ".lock"),\n', "", EDITED + " six_writers"),
    Mutation("a text replaces one that was not shown", "disk/edited.py",
             "    if was is None or kept in (was, now):\n", "    if True:\n", EDITED + " meanwhile"),
    Mutation("the history keeps the beginning of a note", "runs/record/marks.py",
             '"noted", text):', '"noted", text[:80]):', "tests/app/test_app_run.py whole_text"),
    Mutation("a file for a person is written in place", "disk/output.py",
             '        with files.replacing(target, f".draft{ending}") as draft:\n            yield draft',
             "        for draft in [target]:\n            yield draft", OUTPUT + " killed"),
    Mutation("names of older systems stay half characters", "data/layout/listing.py",
             'data.decode("cp1252", "replace")', 'data.decode("utf-8", "surrogateescape")',
             "tests/data/test_layout_folders.py older_systems"),
    Mutation("test images are drawn from groups", "data/layout/split_off.py",
             "        if not item.group and item.name not in near:\n", "        if True:\n",
             "tests/data/test_layout_split_off.py never_divided"),
    Mutation("an earlier draw is forgotten", "data/layout/split_off.py",
             "    if files.read(folder / RULE, Rule) != rule:\n", "    if True:\n",
             "tests/data/test_layout_split_off.py come_later"),
    Mutation("links may lead in a circle", "data/sources/folders.py",
             "        if key in above or (\n", "        if False and (\n",
             "tests/data/test_layout_folders.py never_in_a_circle"),
    Mutation("errors quote half characters", "errors.py",
             '.encode("utf-8", "replace").decode("utf-8")', "",
             "tests/data/test_decoding_sources.py not_utf8"),
    Mutation("a long curve loses its end", "runs/record/summary.py",
             "round(i * (len(values) - 1) / (SPARKS - 1))", "i * len(values) // SPARKS",
             METRICS + " thinned"),
    Mutation("the estimate leaves the test images out", "runs/prepare/epoch_time.py",
             "        + setup.test.images * evaluation_seconds\n", "",
             "tests/runs/test_runs_step_plans.py test_images"),
    Mutation("memory is not limited before a fit", "runs/prepare/largest_batch.py",
             "        memory.forbid_more_than(limit)\n", "        pass\n",
             "tests/runs/test_runs_largest_batch.py limited_before"),
    Mutation("a resumed download counts what was there", "data/sources/progress.py",
             "(last - first) / max", "last / max", "tests/data/test_data_fetch.py resumed_download"),
    Mutation("a lock is seen only by those who may write", "disk/lock.py",
             "    return os.open(path, os.O_RDONLY)\n", "    raise FileNotFoundError(path)\n",
             BOUNDARY + " lock_that_may"),
    Mutation("an attempt is said to start before it has", "runs/engine/live_attempts.py",
             "    if start is None or (not start.note and attempt == 1):\n",
             "    start = start or AttemptStart()\n    if not start.note and attempt == 1:\n",
             BOUNDARY + " where_an_attempt"),
    Mutation("a fault leaves no traceback", "disk/faults_log.py",
             "            append(folder, text)\n", "            pass\n", BOUNDARY + " fault_is_kept"),
    Mutation("an unexpected error leaves a command", "__main__.py",
             "    except Exception as error:\n", "    except CifarError as error:\n",
             BOUNDARY + " is_at_fault"),
    Mutation("a read-only store cannot be read while a run waits", "background/processes.py",
             "    with contextlib.suppress(PermissionError):\n", "    if True:\n",
             BOUNDARY + " waits_in_a_store"),
    Mutation("a lower rate is credited with any fall", "reading/rates.py",
             "return self.gain > GAINED * self.error", "return self.fell > GAINED * self.error",
             READINGS + " without_an_effect"),
    Mutation("runs that failed are advised more epochs", "reading/endings.py",
             "if facts.as_planned and facts.gap <= WIDE else ()", "if facts.count else ()",
             READINGS + " failed_run"),
    Mutation("advice that changes nothing is given", "reading/advice.py",
             "if is_useful(t, settings, kinds)", "if t", READINGS + " value_that"),
    Mutation("validation at guessing is not noticed", "reading/guessing.py",
             "    if level > guess + CHANCE_BANDS * error or", "    if level > 0 or",
             READINGS + " random_labels"),
    Mutation("samples of startup and validation count as training", "reading/machine/samples.py",
             "        chosen &= trains[next_] &", "        chosen &=", MACHINE + " works"),
    Mutation("one look at memory raises an alarm", "reading/machine/findings.py",
             "if not (pace > 0 and (np.diff(quarters) > 0).all() and rise", "if not (pace > 0 and rise",
             MACHINE + " lasts"),
    Mutation("a driver that hangs holds up the rows", "runs/engine/worker/machine_sampler.py",
             "        return uses if time.monotonic() - at < OLD else []\n", "        return uses\n",
             SAMPLED + " hangs"),
    Mutation("rows of the machine are kept without end", "runs/record/machine/rows.py",
             "age / left if left >= 1 else float(\"inf\")", "0.0", SAMPLED + " exceeds"),
    Mutation("any progress counts as learning", "rate_search/parabola.py",
             "gain.mean() > LEARNED * gain.std()", "gain.mean() > -LEARNED * gain.std()",
             RATES + " guessing_knows"),
    Mutation("rates that were not raced to the end are compared", "rate_search/verdict.py",
             "if mine is None or (mine.alive and not mine.final):", "if mine is None:",
             RATES + " same_end"),
    Mutation("float64 on the device", "models/speed_net.py",
             ".cpu().double()", ".double().cpu()", FAKE_CUDA + "networks.py speed_net"),
    Mutation("a momentum in the memory order of its file", "training/snapshot.py",
             "return torch.empty_like(weight, dtype=tensor.dtype).copy_(tensor)", "return tensor",
             FAKE_CUDA + "optimizers.py sgd"),
    Mutation("a restored product of momenta on the device", "optim/standard.py",
             'memory["mu_product"].cpu()', 'memory["mu_product"]', FAKE_CUDA + "optimizers.py nadam"),
    Mutation("norms read for each layer", "optim/layerwise.py",
             "return torch.stack(torch._foreach_norm(tensors))",
             "return torch.tensor([t.norm().item() for t in tensors], device=tensors[0].device)",
             FAKE_CUDA + "optimizers.py lamb"),
    Mutation("a layer at rest decays", "optim/layerwise.py",
             "torch.where(slope > 0, ratio, 0.0)", "ratio", "tests/training/test_layerwise.py lars"),
    Mutation("kept features sent from plain memory", "training/features.py",
             "tensor = tensor.pin_memory()", "pass", FAKE_CUDA + "settings.py kept_features"),
    Mutation("a report that waits for the device", "training/arrival.py",
             "copy_(tensor, non_blocking=True)", "copy_(tensor)", FAKE_CUDA + "settings.py report"),
    Mutation("a trainer does not hold its GPU", "runs/engine/shim.py",
             "pass_fds=(lock, *keep),", "pass_fds=(lock,),", TURNS + " executor_is_gone"),
    Mutation("the shim does not hold its GPU", "runs/backends/local.py",
             "[*submission.command, *map(str, submission.keep)],", "submission.command,", TURNS + " executor_is_gone"),
    Mutation("a run starts on a GPU that is measured on", "runs/engine/lending.py",
             "turns.first_free(chief.store.root, free,", "turns.first_free(chief.store.root / free[0].id, free,",
             TURNS + " else_waits"),
    Mutation("runs are not told of a GPU that is free again", "devices/turns.py",
             "                processes.wake(root)\n", "                pass\n", TURNS + " else_waits"),
    Mutation("the network stays on the GPU while what fits is measured", "runs/engine/worker/base_worker.py",
             "vars(self).keys() - self.light", "vars(self).keys() - self.light - {'profiler'}",
             "tests/runs/test_runs_halving.py training_is_left"),
    Mutation("a goal is reached by the worst epoch", "training/progress.py",
             "best.worth >= enough", "best.worth <= enough", "tests/training/test_trainer.py goal_ends"),
    Mutation("a run ends by time without a checkpoint", "runs/engine/worker/training_worker.py",
             "        self.save()  # the time can be up in the middle of an epoch\n", "        self.settle()\n",
             PLANNED + " time_is_up"),
    Mutation("a run ends by time before it has a result", "runs/engine/worker/planned_ends.py",
             "TIME if self.epochs and 0 <", "TIME if 0 <", PLANNED + " at_least_one_epoch"),
    Mutation("overfitting is judged by the rows of steps", "runs/engine/worker/planned_ends.py",
             "            self.step = row\n", "            self.step = row\n            self.rows.append(row)\n",
             PLANNED + " overfitting_ends"),
    Mutation("checkpoints that are not finite are continued from", "runs/engine/worker/good_checkpoint.py",
             "there.name != tried and is_finite(there)", "there.name != tried", PLANNED + " no_numbers"),
    Mutation("a run diverges from the same checkpoint again and again", "runs/engine/worker/good_checkpoint.py",
             "there.name != tried and is_finite(there)", "is_finite(there)", PLANNED + " further_back"),
    Mutation("superseded checkpoints stay", "runs/engine/worker/training_worker.py",
             "        drop_superseded(self.run, checkpoint)\n", "", PLANNED + " passed_over"),
    Mutation("the rate comes back when a retry is resumed", "runs/record/divergences/decisions.py",
             "if one.attempt >= since else share", "if one.attempt > since else share", PLANNED + " at_a_tenth"),
    Mutation("resuming keeps a time to stop that has passed", "runs/record/control.py",
             "0.0 if not request and old.is_late else old.until", "old.until", PLANNED + " time_of_day"),
    Mutation("a device that failed stays in service", "runs/engine/roster.py",
             "        self.set_found(self.found.without(lost[0], reason))\n", "", ROSTER + " out_of_service"),
    Mutation("a run is tried for ever on a device that fails", "runs/engine/ending.py",
             "    if deaths >= MOST_DEVICE_FAILURES:\n", "    if False:\n", ROSTER + " again_and_again"),
    Mutation("a GPU that never worked is waited for for ever", "runs/engine/roster.py",
             " and self.probes < PATIENT_PROBES", "", ROSTER + " without_a_driver"),
    Mutation("a GPU that others use is not waited for", "runs/engine/roster.py",
             " or refused.trouble == IN_USE", "", ROSTER + " however_long"),
    Mutation("a new executor forgets which GPUs worked", "devices/kept.py",
             "        found = found.after(known(root) or Inventory())\n", "", ROSTER + " earlier_executor"),
    Mutation("a renumbered GPU is lent twice", "devices/turns.py",
             "device.uuid or device.id", "device.id", TURNS + " another_number"),
    Mutation("a line that is no record breaks a probe", "devices/records.py",
             "suppress(ValueError)", "suppress(KeyError)", PROBING + " driver_prints"),
    Mutation("a GPU that hangs takes the others with it", "devices/probing.py",
             "        if left:\n            self.start()\n            return None\n", "", PROBING + " hangs_crashes"),
    Mutation("a probe of another machine is believed", "devices/kept.py",
             " and kept.machine == machine()", "", PROBING + " made_once"),
    Mutation("the best epoch is always by accuracy", "training/trainer.py",
             "getattr(score, self.measure.key)", "score.accuracy", UNEVEN + " decides"),
    Mutation("a lower loss is taken to be worse", "evaluation/measures.py",
             "return value if self.rises else -value", "return value", UNEVEN + " disagree"),
    Mutation("every balanced epoch shows the same images", "data/uneven/orders.py",
             "drawn(count, len(sizes), epoch), drawn(count, len(sizes), epoch + 1)",
             "drawn(count, len(sizes), 0), drawn(count, len(sizes), 1)",
             UNEVEN_DATA + " within_one"),
    Mutation("kept features ignore the balanced order", "training/features.py",
             "order_of(self.truth, self.order, seed", "order_of(self.truth, \"shuffled\", seed",
             UNEVEN + " kept_features"),
    Mutation("weights of classes are not scaled", "data/uneven/class_weights.py",
             "result * counts.sum() / (result * counts).sum()", "result", UNEVEN_DATA + " mean"),
    Mutation("a weighed batch is divided by its weights", "training/task/training_loss.py",
             "(losses * of_classes[labels]).mean()",
             "(losses * of_classes[labels]).sum() / of_classes[labels].sum()",
             UNEVEN + " each_image"),
    Mutation("a mixed image counts as its first class alone", "training/task/task.py",
             "return batch.share * loss + (1 - batch.share) * self.loss_of(logits, batch.others)",
             "return loss", TASK + " cross_entropy"),
    Mutation("the share of CutMix is the drawn one", "training/task/mixing.py",
             "return 1 - (bottom - top) * (right - left) / (height * width)", "return share",
             TASK + " cutmix_makes"),
    Mutation("every epoch mixes alike", "training/trainer.py",
             "self.task.batch(images, labels, epoch=epoch, number=number)",
             "self.task.batch(images, labels, epoch=0, number=self.step)", TASK + " every_epoch"),
    Mutation("the teachers' part shrinks with the temperature", "training/task/teachers.py",
             "return self.temperature**2 * F.kl_div", "return F.kl_div", TEACHERS + " hinton"),
    Mutation("a teacher answers in the order of its own classes", "training/task/teachers.py",
             "return logits if self.order is None else logits.index_select(1, self.order)",
             "return logits", TEACHERS + " order_of_the_run"),
    Mutation("kept answers go on wherever the run is", "training/task/teachers.py",
             "if self.next != (epoch, number):", "if not self.reading:",
             TEACHERS + " function_of_the_epoch"),
    Mutation("a run may lack its teachers", "runs/store/store.py",
             "config.check_teachers(len(about.teachers))", "pass",
             "tests/runs/test_teachers.py before_a_run"),
    Mutation("a resumed run forgets its best epoch", "training/snapshot.py",
             "best=Best.from_saved(saved[\"best\"])", "best=Best()", UNEVEN + " bit_for_bit"),
    Mutation("without its mark the best checkpoint is the most accurate one",
             "runs/record/checkpoints.py",
             "manifest.get(\"worth\", manifest.get(\"val_accuracy\"))",
             "manifest.get(\"val_accuracy\")", UNEVEN_RUNS + " by_their_worth"),
    Mutation("a schedule starts over in the middle", "training/step/rates.py",
             "(progress.step - progress.began + 0.5)", "(progress.step + 0.5)",
             TRAIN_ON + " new_epochs_alone"),
    Mutation("a run that trains on forgets where its schedule began", "training/snapshot.py",
             'began=saved.get("began", 0)', "began=0", TRAIN_ON + " new_epochs_alone"),
    Mutation("early stopping goes on counting", "training/progress.py",
             '"stale_epochs": 0}', '"stale_epochs": saved["best"]["stale_epochs"]}',
             TRAIN_ON + " counts_anew"),
    Mutation("a run that trains on begins from nothing", "runs/engine/worker/training_worker.py",
             "inheritance.or_begin_again(self.run, *to_continue_from(self.run))",
             "to_continue_from(self.run)",
             TRAIN_ON + " damaged"),
    Mutation("only the last mark of a curve is drawn", "runs/family/joins.py",
             "        about = about_of(run, start, is_from_here=is_from_here)\n", "        break\n",
             "tests/app/test_app_train_on.py trained_on_twice"),
    Mutation("a run of another store is numbered as one of this", "runs/family/joins.py",
             'return f"#{number}" if is_from_here and', 'return f"#{number}" if',
             "tests/app/test_app_train_on.py from_another_store"),
    Mutation("the best epoch is not inherited", "runs/family/inheritance.py",
             "if best.name == named != info.name:", "if False:", TRAIN_ON + " four"),
    Mutation("a head for other classes is taken", "runs/family/start_from.py",
             "    if name in foreign:\n", "    if False:\n", START_FROM + " other_classes"),
    Mutation("whitening replaces what was learned", "training/setup.py",
             "    if begun:  # they", "    if begun and not trainer.spec.prepare:  # they",
             START_FROM + " whitening"),
    Mutation("an ancestor is any path", "runs/record/family/ancestors.py",
             'RUN_ID = r"\\d{1,9}-[a-z0-9-]{1,60}"', 'RUN_ID = r"[\\s\\S]*"',
             "tests/runs/family/test_family.py plain_id"),
    Mutation("weights that a child keeps count as freed", "runs/store/retention.py",
             ">= state.st_nlink", ">= 0", TRAIN_ON + " frees_only"),
    Mutation("a message without an answer is sent again", "runs/notifications/outbox.py",
             "if message.state == ASKING:", "if False:", SENDING + " kill_between"),
    Mutation("a message that was put away is written again", "runs/notifications/outbox.py",
             "if path.exists() or done(path).exists():", "if path.exists():",
             SENDING + " written_once"),
    Mutation("a message begins to be sent before the disk has a note of it",
             "runs/notifications/guard.py", "            talk.asking()\n        try:\n            orig",
             "            pass\n        try:\n            orig", SENDING + " sent_again"),
    Mutation("messages may go to any address", "runs/notifications/destinations.py",
             "return (ip.is_global and ip not in SITE_LOCAL) or is_in(ip, allowed)", "return True",
             ADDRESSES + " refused"),
    Mutation("a mapped address is not seen through", "runs/notifications/destinations.py",
             "return ipaddress.IPv4Address(low)", "return ip", ADDRESSES + " refused"),
    Mutation("redirects of a webhook are followed", "runs/notifications/guard.py",
             "\"allow_redirects\": False,", "\"allow_redirects\": True,", SENDING + " redirect"),
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
