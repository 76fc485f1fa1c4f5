"""Downloads of published sets: torchvision's own code with our functions, from a server here."""

import hashlib
import os
import subprocess
import sys
import textwrap
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from published_fakes import DOWNLOADS, downloads, make
from test_published import colors_of

from cifar_core.data.options import SetOptions
from cifar_core.data.published.downloads import fetch
from cifar_core.data.published.downloads.in_torchvision import exchanged
from cifar_core.data.published.downloads.transfer import KEPT, Transfer
from cifar_core.data.published.places import PUBLISHED, find, folder_of
from cifar_core.data.published.published import open_published
from cifar_core.data.sources.progress import cancel, cancel_file, progress, take
from cifar_core.errors import DataError

ROOT = Path(__file__).parents[2]


class Server(ThreadingHTTPServer):
    """Serves some files; the attributes are how well it behaves."""

    daemon_threads = True
    block_on_close = False

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = {}
        self.asked = []  # name and Range header of each request
        self.cut_after = 10**9  # bytes per connection
        self.pause = 0.0  # seconds between blocks

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request, client_address):
        """A client that hangs up is part of these tests."""


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *arguments):
        pass

    def do_GET(self):
        name, wanted = self.path.rpartition("/")[2], self.headers.get("Range")
        self.server.asked.append((name, wanted))
        if name not in self.server.files:
            self.send_error(404)
            return
        body = self.server.files[name]
        start = int(wanted[6:-1]) if wanted else 0
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        rest = body[start : start + self.server.cut_after]
        for place in range(0, len(rest), 256):
            self.wfile.write(rest[place : place + 256])
            time.sleep(self.server.pause)


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def local(server, monkeypatch):
    """Let every download go to the server, with the checksums of its files."""
    theirs = Transfer.download_url

    def here(self, url, root, filename=None, md5=None, **others):
        name = url.rpartition("/")[2]
        md5 = hashlib.md5(server.files.get(name, b"")).hexdigest()
        theirs(self, f"{server.url}/{name}", root, filename or name, md5)

    monkeypatch.setattr(Transfer, "download_url", here)
    with exchanged(check_integrity=lambda path, *_: Path(path).is_file()):
        yield server


def served(key, server, tmp_path):
    """Put a copy of a set on the server; return the folder that it was made from."""
    root = make(key, tmp_path / "original")
    server.files = downloads(key, root)
    return root


def large(server, tmp_path):
    """Put a copy of DTD on the server whose archive has 40 kB."""
    root = make("dtd", tmp_path / "original")
    (root / "dtd/dtd/imdb.mat").write_bytes(os.urandom(40_000))
    server.files = downloads("dtd", root)


@pytest.mark.parametrize("key", sorted(DOWNLOADS))
def test_a_set_is_downloaded_by_torchvision_and_is_the_same_afterwards(tmp_path, local, key):
    root, store = served(key, local, tmp_path), tmp_path / "store"
    assert find(key, store) is None
    place = fetch.fetch(key, store)
    assert place == find(key, store)
    assert place.is_relative_to(folder_of(key, store))
    assert sorted(path.name for path in folder_of(key, store).parent.iterdir()) == [
        PUBLISHED[key].folder
    ]
    assert not (folder_of(key, store) / KEPT).exists()
    now = progress(store)
    assert (now.key, now.state, now.alive, now.done) == (key, "finished", False, now.total)
    assert now.done == sum(map(len, local.files.values()))
    left = {path.name for path in folder_of(key, store).rglob("*") if path.is_file()}
    assert left & {name for name in local.files if name.endswith(("gz", "zip", "tar"))} == set()
    downloaded = colors_of(open_published(key, SetOptions(), store))
    assert downloaded.keys() == colors_of(open_published(root, SetOptions(), tmp_path)).keys()


def test_a_set_that_is_here_is_not_downloaded_again(tmp_path, local):
    served("dtd", local, tmp_path)
    first = fetch.fetch("dtd", tmp_path)
    asked = list(local.asked)
    assert fetch.fetch("dtd", tmp_path) == first
    assert local.asked == asked


def test_a_download_continues_where_its_connection_ended(tmp_path, local):
    large(local, tmp_path)
    local.cut_after = 7_000
    with pytest.raises(DataError, match="stopped after"):
        fetch.fetch("dtd", tmp_path)
    assert progress(tmp_path).state == "failed"
    assert find("dtd", tmp_path) is None
    local.cut_after = 10**9
    fetch.fetch("dtd", tmp_path)
    ranges = [wanted for _, wanted in local.asked if wanted]
    assert ranges == [f"bytes={7_000 * n}-" for n in range(1, len(ranges) + 1)]
    assert len(ranges) >= 5


def test_a_file_that_is_complete_is_kept_when_the_next_one_fails(tmp_path, local):
    served("pets", local, tmp_path)
    annotations = local.files.pop("annotations.tar.gz")
    with pytest.raises(DataError, match="answered 404"):
        fetch.fetch("pets", tmp_path)
    local.files["annotations.tar.gz"] = annotations
    fetch.fetch("pets", tmp_path)
    names = [name for name, _ in local.asked]
    assert names.count("images.tar.gz") == 2  # how long it is, and the file itself


def test_an_unpacking_that_was_cut_short_is_begun_again(tmp_path, local, monkeypatch):
    served("dtd", local, tmp_path)
    theirs = Transfer.extract_archive

    def cut(self, *arguments, **others):
        theirs(self, *arguments, **others)
        next((self.draft / "dtd/dtd/images").rglob("*.jpg")).unlink()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Transfer, "extract_archive", cut)
    with pytest.raises(DataError, match="no space left on device"):
        fetch.fetch("dtd", tmp_path)
    assert find("dtd", tmp_path) is None
    monkeypatch.setattr(Transfer, "extract_archive", theirs)
    asked = len(local.asked)
    fetch.fetch("dtd", tmp_path)
    assert len(local.asked) == asked  # the archive was kept
    assert open_published("dtd", SetOptions(), tmp_path).ignored == ()


def test_the_next_mirror_is_tried_where_torchvision_knows_one(tmp_path, local):
    served("mnist", local, tmp_path)
    body = local.files.pop("t10k-labels-idx1-ubyte.gz")
    with pytest.raises(DataError, match=r"answered 404 .*another copy"):
        fetch.fetch("mnist", tmp_path)
    assert [name for name, _ in local.asked].count("t10k-labels-idx1-ubyte.gz") == 2
    local.files["t10k-labels-idx1-ubyte.gz"] = body
    assert fetch.fetch("mnist", tmp_path).name == "raw"


def test_a_damaged_file_is_deleted_and_said(tmp_path, server, monkeypatch):
    served("eurosat", server, tmp_path)
    monkeypatch.setattr(Transfer, "download_url", redirected(server, Transfer.download_url))
    with pytest.raises(DataError, match="its md5 sum is not c8fa014336c82ac7804f0398fcb19387"):
        fetch.fetch("eurosat", tmp_path)
    assert list(tmp_path.rglob("EuroSAT.zip*")) == []


def test_an_archive_without_a_checksum_that_is_no_archive_is_deleted(tmp_path, server, monkeypatch):
    served("aircraft", server, tmp_path)
    server.files["fgvc-aircraft-2013b.tar.gz"] = b"<html>moved</html>"
    monkeypatch.setattr(Transfer, "download_url", redirected(server, Transfer.download_url))
    with pytest.raises(DataError, match=r"it is damaged, or no archive. It was deleted: try again"):
        fetch.fetch("aircraft", tmp_path)
    served("aircraft", server, tmp_path / "again")
    fetch.fetch("aircraft", tmp_path)
    assert find("aircraft", tmp_path) is not None


def redirected(server, theirs):
    """Return the function that downloads from the server, with torchvision's checksum."""

    def here(self, url, root, filename=None, md5=None, **others):
        name = url.rpartition("/")[2]
        theirs(self, f"{server.url}/{name}", root, filename or name, md5)

    return here


def test_an_archive_cannot_write_outside_its_folder(tmp_path, local):
    import io
    import tarfile

    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        member = tarfile.TarInfo("../../../escaped.txt")
        member.size = 2
        tar.addfile(member, io.BytesIO(b"hi"))
    local.files = {"food-101.tar.gz": out.getvalue()}
    with pytest.raises(DataError, match="outside"):
        fetch.fetch("food101", tmp_path / "a" / "store")
    assert list(tmp_path.rglob("escaped.txt")) == []


def test_what_has_to_be_got_by_hand_is_not_begun(tmp_path):
    for key, sentence in (
        ("imagenet", "Register at image-net.org"),
        ("cars", "no longer offer the files"),
        ("pcam", "zenodo"),
    ):
        with pytest.raises(DataError, match=sentence):
            fetch.fetch(key, tmp_path)
        with pytest.raises(DataError, match=sentence):
            fetch.start_background(key, tmp_path)
    assert progress(tmp_path) is None


def test_a_second_download_says_which_one_is_under_way(tmp_path, local):
    from cifar_core.data.sources.progress import ProgressWriter

    descriptor = take(tmp_path)
    ProgressWriter(tmp_path, 100, key="food101").write("running", "Downloading.")
    try:
        with pytest.raises(DataError, match="Food-101 is already being downloaded"):
            fetch.fetch("dtd", tmp_path)
        assert not fetch.start_background("dtd", tmp_path)
    finally:
        os.close(descriptor)
    assert local.asked == []


def test_an_address_of_ones_own_is_only_for_cifar10(tmp_path):
    with pytest.raises(DataError, match="for CIFAR-10 only"):
        fetch.fetch("mnist", tmp_path, url="http://127.0.0.1:1/x")


def test_a_download_can_be_canceled_while_it_unpacks(tmp_path, local):
    served("dtd", local, tmp_path)

    def report(done, total):
        if progress(tmp_path).message.startswith("Unpacking"):
            cancel_file(tmp_path).touch()

    with pytest.raises(DataError, match="was canceled"):
        fetch.fetch("dtd", tmp_path, report=report)
    assert progress(tmp_path).state == "cancelled"
    assert find("dtd", tmp_path) is None
    fetch.fetch("dtd", tmp_path)
    assert open_published("dtd", SetOptions(), tmp_path).ignored == ()


def test_torchvision_has_its_own_functions_back_afterwards(tmp_path, local):
    from torchvision.datasets import dtd, utils

    before = (utils.download_url, utils.extract_archive, dtd.download_and_extract_archive)
    served("dtd", local, tmp_path)
    fetch.fetch("dtd", tmp_path)
    assert (utils.download_url, utils.extract_archive, dtd.download_and_extract_archive) == before


def wait_for(claim, seconds=60):
    deadline = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def test_a_background_download_can_be_canceled_and_continues(tmp_path, server, monkeypatch):
    large(server, tmp_path)
    archive = server.files["dtd-r1.0.1.tar.gz"]
    (tmp_path / "python").mkdir()
    (tmp_path / "python" / "sitecustomize.py").write_text(
        textwrap.dedent(f"""
        from torchvision.datasets import DTD
        DTD._URL = {server.url!r} + "/dtd-r1.0.1.tar.gz"
        DTD._MD5 = {hashlib.md5(archive).hexdigest()!r}
    """)
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "python"))
    store = tmp_path / "store"
    server.pause = 0.3
    assert fetch.start_background("dtd", store, by="ann")
    now = progress(store)
    assert (now.key, now.state, now.alive, now.by) == ("dtd", "running", True, "ann")
    assert not fetch.start_background("mnist", store)
    log = store / "data" / "download.log"
    wait_for(lambda: progress(store).done > 0 or not progress(store).alive)
    cancel(store)
    wait_for(lambda: not progress(store).alive)
    assert progress(store).state == "cancelled", log.read_text()
    server.pause = 0
    assert fetch.start_background("dtd", store)
    wait_for(lambda: not progress(store).alive)
    assert progress(store).state == "finished", log.read_text()
    assert any(wanted for _, wanted in server.asked)
    assert find("dtd", store) is not None


def test_the_command_of_the_background_download_works_by_hand(tmp_path, capsys):
    assert fetch.main([str(tmp_path), "imagenet"]) == 1
    assert "Register at image-net.org" in capsys.readouterr().err


def test_fetching_and_opening_do_not_wait_for_torch():
    code = (
        "import sys, cifar_core.data.published.downloads.fetch, cifar_core.data.formats.formats\n"
        "sys.exit('torch' in sys.modules or 'scipy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
