"""What an operator relies on: probes, metrics, logs, traces, a quiet end, and clients that cost nobody else."""

import json
import re
import secrets
import threading
import time

import pytest

from server import SECRET, process_gone
from waiting import Stopwatch, until
from wire import Wire, error_of, events

SAMPLE = re.compile(r'^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (NaN|[+-]Inf|[-+0-9.eE]+)$')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"(?:,|$)')


@pytest.fixture(scope="module")
def server(module_server, fake, tiny):
    return module_server([fake.model(concurrency=256), tiny("chat")])


def parsed(text):
    """Prometheus' text format: {(name, labels): value}; fails on what is no line of it."""
    assert text.endswith("\n")
    samples, kinds = {}, {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in kinds
            kinds[name] = kind
        elif line and not line.startswith("#"):
            match = SAMPLE.match(line)
            assert match, line
            name, labels, value = match.groups()
            key = (name, tuple(sorted(LABEL.findall(labels or ""))))
            assert key not in samples, line
            samples[key] = float(value)
            family = re.sub(r"_(bucket|sum|count)$", "", name)
            assert family in kinds or name in kinds, line
    return samples, kinds


def test_probes_need_no_key(server):
    assert server.get("/livez", None).text == "ok\n"
    ready = server.get("/readyz", None)
    assert ready.status_code == 200 and ready.json() == {"ready": True, "draining": False, "journal": True, "store": True,
                                                         "models": {"fake": True, "chat": True}}


def test_metrics_are_well_formed_and_count_what_happened(server):
    def reading():
        return parsed(server.metrics())[0]

    before = reading()
    assert server.chat("fake").status_code == 200
    stream = server.chat("chat", stream=True, max_tokens=10)
    assert b"[DONE]" in stream.content
    server.chat("nothing")
    after, kinds = parsed(server.metrics())

    def grown(name, **labels):
        key = (name, tuple(sorted(labels.items())))
        return after[key] - before.get(key, 0)

    assert grown("faelled_requests_total", model="fake", outcome="done") == 1
    assert grown("faelled_tokens_total", model="chat", kind="output") == 10
    assert grown("faelled_first_token_seconds_count", model="chat") == 1
    assert grown("faelled_between_tokens_seconds_count", model="chat") >= 5
    assert grown("faelled_rejected_total", status="404") == 1
    assert kinds["faelled_request_seconds"] == "histogram" and kinds["faelled_connections"] == "gauge"
    for (name, labels), value in after.items():
        if name.endswith("_bucket") and dict(labels)["le"] == "+Inf":
            rest = tuple(label for label in labels if label[0] != "le")
            assert value == after[(name.removesuffix("_bucket") + "_count", rest)]


def test_logs_are_json_with_request_ids_and_no_secret(server):
    server.chat("fake", '{"do":"break"}', stream=True)
    failed = server.chat("fake", '{"do":"status","status":500}')
    request_id = failed.headers["x-request-id"]
    refused = server.get("/v1/models", "sk-wrong0000000000000000000")
    lines = [line for line in server.log_text().split("\n") if line]
    entries = [json.loads(line) for line in lines]
    for entry in entries:
        assert {"time", "level", "message"} <= set(entry)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", entry["time"])
        assert entry["level"] in ("debug", "info", "warn", "error")
    assert any(entry.get("request_id") == request_id and entry["level"] == "warn" for entry in entries)
    assert any(entry.get("request_id") == refused.headers["x-request-id"] for entry in entries)
    assert SECRET not in server.log_text() and "sk-wrong" not in server.log_text()


def test_request_ids_are_ours_and_differ(server):
    ids = [server.get("/v1/models", headers={"x-request-id": "mine"}).headers["x-request-id"] for _ in range(5)]
    assert len(set(ids)) == 5 and "mine" not in ids and all(re.fullmatch(r"req_\w{26}", request_id) for request_id in ids)


def test_a_trace_goes_on_as_a_child(server, fake):
    trace, parent = secrets.token_hex(16), secrets.token_hex(8)
    server.post("/v1/chat/completions", {"model": "fake", "messages": [{"role": "user", "content": "traced well"}]},
                headers={"traceparent": f"00-{trace}-{parent}-01"})
    (call,) = fake.calls_about("traced well")
    version, got_trace, got_parent, flags = call.headers["traceparent"].split("-")
    assert (version, got_trace, flags) == ("00", trace, "01")
    assert re.fullmatch("[0-9a-f]{16}", got_parent) and got_parent != parent
    for wrong in ("", "00-xyz", f"00-{trace}-{parent}-01-more", f"00-{'0' * 32}-{parent}-01\tx"):
        server.post("/v1/chat/completions", {"model": "fake", "messages": [{"role": "user", "content": "traced badly"}]},
                    headers={"traceparent": wrong})
    assert all(wrong not in call.headers.get("traceparent", "none") for call in fake.calls_about("traced badly") for wrong in ("more", "xyz"))
    assert all("x-request-id" in call.headers for call in fake.calls_about("traced"))


def test_a_hundred_streams_at_once(server, fake):
    wires = [Wire(server.url).chat("fake", {"do": "stream", "pieces": 20, "hold": 10, "mark": "hundred"}) for _ in range(100)]
    until("all are under way", lambda: len([call for call in fake.calls_about("hundred") if not call.ended]) == 100)
    fake.release()
    ids = set()
    for wire in wires:
        said = events(wire.head().body())
        assert said[-1] == "[DONE]"
        text = "".join(json.loads(data)["choices"][0]["delta"].get("content", "") for data in said[:-1] if json.loads(data)["choices"])
        assert text == "".join(f"piece{number} " for number in range(20))
        ids.add(wire.headers["x-request-id"])
        wire.close()
    assert len(ids) == 100
    outcomes = {row["request_id"]: (row["outcome"], row["output_tokens"]) for row in server.rows()}
    assert all(outcomes[request_id] == ("done", 20) for request_id in ids)


def test_slow_clients_cost_nobody_else(make_server, fake):
    server = make_server([fake.model(concurrency=64)], limits={"head_s": 1, "body_s": 1, "write_stall_s": 2}).start()
    before = set(row["request_id"] for row in server.rows())
    drips = [Wire(server.url).send(b"GET /v1/models HTTP/1.1\r\nHo") for _ in range(20)]
    halves = [Wire(server.url).send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: t\r\nContent-Length: 100\r\n"
                                    b"Authorization: Bearer " + SECRET.encode() + b"\r\n\r\n{") for _ in range(20)]
    sleepers = [Wire(server.url, receive_buffer=4096).chat("fake", {"do": "stream", "pieces": 3000, "say": "x" * 4000, "mark": "sleeper"})
                for _ in range(5)]
    until("the sleepers are under way", lambda: len(fake.calls_about("sleeper")) == 5)
    slowest = 0
    for _ in range(30):
        watch = Stopwatch()
        assert server.get("/v1/models").status_code == 200
        slowest = max(slowest, watch.s)
    assert slowest < 5, slowest
    for wire in drips + halves:
        said = wire.rest()
        assert said == b"" or said.split(b" ")[1] == b"408", said[:200]
    until("the sleepers' engine places are free", lambda: len([call for call in fake.calls_about("sleeper") if not call.ended and not call.hung_up]) == 0, 20)
    until("their rows are written", lambda: len([row for row in server.rows() if row["request_id"] not in before]) == 5)
    assert {row["outcome"] for row in server.rows()} <= {"cancelled", "done"}
    for wire in sleepers:
        wire.close()


def test_a_full_line_refuses_and_says_when_to_come_again(make_server, fake):
    server = make_server([fake.model(concurrency=1)], limits={"waiting": 2}).start()
    wires = [Wire(server.url).chat("fake", {"do": "stall", "pieces": 1}) for _ in range(3)]
    until("one runs, two wait", lambda: "faelled_waiting 2" in server.metrics() and "faelled_running 1" in server.metrics())
    answer = server.chat("fake")
    assert answer.status_code == 429 and error_of(answer.json())["code"] == "rate_limit_exceeded"
    assert 0 < int(answer.headers["retry-after"]) <= 120 and answer.headers["x-should-retry"] == "true"
    assert server.row_of(answer.headers["x-request-id"])["outcome"] == "refused"
    for wire in wires:
        wire.close()


def test_connections_have_a_bound(make_server, fake):
    server = make_server([fake.model()], limits={"connections": 10}).start()
    crowd = [Wire(server.url) for _ in range(10)]
    for wire in crowd:
        wire.request("GET", "/livez").head().body()
    with Wire(server.url) as one_more:
        status, answer = one_more.answer()
    assert status == 503 and error_of(answer)["message"]
    assert crowd[0].request("GET", "/livez").head().status == 200, "who is in stays in"
    for wire in crowd:
        wire.close()

    def room():
        try:
            return server.get("/livez", None).status_code == 200
        except OSError:  # turned away before it had asked
            return False
    until("there is room again", room)


def test_sigterm_lets_running_answers_end_and_refuses_new_ones(make_server, tiny, fake):
    server = make_server([tiny("chat"), fake.model()]).start()
    (engine,) = server.engine_pids()
    running = Wire(server.url).chat("fake", {"do": "stream", "pieces": 20, "gap_s": 0.05}).head()
    running.until(b"piece1 ")
    kept = Wire(server.url).request("GET", "/v1/models").head()
    kept.body()
    took = []
    stopping = threading.Thread(target=lambda: took.append(server.stop()))
    stopping.start()
    until("it drains", lambda: "draining" in server.log_text())
    with pytest.raises(OSError):
        Wire(server.url).request("GET", "/v1/models").head()
        raise AssertionError("a new connection was served")
    said = events(running.body())
    stopping.join()
    assert said[-1] == "[DONE]"
    assert took and took[0] < 10
    assert process_gone(engine)
    server.start()
    assert server.row_of(running.headers["x-request-id"])["outcome"] == "done"


def test_sigterm_ends_within_ten_seconds_whoever_holds_on(make_server, tiny, fake):
    server = make_server([tiny("slow", context_tokens=4096), fake.model()], limits={"drain_s": 1}).start()
    engines = server.engine_pids()
    stuck = Wire(server.url).chat("fake", {"do": "stall", "pieces": 1}).head()
    stuck.until(b"piece0 ")
    drip = Wire(server.url).send(b"GET / HT")
    assert server.stop() < 10
    assert "[DONE]" not in stuck.rest().decode()
    assert all(process_gone(pid) for pid in engines)
    drip.close()
    server.start()
    assert server.row_of(stuck.headers["x-request-id"])["outcome"] in ("failed", "cancelled")


def test_an_idle_server_is_idle(make_server, fake, tiny):
    server = make_server([fake.model(), tiny("chat")]).start()

    def used_s():
        with open(f"/proc/{server.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100

    server.rows()
    begun, before = time.monotonic(), used_s()
    threading.Event().wait(4)  # not for anything to happen: idleness is a matter of time
    share = (used_s() - before) / (time.monotonic() - begun)
    assert share < 0.01, share
