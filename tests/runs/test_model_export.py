import json
import os
import subprocess
import sys
import zipfile
from importlib.util import find_spec

import pytest
import torch
from pages import make_run, open_part, texts
from PIL import Image
from safetensors.torch import load_file

from cifar_core.__main__ import main
from cifar_core.background.jobs import beside
from cifar_core.data.pictures.images import to_tensor
from cifar_core.disk import files
from cifar_core.errors import CheckpointError, RunError
from cifar_core.runs.exchange.model_export import (
    MODEL_FORMATS,
    Exported,
    checked,
    export_model,
    job,
    kept,
)
from cifar_core.runs.results.classifier import load_classifier

HAS_ONNX = all(find_spec(name) for name in MODEL_FORMATS["onnx"].needs)
SMALL = "synthetic:200"


@pytest.fixture
def run(page_store):
    run = make_run(page_store, "# A `run`", data=SMALL)
    path = run.path / "environment.json"
    files.edit(path, dict, lambda old: {"data": {**old["data"], "source": SMALL}})
    return run


def test_the_zip_holds_the_weights_of_the_checkpoint_byte_for_byte(run, tmp_path):
    made = export_model(run, "safetensors", tmp_path / "m.zip")
    with zipfile.ZipFile(made.path) as archive:
        archive.extractall(tmp_path / "out")
    found = load_file(tmp_path / "out" / "model.safetensors")
    wanted = load_file(run.checkpoint().path / "model.safetensors")
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)


def printed(code, folder):
    """Return what Python prints in a folder, without this project on its path."""
    plain = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=plain, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_loader_in_the_zip_needs_nothing_but_its_own_folder(run, tmp_path):
    with zipfile.ZipFile(export_model(run, "safetensors", tmp_path / "m.zip").path) as archive:
        archive.extractall(tmp_path / "out")
    Image.new("RGB", (40, 30), "red").save(tmp_path / "red.png")
    code = (
        "import cifar_core, torch, load_model\n"
        f"assert cifar_core.__file__.startswith({str(tmp_path)!r})\n"
        f"load_model.main([{str(tmp_path / 'red.png')!r}])\n"
        "print(load_model.load()(torch.full((1, 3, 32, 32), 0.5)).tolist())"
    )
    said, logits = printed(code, tmp_path / "out").splitlines()
    assert "red.png: " in said
    with torch.inference_mode():
        wanted = load_classifier(run).model(torch.full((1, 3, 32, 32), 0.5))
    assert torch.allclose(torch.tensor(json.loads(logits)), wanted, atol=1e-6)


def test_torch_export_answers_as_the_network_for_any_number_of_images(run, tmp_path):
    made = export_model(run, "torch_export", tmp_path / "m.pt2")
    assert made.agreeing == made.images == 40
    assert made.difference < 1e-4
    images = torch.rand(5, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        wanted = load_classifier(run).model(images)
        assert torch.allclose(torch.export.load(made.path).module()(images), wanted, atol=1e-4)


@pytest.mark.skipif(not HAS_ONNX, reason="requirements-export.txt is not installed")
@pytest.mark.filterwarnings("ignore")  # of torch's exporter, about its own parts
def test_onnx_answers_as_the_network_and_knows_its_classes(run, tmp_path):
    import onnx

    made = export_model(run, "onnx", tmp_path / "m.onnx")
    assert made.agreeing == made.images == 40
    assert made.difference < 1e-4
    found = onnx.load(made.path)
    props = {prop.key: prop.value for prop in found.metadata_props}
    assert json.loads(props["classes"]) == run.environment.data.classes


def test_a_wrong_answer_is_stated(run, tmp_path):
    network = load_classifier(run)
    with torch.inference_mode():
        made = checked(run, network, tmp_path, lambda images: -network.model(images).numpy())
    assert made.difference > 0
    assert made.agreeing < made.images
    assert f"{made.agreeing} of 40 predictions are the same" in made.sentence


def test_a_missing_package_is_named_with_the_remedy(run, tmp_path, monkeypatch):
    monkeypatch.setattr("cifar_core.runs.exchange.model_export.find_spec", lambda name: None)
    with pytest.raises(RunError, match="pip install -r requirements-export"):
        export_model(run, "onnx", tmp_path / "m.onnx")


def test_damaged_weights_are_not_exported(run, tmp_path):
    weights = run.checkpoint().path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"?")
    with pytest.raises(CheckpointError):
        export_model(run, "safetensors", tmp_path / "m.zip")
    assert list(tmp_path.glob("*m*")) == []


def test_the_terminal_exports_and_says_how_it_did(run, tmp_path, capsys):
    assert main(["export-model", str(run.number), "--out", str(tmp_path / "m.zip")]) == 0
    assert "byte for byte" in capsys.readouterr().out


def test_the_checkpoints_tab_offers_what_was_exported_and_how_it_did(run):
    work = job(run, "torch_export")
    work.path.parent.mkdir()
    values = {"images": 64, "difference": 2e-6, "agreeing": 64}
    files.write_json(beside(work.path, ".json"), values)
    work.path.write_bytes(b"program")
    assert kept(run, "torch_export") == Exported(path=work.path, **values)
    page = open_part(1, "files", "checkpoints")
    assert not page.exception
    assert "64 of 64 predictions are the same" in texts(page)
    assert page.button(key="export safetensors start")


def test_a_network_for_larger_images_is_exported_with_its_size_and_the_way_to_make_squares(
    page_store, tmp_path
):
    run = make_run(page_store, data=SMALL, image_size=64, fit="fit")
    path = run.path / "environment.json"
    files.edit(path, dict, lambda old: {"data": {**old["data"], "source": SMALL}})
    export_model(run, "torch_export", tmp_path / "m.pt2")
    extra = {"preprocessing.json": ""}
    loaded = torch.export.load(tmp_path / "m.pt2", extra_files=extra).module()
    assert json.loads(extra["preprocessing.json"]) == {"side": 64, "fit": "fit", "stored": 64}
    with zipfile.ZipFile(export_model(run, "safetensors", tmp_path / "m.zip").path) as archive:
        archive.extractall(tmp_path / "out")
        assert "longer side has 64 pixels" in archive.read("README.md").decode()
    picture = Image.effect_noise((90, 60), 99).convert("RGB")
    picture.save(tmp_path / "wide.png")
    code = (
        "import load_model, torch\n"
        f"view = load_model.seen({str(tmp_path / 'wide.png')!r})\n"
        "with torch.inference_mode(): print(load_model.load()(view).tolist())"
    )
    logits = json.loads(printed(code, tmp_path / "out"))
    view = to_tensor(picture, run.sizing)
    with torch.inference_mode():
        wanted = load_classifier(run).model(view)
        assert torch.allclose(torch.tensor(logits), wanted, atol=1e-6)
        assert torch.allclose(loaded(view), wanted, atol=1e-4)
