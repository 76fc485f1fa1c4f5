"""The weights of timm's networks: downloaded from the hub, verified, imported, trained from."""

import json
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from run_helpers import SMALL, attempt, store_without_executor
from safetensors.torch import load_file, save_file
from timm_hub import CONVNEXT, RESNET, VIT, digest, published, serving

import cifar_core.examples
from benchmarks import lite0
from cifar_core import timm_names, weights
from cifar_core.__main__ import main
from cifar_core.config import TrainConfig
from cifar_core.errors import ConfigError, UnknownKeyError, WeightsError
from cifar_core.models import MODELS, timm_zoo
from cifar_core.models.scaling import Scaled
from cifar_core.runs.exchange.model_export import export_model
from cifar_core.runs.prepare import pretrained
from cifar_core.runs.results.classifier import load_classifier
from cifar_core.runs.results.reading import situation_of

PICTURES = Path(cifar_core.examples.__file__).parent / "pictures"

pytestmark = pytest.mark.skipif(bool(timm_names.obstacle()), reason="timm is not installed")


@pytest.fixture(autouse=True)
def torch_home(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))


@pytest.fixture
def hub(monkeypatch):
    with serving(monkeypatch) as hub:
        yield hub


@pytest.fixture
def root(tmp_path):
    return tmp_path / "store"


def test_weights_are_downloaded_with_the_checksum_of_the_hub_and_then_found(hub, root):
    content, seen = hub.put(RESNET), []
    assert weights.find(RESNET, root) is None
    found = weights.fetch(RESNET, root, progress=lambda *now: seen.append(now))
    assert found.path == root / "weights" / "test_resnet.r160_in1k.safetensors"
    assert found.path.read_bytes() == content
    assert found.sha256 == digest(content)
    assert seen[-1] == (len(content), len(content))
    assert weights.find(RESNET, root) == found
    record = json.loads((root / "weights" / f"{found.path.name}.json").read_text())
    assert record["sha256"] == digest(content)
    assert "license of the weights: apache-2.0" in record["source"]
    hub.files.clear()
    assert weights.fetch(RESNET, root) == found  # no connection needed


def test_a_file_that_was_changed_afterwards_is_not_used(hub, root):
    hub.put(RESNET)
    path = weights.fetch(RESNET, root).path
    path.write_bytes(path.read_bytes()[:-1])
    assert weights.find(RESNET, root) is None
    assert "is not the right file" in str(weights.missing(RESNET, root))
    path.with_name(f"{path.name}.json").unlink()
    assert "neither imported nor downloaded" in str(weights.missing(RESNET, root))


def test_a_download_that_was_cancelled_continues_where_it_stopped(hub, root):
    content = hub.put(RESNET)

    def cancel(done, total):
        raise InterruptedError

    with pytest.raises(InterruptedError):
        weights.fetch(RESNET, root, progress=cancel)
    (part,) = (root / "weights").glob("*.part")
    received = part.stat().st_size
    assert 0 < received < len(content)
    assert weights.fetch(RESNET, root).path.read_bytes() == content
    assert hub.asked[-1] == f"GET bytes={received}-"


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (403, "only to people who accepted its conditions"),
        (401, "does not have"),
        (500, "does not have .* or does not give it out"),
    ],
)
def test_what_the_hub_refuses_is_a_sentence(hub, root, status, sentence):
    hub.put(RESNET)
    hub.status = status
    with pytest.raises(WeightsError, match=sentence):
        weights.fetch(RESNET, root)


def test_a_file_with_another_checksum_or_with_none_is_refused(hub, root):
    hub.put(RESNET)
    hub.sha256 = "a" * 64
    with pytest.raises(WeightsError, match="its sha256 sum is not aaaa"):
        weights.fetch(RESNET, root)
    hub.sha256 = "a" * 40  # as git names small files
    with pytest.raises(WeightsError, match="states no size or no sha256"):
        weights.fetch(RESNET, root)


def test_a_hub_that_cannot_be_reached_is_a_sentence(root, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "*")
    with pytest.raises(WeightsError, match="cannot be reached"):
        weights.fetch(RESNET, root, timeout=2)


def test_missing_weights_say_their_size_and_how_to_get_them(root):
    words = str(weights.missing(RESNET, root))
    for part in ("test_resnet.r160_in1k are not on this machine", "about 2 MB", f"fetch {RESNET}",
                 f"import FILE --model {RESNET}"):  # fmt: skip
        assert part in words


@pytest.mark.parametrize("ending", ["safetensors", "pth"])
def test_a_file_brought_by_hand_is_imported_for_the_network_that_is_named(
    tmp_path, root, ending, capsys
):
    body, path = published(VIT), tmp_path / f"given.{ending}"
    (save_file if ending == "safetensors" else torch.save)(body.state_dict(), path)
    at = ["--store", str(root)]
    assert main(["weights", "import", str(path), "--model", VIT, *at]) == 0
    assert main(["weights", "import", str(path), "--model", CONVNEXT, *at]) == 2
    assert "does not hold the weights that timm publishes" in capsys.readouterr().err
    found = weights.find(VIT, root)
    assert found.origin == "imported"
    config = TrainConfig(model=VIT, resolution=160)
    tensors, used = pretrained.load(config, root)
    assert used.sha256 == found.sha256
    assert torch.equal(tensors["body.pos_embed"], body.state_dict()["pos_embed"])


def test_the_terminal_fetches_lists_and_verifies(hub, root, capsys):
    hub.put(RESNET)
    at = ["--store", str(root)]
    assert main(["weights", "fetch", RESNET, *at]) == 0
    capsys.readouterr()
    assert main(["weights", "list", "--json", *at]) == 0
    rows = {row["weights"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows[RESNET]["here"]
    assert len(rows) == len(weights.WEIGHTS) + 1
    assert main(["weights", "verify", *at]) == 0
    (root / "weights" / rows[RESNET]["file"]).write_bytes(b"damaged")
    assert main(["weights", "verify", *at]) == 1
    assert main(["weights", "fetch", "timm:test_resnet", *at]) == 2
    assert "Close to it: timm:test_resnet.r160_in1k" in capsys.readouterr().err


# runs


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A store with one finished run of a network of timm, and the weights that it began with."""
    with pytest.MonkeyPatch.context() as patch, serving(patch) as hub:
        folder = tmp_path_factory.mktemp("timm")
        patch.setenv("TORCH_HOME", str(folder))
        hub.put(RESNET)
        with store_without_executor(folder / "store") as store:
            weights.fetch(RESNET, store.root)
            run = store.create(TrainConfig(**SMALL, model=RESNET, resolution=32))
            assert attempt(run).work().outcome == "finished"
            yield store, run


def test_a_run_trains_the_new_head_on_kept_features_and_leaves_the_rest_as_published(runs):
    _, run = runs
    assert run.environment.weights.key == RESNET
    assert "license of the weights" in run.environment.weights.source
    assert situation_of(run).pretrained
    saved = load_file(run.checkpoint().path / "model.safetensors")
    for name, tensor in published(RESNET).state_dict().items():
        if not name.startswith("fc."):
            assert torch.equal(saved[f"body.{name}"], tensor), name
    classifier = load_classifier(run)
    assert classifier.layer is classifier.model.get_submodule("body.layer3")


def test_the_last_stage_alone_is_trained_if_the_plan_says_so(runs):
    store, _ = runs
    config = TrainConfig(**{**SMALL, "epochs": 1}, model=RESNET, resolution=32, plan="last_stage")
    run = store.create(config)
    assert attempt(run).work().outcome == "finished"
    saved = load_file(run.checkpoint().path / "model.safetensors")
    before = published(RESNET).state_dict()
    changed = {n.split(".")[0] for n, t in before.items() if not torch.equal(saved[f"body.{n}"], t)
               if not n.startswith("fc.")}  # fmt: skip
    assert changed == {"layer4"}


def test_an_exported_network_names_what_it_needs(runs, tmp_path):
    _, run = runs
    made = export_model(run, "safetensors", tmp_path / "model.zip")
    with zipfile.ZipFile(made.path) as archive:
        assert "pip install torch torchvision safetensors pillow timm" in archive.read(
            "README.md"
        ).decode("utf-8")
        assert "cifar_core/timm_names.py" in archive.namelist()


def test_a_run_on_a_machine_without_timm_is_listed_and_says_what_is_missing(runs, monkeypatch):
    store, run = runs
    monkeypatch.setitem(sys.modules, "timm", None)
    (row,) = [row for row in store.runs() if row.id == run.id]
    assert row.model == RESNET
    assert situation_of(run).pretrained
    with pytest.raises(ConfigError, match=r"pip install -r requirements-timm\.txt"):
        _ = store.run(run.id).config
    with pytest.raises(UnknownKeyError, match="package timm"):
        weights.find(RESNET, store.root)
    assert RESNET not in MODELS


# real weights, where the package with them is installed


def test_real_imagenet_weights_know_a_ship_from_two_kinds_of_airplanes(tmp_path, root):
    pytest.importorskip(lite0.PACKAGE, reason="its real weights are not installed")
    save_file(lite0.tensors(), tmp_path / "lite0.safetensors")
    made = pretrained.import_weights(tmp_path / "lite0.safetensors", root, lite0.KEY)
    assert made.tensors == 296
    body = timm_zoo.make_body(lite0.KEY.partition(":")[2], 1000)
    body.load_state_dict(load_file(made.path))
    model = Scaled(body, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5), resolution=128).eval()
    known = {"01-an-airliner.jpg": 404, "09-a-freighter.jpg": 510, "11-a-jet.jpg": 895}
    for name, imagenet_class in known.items():
        picture = Image.open(PICTURES / name).convert("RGB")
        pixels = torch.tensor(np.array(picture)).permute(2, 0, 1)[None] / 255
        with torch.inference_mode():
            assert int(model(pixels).argmax()) == imagenet_class
