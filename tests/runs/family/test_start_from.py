"""Starting from the weights of an own run, and what fits when something differs."""

import pytest
import torch
from run_helpers import SMALL, attempt, store_without_executor, weights_of

from cifar_core.config import TrainConfig
from cifar_core.disk import files
from cifar_core.errors import CheckpointError, RunError
from cifar_core.models.pretrained import at_resolution
from cifar_core.runs.family import again, start_from
from cifar_core.runs.record import checkpoints, status
from cifar_core.runs.results import verify
from cifar_core.runs.sweeps import hyperparameter_search, sweeps

CLASSES = [f"class {n}" for n in range(10)]


@pytest.fixture
def store(tmp_path):
    with store_without_executor(tmp_path / "store") as store:
        yield store


@pytest.fixture
def source(store):
    """Return a run of one epoch."""
    run = store.create(TrainConfig(**{**SMALL, "epochs": 1}), name="Source")
    return trained(run)


def trained(run):
    assert attempt(run).work().outcome == "finished"
    status.write(run.path, status.RunStatus(**status.described("finished"), attempt=1))
    return run


def config(**changes):
    return TrainConfig(**{**SMALL, "epochs": 1, "learning_rate": 1e-6, **changes})


def untrained(store, model, side=32, **changes):
    """Return a run with weights that have learned nothing, as those of a finished run."""
    run = store.create(config(model=model, image_size=side, **changes))
    torch.manual_seed(3)
    network = run.config.build_model(10)
    manifest = {"step": 10, "epoch": 1, "attempt": 1, "val_accuracy": 0.1, "best": "00000010-a1"}
    checkpoints.commit(run.path / "checkpoints", "00000010-a1", model=network.state_dict(),
                       state={"nothing": torch.zeros(1)}, manifest=manifest)  # fmt: skip
    data = {"source": "synthetic:200", "classes": CLASSES, "side": side, "stored": side}
    files.write_json(run.path / "environment.json", {"data": data})
    return run


def network_at_start(run):
    """Return the tensors of a run's network before its first step."""
    setup, _ = verify.prepared(run, verify.device_of(run))
    return setup.trainer.model.state_dict()


def test_a_run_begins_with_all_weights_of_one_alike(store, source, capsys):
    run = start_from.begin(store, config(seed=7), source)
    start = run.about.start
    assert (start.run, start.how, start.epoch, run.about.parent) == (source.id, "weights", 1, "")
    store.delete(source)
    store.empty_trash(older_than_days=-1)
    trained(run)
    used = run.environment.weights
    assert (used.run, used.checkpoint, used.taken, used.of) == (source.id, start.checkpoint, 20, 20)
    assert used.left == []
    kept = run.path / "ancestors" / source.id / "checkpoints" / start.checkpoint
    theirs = checkpoints.load_model(kept)
    ours = network_at_start(run)
    assert all(torch.equal(ours[name], tensor) for name, tensor in theirs.items())
    assert (
        "All 20 tensors are taken from Simple CNN of run 1-source (epoch 1)."
        in capsys.readouterr().out
    )
    assert verify.verify(run, steps=2).equal


def test_it_learns_from_there(store, source):
    run = trained(start_from.begin(store, config(), source))
    first = next(row for row in run.metrics() if row["kind"] == "epoch")
    last = [row for row in source.metrics() if row["kind"] == "epoch"][-1]
    assert first["val_loss"] == pytest.approx(last["val_loss"], abs=0.02)


def test_with_other_classes_the_head_is_new(store, source):
    fit = start_from.fit(source, "best", config(), ["a", "b", "c"])
    assert fit.new_head
    assert {name for name, _ in fit.left} == {"head.weight", "head.bias"}
    assert {why for _, why in fit.left} == {start_from.OTHER_CLASSES}
    assert "18 of 20 tensors" in fit.sentence
    assert "last layer is new" in fit.sentence
    classes = source.environment.data.classes
    assert start_from.fit(source, "best", config(), classes[::-1]).new_head
    assert not start_from.fit(source, "best", config(), classes).left


def test_another_network_is_refused_before_it_is_queued(store, source):
    with pytest.raises(RunError, match=r"those of Simple CNN, and none of them fits ResNet-18"):
        start_from.begin(store, config(model="resnet18"), source)
    assert [row.id for row in store.runs()] == [source.id]


def test_a_larger_network_takes_what_it_has_in_common(store):
    small = untrained(store, "resnet18")
    fit = start_from.fit(small, "best", config(model="resnet34"), CLASSES)
    assert not fit.refused
    assert 0 < fit.taken < fit.of
    assert all(why == start_from.ABSENT for _, why in fit.left)


@pytest.mark.parametrize("model", ["vit_small", "vig_nano"])
def test_at_another_size_positions_are_interpolated(store, model):
    small = untrained(store, model, side=32)
    run = start_from.begin(store, config(model=model, image_size=48), small)
    tensors, record, fit = start_from.load(run, run.config, CLASSES)
    own = run.config.build_model(10).state_dict()
    assert {why for _, why in fit.left} <= {start_from.OF_THE_SIZE}
    assert all(tensors[name].shape == own[name].shape for name in tensors)
    moved = [name for name in tensors if "pos_emb" in name]
    theirs = checkpoints.load_model(small.checkpoint("best").path)
    for name in moved:
        assert tensors[name].shape != theirs[name].shape
        assert torch.equal(tensors[name], at_resolution(name, theirs[name], own[name]))
    assert moved
    assert record.taken == fit.taken


def test_whitening_that_was_learned_is_kept(store):
    source = untrained(store, "speed_net_strided")
    run = start_from.begin(store, config(model="speed_net_strided"), source)
    trained(run)
    theirs = checkpoints.load_model(source.checkpoint("best").path)
    ours = network_at_start(run)
    assert torch.equal(ours["body.whitening.weight"], theirs["body.whitening.weight"])
    assert not torch.equal(ours["body.head.weight"], theirs["body.head.weight"])  # other classes


def test_a_pretrained_network_needs_no_published_file(store, monkeypatch):
    monkeypatch.setenv("CIFAR_WEIGHTS", str(store.root / "nowhere"))
    settings = {"model": "mobilenet_v2_imagenet", "resolution": 32, "plan": "head"}
    source = untrained(store, **settings)
    run = start_from.begin(store, config(**settings), source)
    trained(run)
    theirs = checkpoints.load_model(source.checkpoint("best").path)
    ours = checkpoints.load_model(run.checkpoint("best").path)
    name = "body.features.0.0.weight"
    assert torch.equal(ours[name], theirs[name])


def test_a_damaged_copy_is_never_replaced_by_fresh_weights(store, source):
    run = start_from.begin(store, config(), source)
    for path in run.path.rglob("model.safetensors"):
        path.unlink()
        path.write_bytes(b"damaged")
    with pytest.raises(RunError, match="no copy of checkpoint"):
        attempt(run).work()
    size = source.checkpoint("best").manifest["files"]["model.safetensors"]["bytes"]
    path.write_bytes(b"0" * size)
    with pytest.raises(CheckpointError, match="checksum"):
        attempt(run, 2).work()


def test_a_clone_keeps_the_start(store, source):
    run = start_from.begin(store, config(), source)
    store.delete(source)
    store.empty_trash(older_than_days=-1)
    copy = store.create(config(seed=2), parent=run.id, fill=again.like(run, config(seed=2)))
    assert copy.about.start == run.about.start
    trained(copy)
    assert copy.environment.weights.taken == 20
    assert again.like(trained(store.create(config())), config())(store.root) == {}


def test_teachers_and_a_start_are_kept_together(store, source):
    fill = start_from.filler(start=(source, "best"), teachers=[(source, "last"), (source, "best")])
    run = store.create(config(), fill=fill)
    assert [teacher.run for teacher in run.about.teachers] == [source.id, source.id]
    assert len(list(run.path.glob("ancestors/*"))) == 1
    copy = store.create(config(), fill=again.like(run, config()))
    assert copy.about.teachers == run.about.teachers


def test_all_runs_of_a_sweep_start_from_it(store, source):
    axes = [[{"learning_rate": 0.001}, {"learning_rate": 0.002}]]
    sweep = sweeps.create(store, config(), axes, [0], start=(source, "best"))
    store.delete(source)
    store.empty_trash(older_than_days=-1)
    sweeps.add_seeds(store, sweeps.find(store, sweep.id), 1)
    runs = [store.run(row.id) for row in sweeps.runs_of(store, sweep)]
    assert len(runs) == 4
    copies = {weights_of(start_from.kept(run, run.about.start)[0]) for run in runs}
    assert len(copies) == 1
    assert {run.about.start.run for run in runs} == {source.id}


def test_a_search_passes_its_start_on(store, source):
    space = {"learning_rate": {"low": 0.001, "high": 0.1, "log": True}}
    search = hyperparameter_search.create(store, config(), space, budget=2, start=(source, "best"))
    hyperparameter_search.step(store, search.id)
    (row,) = sweeps.runs_of(store, search)
    assert store.run(row.id).about.start.run == source.id


def test_a_sweep_over_networks_that_do_not_fit_is_refused(store, source):
    axes = [[{"model": "simple_cnn"}, {"model": "resnet18"}]]
    with pytest.raises(RunError, match="none of them fits ResNet-18"):
        sweeps.create(store, config(), axes, [0], start=(source, "best"))
    assert sweeps.listed(store) == []
