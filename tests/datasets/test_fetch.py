"""Fetching against a local server: whole files, broken ones, resumed ones, and two processes at once. No network."""

import hashlib
import http.server
import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
import types
from pathlib import Path

import numpy as np
import pytest

import homespun.datasets as datasets
from homespun.datasets import download, listing
from homespun.datasets import lock as lock_file
from homespun.errors import DataError, ParameterError

BODY = np.random.default_rng(0).integers(0, 256, 900_001, dtype=np.uint8).tobytes()
SIZE = len(BODY)
SHA = hashlib.sha256(BODY).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """Serves BODY under every path, with ranges, and misbehaves as told."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.body, self.ranges, self.lengths, self.delay = BODY, True, True, 0.0
        self.break_at, self.breaks, self.statuses, self.shift = None, 0, [], 0
        self.asked = []  # (path, Range header, status)

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        server, wanted, start, status = self.server, self.headers.get("Range"), 0, 200
        if server.statuses:
            status = server.statuses.pop(0)
        elif wanted and server.ranges:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            status = 206 if start < len(server.body) else 416
        server.asked.append((self.path, wanted, status))
        self.send_response(status)
        if status not in (200, 206):
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if status == 206:
            self.send_header("Content-Range", f"bytes {start + server.shift}-{len(server.body) - 1}/{len(server.body)}")
        if server.lengths:
            self.send_header("Content-Length", str(len(server.body) - start))
        self.end_headers()
        end = len(server.body)
        if server.breaks and server.break_at is not None:
            server.breaks -= 1
            end = min(end, start + server.break_at)
        for at in range(start, end, 50_000):
            try:
                self.wfile.write(server.body[at : min(end, at + 50_000)])
            except OSError:
                return
            time.sleep(server.delay)


@pytest.fixture
def server():
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOMESPUN_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("HOMESPUN_PROGRESS", "0")
    monkeypatch.delenv("HOMESPUN_MIRROR", raising=False)
    monkeypatch.setattr(download, "PAUSE", 0.0)
    return tmp_path / "cache" / "datasets"


def known(address, sha=SHA, size=SIZE, names=("toy.bin",)):
    files = tuple(listing.File(f"{address}/some/{name}", sha, "computed", name, size) for name in names)
    return listing.Dataset("toy", "A toy", "reading", "https://example.org/toy", ("toy", "test"), files=files)


@pytest.fixture
def toy(server, monkeypatch):
    """Puts a catalogue of one set in place; call it to change the entry."""

    def put(**changes):
        one = known(**{"address": server.address, **changes})
        monkeypatch.setattr(listing, "_entries", lambda: (one,))
        return one

    put()
    return put


def left_over(folder):
    return sorted(path.name for path in folder.iterdir())


def test_fetched_once(server, toy, home):
    path = datasets.fetch("toy")
    assert path == home / "toy" / "toy.bin"
    assert path.read_bytes() == BODY
    assert left_over(path.parent) == ["toy.bin"]  # no part, no lock
    assert datasets.fetch("toy") == path
    assert len(server.asked) == 1


def test_a_damaged_file_in_the_cache_is_fetched_again(server, toy):
    path = datasets.fetch("toy")
    path.write_bytes(BODY[:-1] + b"x" * (BODY[-1:] != b"x"))
    assert datasets.fetch("toy").read_bytes() == BODY
    assert len(server.asked) == 2


def test_to_a_folder_and_from_the_cache(server, toy, tmp_path):
    first = datasets.fetch("toy", to=tmp_path / "new" / "deep")
    assert first == tmp_path / "new" / "deep" / "toy.bin"
    datasets.fetch("toy")
    assert len(server.asked) == 2
    second = datasets.fetch("toy", to=str(tmp_path / "other"))
    assert second.read_bytes() == BODY
    assert len(server.asked) == 2  # the cache had it


def test_several_files_give_their_folder(server, toy, home):
    toy(names=("a.bin", "b.bin"))
    assert datasets.fetch("toy") == home / "toy"
    assert left_over(home / "toy") == ["a.bin", "b.bin"]


@pytest.mark.parametrize("size", [len(BODY), None])
def test_a_broken_connection_goes_on_where_it_broke(server, toy, size):
    toy(size=size)
    server.break_at, server.breaks = 300_000, 2
    assert datasets.fetch("toy").read_bytes() == BODY
    assert [wanted for _, wanted, _ in server.asked] == [None, "bytes=300000-", "bytes=600000-"]


def test_a_truncated_body_without_a_length_is_noticed(server, toy):
    server.lengths, server.break_at, server.breaks = False, 300_000, 1
    assert datasets.fetch("toy").read_bytes() == BODY
    assert len(server.asked) == 2


def test_a_server_without_ranges_starts_over(server, toy):
    server.ranges, server.break_at, server.breaks = False, 300_000, 1
    assert datasets.fetch("toy").read_bytes() == BODY
    assert [status for _, _, status in server.asked] == [200, 200]


def test_it_breaks_for_good_and_the_next_call_goes_on(server, toy, home):
    server.break_at, server.breaks = 100_000, 4
    with pytest.raises(DataError, match="broke 4 times") as caught:
        datasets.fetch("toy")
    assert caught.value.operands["bytes"] == 400_000
    assert "400,000" in str(caught.value)
    assert left_over(home / "toy") == ["toy.bin.part"]
    server.asked.clear()
    assert datasets.fetch("toy").read_bytes() == BODY
    assert server.asked == [("/some/toy.bin", "bytes=400000-", 206)]


def test_a_wrong_checksum_keeps_the_old_file(server, toy, home):
    datasets.fetch("toy")
    other = hashlib.sha256(b"other").hexdigest()
    toy(sha=other)
    with pytest.raises(DataError, match=SHA) as caught:
        datasets.fetch("toy")
    assert caught.value.operands["sha256"] == SHA
    assert other in str(caught.value) and other in caught.value.rule
    assert left_over(home / "toy") == ["toy.bin"]
    assert (home / "toy" / "toy.bin").read_bytes() == BODY


def test_a_part_of_something_else_gets_a_second_chance(server, toy, home):
    (home / "toy").mkdir(parents=True)
    (home / "toy" / "toy.bin.part").write_bytes(b"x" * 5000)
    assert datasets.fetch("toy").read_bytes() == BODY
    assert [wanted for _, wanted, _ in server.asked] == ["bytes=5000-", None]


@pytest.mark.parametrize("extra", [0, 7])
def test_a_part_as_long_as_the_file_or_longer(server, toy, home, extra):
    (home / "toy").mkdir(parents=True)
    (home / "toy" / "toy.bin.part").write_bytes(b"x" * (len(BODY) + extra))
    assert datasets.fetch("toy").read_bytes() == BODY


def test_killed_before_the_new_name(server, toy, home):
    (home / "toy").mkdir(parents=True)
    (home / "toy" / "toy.bin.part").write_bytes(BODY)
    assert datasets.fetch("toy").read_bytes() == BODY
    assert server.asked == []


def test_a_changed_size_is_refused_before_the_download(server, toy, home):
    toy(size=123)
    with pytest.raises(DataError, match="900,001") as caught:
        datasets.fetch("toy")
    assert "123" in str(caught.value) and caught.value.operands["bytes"] == 900_001


def test_gone_from_its_address(server, toy):
    server.statuses = [404]
    with pytest.raises(DataError, match="404") as caught:
        datasets.fetch("toy")
    assert caught.value.where == f"{server.address}/some/toy.bin"
    assert "https://example.org/toy" in str(caught.value)


def test_a_busy_server_is_asked_again(server, toy):
    server.statuses = [503, 429]
    assert datasets.fetch("toy").read_bytes() == BODY
    assert [status for _, _, status in server.asked] == [503, 429, 200]


def test_no_network_says_what_to_do(toy):
    toy(address="http://127.0.0.1:9")  # nobody listens there
    with pytest.raises(DataError, match=r"127\.0\.0\.1:9 cannot be reached") as caught:
        datasets.fetch("toy")
    for words in ("FOLDER/toy/toy.bin", "mirror=FOLDER", "HOMESPUN_MIRROR"):
        assert words in str(caught.value)


@pytest.mark.parametrize("shape", ["toy/toy.bin", "toy.bin"])
@pytest.mark.parametrize("way", ["path", "uri", "environment"])
def test_a_folder_stands_in_for_the_network(server, toy, tmp_path, monkeypatch, shape, way):
    place = tmp_path / "mir ror" / shape
    place.parent.mkdir(parents=True)
    place.write_bytes(BODY)
    if way == "environment":
        monkeypatch.setenv("HOMESPUN_MIRROR", str(tmp_path / "mir ror"))
        path = datasets.fetch("toy")
    else:
        path = datasets.fetch("toy", mirror=tmp_path / "mir ror" if way == "path" else (tmp_path / "mir ror").as_uri())
    assert path.read_bytes() == BODY
    assert server.asked == []


def test_a_mirror_on_the_web(server, toy):
    toy(address="http://127.0.0.1:9")
    server.statuses = [404]
    assert datasets.fetch("toy", mirror=server.address + "/copy/").read_bytes() == BODY
    assert [path for path, _, _ in server.asked] == ["/copy/toy/toy.bin", "/copy/toy.bin"]


def test_a_mirror_is_checked_too_and_never_left_for_the_network(server, toy, tmp_path, home):
    (tmp_path / "toy.bin").write_bytes(BODY[:-1] + bytes([BODY[-1] ^ 1]))
    with pytest.raises(DataError, match="mirror holds something else"):
        datasets.fetch("toy", mirror=tmp_path)
    with pytest.raises(DataError, match="no such file") as caught:
        datasets.fetch("toy", mirror=tmp_path / "nothing")
    assert str(tmp_path / "nothing" / "toy.bin") in str(caught.value)
    assert server.asked == []
    assert not (home / "toy" / "toy.bin").exists()


def test_a_full_disk_is_said_before(server, toy, monkeypatch, home):
    monkeypatch.setattr(download.shutil, "disk_usage", lambda folder: types.SimpleNamespace(free=5))
    with pytest.raises(DataError, match="is full") as caught:
        datasets.fetch("toy")
    assert caught.value.operands == {"name": "toy", "free": 5, "needed": len(BODY)}


@pytest.mark.skipif(os.name == "nt", reason="limits of the process are POSIX")
def test_a_disk_that_fills_up_keeps_the_old_file_and_the_part(server, toy, home):
    """The size limit of a process stops a write in the middle, as a full disk does."""
    import resource

    old = datasets.fetch("toy")
    old.write_bytes(b"old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, limits[1]))
    try:
        with pytest.raises(DataError, match="is full"):
            datasets.fetch("toy")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert old.read_bytes() == b"old"
    assert 0 < (home / "toy" / "toy.bin.part").stat().st_size <= 400_000
    assert datasets.fetch("toy").read_bytes() == BODY
    assert server.asked[-1][1] is not None  # it went on


def child(server, home, *, wait=False):
    """A process that fetches the toy and prints where it lies."""
    code = f"""
        from homespun.datasets import listing, fetch
        files = (listing.File("{server.address}/some/toy.bin", "{SHA}", "computed", "toy.bin", {len(BODY)}),)
        one = listing.Dataset("toy", "A toy", "reading", "https://example.org/toy", ("toy",), files=files)
        listing._entries = lambda: (one,)
        print(fetch("toy"), flush=True)
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True)
    if wait:
        assert process.wait(60) == 0
    return process


def test_killed_in_the_middle_and_resumed(server, toy, home):
    server.delay = 0.05
    process = child(server, home)
    part = home / "toy" / "toy.bin.part"
    deadline = time.monotonic() + 60
    while not (part.exists() and part.stat().st_size > 100_000):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.communicate()
    kept = part.stat().st_size
    assert 0 < kept < len(BODY)
    server.delay = 0.0
    said, _ = child(server, home, wait=True).communicate()
    assert Path(said.strip()).read_bytes() == BODY
    assert server.asked[-1] == ("/some/toy.bin", f"bytes={kept}-", 206)  # the dead one's lock did not hold us up
    assert left_over(home / "toy") == ["toy.bin"]


def test_two_processes_at_once(server, toy, home):
    server.delay = 0.1  # about two seconds: both are there while the file comes
    both = [child(server, home) for _ in range(2)]
    said = [process.communicate(timeout=60)[0].strip() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert said[0] == said[1]
    assert Path(said[0]).read_bytes() == BODY
    assert len(server.asked) == 1  # the second one waited, and found it there
    assert left_over(home / "toy") == ["toy.bin"]


def test_many_threads_at_once(server, toy):
    server.delay = 0.001
    found = []
    threads = [threading.Thread(target=lambda: found.append(datasets.fetch("toy").read_bytes() == BODY)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 8
    assert len(server.asked) == 1


def test_a_lock_file_left_by_a_dead_process_is_free(server, toy, home):
    (home / "toy").mkdir(parents=True)
    (home / "toy" / ".toy.bin.lock").write_bytes(b"")
    assert datasets.fetch("toy").read_bytes() == BODY
    assert left_over(home / "toy") == ["toy.bin"]


def test_a_failure_frees_the_lock(server, toy, home):
    server.statuses = [404]
    with pytest.raises(DataError):
        datasets.fetch("toy")
    assert left_over(home / "toy") == []
    assert datasets.fetch("toy").read_bytes() == BODY


def test_one_at_a_time_even_when_the_first_fails(server, toy):
    """Whoever waits for a lock whose file is removed must not meet the one who makes a new file of it."""
    server.statuses, server.delay = [404, 404], 0.002
    said = []

    def bring():
        try:
            said.append(datasets.fetch("toy").read_bytes() == BODY)
        except DataError:
            said.append("gone")

    threads = [threading.Thread(target=bring) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, said)) == ["True"] * 6 + ["gone"] * 2
    assert len(server.asked) == 3  # two refusals and one download


def test_the_lock_is_on_the_file_that_others_see(tmp_path, monkeypatch):
    """Between opening and locking, the owner may remove the file and another process make a new one."""
    path, lock, tries = tmp_path / ".toy.lock", lock_file._try_lock, []

    def late(handle):
        tries.append(handle)
        if len(tries) == 1:
            path.unlink()
            path.touch()
        return lock(handle)

    monkeypatch.setattr(lock_file, "_try_lock", late)
    with lock_file.locked(path):
        assert len(tries) == 2
        assert os.path.samestat(os.fstat(tries[1].fileno()), path.stat())


def test_a_server_that_sends_another_range_is_not_believed(server, toy, home):
    (home / "toy").mkdir(parents=True)
    (home / "toy" / "toy.bin.part").write_bytes(BODY[:1000])
    server.shift = 5
    with pytest.raises(DataError, match="bytes from 1000 were asked for, the server sent 1005-"):
        datasets.fetch("toy")
    assert (home / "toy" / "toy.bin.part").read_bytes() == BODY[:1000]


def test_a_server_that_never_stops(server, toy):
    toy(size=1000)
    server.lengths = server.ranges = False
    with pytest.raises(DataError, match="more than the 1,000 bytes"):
        datasets.fetch("toy")


def test_real_data_stand_in_for_the_network():
    """The shared data sets hold the very file that the catalogue knows."""
    if "HOMESPUN_DATA" not in os.environ:
        pytest.skip("needs HOMESPUN_DATA (titanic)")
    path = datasets.fetch("titanic", mirror=os.environ["HOMESPUN_DATA"])
    assert len(path.read_text().splitlines()) - 1 == listing.entry("titanic").rows


def test_unknown_name():
    with pytest.raises(ParameterError, match=re.escape("'titanik'")):
        datasets.fetch("titanik")


def test_a_folder_that_cannot_be_written(toy, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="file"):
        datasets.fetch("toy", to=tmp_path / "file" / "deep")
