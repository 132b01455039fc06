"""Whoever hangs up frees the engine within a second, wherever the request was, and leaves exactly one ledger row. Invariant: one ending."""

import asyncio
import http.client
import json
import os
import random
import socket
import time

import pytest

from server import SECRET, engine_behind
from waiting import until
from wire import Wire

LEFT_S_MAX = 1.0


@pytest.fixture(scope="module")
def gate(tmp_path_factory):
    return tmp_path_factory.mktemp("gate") / "open"


@pytest.fixture(scope="module")
def late_engine(gate):
    """A llama-server that starts only once the gate is there."""
    return engine_behind(gate)


@pytest.fixture(scope="module")
def server(module_server, fake, tiny):
    return module_server([fake.model(concurrency=1), fake.model("wide", concurrency=8), tiny("slow", context_tokens=4096)])


def expect_left(fake, mark, hung_up):
    """By the fake engine's own clock, as what looks for it may be slow."""
    at = until("the engine is left", lambda: fake.calls_about(mark)[0].hung_up, 5)
    assert at - hung_up < LEFT_S_MAX


def only_row_about(server, before, model):
    """The one row that was not there before."""
    def new():
        return [row for row in server.rows() if row["request_id"] not in before]
    until("a new ledger row", new, 5)
    (row,) = new()
    assert row["model"] == model
    return row


def ids(server):
    return {row["request_id"] for row in server.rows()}


def slots_busy(server, pid):
    """How many slots of a llama-server are at work."""
    words = open(f"/proc/{pid}/cmdline", encoding="utf-8").read().split("\0")
    class Unix(http.client.HTTPConnection):
        def connect(self):
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(5)
            self.sock.connect(words[words.index("--host") + 1])

    connection = Unix("engine")
    connection.request("GET", "/slots")
    slots = json.loads(connection.getresponse().read())
    connection.close()
    return sum(slot["is_processing"] for slot in slots)


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "not streamed"])
def test_while_it_waits_in_line(server, fake, stream):
    with Wire(server.url) as holder:
        holder.chat("fake", {"do": "stall", "pieces": 1}).head()
        before = ids(server)
        waiting = Wire(server.url).chat("fake", "never asked", stream=stream)
        until("one in line", lambda: "faelled_waiting 1" in server.metrics())
        waiting.close()
        until("the line is empty", lambda: "faelled_waiting 0" in server.metrics(), 5)
        row = only_row_about(server, before, "fake")
        assert row["outcome"] == "cancelled" and row["output_tokens"] == 0
        assert not fake.calls_about("never asked")
    until("the holder has left", lambda: not fake.busy())


def test_while_its_model_starts(make_server, tiny, late_engine, gate):
    server = make_server([tiny("chat")], llama_server=str(late_engine)).start(ready=False)
    for stream in (True, False):
        before = ids(server)
        waiting = Wire(server.url).chat("chat", "never asked", stream=stream)
        until("one in line", lambda: "faelled_waiting 1" in server.metrics())
        waiting.close()
        until("the line is empty", lambda: "faelled_waiting 0" in server.metrics(), 5)
        row = only_row_about(server, before, "chat")
        assert row["outcome"] == "cancelled" and row["load_us"] > 0
    patient = Wire(server.url).chat("chat", "hello", max_tokens=4)
    until("one in line", lambda: "faelled_waiting 1" in server.metrics())
    gate.touch()
    assert b"data: [DONE]" in patient.head().body()
    patient.close()


@pytest.mark.parametrize(("path", "todo"), [("before the first token", {"do": "open"}), ("before the head", {"do": "silent"}),
                                            ("mid-stream", {"do": "stall", "pieces": 3})])
def test_while_an_engine_streams(server, fake, path, todo):
    before = ids(server)
    mark = f"hang up {path}"
    client = Wire(server.url).chat("wide", {**todo, "mark": mark})
    if path == "mid-stream":
        client.head().until(b"piece2")
    until("the engine has it", lambda: fake.calls_about(mark))
    hung_up = time.monotonic()
    client.close()
    expect_left(fake, mark, hung_up)
    row = only_row_about(server, before, "wide")
    assert row["outcome"] == "cancelled"
    assert (row["output_tokens"] > 0) == (path == "mid-stream")
    assert len(fake.calls_about(mark)) == 1


def test_while_an_answer_is_made_that_is_not_streamed(server, fake):
    for endpoint, body in (("chat/completions", {"messages": [{"role": "user", "content": '{"do":"silent","mark":"whole chat"}'}]}),
                           ("completions", {"prompt": '{"do":"silent","mark":"whole completions"}'}),
                           ("embeddings", {"input": '{"do":"silent","mark":"whole embeddings"}'})):
        before = ids(server)
        mark = f"whole {endpoint.split('/')[0]}"
        client = Wire(server.url).request("POST", f"/v1/{endpoint}", {"model": "wide", **body})
        until("the engine has it", lambda mark=mark: fake.calls_about(mark))
        hung_up = time.monotonic()
        client.close()
        expect_left(fake, mark, hung_up)
        assert only_row_about(server, before, "wide")["outcome"] == "cancelled"


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "not streamed"])
def test_the_real_engine_stops_working(server, stream):
    (pid,) = server.engine_pids()
    before = ids(server)
    client = Wire(server.url).chat("slow", "go on and on", stream=stream, max_tokens=3900)
    until("a slot works", lambda: slots_busy(server, pid) == 1)
    if stream:
        client.head().until(b'"content":"')
    client.close()
    until("the slot is free", lambda: slots_busy(server, pid) == 0, 5)
    row = only_row_about(server, before, "slow")
    assert row["outcome"] == "cancelled" and row["output_tokens"] < 3900


def test_a_half_closed_client_still_gets_its_answer_or_is_freed(server, fake):
    with Wire(server.url) as client:
        client.chat("wide", {"do": "stream", "pieces": 3, "gap_s": 0.05, "mark": "half closed"})
        client.socket.shutdown(socket.SHUT_WR)
        client.rest()
    until("the engine is done with it", lambda: not fake.busy())


def test_many_hang_up_at_once(server, fake):
    """Those in line are granted the places of those who leave, and leave themselves while they are connected to an engine."""
    before = ids(server)
    for number in range(15):
        clients = [Wire(server.url).chat("wide", {"do": "stall", "pieces": 1, "mark": "crowd"}) for _ in range(24)]
        until("all places are taken", lambda: len(fake.busy()) == 8)
        for client in clients:
            client.close()
        until(f"everything is free in round {number}",
              lambda: not fake.busy() and "faelled_running 0" in server.metrics() and "faelled_waiting 0" in server.metrics(), 5)
    until("a row each", lambda: len(ids(server) - before) == 15 * 24, 5)
    assert {row["outcome"] for row in server.rows() if row["request_id"] not in before} == {"cancelled"}
    assert server.chat("wide").status_code == 200


def test_hanging_up_at_any_moment(server, fake):
    """400 clients leave after a random while, in the middle of anything: no crash, no leak, a row each."""
    seed = int(os.environ.get("FAELLED_SEED", random.randrange(2**32)))
    print(f"FAELLED_SEED={seed}")
    dice = random.Random(seed)
    before = ids(server)

    async def client():
        reader, writer = await asyncio.open_connection("127.0.0.1", int(server.url.rpartition(":")[2]))
        todo = json.dumps({"do": dice.choice(["stream", "stall", "silent", "open", "break", "error_event", "garbage"]),
                           "pieces": dice.randrange(6), "gap_s": dice.choice([0, 0.001, 0.01])})
        body = json.dumps({"model": dice.choice(["fake", "wide", "wide", "slow"]), "stream": dice.random() < 0.7, "max_tokens": 50,
                           "messages": [{"role": "user", "content": todo}]}).encode()
        writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nAuthorization: Bearer "
                     + SECRET.encode() + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        try:
            await asyncio.wait_for(reader.read(dice.choice([1, 200, 100_000])), dice.choice([0.001, 0.01, 0.05, 0.2]))
        except (TimeoutError, asyncio.TimeoutError, ConnectionError):
            pass
        if dice.random() < 0.5:
            writer.transport.abort()
        writer.close()

    async def crowd():
        for _ in range(10):
            await asyncio.gather(*(client() for _ in range(40)))

    asyncio.run(crowd())
    until("everything is free", lambda: not fake.busy() and "faelled_running 0" in server.metrics() and "faelled_waiting 0" in server.metrics(), 10)
    assert server.alive()
    rows = [row["request_id"] for row in server.rows() if row["request_id"] not in before]
    assert len(rows) == len(set(rows)) and 300 < len(rows) <= 400
    assert "faelled_journal_open 0" in server.metrics()
    for model in ("fake", "wide", "slow"):
        assert server.chat(model, max_tokens=4).status_code == 200
