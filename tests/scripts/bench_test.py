"""What the tools of bench/ count: no work that comes late, no request and no refusal is left out."""

import argparse
import http.server
import json
import re
import sys
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))

import compare  # noqa: E402
import fair  # noqa: E402
import fairness  # noqa: E402
import gateways  # noqa: E402
import outage  # noqa: E402
import proctree  # noqa: E402

# Its child sees the last answer go out, and works for it later: so long, and from then on, in seconds.
GATEWAY = """
import os, sys, time
told, work_s, after_s = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
if os.fork() == 0:
    while not os.path.exists(told):
        time.sleep(0.01)
    time.sleep(after_s)
    while time.process_time() < work_s:
        pass
time.sleep(60)
"""
LOAD = """#!/bin/sh
touch "$(dirname "$0")/told"
echo '{"requests": 1, "errors": 0}'
"""


@pytest.fixture
def loaded(tmp_path):
    """loaded(work_s, after_s): a Bench and the CPU seconds that it finds for one load on such a gateway."""
    processes = []

    def run(work_s, after_s):
        tools = tmp_path / "bench"
        tools.mkdir()
        (tools / "bench_load").write_text(LOAD)
        (tools / "bench_load").chmod(0o755)
        processes.append(proctree.start([sys.executable, "-c", GATEWAY, tools / "told", str(work_s), str(after_s)], None))
        bench = compare.Bench(argparse.Namespace(build=tmp_path), tmp_path)
        bench.targets, bench.sent = {"fake": (processes[0].pid, 0)}, {"fake": 0}
        bench.settled_cpu_s("fake")  # it has started
        return bench, bench.load("fake", "closed")[1]

    yield run
    for process in processes:
        proctree.stop(process, 0)


def test_cpu_that_a_gateway_spends_after_its_last_answer_is_counted(loaded):
    bench, cpu_s = loaded(work_s=0.5, after_s=0.8)
    assert 0.4 < cpu_s < 0.8 and not bench.faults


def test_a_gateway_that_never_comes_to_rest_is_not_waited_for_for_ever_and_told(loaded, monkeypatch):
    monkeypatch.setattr(compare, "SETTLE_S_MAX", 2)
    bench, _ = loaded(work_s=30, after_s=0)
    assert set(bench.faults) == {"fake did not come to rest within 2 s of its last answer"}


class Refusing(http.server.BaseHTTPRequestHandler):
    """Hangs up on the first request, refuses the second, and answers the rest."""

    def log_message(self, *_):
        pass

    def do_POST(self):
        with self.server.lock:
            self.server.asked += 1
            number = self.server.asked
        self.rfile.read(int(self.headers["Content-Length"]))
        self.close_connection = True
        if number <= self.server.hang_ups:
            return
        if number == self.server.hang_ups + 1:
            return self.send(429, b"{}")
        self.send(200, b'data: {"usage": {"completion_tokens": 3}}\n\ndata: [DONE]\n\n')

    def send(self, status, body):
        self.send_response(status)
        self.send_header("x-request-id", str(self.server.asked))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as running:
        running.daemon_threads, running.lock, running.asked, running.hang_ups = True, threading.Lock(), 0, 0
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


def until(condition):
    proctree.until(condition, "what the test waits for", 10)


def test_a_request_without_an_answer_is_counted_as_refused_and_its_client_goes_on(server):
    server.hang_ups = 2
    clients = outage.Clients(f"http://127.0.0.1:{server.server_port}", rate=200, count=2)
    until(lambda: clients.phase.statuses[200] >= 4)
    clients.end()
    assert clients.phase.statuses[0] == 2 and clients.phase.statuses[429] == 1
    assert " 3 refused" in clients.phase.row()
    assert sum(clients.errors.values()) == 2 and sum(clients.ids.values()) == sum(clients.phase.statuses.values()) - 2


def options(**values):
    return argparse.Namespace(clients=1, greedy_tokens=3, **values)


def test_a_greedy_client_whom_a_full_line_refuses_is_counted_and_goes_on(server, monkeypatch):
    monkeypatch.setattr(fair, "REFUSED_PAUSE_S", 0.01)
    greedy = fair.Greedy(server.server_port, options())
    until(lambda: len(greedy.done) >= 2)
    greedy.end()
    assert greedy.refused == 1


def test_what_else_ends_a_greedy_client_is_told(server):
    server.hang_ups = 1
    greedy = fair.Greedy(server.server_port, options())
    until(lambda: greedy.errors)
    with pytest.raises(OSError):
        greedy.end()


def test_a_workload_is_measured_over_all_its_time(monkeypatch):
    asked = {}

    def ran(_, *words):
        asked[Path(words[words.index("--trace") + 1]).name] = float(words[words.index("--horizon") + 1])
        return json.dumps({"members": [{"id": kind, "served_of_demanded": 1, "first_token_s": 1} for kind in ("modest", "honest", "greedy")]})

    monkeypatch.setattr(fairness, "ran", ran)
    for case in fairness.CASES:
        fairness.summary_of("faelled", case, "commons", 1, Path("."))
    assert asked["greed-1.csv"] == 2400 and asked["greed_fits-1.csv"] == 7200
    assert asked["vtc-arena.csv"] == 600 and asked["overload-1.csv"] == 600, "as the published figures"


def test_the_rival_is_installed_as_it_is_pinned():
    text = (ROOT / "bench/requirements.txt").read_text()
    assert f"\nvllm-router=={gateways.VLLM_ROUTER} --hash=sha256:" in text
    for line in text.splitlines()[1:]:
        assert re.fullmatch(r"[\w.-]+==[\w.]+( --hash=sha256:[0-9a-f]{64})+", line), line
