"""The downloader against a server that cuts, lies, refuses and resumes."""

import hashlib
import http.server
import os
import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest

FETCH = Path(__file__).resolve().parents[2] / "scripts" / "fetch.py"
BODY = random.Random(3).randbytes(700_000)
SHA256 = hashlib.sha256(BODY).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """Serves BODY; `cuts` says after how many bytes the next answers break off, `statuses` what they answer instead."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.cuts, self.statuses, self.ranges, self.paths, self.credentials = [], [], [], [], []
        self.body, self.resumes, self.headers = BODY, True, {}
        self.pages, self.redirects = {}, {}
        self.page_cuts, self.hang_ups = [], 0  # as cuts; so many requests get no answer at all
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        server = self.server
        server.paths.append(self.path)
        server.credentials.append(self.headers.get("Authorization"))
        if server.hang_ups:
            server.hang_ups -= 1
            self.close_connection = True
            return None
        if self.path in server.redirects:
            to = server.redirects[self.path]
            return self.answer(302, b"", {"Location": to} | (server.headers if to.startswith("http") else {}))  # as the hub: to its store
        if self.path in server.pages:
            content_type, page = server.pages[self.path]
            return self.answer(200, page, {"Content-Type": content_type})
        if server.statuses:
            return self.answer(server.statuses.pop(0), b"no")
        asked = self.headers.get("Range")
        server.ranges.append(asked)
        start = int(asked[6:-1]) if asked and server.resumes else 0
        if start > len(server.body):
            return self.answer(416, b"")
        headers = dict(server.headers)
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(server.body) - 1}/{len(server.body)}"
        self.answer(206 if start else 200, server.body[start:], headers)

    def answer(self, status, body, headers=()):
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if status in (200, 206) and self.path not in self.server.pages and self.server.cuts:
            body = body[: self.server.cuts.pop(0)]
        if self.path in self.server.pages and self.server.page_cuts:
            body = body[: self.server.page_cuts.pop(0)]
        self.wfile.write(body)
        self.close_connection = True


@pytest.fixture
def server():
    with Server() as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


another = server


def fetch(*words, **environment):
    clean = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return subprocess.run([sys.executable, str(FETCH), *map(str, words)], capture_output=True, text=True, timeout=60,
                          env={**clean, "FAELLED_FETCH_BACK_OFF_S": "0", **environment})


def fetch_body(server, dest, sha256=SHA256, **environment):
    return fetch("url", f"{server.url}/file", dest, "--sha256", sha256, **environment)


def test_fetches_a_file_and_says_how_far_it_is(server, tmp_path):
    done = fetch_body(server, tmp_path / "file")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "file").read_bytes() == BODY
    assert "0.7 of 0.7 MB (100 %)" in done.stderr
    assert os.listdir(tmp_path) == ["file"]


def test_goes_on_where_the_connection_was_cut(server, tmp_path):
    server.cuts = [100_000, 250_000]
    assert fetch_body(server, tmp_path / "file").returncode == 0
    assert (tmp_path / "file").read_bytes() == BODY
    assert server.ranges == [None, "bytes=100000-", "bytes=350000-"]


def test_goes_on_in_a_later_run(server, tmp_path):
    server.cuts = [100_000]
    first = fetch_body(server, tmp_path / "file", FAELLED_FETCH_TRIES="1")
    assert first.returncode != 0
    assert "goes on from there" in first.stderr
    assert os.listdir(tmp_path) == ["file.part"], "half a file never has the file's name"
    assert fetch_body(server, tmp_path / "file").returncode == 0
    assert server.ranges == [None, "bytes=100000-"]
    assert (tmp_path / "file").read_bytes() == BODY


def test_begins_again_where_the_server_cannot_resume(server, tmp_path):
    server.resumes, server.cuts = False, [100_000]
    assert fetch_body(server, tmp_path / "file").returncode == 0
    assert (tmp_path / "file").read_bytes() == BODY


def test_keeps_nothing_with_the_wrong_hash(server, tmp_path):
    server.body = BODY[:-1] + b"!"
    done = fetch_body(server, tmp_path / "file")
    assert done.returncode != 0
    assert "the hash is" in done.stderr and "nothing was kept" in done.stderr
    assert os.listdir(tmp_path) == []


def test_a_part_of_another_file_is_thrown_away(server, tmp_path):
    (tmp_path / "file.part").write_bytes(b"x" * 1000)
    assert fetch_body(server, tmp_path / "file").returncode == 0
    assert (tmp_path / "file").read_bytes() == BODY


def test_a_part_longer_than_the_file_is_thrown_away(server, tmp_path):
    (tmp_path / "file.part").write_bytes(BODY + b"more")
    assert fetch_body(server, tmp_path / "file").returncode == 0
    assert (tmp_path / "file").read_bytes() == BODY


def test_tries_again_when_the_server_is_busy(server, tmp_path):
    server.statuses = [503, 429]
    assert fetch_body(server, tmp_path / "file").returncode == 0


def test_says_at_once_what_is_not_there(server, tmp_path):
    server.statuses = [404] * 10
    done = fetch_body(server, tmp_path / "file")
    assert done.returncode != 0 and "HTTP 404" in done.stderr
    assert len(server.statuses) == 9, "another try would not help"


def test_does_not_fetch_what_is_there(server, tmp_path):
    (tmp_path / "file").write_bytes(BODY)
    assert fetch_body(server, tmp_path / "file").returncode == 0
    assert server.paths == []


def test_gives_up_on_a_server_that_is_gone(tmp_path):
    done = fetch("url", "http://127.0.0.1:1/file", tmp_path / "file", "--sha256", SHA256, FAELLED_FETCH_TRIES="2")
    assert done.returncode != 0 and "gave up after 2 tries" in done.stderr


@pytest.mark.parametrize("content_type", ["application/vnd.pypi.simple.v1+json", "text/html"])
def test_finds_a_wheel_through_pips_own_index(server, tmp_path, content_type):
    name = "tiny-1.0-py3-none-any.whl"
    if "json" in content_type:
        page = b'{"files": [{"url": "../../other.whl"}, {"url": "../../files/%s#sha256=1"}]}' % name.encode()
    else:
        page = b'<a href="../../other.whl">x</a><a href="../../files/%s#sha256=1">y</a>' % name.encode()
    server.pages["/simple/tiny/"] = (content_type, page)
    done = fetch("pypi", "tiny", name, tmp_path / name, "--sha256", SHA256, PIP_INDEX_URL=f"{server.url}/simple")
    assert done.returncode == 0, done.stderr
    assert server.paths == ["/simple/tiny/", f"/files/{name}"]


def test_asks_an_index_again_that_was_cut_off_and_says_so(server, tmp_path):
    name = "tiny-1.0-py3-none-any.whl"
    server.pages["/simple/tiny/"] = ("text/html", b'<a href="/files/%s">x</a>' % name.encode())
    server.page_cuts = [10]
    done = fetch("pypi", "tiny", name, tmp_path / name, "--sha256", SHA256, PIP_INDEX_URL=f"{server.url}/simple")
    assert done.returncode == 0, done.stderr
    assert "/simple/tiny/: IncompleteRead" in done.stderr and "again in 0 s" in done.stderr
    assert server.paths == ["/simple/tiny/", "/simple/tiny/", f"/files/{name}"]


@pytest.mark.parametrize("refusal", ["busy", "silent"])
def test_asks_a_hub_again_for_the_hash(server, tmp_path, refusal):
    server.headers = {"X-Linked-Etag": f'"{SHA256}"'}
    server.statuses, server.hang_ups = ([503], 0) if refusal == "busy" else ([], 1)
    done = fetch("hf", "owner/repo/small.gguf", tmp_path / "small.gguf", HF_ENDPOINT=server.url)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "small.gguf").read_bytes() == BODY and "again in 0 s" in done.stderr


def test_a_hub_that_wants_consent_is_not_asked_again(server, tmp_path):
    server.statuses = [403] * 9
    done = fetch("hf", "owner/repo/small.gguf", tmp_path / "small.gguf", HF_ENDPOINT=server.url)
    assert done.returncode != 0 and "set HF_TOKEN" in done.stderr and len(server.statuses) == 8


def test_fetches_a_model_by_its_hub_name_and_checks_the_hash_the_hub_tells(server, tmp_path):
    server.headers = {"X-Linked-Etag": f'"{SHA256}"'}
    done = fetch("hf", "owner/repo/small.gguf", tmp_path / "small.gguf", HF_ENDPOINT=server.url)
    assert done.returncode == 0, done.stderr
    assert server.paths[-1] == "/owner/repo/resolve/main/small.gguf"
    assert (tmp_path / "small.gguf").read_bytes() == BODY
    server.body = BODY[::-1]
    done = fetch("hf", "owner/repo/bad.gguf", tmp_path / "bad.gguf", HF_ENDPOINT=server.url)
    assert done.returncode != 0 and "the hash is" in done.stderr


def test_refuses_a_hub_name_that_climbs(tmp_path):
    done = fetch("hf", "owner/repo/../x.gguf", tmp_path / "x")
    assert done.returncode != 0 and "is no model file" in done.stderr


def test_a_hub_that_tells_no_hash_is_not_believed(server, another, tmp_path):
    done = fetch("hf", "owner/repo/small.gguf", tmp_path / "small.gguf", HF_ENDPOINT=server.url)
    assert done.returncode != 0 and "does not tell its SHA-256" in done.stderr
    server.redirects = {"/owner/repo/resolve/main/small.gguf": f"{another.url}/store"}
    another.headers = {"ETag": f'"{SHA256}"'}
    done = fetch("hf", "owner/repo/small.gguf", tmp_path / "small.gguf", HF_ENDPOINT=server.url)
    assert done.returncode != 0 and another.paths == [], "nor is somebody else asked for it"
    assert not (tmp_path / "small.gguf").exists()


def test_a_token_is_not_handed_on_to_whom_the_hub_redirects(server, another, tmp_path):
    server.redirects = {"/owner/repo/resolve/main/small.gguf": "/moved", "/moved": f"{another.url}/store"}
    server.headers = {"X-Linked-Etag": f'"{SHA256}"'}
    done = fetch("hf", "owner/repo/small.gguf", tmp_path / "small.gguf", HF_ENDPOINT=server.url, HF_TOKEN="hf_secret")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "small.gguf").read_bytes() == BODY
    assert server.paths[-1] == "/moved" and set(server.credentials) == {"Bearer hf_secret"}
    assert another.paths == ["/store"] and another.credentials == [None]


def test_an_indexs_password_is_not_handed_on_to_whom_it_redirects(server, another, tmp_path):
    name = "tiny-1.0-py3-none-any.whl"
    server.redirects = {"/simple/tiny/": f"{another.url}/simple/tiny/"}
    another.pages["/simple/tiny/"] = ("text/html", b'<a href="/files/%s">x</a>' % name.encode())
    index = server.url.replace("//", "//me:word@") + "/simple"
    done = fetch("pypi", "tiny", name, tmp_path / name, "--sha256", SHA256, PIP_INDEX_URL=index)
    assert done.returncode == 0, done.stderr
    assert server.credentials == ["Basic bWU6d29yZA=="] and another.credentials == [None, None]
