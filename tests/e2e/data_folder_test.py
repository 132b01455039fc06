"""A data folder that cannot be used: the server refuses to start and says the way out; nothing in it is lost."""

import hashlib
import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import tempfile
from pathlib import Path

import pytest
import requests

from server import Server, binary
from waiting import until

REFUSED_S = 20


@pytest.fixture
def used(make_server, fake):
    """A server that has answered three times and was stopped."""
    server = make_server([fake.model()]).start()
    for _ in range(3):
        assert server.chat("fake").status_code == 200
    server.stop()
    return server


def refuses(server, **options):
    """Starts it, sees it refuse; what it said."""
    process = server.spawn(**options)
    try:
        status = process.wait(REFUSED_S)
    except subprocess.TimeoutExpired:
        server.kill()
        raise AssertionError(f"it did not refuse:\n{server.log_text()}") from None
    assert status == 1, (status, server.log_text())
    said = server.log_text()
    in_the_configuration = f"{server.file}:"  # with its line
    assert said.startswith(("faelled: ", in_the_configuration)) and "\n  " in said, said  # what, and the way out
    return said


def picture(folder):
    """Names and hashes of what lies in a data folder, but for what is written anew at each start."""
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in ("lock", "faelled.db-shm", "faelled.db-wal")}


def still_whole(server, rows=3):
    server.start()
    assert len(server.rows()) == rows
    server.stop()


def test_in_use(used, make_server, fake, tmp_path):
    used.start()
    second = Server(tmp_path / "second", [fake.model()])
    second.folder.mkdir()
    second.config["data"] = str(used.data)
    said = refuses(second)
    assert f"in use by process {used.process.pid}" in said
    assert used.chat("fake").status_code == 200
    assert len(used.rows()) == 4


def test_from_a_newer_version(used):
    database = used.data / "faelled.db"
    with sqlite3.connect(database) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        connection.execute(f"PRAGMA user_version = {version + 1}")
    connection.close()
    before = picture(used.data)
    assert "newer" in refuses(used)
    assert picture(used.data) == before
    with sqlite3.connect(database) as connection:
        connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    still_whole(used)


def test_a_journal_from_a_newer_version(used):
    segments = sorted((used.data / "journal").iterdir())
    assert segments
    saved = {path: path.read_bytes() for path in segments}
    for path, content in saved.items():
        magic_bytes = 8
        version = int.from_bytes(content[magic_bytes:magic_bytes + 4], "little")
        assert version == 1
        path.write_bytes(content[:magic_bytes] + (version + 1).to_bytes(4, "little") + content[magic_bytes + 4:])
    assert "newer" in refuses(used)
    for path, content in saved.items():
        path.write_bytes(content)
    still_whole(used)


def test_a_broken_database(used):
    database = used.data / "faelled.db"
    saved = database.read_bytes()
    database.write_bytes(b"this is no database" + bytes(4096))
    before = picture(used.data)
    assert "faelled.db" in refuses(used)
    assert picture(used.data) == before, "a broken file is left for whoever can mend it"
    database.write_bytes(saved)
    still_whole(used)


def test_a_lost_master_key(used):
    """Sealed conversations could never be read again: better to say so than to start with a new key."""
    used.start(demo=True)
    session = requests.Session()
    assert session.post(used.url + "/api/session", json={"token": used.said["sign_in"].partition("#")[2]}).status_code == 200
    assert session.post(used.url + "/api/conversations", json={"model": "fake", "title": "sealed"}).status_code == 201
    used.stop()
    (key,) = [path for path in used.data.iterdir() if "master" in path.name or path.name.endswith(".key")]
    saved = key.read_bytes()
    key.unlink()
    refuses(used)
    assert not key.exists()
    key.write_bytes(saved)
    key.chmod(0o600)
    still_whole(used)


def test_a_file_in_its_place(make_server, fake, tmp_path):
    server = make_server([fake.model()])
    server.data.write_text("not a folder")
    said = refuses(server)
    assert f"data {server.data} is no folder" in said and said.startswith(f"{server.file}:3:"), said


def test_not_to_be_written(used):
    """Root may write everywhere; so as root the server runs as somebody else, in a place that they can reach."""
    with tempfile.TemporaryDirectory(prefix="faelled-", dir="/tmp") as place:
        place = Path(place)
        place.chmod(0o755)
        program = place / "faelled"
        shutil.copy(binary(), program)
        data = place / "data"
        shutil.copytree(used.data, data)
        data.chmod(0o500)
        file = place / "faelled.yaml"
        file.write_text(json.dumps({**used.config, "data": str(data)}))
        for path in (program, file):
            path.chmod(0o755)
        somebody = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
        done = subprocess.run([program, "serve", "--config", file], capture_output=True, text=True, timeout=REFUSED_S, **somebody)
        data.chmod(0o700)
        assert done.returncode == 1 and str(data) in done.stderr and "right" in done.stderr, done.stderr
    still_whole(used)


def full_disk():
    """No file may grow beyond what a start needs: writes fail as on a full disk (EFBIG), without root or a mount."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, 64 * 1024))


def test_no_room_at_the_start(make_server, fake):
    server = make_server([fake.model()])
    log = server.folder / "log.jsonl"
    said = refuses(server, preexec_fn=full_disk)
    assert str(server.data) in said
    assert log.stat().st_size < 64 * 1024
    still_whole(server, rows=0)


def test_no_room_while_it_serves(make_server, fake):
    """The database and the log cannot grow for a while: requests go on, usage waits in the journal, nothing is lost."""
    server = make_server([fake.model()])
    server.spawn(preexec_fn=lambda: signal.signal(signal.SIGXFSZ, signal.SIG_IGN))
    server.url = until("the server listens", server.address, 20)
    server.until_ready()
    assert server.chat("fake").status_code == 200
    assert len(server.rows()) == 1
    soft, hard = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (1, hard))
    seen = [server.chat("fake").headers["x-request-id"] for _ in range(50)]
    server.faelled("usage", "--rows", check=False)  # may say that it cannot; must not lose or spoil anything
    seen += [server.chat("fake").headers["x-request-id"] for _ in range(50)]
    assert server.get("/livez", None).status_code == 200
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (soft, hard))

    def all_there():
        ids = [row["request_id"] for row in server.rows()]
        return sorted(ids[1:]) == sorted(seen)
    until("every request is in the ledger once", all_there, 15)
    server.kill()
    still_whole(server, rows=101)


def test_killed_while_there_is_no_room(make_server, fake):
    server = make_server([fake.model()])
    server.spawn(preexec_fn=lambda: signal.signal(signal.SIGXFSZ, signal.SIG_IGN))
    server.url = until("the server listens", server.address, 20)
    server.until_ready()
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
    seen = [server.chat("fake").headers["x-request-id"] for _ in range(30)]
    server.kill()
    server.start()
    assert sorted(row["request_id"] for row in server.rows()) == sorted(seen)


def test_a_wrong_configuration_is_told_with_its_line(tmp_path):
    file = tmp_path / "faelled.yaml"
    file.write_text("listen: 127.0.0.1:0\ndata: ./data\nmodels: []\nmodles: []\n")
    for command in (["check", str(file)], ["serve", "--config", str(file)]):
        done = subprocess.run([binary(), *command], capture_output=True, text=True, timeout=REFUSED_S)
        assert done.returncode != 0
        assert "faelled.yaml:4:1" in done.stdout + done.stderr and "did you mean 'models'" in done.stdout + done.stderr
    assert not (tmp_path / "data").exists()


def test_an_address_in_use(used, make_server, fake):
    used.start()
    second = make_server([fake.model()])
    second.config["listen"] = used.url.removeprefix("http://")
    assert used.url.rpartition(":")[2] in refuses(second)


def test_the_same_folder_serves_again_and_again(used):
    for count in range(4, 7):
        used.start()
        assert used.chat("fake").status_code == 200
        until("the row is there", lambda count=count: len(used.rows()) == count)
        used.stop() if count % 2 else used.kill()
    still_whole(used, rows=6)
