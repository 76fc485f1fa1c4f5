"""A Hugging Face hub on loopback with one set, for tests."""

import hashlib
import io
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

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


@contextmanager
def serving(monkeypatch, tmp_path):
    """Serve a hub on loopback; nothing is asked of any other server."""
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
