import hashlib
import io
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

import pyarrow as pa
import pytest
from format_files import by_name, counts, opened
from PIL import Image
from pyarrow import parquet

from cifar_core.data.hub import names, server
from cifar_core.errors import DataError

SHA = "0123456789abcdef0123456789abcdef01234567"


def jpeg(number):
    file = io.BytesIO()
    Image.new("RGB", (8, 8), (number * 9, 0, 0)).save(file, "JPEG")
    return file.getvalue()


def table(count):
    file = io.BytesIO()
    rows = {"image": [{"bytes": jpeg(i), "path": None} for i in range(count)],
            "label": [i % 2 for i in range(count)]}  # fmt: skip
    parquet.write_table(pa.table(rows), file)
    return file.getvalue()


FILES = {
    "data/train-00000-of-00001.parquet": table(9),
    "data/test-00000-of-00001.parquet": table(4),
    "README.md": b"a card",
    "pictures/1.jpg": jpeg(1),
}


class Hub:
    """The few answers of the hub that a download needs."""

    def __init__(self, files):
        self.files, self.status, self.asked, self.cut = files, 200, [], 0

    def answer(self, path, head):
        """Return status, headers and body."""
        parts = path.strip("/").split("/")
        if parts[0] == "api" and self.status != 200:
            codes = {401: "RepoNotFound", 403: "GatedRepo", 404: "RevisionNotFound"}
            return self.status, {"X-Error-Code": codes.get(self.status, "")}, b"{}"
        if parts[0] == "api" and "tree" in parts:
            tree = [{"type": "file", "path": name, "size": len(data), "oid": etag(data)}
                    for name, data in self.files.items()]  # fmt: skip
            return 200, {"Content-Type": "application/json"}, json.dumps(tree).encode()
        if parts[0] == "api":
            names = [{"rfilename": n, "size": len(data)} for n, data in self.files.items()]
            card = {"license": "cc-by-4.0"}
            info = {"id": "someone/pets", "sha": SHA, "cardData": card, "siblings": names}
            return 200, {"Content-Type": "application/json"}, json.dumps(info).encode()
        name = unquote("/".join(parts[5:]))
        data = self.files[name]
        self.asked.append(("HEAD " if head else "GET ") + name)
        return (
            200,
            {"ETag": f'"{etag(data)}"', "X-Repo-Commit": SHA, "Accept-Ranges": "bytes"},
            data,
        )


def etag(data):
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A hub on loopback; nothing is asked of any other server."""
    pytest.importorskip("huggingface_hub")
    made = Hub(dict(FILES))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def respond(self, head=False):
            status, headers, body = made.answer(urlsplit(self.path).path, head)
            start = 0
            if "Range" in self.headers and status == 200 and not head:
                start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-").split("-")[0])
                status = 206
                headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body) - start))
            self.end_headers()
            if not head:
                self.wfile.write(body[start:])

        def do_GET(self):
            self.respond()

        def do_HEAD(self):
            self.respond(head=True)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


def fetch(tmp_path, source="hf:someone/pets", report=lambda done, total: None):
    return server.fetch(source, tmp_path / "store", report)


def test_a_set_is_downloaded_once_and_read_with_its_revision_and_license(tmp_path, hub):
    reported = []
    assert names.find("hf:someone/pets", tmp_path / "store") is None
    path = fetch(tmp_path, report=lambda *numbers: reported.append(numbers))
    total = sum(len(data) for name, data in FILES.items() if name.endswith(".parquet"))
    assert reported[0] == (0, total)
    assert reported[-1] == (total, total)
    assert path == tmp_path / "store" / "data" / "hf" / "someone--pets" / SHA
    assert not [name for name in hub.asked if "parquet" not in name]  # the table is enough
    assert names.find("hf:someone/pets", tmp_path / "store") == path
    assert names.find(f"hf:someone/pets@{SHA}", tmp_path / "store") == path
    contents = opened(path, tmp_path)
    assert (contents.format, counts(contents)) == ("parquet", {"train": 9, "test": 4})
    assert contents.title == "someone/pets"
    assert contents.origin == (
        "someone/pets from the Hugging Face hub, revision 0123456789ab; license: cc-by-4.0."
    )
    assert len(by_name(contents)) == 13
    hub.asked.clear()
    assert fetch(tmp_path) == path
    assert hub.asked == []


def test_without_tables_the_pictures_are_downloaded(tmp_path, hub):
    hub.files = {f"{part}/{label}/{i}.jpg": jpeg(i) for part in ("train", "test")
                 for label in ("a b", "[x]") for i in range(2)} | {"../evil.jpg": b"x"}  # fmt: skip
    path = fetch(tmp_path)
    there = {str(file.relative_to(path)) for file in path.rglob("*.jpg")}
    assert there == set(hub.files) - {"../evil.jpg"}
    assert (path / "train/[x]/1.jpg").read_bytes() == jpeg(1)


class Stop(Exception):  # noqa: N818
    """What a canceled download raises."""


def test_a_canceled_download_continues_with_the_files_that_are_missing(tmp_path, hub):
    def cancel(done, total):
        if done:
            raise Stop

    with pytest.raises(Stop):
        fetch(tmp_path, report=cancel)
    assert names.find("hf:someone/pets", tmp_path / "store") is None
    path = fetch(tmp_path)
    assert len(list(path.rglob("*.parquet"))) == 2


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (401, "has no set someone/pets for you"),
        (403, "people who accepted its conditions"),
        (404, "has no set someone/pets for you"),
        (400, "could not be downloaded"),
    ],
)
def test_what_the_hub_refuses_is_a_sentence(tmp_path, hub, status, sentence):
    hub.status = status
    with pytest.raises(DataError, match=sentence):
        fetch(tmp_path)


def test_a_repository_without_pictures_is_refused(tmp_path, hub):
    hub.files = {"README.md": b"x", "weights.bin": b"x"}
    with pytest.raises(DataError, match="neither Parquet files nor pictures"):
        fetch(tmp_path)


def test_a_server_that_is_not_there_is_a_sentence(tmp_path, hub, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(DataError, match="could not be downloaded"):
        fetch(tmp_path)


@pytest.mark.parametrize("source", ["hf:", "hf:a/b/c", "hf:../x", "hf:a/..", "hf:a b", "hf:a/b@"])
def test_what_is_not_a_name_is_refused(tmp_path, source):
    with pytest.raises(DataError, match="Write hf:owner/name"):
        names.find(source, tmp_path)


def test_without_the_package_a_sentence_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(DataError, match=r"pip install -r requirements-hf\.txt"):
        fetch(tmp_path)
