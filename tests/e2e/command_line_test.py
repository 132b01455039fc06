"""Commands beside a running server, where what the configuration names has gone, or where they are cut off themselves."""

import json
import os
import signal
import subprocess

import pytest

from server import binary
from waiting import until


@pytest.fixture()
def passphrase(tmp_path):
    file = tmp_path / "pass"
    file.touch(mode=0o600)
    file.write_text("a passphrase for tests alone\n")
    return file


def test_a_file_that_is_gone_keeps_no_command_from_a_server_that_runs(make_server, fake, tmp_path, passphrase):
    key = tmp_path / "upstream.key"
    key.write_text("sk-upstream\n")
    server = make_server([fake.model(api_key_file=str(key))]).start()
    made = json.loads(server.faelled("key", "add", "--member", "demo", "--name", "later", "--json").stdout)
    key.unlink()
    assert "fake" in server.faelled("model", "list").stdout
    server.faelled("key", "revoke", made["id"])
    server.faelled("maintenance", "on", "--message", "Back soon")
    server.faelled("audit", "heads")
    server.faelled("backup", str(tmp_path / "b"), "--passphrase-file", str(passphrase))
    told = server.faelled("doctor", check=False)
    assert told.returncode == 1 and str(key) in told.stdout
    assert any(line[5:].startswith("disk") for line in told.stdout.splitlines()), "it goes on"


@pytest.mark.parametrize("ended_by", [signal.SIGKILL, signal.SIGTERM])
def test_a_backup_that_was_cut_off_does_not_stand_in_the_way_of_the_next(make_server, fake, tmp_path, passphrase, ended_by):
    server = make_server([fake.model()]).start()
    server.stop()
    key, kept, file = server.data / "master.key", tmp_path / "kept.key", tmp_path / "nightly"
    key.rename(kept)
    os.mkfifo(key)  # there it stops, with the database written
    words = [binary(), "backup", str(file), "--config", str(server.file), "--passphrase-file", str(passphrase)]
    backup = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        part = file.with_name("nightly.part")
        until("it has begun to write", lambda: part.exists() and part.stat().st_size > 4096)
        assert not file.exists(), "it is called so only when it is whole"
        backup.send_signal(ended_by)
        assert backup.wait(20) != 0
    finally:
        backup.kill()
    assert not file.exists()
    if ended_by == signal.SIGTERM:
        assert not part.exists() and not (server.data / "backup.new").exists()
    key.unlink()
    kept.rename(key)
    subprocess.run(words, check=True, capture_output=True, timeout=60)
    done = subprocess.run([binary(), "restore", str(file), "--check", "--passphrase-file", str(passphrase)], check=True,
                          capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith(str(file)), "and no carriage return before it"
    assert not part.exists() and not (server.data / "backup.new").exists()


def test_a_support_bundle_says_nothing_of_where_an_upstream_is(make_server, tmp_path):
    away = {"id": "away", "engine": "openai", "url": "http://127.0.0.77:9/v1"}
    server = make_server([away], log={"file": str(tmp_path / "server.log")})
    server.spawn()
    until("it serves", lambda: (server.data / "control.sock").exists() and server.faelled("model", "list", check=False).returncode == 0)
    log = tmp_path / "server.log"
    until("the log tells why", lambda: "127.0.0.77" in log.read_text())
    file = tmp_path / "support.txt"
    server.faelled("support-bundle", str(file))
    assert str(tmp_path) not in file.read_text(), "nor where this one keeps its files"
    assert "127.0.0.77" not in file.read_text() and '"message":"listening"' in file.read_text()
    server.end()


def test_a_token_that_is_refused_is_no_success_as_json_either(make_server, fake, tmp_path):
    secret = tmp_path / "token.secret"
    secret.write_text("0123456789abcdef0123456789abcdef\n")
    server = make_server([fake.model()], front_ends=[{"name": "web", "key": {"member": "demo", "name": "first"},
                                                      "token": {"secret_file": str(secret)}, "default_member": "demo"}]).start()
    for flags in ([], ["--json"]):
        assert server.faelled("front-end", "test", "e30.e30.AA", *flags, check=False).returncode == 1
