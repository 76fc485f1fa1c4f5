"""Pretrained weights: found, verified, downloaded, imported from any file that fits."""

import functools
import hashlib
import json
import threading
from dataclasses import replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from cifar_core import weights
from cifar_core.__main__ import main
from cifar_core.errors import WeightsError
from cifar_core.models import MODELS
from cifar_core.runs.prepare import pretrained
from cifar_core.weights import locations
from cifar_core.weights.layout import Layout

KEY = "mobilenet_v2_imagenet"
WEIGHTS = weights.WEIGHTS


def network(seed=0):
    """A small network in place of a large one, with the names that it has in a file."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 1000))


LAYOUT = Layout(
    key=KEY,
    title="A small network",
    shapes={f"body.{n}": tuple(t.shape) for n, t in network().state_dict().items()},
    head="body.2",
    rename=lambda name: f"body.{name}",
)


@pytest.fixture(autouse=True)
def torch_home(tmp_path, monkeypatch):
    """A cache of torch's own with nothing in it."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    folder = tmp_path / "torch" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def store(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def tiny(monkeypatch):
    """Let the catalogue know a tiny file under a real key; return its content."""
    body = bytes(range(256)) * 400
    spec = replace(
        WEIGHTS[KEY],
        file="tiny-12345678.pth",
        sha256=hashlib.sha256(body).hexdigest()[:8],
        megabytes=len(body) / 1e6,
    )
    monkeypatch.setitem(WEIGHTS._specs, KEY, spec)
    return body


def pickled(path, tensors):
    torch.save(tensors, path)
    return path


@pytest.fixture
def given(tmp_path):
    """Write tensors into a safetensors file, which is read without a process of its own."""

    def write(tensors):
        save_file(dict(tensors), tmp_path / "given.safetensors")
        return tmp_path / "given.safetensors"

    return write


@pytest.mark.parametrize("spec", WEIGHTS.values(), ids=lambda spec: spec.key)
def test_every_file_is_described(spec):
    assert MODELS[spec.key].weights == spec.key
    assert spec.url.startswith("https://")
    assert spec.url.endswith("/" + spec.file)
    assert len(spec.sha256) == 8
    assert int(spec.sha256, 16) > 0
    assert spec.megabytes > 10
    assert spec.summary.endswith(".")
    assert spec.source.endswith(".")


def test_every_pretrained_model_has_weights_and_no_other_model_has():
    assert {spec.weights for spec in MODELS.values() if spec.weights} == set(WEIGHTS)
    assert all(spec.head and spec.stages for spec in MODELS.values() if spec.weights)


def test_weights_that_are_nowhere_are_not_found_and_the_way_to_get_them_is_told(store):
    assert weights.find(KEY, store) is None
    words = str(weights.missing(KEY, store))
    for part in ("mobilenet_v2-b0353104.pth", "14 MB", "b0353104", str(store / "weights"),
                 f"fetch {KEY}", "import FILE", "https://"):  # fmt: skip
        assert part in words


@pytest.mark.parametrize("where", ["store", "torch"])
def test_a_published_file_is_found_in_the_store_and_in_torchs_own_cache(
    store, torch_home, tiny, where
):
    folder = weights.folder_of(store) if where == "store" else torch_home
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tiny-12345678.pth").write_bytes(tiny)
    found = weights.find(KEY, store)
    assert found.path == folder / "tiny-12345678.pth"
    assert found.sha256 == hashlib.sha256(tiny).hexdigest()


def test_a_forged_file_is_not_taken_and_the_message_says_what_is_wrong(store, torch_home, tiny):
    (torch_home / "tiny-12345678.pth").write_bytes(tiny[:-1] + b"x")
    assert weights.find(KEY, store) is None
    assert "is not the right file" in str(weights.missing(KEY, store))


def test_a_right_file_is_used_where_a_damaged_one_comes_first(store, torch_home, tiny):
    weights.folder_of(store).mkdir(parents=True)
    (weights.folder_of(store) / "tiny-12345678.pth").write_bytes(b"damaged")
    (torch_home / "tiny-12345678.pth").write_bytes(tiny)
    assert weights.find(KEY, store).path.parent == torch_home


def test_a_checksum_is_computed_once_and_again_when_the_file_changes(
    store, torch_home, tiny, monkeypatch
):
    path = torch_home / "tiny-12345678.pth"
    path.write_bytes(tiny)
    read = []
    real = locations.sha256_of
    monkeypatch.setattr(locations, "sha256_of", lambda path: read.append(path) or real(path))
    assert weights.find(KEY, store)
    assert weights.find(KEY, store)
    assert len(read) == 1
    path.write_bytes(tiny + b"x")
    assert weights.find(KEY, store) is None
    assert len(read) == 2
    weights.forget_verified(store)
    assert weights.find(KEY, store) is None
    assert len(read) == 3


def wrapped(tensors):
    return {"epoch": 3, "state_dict": {f"module.{name}": t for name, t in tensors.items()}}


def without_head(tensors):
    return {name: t for name, t in tensors.items() if not name.startswith("2.")}


def other_head(tensors):
    return {**tensors, "2.weight": torch.zeros(7, 4), "2.bias": torch.zeros(7)}


def half(tensors):
    return {name: t.half() if t.is_floating_point() else t for name, t in tensors.items()}


def without_counters(tensors):
    return {name: t for name, t in tensors.items() if "num_batches" not in name}


@pytest.mark.parametrize(
    "change", [dict, wrapped, without_head, other_head, half, without_counters],
    ids=lambda change: change.__name__,
)  # fmt: skip
def test_a_file_that_fits_is_brought_in_whatever_it_was_wrapped_in(tmp_path, store, given, change):
    tensors = change(dict(network().state_dict()))
    path = pickled(tmp_path / "given.pth", tensors) if change is wrapped else given(tensors)
    made = weights.import_file(path, store, [LAYOUT])
    found = weights.find(KEY, store)
    assert (found.path, found.sha256, found.origin) == (made.path, made.sha256, "imported")
    record = json.loads((weights.folder_of(store) / f"{KEY}.json").read_text())
    assert record["original_sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert record["origin"] == str(path)
    loaded = weights.load(found, LAYOUT)
    expected = {f"body.{n}": t for n, t in network().state_dict().items() if n[0] != "2"}
    assert loaded.keys() == expected.keys()
    assert {t.dtype for n, t in loaded.items() if "num_batches" not in n} == {torch.float32}
    for name, tensor in expected.items():
        torch.testing.assert_close(loaded[name], tensor, atol=1e-3, rtol=1e-3)


def test_weights_in_the_store_can_be_brought_in_again_from_there(tmp_path, store, given):
    path = given(network().state_dict())
    first = weights.import_file(path, store, [LAYOUT])
    elsewhere = weights.import_file(first.path, tmp_path / "other", [LAYOUT])
    assert elsewhere.sha256 == first.sha256


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"0.weight": torch.zeros(5, 3, 3, 3)}, "0.weight is [5, 3, 3, 3] instead of [4, 3, 3, 3]"),
        ({"3.weight": torch.zeros(1)}, "it also has 3.weight"),
        ({"0.weight": None}, "it lacks body.0.weight"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_with_what_is_different(store, given, change, sentence):
    tensors = {**network().state_dict(), **change}
    path = given({n: t for n, t in tensors.items() if t is not None})
    with pytest.raises(WeightsError) as caught:
        weights.import_file(path, store, [LAYOUT])
    assert sentence in str(caught.value)
    assert "A small network" in str(caught.value)
    assert list(weights.folder_of(store).iterdir()) == []


def test_a_file_that_fits_two_networks_asks_which(store, given):
    path = given(network().state_dict())
    with pytest.raises(WeightsError, match="Say which with --model"):
        weights.import_file(path, store, [LAYOUT, replace(LAYOUT, key="resnet18_imagenet")])


class Harmful:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("content", ["harmful", "text", "list"])
def test_no_file_can_run_code_and_a_strange_one_is_a_sentence(tmp_path, store, content):
    path, trace = tmp_path / "given.pth", tmp_path / "trace"
    if content == "harmful":
        torch.save({"0.weight": Harmful(trace)}, path)
    elif content == "text":
        path.write_text("these are no weights")
    else:
        torch.save([1, 2], path)
    with pytest.raises(WeightsError, match=r"cannot be read as weights: .*state_dict"):
        weights.import_file(path, store, [LAYOUT])
    assert not trace.exists()


def test_a_small_file_that_asks_for_much_memory_is_refused(tmp_path, store):
    path = tmp_path / "given.pth"
    pickled(path, {"0.weight": torch.zeros(1).expand(4, 10**11)})  # 1.6 TB of one number
    assert path.stat().st_size < 10_000
    with pytest.raises(WeightsError, match="cannot be read as weights"):
        weights.import_file(path, store, [LAYOUT])


def test_a_safetensors_file_with_a_damaged_head_is_a_sentence(tmp_path, store):
    path = tmp_path / "given.safetensors"
    path.write_bytes((10).to_bytes(8, "little") + b"{not json}")
    with pytest.raises(WeightsError, match="cannot be read as a safetensors file"):
        weights.import_file(path, store, [LAYOUT])


def test_an_imported_file_that_was_changed_later_is_not_taken(store, given):
    made = weights.import_file(given(network().state_dict()), store, [LAYOUT])
    data = bytearray(made.path.read_bytes())
    data[-1] ^= 1
    made.path.write_bytes(data)
    assert weights.find(KEY, store) is None


def test_a_file_put_into_the_store_by_hand_is_not_taken_without_its_record(store):
    folder = weights.folder_of(store)
    folder.mkdir(parents=True)
    save_file(network().state_dict(), folder / f"{KEY}.safetensors")
    assert weights.find(KEY, store) is None
    assert "it cannot be verified" in str(weights.missing(KEY, store))


@pytest.mark.parametrize("key", ["mobilenet_v2_imagenet", "densenet121_imagenet"])
def test_a_real_networks_file_is_recognized_among_all_networks(store, given, key):
    body = MODELS[key].build(1000).body
    tensors = {name: t for name, t in body.state_dict().items() if "num_batches" not in name}
    if key.startswith("densenet"):  # the published file has the names of an older torchvision
        for part in ("norm", "conv"):
            for i in "12":
                tensors = {
                    n.replace(f".{part}{i}.", f".{part}.{i}.") if "denselayer" in n else n: t
                    for n, t in tensors.items()
                }
        assert "features.denseblock1.denselayer1.norm.1.weight" in tensors
    made = pretrained.import_weights(given(tensors), store)
    assert made.key == key
    spec = MODELS[key]
    loaded = weights.load(weights.find(key, store), pretrained.layout_of(spec))
    wanted = {n for n in spec.build(10).state_dict() if not n.startswith(spec.head + ".")}
    assert loaded.keys() == wanted


def test_a_file_of_the_published_form_is_read_where_it_lies(torch_home, store, monkeypatch):
    path = pickled(torch_home / "tiny-12345678.pth", wrapped(network().state_dict()))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    spec = replace(WEIGHTS[KEY], file=path.name, sha256=digest[:8])
    monkeypatch.setitem(WEIGHTS._specs, KEY, spec)
    loaded = weights.load(weights.find(KEY, store), LAYOUT)
    assert torch.equal(loaded["body.0.weight"], network().state_dict()["0.weight"])


def test_the_official_names_of_vision_gnn_are_understood():
    layout = pretrained.layout_of(MODELS["vig_ti_imagenet"])
    published = ["stem.convs.0.weight", "pos_embed", "backbone.3.0.fc1.0.weight",
                 "backbone.11.1.fc2.1.running_var", "prediction.0.weight"]  # fmt: skip
    assert all(layout.rename(name) in layout.wanted for name in published)
    assert layout.rename("prediction.4.weight") not in layout.wanted


# downloads


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    folder = tmp_path / "served"
    folder.mkdir()
    handler = functools.partial(Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,)).start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_weights_are_downloaded_verified_and_then_found(store, tiny, server):
    folder, address = server
    (folder / "tiny.pth").write_bytes(tiny)
    seen = []
    found = weights.fetch(
        KEY, store, url=f"{address}/tiny.pth", progress=lambda *now: seen.append(now)
    )
    assert found.path.read_bytes() == tiny
    assert seen[-1] == (len(tiny), len(tiny))
    assert weights.find(KEY, store) == found
    (folder / "tiny.pth").unlink()
    assert weights.fetch(KEY, store, url=f"{address}/tiny.pth") == found  # no connection needed


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (bytes(102400), "its sha256 sum is not"),
        (b"<html>not found</html>", "another file or an error page"),
    ],
)
def test_a_download_of_another_file_is_refused(store, tiny, server, content, sentence):
    folder, address = server
    (folder / "tiny.pth").write_bytes(content)
    with pytest.raises(WeightsError, match=sentence):
        weights.fetch(KEY, store, url=f"{address}/tiny.pth")
    assert weights.find(KEY, store) is None


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x", "file:///etc/hostname"])
def test_an_address_that_leads_nowhere_is_a_sentence(store, url):
    with pytest.raises(WeightsError, match=r"cannot be reached|not an address to download from"):
        weights.fetch(KEY, store, url=url, timeout=2)


# the terminal


def test_the_terminal_lists_brings_in_and_verifies(tmp_path, store, capsys):
    at = ["--store", str(store)]
    path = tmp_path / "mobilenet.safetensors"
    save_file(MODELS[KEY].build(10).body.state_dict(), path)
    assert main(["weights", "import", str(path), *at]) == 0
    assert KEY in capsys.readouterr().out
    assert main(["weights", "list", "--json", *at]) == 0
    rows = {row["weights"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows.keys() == set(WEIGHTS)
    assert [key for key, row in rows.items() if row["here"]] == [KEY]
    assert main(["weights", "verify", *at]) == 0
    made = weights.folder_of(store) / f"{KEY}.safetensors"
    tensors = load_file(made)
    save_file({name: tensor * 2 for name, tensor in tensors.items()}, made)
    assert main(["weights", "verify", *at]) == 1
    assert "is not the right file" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["fetch", "resnet18"], "Did you mean 'resnet18_imagenet'"),
        (["import", "nothing.pth"], "There is no file nothing.pth"),
        (["import", "nothing.pth", "--model", "resnet9"], "trained from scratch"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_sentence(store, capsys, words, sentence):
    assert main(["weights", *words, "--store", str(store)]) == 2
    assert sentence in capsys.readouterr().err
