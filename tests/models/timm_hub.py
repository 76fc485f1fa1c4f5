"""The Hugging Face hub on loopback, with the weights of some of timm's networks, for tests."""

import hashlib
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import torch
from safetensors.torch import save

RESNET, VIT, CONVNEXT, EFFICIENTNET = KEYS = [
    f"timm:test_{name}.r160_in1k" for name in ("resnet", "vit", "convnext", "efficientnet")
]


def published(key, seed=3):
    """Return a network as timm publishes it, but with random weights and statistics."""
    import timm

    torch.manual_seed(seed)
    body = timm.create_model(key.removeprefix("timm:")).train()
    body(torch.randn(4, *body.pretrained_cfg["input_size"]))
    return body.eval()


class Hub:
    """What the hub has, and what it was asked for."""

    def __init__(self):
        self.files, self.status, self.sha256, self.asked = {}, 200, "", []

    def put(self, key, seed=3):
        """Publish a network; returns the content of its file."""
        content = save(published(key, seed).state_dict())
        self.files[f"/timm/{key.removeprefix('timm:')}/resolve/main/model.safetensors"] = content
        return content


@contextmanager
def serving(monkeypatch):
    """Serve a hub on loopback; nothing is asked of any other server."""
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self):
            content = hub.files.get(self.path)
            if hub.status != 200 or content is None:
                codes = {401: "RepoNotFound", 403: "GatedRepo"}
                self.send_response(hub.status if content else 404)
                self.send_header("X-Error-Code", codes.get(hub.status, "EntryNotFound"))
                self.send_header("Content-Length", "0")
                self.end_headers()
                return b""
            asked = self.headers.get("Range", "")
            hub.asked.append(f"{self.command} {asked}".strip())
            start = int(asked.removeprefix("bytes=").rstrip("-") or 0)
            self.send_response(206 if asked else 200)
            if asked:
                self.send_header(
                    "Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}"
                )
            self.send_header("X-Linked-ETag", f'"{hub.sha256 or digest(content)}"')
            self.send_header("X-Linked-Size", str(len(content)))
            self.send_header("X-Repo-Commit", "0" * 40)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            return content[start:]

        def do_GET(self):
            self.wfile.write(self.do_HEAD())

        def log_message(self, *arguments):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("no_proxy", "*")
        yield hub
        server.shutdown()
        thread.join()


def digest(content):
    return hashlib.sha256(content).hexdigest()
