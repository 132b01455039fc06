#!/usr/bin/env python3
"""A large catalogue: how long the server takes to start with so many models, what each costs in memory, and how long lists
and look-ups take. Started by ./dev scale catalogue."""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/e2e"))

import tiny_models  # noqa: E402
from control import add, api, keep, pages  # noqa: E402
from fake_engine import FakeEngine  # noqa: E402
from server import SECRET, Server, binary  # noqa: E402

LOOKUPS = 500
FILE_MAX = 5_000  # of the configuration file, which may have 1 MiB
SETTLE_S = 3  # what a start needed and gives back


def definition(file, number):
    return {"id": f"models/of-everybody/number-{number}", "engine": "llama", "file": str(file), "context_tokens": 2048}


def fetched(number):
    """One whose file is not here and is never fetched: the server is offline."""
    return {"id": f"models/of-everybody/number-{number}", "engine": "llama", "sha256": f"{number:064x}",
            "source": f"https://models.example/{number}.gguf"}


def cpu_s(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def memory(pid, name="VmRSS"):
    return int(re.search(rf"{name}:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) * 1024


def timed(call, times=5):
    took = []
    for _ in range(times):
        begun = time.perf_counter()
        call()
        took.append((time.perf_counter() - begun) * 1000)
    return sorted(took)[len(took) // 2]


def list_models(server):
    """Milliseconds of the command that lists them all, and bytes of memory that it takes at most."""
    begun = time.perf_counter()
    command = subprocess.Popen([binary(), "model", "list", "--config", str(server.file)], stdout=subprocess.DEVNULL)
    most = 0
    while command.poll() is None:
        try:
            most = max(most, memory(command.pid, "VmHWM"))
        except (FileNotFoundError, TypeError):
            break  # it has just ended
        time.sleep(0.002)
    assert command.wait() == 0, "faelled model list"
    return (time.perf_counter() - begun) * 1000, most


def measure_pages(number, server):
    """What one page of a list costs, at its beginning, in its middle and searched for; and what everything that is found costs."""
    middle = f"models/of-everybody/number-{number // 2}"
    asked = {"first": "", "middle": f"&after={middle}", "search": f"&search=number-{number - 1}", "in vain": "&search=zebra"}
    for path in ("/api/catalogue", "/api/residency"):
        took = {what: timed(lambda query=query: api(server, "GET", f"{path}?limit=100{query}")) for what, query in asked.items()}
        print(f"{'':10} {path}, 100 rows, ms: " + ", ".join(f"{what} {ms:.1f}" for what, ms in took.items()), flush=True)
    took = timed(lambda: api(server, "GET", "/api/residency?limit=100&state=in_use"))
    begun = time.perf_counter()
    rows = sum(len(page["models"]) for page in pages(server, "/api/residency", 1000))
    print(f"{'':10} in use {took:.1f} ms; all {rows} in {time.perf_counter() - begun:.2f} s", flush=True)


def measure(label, number, server):
    begun = time.monotonic()
    server.start(ready=False)
    started = time.monotonic() - begun
    start_cpu = cpu_s(server.process.pid)
    time.sleep(SETTLE_S)
    resident, peak = memory(server.process.pid), memory(server.process.pid, "VmHWM")
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {SECRET}"
    listed = timed(lambda: session.get(server.url + "/v1/models").json())
    shown = len(session.get(server.url + "/v1/models").json()["data"])
    metrics = timed(lambda: session.get(server.url + "/metrics"))
    metrics_bytes = len(session.get(server.url + "/metrics").content)
    ready = timed(lambda: session.get(server.url + "/readyz"))
    body = {"model": f"models/of-everybody/number-{number}x", "messages": [{"role": "user", "content": "x"}]}
    before = cpu_s(server.process.pid)
    for _ in range(LOOKUPS):
        answer = session.post(server.url + "/v1/chat/completions", json=body)
        assert answer.status_code == 404, answer.text
    lookup = (cpu_s(server.process.pid) - before) / LOOKUPS * 1e6
    at_rest = cpu_s(server.process.pid)
    time.sleep(5)
    idle = (cpu_s(server.process.pid) - at_rest) / 5 * 100
    command, command_bytes = list_models(server)
    added = timed(lambda: add(server, {"id": f"new-{label}", "engine": "openai", "url": "http://127.0.0.1:1/v1"}), 1)
    print(f"{label:10} {number:8} {shown:8} {started:7.2f} {start_cpu:7.2f} {resident / 1e6:7.1f} {peak / 1e6:7.1f} {listed:8.1f} "
          f"{metrics:8.1f} {metrics_bytes / 1e6:7.2f} {ready:8.1f} {lookup:8.0f} {idle:7.2f} {command:9.0f} {added:8.1f}", flush=True)
    print(f"{'':10} model list: {command_bytes / 1e6:.0f} MB", flush=True)
    measure_pages(number, server)
    server.stop(60)
    return resident


def main():
    parser = argparse.ArgumentParser(prog="./dev scale catalogue", description=__doc__)
    parser.add_argument("--models", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--kinds", nargs="+", choices=["store", "file", "away"], default=["store", "file", "away"])
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="faelled-catalogue-"))
    file = tiny_models.make(folder / "tiny.gguf")
    engine = FakeEngine()
    program = folder / "llama-server"
    program.write_text("#!/bin/sh\nexit 1\n")  # none is ever loaded
    program.chmod(0o755)
    print(f"{'kept in':10} {'models':>8} {'listed':>8} {'start s':>7} {'CPU s':>7} {'RSS MB':>7} {'peak MB':>7} {'/v1 ms':>8} "
          f"{'metrics':>8} {'MB':>7} {'readyz':>8} {'404 µs':>8} {'idle %':>7} {'list ms':>9} {'add ms':>8}")
    try:
        for kind in options.kinds:
            alone = 0
            for number in [1, *options.models]:
                if kind == "file" and number > FILE_MAX:
                    continue
                here = folder / f"{kind}-{number}"
                here.mkdir()
                # Room for one, whose engine does not come up: what is measured is a registered model, not an engine.
                server = Server(here, [engine.model()], llama_server=str(program),
                                residency={"memory_gb": 0.001 if kind == "file" else 1},
                                downloads={"offline": True})
                one = (lambda n: fetched(n)) if kind == "away" else (lambda n: definition(file, n))
                if kind == "file":
                    server.config["models"] += [one(n) for n in range(number)]
                else:
                    server.start(ready=False)
                    server.stop()
                    keep(server, (one(n) for n in range(number)), {"weights": 200_000, "kv_cache": 600_000_000, "working": 1_000_000})
                try:
                    resident = measure(kind, number, server)
                finally:
                    server.end()
                alone = alone or resident
                if number > 1:
                    print(f"{'':10} {(resident - alone) / number:8.0f} bytes a model", flush=True)
                shutil.rmtree(here)
    finally:
        engine.close()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
