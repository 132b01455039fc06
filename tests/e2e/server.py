"""One Fælled under test: its configuration, process, addresses, ledger and log."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import requests

from waiting import until

SECRET = "sk-test0000000000000000000000000001"
OTHER_SECRET = "sk-test0000000000000000000000000002"
START_S = 60


def named_by(variable):
    """A file that ./test names; a test that needs it fails where it is not named."""
    value = os.environ.get(variable)
    assert value, f"set {variable}; ./test does"
    assert Path(value).exists(), f"{variable}={value} is not there"
    return value


def engine_behind(gate):
    """A script that becomes the engine once the file `gate` is there. An engine starts nothing from other folders than its
    own, so a copy lies beside the script."""
    shutil.copy(Path(named_by("FAELLED_LLAMA_SERVER")).resolve(), gate.parent / "engine")
    script = gate.parent / "llama-server"
    script.write_text(f'#!/bin/sh\nwhile [ ! -e "{gate}" ]; do /bin/sleep 0.02; done\nexec "{gate.parent}/engine" "$@"\n')
    script.chmod(0o755)
    return script


def binary():
    return named_by("FAELLED_BINARY")


class Server:
    """Made with a folder of its own and the models it serves. `start()` and `stop()` may be called again and again."""

    def __init__(self, folder, models, **config):
        self.folder = Path(folder)
        self.data = self.folder / "data"
        self.file = self.folder / "faelled.yaml"
        self.log_file = self.folder / "log.jsonl"
        self.config = {"listen": "127.0.0.1:0", "data": str(self.data),
                       "keys": [{"member": "demo", "name": "first", "secret": SECRET},
                                {"member": "other", "name": "second", "secret": OTHER_SECRET}],
                       "models": models, **config}
        if any(model["engine"] == "llama" for model in models):
            self.config.setdefault("llama_server", named_by("FAELLED_LLAMA_SERVER"))
        self.process = None
        self.url = None  # the plain address, where there is one
        self.tls_url = None
        self.said = None  # the line of --demo --json

    def write_config(self):
        self.file.write_text(json.dumps(self.config, indent=1))  # JSON is YAML

    def spawn(self, *flags, **options):
        """The process, and nothing awaited."""
        self.write_config()
        self.log_begun = self.log_file.stat().st_size if self.log_file.exists() else 0
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen([binary(), "serve", "--config", str(self.file), *flags], stdin=subprocess.DEVNULL,
                                            stdout=subprocess.PIPE if flags else log, stderr=log, **options)
        return self.process

    def start(self, demo=False, ready=True):
        self.spawn(*(["--demo", "--json"] if demo else []))
        self.url = until("the server listens", self.address, START_S)
        if demo:
            self.said = json.loads(self.process.stdout.readline())
        if ready:
            self.until_ready()
        return self

    def address(self):
        assert self.process.poll() is None, f"the server ended with {self.process.returncode}:\n{self.log_text()}"
        line = next((line for line in self.log() if line.get("message", line.get("msg")) == "listening"), None)
        if not line:
            return None
        self.tls_url = line["local_url"] if line["local_url"].startswith("https:") else None
        return line["plain_url"] or line["local_url"]

    def until_ready(self, *models, within_s=START_S):
        wanted = models or [model["id"] for model in self.config["models"] if not model.get("members")]  # /readyz names no others

        def ready():
            answer = self.get("/readyz").json()
            return all(answer["models"][model] for model in wanted)

        until(f"{', '.join(wanted)} ready", ready, within_s)

    def log_text(self):
        with open(self.log_file, "rb") as log:
            log.seek(self.log_begun)
            return log.read().decode("utf-8", "replace")

    def log(self):
        """Whole lines since the last start."""
        return [json.loads(line) for line in self.log_text().split("\n")[:-1] if line.startswith("{")]

    def stop(self, within_s=10):
        """SIGTERM; how long it took. Fails where it does not end in time or not well."""
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"still there {within_s} s after SIGTERM") from None
        assert status == 0, f"ended with {status}:\n{self.log_text()[-3000:]}"
        return time.monotonic() - begun

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        if self.process and self.process.poll() is None:
            self.kill()
        if self.process and self.process.stdout:
            self.process.stdout.close()

    def alive(self):
        return self.process.poll() is None

    # What it is asked.

    def get(self, path, secret=SECRET, **options):
        return requests.get(self.url + path, headers=self.headers(secret, options), timeout=60, **options)

    def post(self, path, body, secret=SECRET, **options):
        kind = "data" if isinstance(body, (bytes, str)) else "json"
        return requests.post(self.url + path, headers=self.headers(secret, options), timeout=60, **{kind: body}, **options)

    @staticmethod
    def headers(secret, options):
        headers = {"Content-Type": "application/json", **options.pop("headers", {})}
        return headers | ({"Authorization": f"Bearer {secret}"} if secret else {})

    def chat(self, model, content="hello", secret=SECRET, **fields):
        body = {"model": model, "messages": [{"role": "user", "content": content}], **fields}
        return self.post("/v1/chat/completions", body, secret, stream=fields.get("stream", False))

    def faelled(self, *words, check=True):
        """The command line on the server's own machine."""
        done = subprocess.run([binary(), *words, "--config", str(self.file)], capture_output=True, text=True, timeout=60)
        assert not check or done.returncode == 0, done.stderr
        return done

    def faelled_check(self):
        return subprocess.run([binary(), "check", str(self.file)], capture_output=True, text=True, timeout=60)

    def rows(self):
        return json.loads(self.faelled("usage", "--rows", "--json").stdout)["rows"]

    def row_of(self, request_id, within_s=5):
        """The one ledger row of a request; fails on none and on two."""
        until(f"{request_id} in the ledger", lambda: any(row["request_id"] == request_id for row in self.rows()), within_s)
        found = [row for row in self.rows() if row["request_id"] == request_id]
        assert len(found) == 1, found
        return found[0]

    def metrics(self):
        return self.get("/metrics", secret=None).text

    # Its engines.

    def measured_of_all(self):
        """What engines measure of themselves: {(name, model, device): value}."""
        lines = re.findall(r'^faelled_engine_(\w+)\{device="([^"]*)",model="([^"]*)"\} (\S+)$', self.metrics(), re.MULTILINE)
        return {(name, model, device): float(value) for name, device, model, value in lines}

    def measured(self, model, device="host"):
        return {name: value for (name, *which), value in self.measured_of_all().items() if which == [model, device]}

    def engine_pids(self):
        """llama-servers that are its children."""
        return children_of(self.process.pid)

    def model_state(self, model):
        done = self.faelled("model", "list", "--json")
        return next(entry for entry in json.loads(done.stdout)["models"] if entry["id"] == model)


def children_of(pid):
    found = []
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # its thread has ended meanwhile
            found += [int(child) for child in file.read_text().split()]
    return found


def process_gone(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True
