"""A run as a zip: what comes out of it in another store, and that nothing else gets in."""

import io
import json
import random
import stat
import zipfile
from dataclasses import replace

import pytest
from pages import make_run
from run_helpers import store_without_executor
from test_runs_worker import assert_same, attempt, new_run, work_until

from cifar_core.data import load
from cifar_core.disk import files
from cifar_core.errors import ArchiveError, DataError, RunError
from cifar_core.people import OPERATOR, Person
from cifar_core.runs.exchange.import_run import import_run
from cifar_core.runs.exchange.run_zip import export_run
from cifar_core.runs.record import checkpoint_cleanup, checkpoints, marks, status
from cifar_core.runs.results.classifier import load_classifier
from cifar_core.runs.store.damage import damages


@pytest.fixture
def store(tmp_path):
    with store_without_executor(tmp_path / "store") as store:
        yield store


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """The bytes of one exported run, which tests change in many ways."""
    with store_without_executor(tmp_path_factory.mktemp("export") / "store") as store:
        run = make_run(store, "A run", accuracies=(0.4, 0.5))
        marks.tag(run, ["lab"])
        marks.write_note(run, "**Note**")
        return zipped(run)


def zipped(run, weights="all"):
    file = io.BytesIO()
    export_run(run, file, weights)
    return file.getvalue()


def members(data):
    """Return the names in a zip with their bytes."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(entries):
    """Return a zip of names (or ZipInfo) with bytes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return file.getvalue()


def changed(exported, name, /, **changes):
    """Return the zip with other entries in one of its JSON files, as if they were meant."""
    found = members(exported)
    values = files.unchecked(found[name].decode())
    return packed({**found, name: json.dumps({**values, **changes})}.items())


def refused(store, data, words=None):
    """Import what must be refused, and see that nothing of it stays; return the sentence."""
    before = sorted(store.root.rglob("*"))
    with pytest.raises(ArchiveError, match=words) as error:
        import_run(store, io.BytesIO(data))
    kept = {store.root / "runs"}
    assert {path for path in store.root.rglob("*") if path not in before} <= kept
    return str(error.value)


def test_an_imported_run_is_the_same_run_under_a_new_number(store, exported, tmp_path):
    make_run(store, "Something else", accuracies=())
    run = import_run(store, io.BytesIO(exported))
    assert (run.id, run.name, run.status.state) == ("2-a-run", "A run", "finished")
    assert run.about.imported.run == "1-a-run"
    (row, _) = store.runs()
    assert (row.best_val_accuracy, row.test_accuracy) == (0.5, 0.45)
    assert (row.tags, row.note) == (["lab"], "**Note**")
    assert [r["kind"] for r in run.metrics()].count("epoch") == 2
    assert run.checkpoint("best").step == 100
    assert load_classifier(run).classes[0] == "disc"
    assert damages(run, thorough=True) == []
    assert store.create(run.config).number == 3


def test_an_imported_run_goes_on_as_the_original_would(store, tmp_path):
    run = new_run(store)
    work_until(attempt(run, 1), 20)
    status.write(run.path, status.RunStatus(**status.described("stopped"), attempt=1))
    with store_without_executor(tmp_path / "other") as other:
        copy = import_run(other, io.BytesIO(zipped(run)))
        for one in (run, copy):
            assert attempt(one, 2).work().outcome == "finished"
        assert_same(run, copy)


@pytest.mark.parametrize(("weights", "count"), [("all", 2), ("best", 1), ("none", 0)])
def test_whether_the_weights_go_along_is_a_choice(store, weights, count):
    run = make_run(store, accuracies=(0.5,))
    source = run.checkpoint()
    model, state = checkpoints.load(source.path)
    checkpoints.commit(run.path / "checkpoints", "100-a1", model=model, state=state,
                       manifest={**source.manifest, "step": 100})  # fmt: skip
    copy = import_run(store, io.BytesIO(zipped(run, weights)))
    assert len(copy.checkpoints()) == count
    assert [info.name for info in copy.checkpoints() if info.best] == ["50-a1"] * bool(count)


def test_a_run_that_trains_or_searches_is_not_exported(store):
    with pytest.raises(RunError, match="Stop or pause it"):
        zipped(make_run(store, state="running", accuracies=()))
    search = make_run(store, accuracies=())
    search.edit_about(kind="rate_search")
    with pytest.raises(RunError, match="Only training runs"):
        zipped(search)


def test_what_belongs_to_the_machine_stays_there(store, exported):
    assert not [name for name in members(exported) if "lock" in name or "shim" in name]
    run = import_run(store, io.BytesIO(changed(exported, "attempts/1/attempt.json", command=["x"])))
    assert "command" not in files.read_json(run.path / "attempts" / "1" / "attempt.json")
    run = import_run(store, io.BytesIO(changed(exported, "about.json", sweep="1-x", parent="9-y")))
    assert (store.runs()[0].sweep, store.runs()[0].parent) == ("", "")


def test_images_of_the_same_fingerprint_are_found_here(store, exported):
    from cifar_core import data

    here = data.load("synthetic:200", store.root)
    known = json.loads(members(exported)["environment.json"])["data"]
    elsewhere = {**known, "source": "/elsewhere", "fingerprint": here.fingerprint}
    run = import_run(store, io.BytesIO(changed(exported, "environment.json", data=elsewhere)))
    assert run.settings["data"] == run.environment.data.source == "synthetic:200"


def test_other_images_can_be_named(store, exported, tmp_path):
    run = import_run(store, io.BytesIO(exported), data="synthetic:300")
    assert run.settings["data"] == "synthetic:300"
    with pytest.raises(DataError, match="There are no images at"):
        import_run(store, io.BytesIO(exported), data=str(tmp_path / "nowhere"))
    assert len(store.runs()) == 1


@pytest.mark.parametrize("file", ["config.json", "environment.json"])
def test_a_zip_opens_no_folder_that_its_importer_may_not_use(store, exported, tmp_path, file):
    secret = str(tmp_path / "secret")
    known = json.loads(members(exported)["environment.json"])["data"]
    changes = {"data": secret} if file == "config.json" else {"data": {**known, "source": secret}}
    data = changed(exported, file, **changes)
    guest = replace(store, by=Person(name="ana", role=OPERATOR))
    run = import_run(guest, io.BytesIO(data))
    assert run.settings["data"] == run.environment.data.source == "elsewhere:secret"
    with pytest.raises(DataError, match=r"'secret' of this run.*are not available here.*--data"):
        load(run.source, store.root)
    here = import_run(store, io.BytesIO(data))  # the machine's own user may name any path
    assert secret in (here.settings["data"], here.environment.data.source)


@pytest.mark.parametrize("state", ["running", "queued", "stopping"])
def test_a_run_that_says_it_is_under_way_has_stopped_here(store, exported, state):
    run = import_run(store, io.BytesIO(changed(exported, "status.json", state=state)))
    assert run.status.state == "stopped"
    assert store.queue() == []


@pytest.mark.parametrize(
    "name",
    [
        *("../evil", "/etc/evil", "attempts/../../evil", "..\\evil", "C:\\evil", "attempts/1/x.py"),
        *("checkpoints/1-a1/evil.pkl", "control.json", "attempts/1/lock", "attempts/", "best/x"),
        *("attempts/1/shim.json", "deleted.json", "attempts/٣/log.txt", "config.json\n", ""),
    ],
)
def test_a_name_that_no_run_has_is_refused(store, exported, name):
    refused(store, packed([*members(exported).items(), (zipfile.ZipInfo(name), b"x")]))
    assert not list(store.root.parent.rglob("*evil*"))


def test_a_link_is_refused(store, exported):
    link = zipfile.ZipInfo("attempts/2/log.txt")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    refused(
        store, packed([*members(exported).items(), (link, b"/etc/passwd")]), "not a file of a run"
    )


def test_the_same_name_twice_is_refused(store, exported):
    with pytest.warns(UserWarning, match="Duplicate name"):
        data = packed([*members(exported).items(), ("config.json", b"{}")])
    refused(store, data, "a file twice")


def test_a_file_that_unpacks_to_far_more_than_it_should_is_refused(store, exported):
    bomb = [*members(exported).items(), ("attempts/2/log.txt", b"\0" * 5_000_000)]
    refused(store, packed(bomb), "not what a run writes")
    large = [*members(exported).items(), ("attempts/2/end.json", random.Random(0).randbytes(2**20))]
    refused(store, packed(large), "the maximum is 1,000,000")


def test_a_zip_that_lists_very_many_files_is_refused_before_they_are_read(store, exported):
    many = [(f"attempts/{number}/log.txt", b"") for number in range(2, 6000)]
    refused(store, packed([*members(exported).items(), *many]), "more than 5,000 files")
    end = exported.rfind(b"PK\x05\x06")
    lying = exported[: end + 12] + (3_000_000).to_bytes(4, "little") + exported[end + 16 :]
    refused(store, lying, "too large for a run")


@pytest.mark.parametrize("missing", ["export.json", "config.json", "about.json", "status.json"])
def test_a_zip_that_is_no_run_says_how_to_make_one(store, exported, missing):
    rest = [(name, data) for name, data in members(exported).items() if name != missing]
    assert "python -m cifar_core export RUN" in refused(store, packed(rest), f"no {missing}")


def test_a_run_of_a_newer_program_is_refused(store, exported):
    refused(store, changed(exported, "export.json", schema=2), "newer version")
    refused(store, changed(exported, "config.json", schema=2), "newer version")


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("config.json", {"epochs": -1}),
        ("config.json", {"epoch": 3}),
        ("config.json", {"model": ["simple_cnn"]}),
        ("about.json", {"name": 3}),
        ("about.json", {"created_at": 1e300}),
        ("about.json", {"tags": ["<b>"]}),
        ("about.json", {"note": "x" * 5000}),
        ("status.json", {"state": "fine"}),
        ("status.json", {"state": []}),
        ("status.json", {"reason": "because"}),
        ("status.json", {"message": "\ud800"}),
        ("summary.json", {"best_val_accuracy": "high"}),
        ("summary.json", {"history": [0.1, None]}),
        ("summary.json", {"epochs_done": 10**30}),
        ("environment.json", {"data": {"title": "x"}}),
        ("environment.json", {"step_plan": {}}),
        ("attempts/1/start.json", {"checkpoint": "../../x"}),
    ],
)
def test_a_value_that_no_run_has_is_refused(store, exported, name, changes):
    refused(store, changed(exported, name, **changes))


@pytest.mark.parametrize(
    "line",
    [
        *('{"kind": "step"}', '{"kind": "epoch", "step": 1}', "[]", "3", "[" * 100_000),
        *('{"kind": "step", "step": 1, "loss": "x"}', '{"kind": "step", "step": NaN}'),
    ],
)
def test_a_row_that_no_trainer_writes_is_refused(store, exported, line):
    found = members(exported)
    rows = found["attempts/1/metrics.jsonl"] + line.encode() + b"\n"
    refused(store, packed({**found, "attempts/1/metrics.jsonl": rows}.items()), "no trainer")


def test_a_half_written_row_is_passed_over(store, exported):
    found = members(exported)
    rows = found["attempts/1/metrics.jsonl"] + b'{"kind": "ste'
    run = import_run(store, io.BytesIO(packed({**found, "attempts/1/metrics.jsonl": rows}.items())))
    assert len(run.metrics()) == 6


CHECKPOINT = "checkpoints/100-a1"


@pytest.mark.parametrize(
    "changes",
    [
        {"step": 3},
        {"name": "1-a1"},
        {"metrics_bytes": -1},
        {"best": "../x"},
        {"files": {"../../../etc/passwd": {"bytes": 1, "sha256": "x"}}},
        {"files": []},
        {"files": {"model.safetensors": None}},
        {"files": {"state.safetensors": None}},
        {"seconds": "x"},
    ],
)
def test_a_manifest_that_lies_is_refused_even_if_it_is_sealed(store, exported, changes):
    found = members(exported)
    name = f"{CHECKPOINT}/manifest.json"
    sealed = checkpoints.seal({**json.loads(found[name]), **changes})
    refused(store, packed({**found, name: json.dumps(sealed)}.items()))


def test_weights_with_one_other_bit_are_refused(store, exported):
    found = members(exported)
    weights = bytearray(found[f"{CHECKPOINT}/model.safetensors"])
    weights[-9] ^= 1
    data = packed({**found, f"{CHECKPOINT}/model.safetensors": bytes(weights)}.items())
    refused(store, data, "Checkpoint 100-a1 of this zip is damaged")


def test_weights_that_are_no_tensors_are_refused(store, exported, tmp_path):
    found, name = members(exported), f"{CHECKPOINT}/model.safetensors"
    (tmp_path / "x").write_bytes(b"\x80\x04pickle")
    manifest = json.loads(found[f"{CHECKPOINT}/manifest.json"])
    manifest["files"]["model.safetensors"] = checkpoints.facts_of(tmp_path / "x")
    sealed = json.dumps(checkpoints.seal(manifest))
    entries = {**found, name: b"\x80\x04pickle", f"{CHECKPOINT}/manifest.json": sealed}
    refused(store, packed(entries.items()), "is damaged")


def test_a_checkpoint_that_keeps_only_its_weights_goes_along(store):
    run = make_run(store, accuracies=(0.4, 0.5))
    path = run.checkpoint("last").path
    checkpoint_cleanup.keep_weights(path, checkpoints.manifest_of(path))
    copy = import_run(store, io.BytesIO(zipped(run)))
    assert not copy.checkpoint("last").resumable
    assert checkpoints.load_model(copy.checkpoint("last").path)


def test_a_checkpoint_that_is_not_whole_is_refused(store, exported):
    found = members(exported)
    del found[f"{CHECKPOINT}/state.safetensors"]
    refused(store, packed(found.items()), "damaged")


def test_whatever_is_damaged_is_refused_or_harmless(store, exported):
    source, harmless = random.Random(0), 0
    for _ in range(150):
        data = bytearray(exported)
        if source.random() < 0.3:
            data = data[: source.randrange(len(data))]
        for _ in range(source.randint(1, 4)):
            data[source.randrange(len(data))] = source.randrange(256)
        try:
            run = import_run(store, io.BytesIO(bytes(data)))
        except ArchiveError as error:
            assert str(error).endswith((".", "RUN"))  # noqa: PT017
        else:  # the damage hit what nobody reads, such as a date
            harmless += 1
            assert run.checkpoint("best").step == 100
    assert harmless < 75
    assert len(store.runs()) == harmless
    assert not list((store.root / "runs").glob(".*"))
