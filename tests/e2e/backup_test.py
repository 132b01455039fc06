"""Backup beside a running server under load, and restore onto an empty host."""

import json
import os
import subprocess
import threading
import time

import pytest

from server import SECRET, Server, binary
from visiting import signed_in
from waiting import until

PASSPHRASE = "a passphrase for tests alone"


def run(*words, check=True):
    done = subprocess.run([binary(), *map(str, words)], capture_output=True, text=True, timeout=120)
    assert not check or done.returncode == 0, done.stderr
    return done


@pytest.fixture()
def passphrase(tmp_path):
    file = tmp_path / "pass"
    file.touch(mode=0o600)
    file.write_text(PASSPHRASE + "\n")
    return file


def asked(server, session, words):
    """A conversation of one question, answered; its id."""
    conversation = session.post(server.url + "/api/conversations", json={"model": "fake"}).json()["id"]
    session.post(f"{server.url}/api/conversations/{conversation}/turns", json={"content": words})
    until("the answer is done", lambda: [message["state"] for message in messages(server, session, conversation)] == ["done"] * 2)
    return conversation


def messages(server, session, conversation):
    return session.get(f"{server.url}/api/conversations/{conversation}").json()["messages"]


def restored_server(server, folder):
    """A server on the restored data, with the configuration that came with it."""
    folder.mkdir(exist_ok=True)
    again = Server(folder, server.config["models"])
    again.config = {**json.loads((again.data / "faelled.yaml").read_text()), "data": str(again.data)}
    return again


# Invariant: a backup is whole or refused
def test_a_backup_under_load_restores_every_request_that_was_answered_before_it(make_server, fake, tmp_path, passphrase):
    server = make_server([fake.model(concurrency=64)]).start()
    session = signed_in(server)
    conversation = asked(server, session, "what the canary sang")
    answered, stop = [], threading.Event()

    def ask():
        while not stop.is_set():
            answer = server.chat("fake")
            if answer.status_code == 200:
                answered.append((time.monotonic(), answer.headers["x-request-id"]))

    askers = [threading.Thread(target=ask) for _ in range(4)]
    for asker in askers:
        asker.start()
    try:
        until("there is load", lambda: len(answered) > 50)
        before = {request_id for _, request_id in list(answered)}
        file = tmp_path / "first.backup"
        server.faelled("backup", str(file), "--passphrase-file", str(passphrase))
    finally:
        stop.set()
        for asker in askers:
            asker.join()
    key = json.loads(server.faelled("key", "add", "--member", "demo", "--name", "later", "--json").stdout)
    server.kill()

    said = json.loads(run("restore", file, "--check", "--passphrase-file", passphrase, "--json").stdout)
    assert said["keys"] is True
    again_folder = tmp_path / "empty-host"
    again_folder.mkdir()
    run("restore", file, "--data", again_folder / "data", "--passphrase-file", passphrase)
    again = restored_server(server, again_folder)
    try:
        again.start()
        rows = [row["request_id"] for row in again.rows()]
        assert len(rows) == len(set(rows))
        assert before <= set(rows), f"{len(before - set(rows))} requests are missing from the restored ledger"
        assert again.chat("fake", secret=SECRET).status_code == 200
        assert again.get("/v1/models", key["secret"]).status_code == 401, "what came after the backup is not in it"
        assert messages(again, session, conversation)[0]["content"] == "what the canary sang"
    finally:
        again.end()


def test_a_backup_is_secret_and_words_are_in_none_without_keys(make_server, fake, tmp_path, passphrase):
    server = make_server([fake.model()]).start()
    asked(server, signed_in(server), "canary-in-a-coal-mine")
    sealed, open_to_all = tmp_path / "sealed", tmp_path / "without"
    server.faelled("backup", str(sealed), "--passphrase-file", str(passphrase))
    server.faelled("backup", str(open_to_all), "--without-keys")
    run("restore", open_to_all, "--data", tmp_path / "out")
    files = [sealed, open_to_all] + [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert len(files) > 2
    for file in files:
        content = file.read_bytes()
        assert b"canary-in-a-coal-mine" not in content and SECRET.encode() not in content, file
    assert not (tmp_path / "out/master.key").exists()
    assert oct(sealed.stat().st_mode & 0o777) == "0o600"


@pytest.mark.parametrize("words, said", [
    ((), "is sealed with a passphrase"),
    (("--passphrase-file", "nowhere"), "cannot be read"),
])
def test_a_backup_without_a_passphrase_says_what_to_do(make_server, fake, tmp_path, words, said):
    server = make_server([fake.model()]).start()
    done = server.faelled("backup", str(tmp_path / "b"), *words, check=False)
    assert done.returncode == 1 and said in done.stderr and "\n  " in done.stderr
    assert not (tmp_path / "b").exists()


def test_a_passphrase_that_others_can_read_or_guess_is_refused(make_server, fake, tmp_path, passphrase):
    server = make_server([fake.model()]).start()
    passphrase.chmod(0o644)
    done = server.faelled("backup", str(tmp_path / "b"), "--passphrase-file", str(passphrase), check=False)
    assert done.returncode == 1 and "chmod 600" in done.stderr
    passphrase.chmod(0o600)
    passphrase.write_text("short\n")
    done = server.faelled("backup", str(tmp_path / "b"), "--passphrase-file", str(passphrase), check=False)
    assert done.returncode == 1 and "12 to 1024" in done.stderr and "short" not in done.stderr


def test_the_doctor_speaks_plainly_and_the_support_bundle_names_nobody(make_server, fake, tmp_path):
    away = {"id": "away", "engine": "openai", "url": "http://xylofon.localhost:9/v1"}  # its detail names the address
    server = make_server([fake.model(), away], log={"file": str(tmp_path / "server.log")},
                         keys=[{"member": "xylofonby", "name": "klarinet", "user": "Obofrida", "secret": SECRET}])
    server.spawn()
    until("it serves", lambda: (server.data / "control.sock").exists() and server.faelled("model", "list", check=False).returncode == 0)
    done = server.faelled("doctor", check=False)
    for what in ("configuration", "data", "master key", "backup", "disk", "memory", "shm", "clock", "sandbox", "gpu"):
        assert any(line[5:].startswith(what) for line in done.stdout.splitlines()), done.stdout
    found = json.loads(server.faelled("doctor", "--json", check=False).stdout)["findings"]
    assert all(set(one) == {"what", "verdict", "says", "mend"} for one in found)
    assert all(one["mend"] for one in found if one["verdict"] in ("warn", "bad"))
    assert done.returncode == (1 if any(one["verdict"] == "bad" for one in found) else 0)

    file = tmp_path / "support.txt"
    server.faelled("support-bundle", str(file))
    text = file.read_text()
    for section in ("machine", "doctor", "configuration", "readyz", "models", "metrics", "log"):
        assert f"===== {section}" in text
    assert '"message":"listening"' in text
    assert '{"id":"away","state":"' in text
    for secret in (SECRET, "xylofon", "klarinet", "Obofrida", "127.0.0.1"):
        assert secret not in text, secret
    again = server.faelled("support-bundle", str(file), check=False)
    assert again.returncode == 1 and "not taken" in again.stderr
    server.end()


def test_a_gpu_is_told_by_what_its_driver_says(make_server, fake, tmp_path, monkeypatch):
    """The driver is a script here: no machine of the tests has a GPU. It prints what nvidia-smi -q prints on a vGPU."""
    server = make_server([fake.model()]).start()
    tool = tmp_path / "bin/nvidia-smi"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\ncat <<'X'\nDriver Version                            : 570.86.15\n"
                    "GPU 00000000:00:05.0\n    Product Name                          : NVIDIA A16-4C\n"
                    "    vGPU Software Licensed Product\n        License Status                    : Unlicensed (Restricted)\n"
                    "    GPU Virtualization Mode\n        Virtualization Mode               : VGPU\n"
                    "    FB Memory Usage\n        Total                             : 4096 MiB\nX\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:{os.environ['PATH']}")
    done = server.faelled("doctor", check=False)
    assert done.returncode == 1 and "NVIDIA A16-4C, 4096 MiB" in done.stdout and "licence" in done.stdout
