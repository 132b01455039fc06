"""An engine that dies, hangs, starts slowly or cannot be started: each has one honest ending. Invariant: no false [DONE]."""

import os
import signal

import pytest

from server import engine_behind, process_gone
from waiting import Stopwatch, until
from wire import Wire, error_of, events


def last_events(client):
    """What a stream ends with: the JSON of its data lines."""
    return events(client.body())


LIMITS = {"silence_s": 1.5, "total_s": 30, "wait_s": 20}


@pytest.fixture
def fresh(make_server, tiny):
    """For one death each: an engine that dies twice in a minute is said to have failed, until it is ready again."""
    return make_server([tiny("slow", context_tokens=4096)], limits=LIMITS).start()


@pytest.fixture(scope="module")
def server(module_server, fake):
    return module_server([fake.model("fake")], limits=LIMITS)


def test_a_killed_engine_ends_its_streams_with_an_error_and_is_started_again(fresh):
    server, (engine,) = fresh, fresh.engine_pids()
    with Wire(server.url) as client:
        client.chat("slow", "tell me all", max_tokens=3900).head().until(b'"content":"')
        request_id = client.headers["x-request-id"]
        os.kill(engine, signal.SIGKILL)
        said = last_events(client)
    assert "[DONE]" not in said
    assert '"code":"engine_failed"' in said[-1]
    row = server.row_of(request_id)
    assert row["outcome"] == "failed" and row["output_tokens"] > 0
    answer = server.chat("slow", max_tokens=4)
    assert answer.status_code == 200, answer.text
    (again,) = server.engine_pids()
    assert again != engine
    assert server.row_of(answer.headers["x-request-id"])["outcome"] == "done"


def test_a_request_of_which_nothing_was_relayed_is_tried_again(fresh):
    """The engine dies while it reads the prompt: the client only waits a little longer."""
    server, (engine,) = fresh, fresh.engine_pids()
    os.kill(engine, signal.SIGSTOP)
    try:
        with Wire(server.url) as client:
            client.chat("slow", "patience", stream=False, max_tokens=4)
            until("the request is with the engine", lambda: server.model_state("slow")["running"] == 1)
            os.kill(engine, signal.SIGKILL)
            status, answer = client.answer()
    finally:
        if not process_gone(engine):
            os.kill(engine, signal.SIGCONT)
    assert status == 200, answer
    assert server.row_of(client.headers["x-request-id"])["outcome"] == "done"


def test_a_hanging_engine_is_given_up_after_the_silence_allowed(fresh):
    server, (engine,) = fresh, fresh.engine_pids()
    with Wire(server.url) as client:
        client.chat("slow", "tell me all", max_tokens=3900).head().until(b'"content":"')
        os.kill(engine, signal.SIGSTOP)
        try:
            watch = Stopwatch()
            said = last_events(client)
        finally:
            os.kill(engine, signal.SIGCONT)
    assert 1 < watch.s < 5
    assert "[DONE]" not in said and '"code":"engine_timeout"' in said[-1]
    row = server.row_of(client.headers["x-request-id"])
    assert row["outcome"] == "failed" and row["cause"] == "the engine fell silent"
    assert server.chat("slow", max_tokens=4).status_code == 200


@pytest.mark.parametrize("todo", ["break", "no_done", "error_event"])
def test_a_stream_that_an_upstream_breaks_has_no_clean_end(server, todo):
    with Wire(server.url) as client:
        said = last_events(client.chat("fake", {"do": todo, "pieces": 2}).head())
    assert "piece0" in said[0] and "piece1" in said[1]
    assert '"error"' in said[-1] and "[DONE]" not in said
    row = server.row_of(client.headers["x-request-id"])
    assert row["outcome"] == "failed" and row["output_tokens"] == 2


@pytest.mark.parametrize(("todo", "status", "code"), [("silent", 504, "engine_timeout"), ("open", 504, "engine_timeout"),
                                                      ("garbage", 502, "engine_failed")])
def test_an_upstream_that_says_nothing_sensible_is_a_plain_error(server, todo, status, code):
    with Wire(server.url) as client:
        got, answer = client.chat("fake", {"do": todo}, stream=todo != "garbage").answer()
    assert (got, error_of(answer)["code"]) == (status, code)
    assert server.row_of(client.headers["x-request-id"])["outcome"] == "failed"


@pytest.mark.parametrize(("theirs", "ours"), [(400, 400), (401, 502), (404, 502), (429, 503), (500, 502), (503, 503)])
def test_an_upstreams_refusal_is_told_in_our_words(server, theirs, ours):
    answer = server.chat("fake", f'{{"do":"status","status":{theirs}}}')
    assert answer.status_code == ours, answer.text
    error_of(answer.json())
    assert answer.json()["error"]["code"] not in ("invalid_api_key", "model_not_found"), "it is not the client's key or model"
    assert server.row_of(answer.headers["x-request-id"])["outcome"] == ("refused" if ours == 400 else "failed")


def test_requests_wait_for_a_model_that_starts_slowly(make_server, tiny, tmp_path):
    gate = tmp_path / "open"
    script = engine_behind(gate)
    server = make_server([tiny("chat")], llama_server=str(script), limits={"keep_alive_s": 0.2}).start(ready=False)
    assert server.get("/livez", secret=None).status_code == 200
    assert server.get("/readyz", secret=None).json()["models"] == {"chat": False}
    with Wire(server.url) as client:
        client.chat("chat", "hello", max_tokens=4).head()  # the head comes with the first comment
        comment = client.until(b"model_ready=false")
        assert b"\n: waiting position=1" in b"\n" + comment.replace(b"\r\n", b"\n")
        gate.touch()
        body = client.body()
    assert b"\n: waiting" not in body.replace(b": waiting", b"", 1) or b"\n\n: waiting" not in body
    assert events(body)[-1] == "[DONE]"
    row = server.row_of(client.headers["x-request-id"])
    assert row["outcome"] == "done" and row["load_us"] > 0


def test_waiting_has_an_end(make_server, tiny, tmp_path):
    script = tmp_path / "llama-server"
    script.write_text("#!/bin/sh\nexec /bin/sleep 60\n")
    script.chmod(0o755)
    server = make_server([tiny("chat")], llama_server=str(script), limits={"wait_s": 0.5}).start(ready=False)
    answer = server.chat("chat")
    assert answer.status_code == 429 and answer.json()["error"]["code"] == "rate_limit_exceeded"
    assert 0 < int(answer.headers["retry-after"]) <= 120
    assert server.row_of(answer.headers["x-request-id"])["outcome"] == "refused"


def test_a_wrong_model_file_is_said_and_mended_without_a_restart(make_server, tiny, tmp_path, model_files):
    wrong = tmp_path / "wrong.gguf"
    wrong.write_bytes(b"this is no GGUF file")
    server = make_server([tiny("chat", file=str(wrong)), tiny("vectors")]).start(ready=False)
    server.until_ready("vectors")
    state = until("the wrong file is noticed", lambda: (found := server.model_state("chat"))["state"] == "failed" and found)
    assert "wrong.gguf" in state["detail"]
    answer = server.chat("chat")
    assert answer.status_code == 503 and answer.json()["error"]["code"] == "model_unavailable"
    assert "wrong.gguf" not in answer.text, "a path of the server is nothing for clients"
    mended = tmp_path / "mended.gguf"
    mended.write_bytes(model_files["chat"].read_bytes())
    mended.replace(wrong)
    server.until_ready("chat", within_s=20)
    assert server.chat("chat", max_tokens=4).status_code == 200


def test_an_engine_that_always_dies_is_started_again_ever_more_rarely(make_server, tiny, tmp_path):
    script = tmp_path / "llama-server"
    script.write_text('#!/bin/sh\ndate +%s.%N >> starts\necho "no memory left" >&2\nexit 3\n')
    script.chmod(0o755)
    server = make_server([tiny("chat")], llama_server=str(script)).start(ready=False)
    starts = server.data / "run/starts"  # the only folder that an engine may write to
    until("four starts", lambda: starts.exists() and len(starts.read_text().split()) >= 4, 20)
    times = [float(word) for word in starts.read_text().split()]
    gaps = [later - earlier for earlier, later in zip(times, times[1:], strict=False)]
    assert gaps[0] > 0.2 and gaps[2] > gaps[0] * 1.5, gaps
    state = server.model_state("chat")
    assert state["state"] == "failed" and "3" in state["detail"]
    assert server.chat("chat").status_code == 503


def test_an_upstream_that_comes_back_is_used_again(make_server):
    from fake_engine import FakeEngine
    engine = FakeEngine()
    server = make_server([engine.model()], limits={"wait_s": 20}).start()
    assert server.chat("fake").status_code == 200
    port = engine.port
    engine.close()
    with Wire(server.url) as client:
        client.chat("fake", "anybody there?", stream=False)
        until("it is noticed", lambda: any("upstream" in line["message"] for line in server.log() if line["level"] == "warn"))
        again = FakeEngine(port)
        try:
            status, answer = client.answer()
            assert status == 200 or error_of(answer)["code"] in ("engine_failed", "model_unavailable")
            server.until_ready("fake", within_s=20)
            assert server.chat("fake").status_code == 200
        finally:
            again.close()
