"""Serves a store as a person would, for as long as a test needs it."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(is_true, what, seconds=60):
    end = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.05)


def is_healthy(url):
    try:
        return urllib.request.urlopen(f"{url}/_stcore/health", timeout=1).read() == b"ok"
    except OSError:
        return False


@contextmanager
def serving(store, log, port, *options, **variables):
    """Serve a store until the block ends; what the server prints goes into the file `log`."""
    environment = {k: v for k, v in os.environ.items() if k != "CIFAR_DATA"}
    with log.open("w") as file:
        server = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "app/server.py",
             f"--server.port={port}", "--server.headless=true", *options],
            cwd=ROOT, stdout=file, stderr=subprocess.STDOUT,
            env={**environment, "CIFAR_STORE": str(store.root), **variables},
        )  # fmt: skip
        try:
            address = f"http://127.0.0.1:{port}"
            wait_until(lambda: is_healthy(address), "the server")
            yield address
        finally:
            server.terminate()
            server.wait(20)
