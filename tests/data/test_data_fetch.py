import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cifar_core.data.sources import fetch
from cifar_core.data.sources.progress import (
    DownloadProgress,
    ProgressWriter,
    cancel,
    cancel_file,
    is_alive,
    progress,
    take,
)
from cifar_core.disk.download import RemoteFile, download
from cifar_core.errors import DataError

ROOT = Path(__file__).parents[2]
BODY = bytes(range(256)) * 2000  # 512 kB
QUICK = 0.3  # seconds


class Server(ThreadingHTTPServer):
    """Serves BODY at any path; the attributes are how well it behaves."""

    daemon_threads = True
    block_on_close = False

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.body = BODY
        self.ranges = True
        self.status = 200
        self.cut_after = len(BODY) * 2  # bytes per connection
        self.pause = 0.0  # seconds between blocks of 64 kB
        self.block = 2**16
        self.shift = 0  # bytes that a range begins too late
        self.asked = []  # the Range header of each request

    def handle_error(self, request, client_address):
        """A client that hangs up is part of these tests."""


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *arguments):
        pass

    def do_GET(self):
        server, wanted = self.server, self.headers.get("Range")
        server.asked.append(wanted)
        if server.status != 200:
            self.send_error(server.status)
            return
        start = int(wanted[6:-1]) if wanted and server.ranges else 0
        if start >= len(server.body):
            self.send_error(416)
            return
        start += server.shift if start else 0
        rest = server.body[start:]
        self.send_response(206 if start else 200)
        if start:
            last, whole = len(server.body) - 1, len(server.body)
            self.send_header("Content-Range", f"bytes {start}-{last}/{whole}")
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        for place in range(0, min(len(rest), server.cut_after), server.block):
            self.wfile.write(rest[place : min(place + server.block, server.cut_after)])
            time.sleep(server.pause)


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
def archive(server):
    return RemoteFile(
        url=f"http://127.0.0.1:{server.server_port}/tiny.bin",
        md5=hashlib.md5(BODY).hexdigest(),
        bytes=len(BODY),
        name="tiny.bin",
    )


def wait_for(claim, seconds=15):
    deadline = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_the_official_archive_is_what_its_authors_publish():
    assert fetch.CIFAR10.url == "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
    assert fetch.CIFAR10.md5 == "c32a1d4ab5d03f1284b67883e8d87530"
    assert fetch.CIFAR10.bytes == 170052171


def test_a_download_is_verified_and_reported(tmp_path, archive, server):
    seen = []
    path = fetch.fetch_cifar10(tmp_path, archive=archive, progress=lambda *now: seen.append(now))
    assert path == tmp_path / "data" / "tiny.bin"
    assert path.read_bytes() == BODY
    assert seen == sorted(seen)
    assert seen[-1] == (len(BODY), len(BODY))
    assert server.asked == [None]
    assert not path.with_name("tiny.bin.part").exists()
    now = progress(tmp_path)
    assert (now.state, now.done, now.total, now.alive) == (
        "finished", len(BODY), len(BODY), False,
    )  # fmt: skip


def test_another_address_of_the_same_archive_may_be_given(tmp_path, archive):
    elsewhere = RemoteFile(url="http://127.0.0.1:1/x", md5=archive.md5, bytes=len(BODY), name="a")
    path = fetch.fetch_cifar10(tmp_path, url=archive.url, archive=elsewhere)
    assert path.read_bytes() == BODY


def test_an_archive_that_is_there_is_not_downloaded_again(tmp_path, archive, server):
    download(archive, tmp_path)
    download(archive, tmp_path)
    assert len(server.asked) == 1


def test_an_archive_that_is_there_but_damaged_is_replaced(tmp_path, archive):
    (tmp_path / "tiny.bin").write_bytes(BODY[:-1] + b"x")
    assert download(archive, tmp_path).read_bytes() == BODY


def test_a_download_goes_on_where_it_stopped(tmp_path, archive, server):
    (tmp_path / "tiny.bin.part").write_bytes(BODY[:300_000])
    assert download(archive, tmp_path).read_bytes() == BODY
    assert server.asked == ["bytes=300000-"]


def test_a_complete_part_needs_no_connection(tmp_path, archive, server):
    (tmp_path / "tiny.bin.part").write_bytes(BODY)
    assert download(archive, tmp_path).read_bytes() == BODY
    assert server.asked == []


def test_a_server_without_ranges_is_asked_for_everything(tmp_path, archive, server):
    server.ranges = False
    (tmp_path / "tiny.bin.part").write_bytes(BODY[:300_000])
    assert download(archive, tmp_path).read_bytes() == BODY


@pytest.mark.parametrize("length", [300_000, len(BODY), len(BODY) + 1])
def test_a_part_of_another_file_is_dropped_and_the_download_begins_again(
    tmp_path, archive, server, length
):
    (tmp_path / "tiny.bin.part").write_bytes(b"x" * length)
    assert download(archive, tmp_path).read_bytes() == BODY
    assert server.asked[-1] is None


def test_a_connection_that_ends_too_early_is_taken_up_again(tmp_path, archive, server):
    server.cut_after = 200_000
    assert download(archive, tmp_path).read_bytes() == BODY
    assert server.asked == [None, "bytes=200000-", "bytes=400000-"]


def test_a_connection_that_keeps_ending_is_given_up_and_what_came_is_kept(
    tmp_path, archive, server
):
    server.cut_after = 50_000
    with pytest.raises(DataError, match=r"stopped after 0\.2 of 0\.5 MB.*continues from there"):
        download(archive, tmp_path)
    assert (tmp_path / "tiny.bin.part").read_bytes() == BODY[:250_000]
    server.cut_after = len(BODY)
    assert download(archive, tmp_path).read_bytes() == BODY


def test_a_damaged_download_is_deleted_and_said(tmp_path, archive, server):
    server.body = BODY[:-1] + b"x"
    with pytest.raises(DataError, match=r"its md5 sum is not .* deleted. Try again"):
        fetch.fetch_cifar10(tmp_path, archive=archive)
    assert not list((tmp_path / "data").glob("tiny.bin*"))
    assert progress(tmp_path).state == "failed"
    assert "md5" in progress(tmp_path).message


@pytest.mark.parametrize("length", [1000, len(BODY) + 5])
def test_a_file_of_another_size_is_refused_before_it_is_downloaded(
    tmp_path, archive, server, length
):
    server.body = bytes(length)
    with pytest.raises(DataError, match=rf"has {length} bytes, but tiny.bin should have 512,000"):
        download(archive, tmp_path)
    assert not (tmp_path / "tiny.bin.part").exists()


def test_a_range_that_begins_elsewhere_is_not_trusted(tmp_path, archive, server):
    server.shift = 7
    (tmp_path / "tiny.bin.part").write_bytes(BODY[:300_000])
    assert download(archive, tmp_path).read_bytes() == BODY
    assert server.asked == ["bytes=300000-", None]


@pytest.mark.parametrize("status", [403, 404, 500, 503])
def test_an_answer_that_is_no_file_is_a_sentence(tmp_path, archive, server, status):
    server.status = status
    with pytest.raises(DataError, match=f"answered {status} .*another copy"):
        download(archive, tmp_path)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://127.0.0.1:1/x", "cannot be reached"),
        ("https://127.0.0.1:1/x", "cannot be reached"),
        ("http://[::1/x", "cannot be reached"),
        ("http://127.0.0.1:port/x", "cannot be reached"),
        ("file:///etc/hostname", "not an address to download from"),
        ("ftp://127.0.0.1/x", "not an address to download from"),
    ],
)
def test_an_address_that_leads_nowhere_is_a_sentence(tmp_path, archive, url, sentence):
    with pytest.raises(DataError, match=sentence):
        fetch.fetch_cifar10(tmp_path, url=url, archive=archive, timeout=2)


def test_a_server_that_accepts_and_says_nothing_is_given_up(tmp_path, archive):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/x"
        began = time.monotonic()
        with pytest.raises(DataError, match="cannot be reached"):
            fetch.fetch_cifar10(tmp_path, url=url, archive=archive, timeout=QUICK)
        assert time.monotonic() - began < 5


def test_a_server_that_falls_silent_is_given_up(tmp_path, archive, server):
    server.pause, server.block = 3, 1000
    began = time.monotonic()
    with pytest.raises(DataError, match="stopped after"):
        download(archive, tmp_path, timeout=QUICK)
    assert time.monotonic() - began < 8


def test_a_server_that_sends_almost_nothing_is_given_up(tmp_path, archive, server):
    server.pause, server.block = 0.05, 1
    with pytest.raises(DataError, match="almost nothing"):
        download(archive, tmp_path, timeout=QUICK)


def test_a_full_disk_is_noticed_before_anything_is_downloaded(tmp_path, server, archive):
    vast = RemoteFile(url=archive.url, md5=archive.md5, bytes=10**18, name="vast")
    with pytest.raises(DataError, match=r"free space, but the download needs 1,000,000,000,000 MB"):
        download(vast, tmp_path)
    assert server.asked == []


def test_a_store_that_cannot_be_written_is_a_sentence(tmp_path, archive):
    (tmp_path / "data").write_text("a file where the folder should be")
    with pytest.raises(DataError, match="cannot be written"):
        fetch.fetch_cifar10(tmp_path, archive=archive)


def test_two_downloads_to_one_store_are_refused(tmp_path, archive):
    descriptor = take(tmp_path)
    try:
        with pytest.raises(DataError, match="already"):
            fetch.fetch_cifar10(tmp_path, archive=archive)
    finally:
        os.close(descriptor)
    assert fetch.fetch_cifar10(tmp_path, archive=archive).exists()


def test_the_speed_of_a_resumed_download_counts_only_what_came_since(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    now = iter([10.0, 12.0])
    monkeypatch.setattr("cifar_core.data.sources.progress.time.monotonic", lambda: next(now))
    writer = ProgressWriter(tmp_path, 200_000_000)
    writer.step(90_000_000)  # most of it is there from before
    assert progress(tmp_path).bytes_per_second == 0
    writer.step(93_000_000)
    assert progress(tmp_path).bytes_per_second == 1_500_000


def test_a_store_without_a_download_has_no_progress(tmp_path):
    assert progress(tmp_path) is None
    cancel(tmp_path)  # and nothing to cancel
    assert not cancel_file(tmp_path).exists()


def test_a_background_download_runs_to_its_end(tmp_path, archive):
    fetch.start_background(tmp_path, archive=archive)
    wait_for(lambda: not progress(tmp_path).alive)
    assert progress(tmp_path).state == "finished", (tmp_path / "data/download.log").read_text()
    assert (tmp_path / "data" / "tiny.bin").read_bytes() == BODY


def test_a_background_download_that_runs_is_not_started_twice(tmp_path, archive, server):
    server.pause, server.block = 0.1, 4096
    for _ in range(3):
        fetch.start_background(tmp_path, archive=archive)
        now = progress(tmp_path)
        assert (now.state, now.alive) == ("running", True)
    wait_for(lambda: progress(tmp_path).done > 0)
    cancel(tmp_path)
    assert progress(tmp_path).message == "Stopping."
    wait_for(lambda: not is_alive(tmp_path))
    assert len(server.asked) == 1


def test_a_background_download_can_be_cancelled_and_taken_up_again(tmp_path, archive, server):
    server.pause, server.block = 0.05, 4096
    fetch.start_background(tmp_path, archive=archive)
    wait_for(lambda: progress(tmp_path).done > 0)
    assert progress(tmp_path).total == len(BODY)
    cancel(tmp_path)
    wait_for(lambda: not progress(tmp_path).alive)
    assert progress(tmp_path).state == "cancelled"
    assert 0 < (tmp_path / "data" / "tiny.bin.part").stat().st_size < len(BODY)
    server.pause = 0
    fetch.start_background(tmp_path, archive=archive)
    wait_for(lambda: not progress(tmp_path).alive)
    assert progress(tmp_path).state == "finished"
    assert server.asked[-1].startswith("bytes=")


def test_a_background_download_that_fails_says_why(tmp_path, archive, server):
    server.status = 404
    fetch.start_background(tmp_path, archive=archive)
    wait_for(lambda: not progress(tmp_path).alive)
    assert progress(tmp_path).state == "failed"
    assert "answered 404" in progress(tmp_path).message


def test_a_background_download_belongs_to_nobody_and_its_death_is_noticed(
    tmp_path, archive, server
):
    server.pause, server.block = 0.1, 4096
    code = (
        "import sys, json; from pathlib import Path; from cifar_core.data.sources import fetch\n"
        "archive = fetch.RemoteFile(**json.loads(sys.argv[2]))\n"
        "fetch.start_background(Path(sys.argv[1]), archive=archive)"
    )
    known = json.dumps(vars(archive))
    subprocess.run([sys.executable, "-c", code, tmp_path, known], cwd=ROOT, check=True)
    wait_for(lambda: progress(tmp_path).done > 0)  # its parent has ended long ago
    pid = progress(tmp_path).pid
    assert os.getsid(pid) != os.getsid(0)
    os.kill(pid, 9)
    wait_for(lambda: not is_alive(tmp_path))
    now = progress(tmp_path)
    assert (now.state, now.alive) == ("failed", False)
    assert "ended unexpectedly" in now.message


def test_speed_is_that_of_the_last_reports(tmp_path, archive, server):
    server.pause = 0.1
    speeds = []

    def look(done, total):
        speeds.append(progress(tmp_path).bytes_per_second)

    fetch.fetch_cifar10(tmp_path, archive=archive, progress=look)
    assert 100_000 < speeds[-1] < 2_000_000  # 64 kB per 0.1 s, give or take a slow machine


def test_a_damaged_report_counts_as_none(tmp_path):
    (tmp_path / "data").mkdir()
    for text in ["", "{", "[]", '{"state": "running"}', '{"speed": 1}']:
        (tmp_path / "data" / "download.json").write_text(text)
        assert progress(tmp_path) is None


def test_fetching_does_not_wait_for_torch():
    code = "import sys, cifar_core.data.sources.fetch; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_the_command_of_the_background_download_works_by_hand(tmp_path, archive, capsys):
    assert fetch.main([str(tmp_path), "--archive", json.dumps(vars(archive))]) == 0
    assert fetch.main([str(tmp_path / "b"), "ftp://x", "--archive", json.dumps(vars(archive))]) == 1
    assert "not an address to download from" in capsys.readouterr().err
    assert isinstance(progress(tmp_path / "b"), DownloadProgress)
