"""What is wrong is refused, with a word about what; nothing of it reaches an engine."""

import json

import pytest

from server import OTHER_SECRET, SECRET
from visiting import signed_in
from waiting import until
from wire import Wire, error_of

CHAT = {"model": "fake", "messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture(scope="module")
def server(module_server, fake, tiny):
    server = module_server([fake.model(), tiny("chat"), tiny("vectors")], limits={"body_mib": 1})
    yield server
    assert server.alive()


def refused(answer, status, code=None, param=None):
    assert answer.status_code == status, answer.text
    error = error_of(answer.json())
    assert answer.headers["x-request-id"]
    assert code is None or error["code"] == code, error
    assert param is None or error["param"] == param, error
    return error


@pytest.mark.parametrize("secret", [None, "sk-wrong00000000000000000000000", SECRET + "x", SECRET[:-1], "x" * 5000, "''; --"])
@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/fake", "/v1/chat/completions", "/v1/nothing"])
def test_no_key_or_a_wrong_one(server, secret, path):
    answer = server.post(path, CHAT, secret) if "chat" in path else server.get(path, secret)
    error = refused(answer, 401, None if secret is None else "invalid_api_key")
    assert secret is None or secret not in answer.text
    assert "www-authenticate" in answer.headers and error["type"] == "invalid_request_error"


def test_a_key_in_another_place_or_scheme_is_none(server):
    assert server.get("/v1/models", None, headers={"Authorization": "Basic " + SECRET}).status_code == 401
    assert server.get("/v1/models", None, headers={"x-api-key": SECRET[:-1]}).status_code == 401
    assert server.get(f"/v1/models?api_key={SECRET}", None).status_code == 401
    assert server.get("/v1/models", None, headers={"Authorization": "bearer " + SECRET}).status_code == 200
    assert server.get("/v1/models", None, headers={"x-api-key": SECRET}).status_code == 200, "as Anthropic's clients send it"


def test_an_unknown_model_is_404_with_the_nearest_names(server):
    for path, body in (("chat/completions", CHAT), ("completions", {"prompt": "x"}), ("embeddings", {"input": "x"})):
        error = refused(server.post(f"/v1/{path}", {**body, "model": "vecters"}), 404, "model_not_found", "model")
        assert "vectors" in error["message"] and "fake" not in error["message"]
    refused(server.get("/v1/models/vecters"), 404, "model_not_found")


def test_unknown_addresses_and_methods(server):
    refused(server.get("/v1/nothing"), 404)
    refused(server.get("/v1/chat/completions"), 405)
    refused(server.post("/v1/models", {}), 405)
    refused(server.post("/v1/chat/completions", json.dumps(CHAT), headers={"Content-Type": "text/plain"}), 415)


@pytest.mark.parametrize("body", ["", "{", "}", "null", "[]", '"text"', "{'model':'fake'}", '{"model":"fake",}', '{"a":01}', '{"a":NaN}',
                                  '{"a":"\x01"}', '{"a":"\\ud800"}', '{"a":1}{"b":2}', b'{"a":"\xff"}', b"\xef\xbb\xbf{}", b"\x00" * 50,
                                  '{"model":"fake","messages":' + "[" * 100 + "]" * 100 + "}", "[" * 500_000, '{"max_tokens":1e9999}', '{"max_tokens":' + "9" * 40 + "}",
                                  '{"a":' * 70_000, '{"model":"fake","messages":[{"role":"user","content":"x"}]'])
def test_broken_json(server, fake, body):
    calls = len(fake.calls)
    error = refused(server.post("/v1/chat/completions", body), 400)
    assert error["code"] in ("invalid_json", "invalid_value") and error["param"]
    assert len(fake.calls) == calls


@pytest.mark.parametrize("body", ['{"model":"fake","model":"chat","messages":[{"role":"user","content":"x"}]}',
                                  '{"model":"fake","\\u006dodel":"chat","messages":[{"role":"user","content":"x"}]}',
                                  '{"model":"fake","messages":[],"messages":[{"role":"user","content":"x"}]}',
                                  '{"model":"fake","messages":[{"role":"user","content":"x"}],"strange":1,"str\\u0061nge":2}',
                                  '{"model":"fake","messages":[{"role":"user","role":"system","content":"x"}]}'])
def test_a_name_that_stands_twice(server, body):
    twice = refused(server.post("/v1/chat/completions", body), 400, "invalid_json")["param"]
    assert twice in ("model", "messages", "strange", "role")


@pytest.mark.parametrize(("change", "param"), [
    ({"model": 7}, "model"), ({"model": None}, "model"), ({"model": ""}, "model"), ({"model": ["fake"]}, "model"),
    ({"messages": None}, "messages"), ({"messages": []}, "messages"), ({"messages": {}}, "messages"), ({"messages": "hello"}, "messages"),
    ({"messages": ["hello"]}, "messages[0]"), ({"messages": [{"role": "user"}]}, "messages[0].content"),
    ({"messages": [{"role": "wizard", "content": "x"}]}, "messages[0].role"), ({"messages": [{"content": "x"}]}, "messages[0].role"),
    ({"messages": [{"role": "user", "content": 7}]}, "messages[0].content"),
    ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://127.0.0.1/x"}}]}]}, "messages[0].content[0]"),
    ({"stream": "yes"}, "stream"), ({"stream": 1}, "stream"), ({"temperature": "hot"}, "temperature"), ({"temperature": 2.1}, "temperature"),
    ({"temperature": -1}, "temperature"), ({"top_p": 2}, "top_p"), ({"max_tokens": 0}, "max_tokens"), ({"max_tokens": -5}, "max_tokens"),
    ({"max_tokens": 1.5}, "max_tokens"), ({"max_completion_tokens": "many"}, "max_completion_tokens"),
    ({"n": 9}, "n"), ({"n": 0}, "n"), ({"seed": 1.5}, "seed"), ({"seed": "x"}, "seed"), ({"stop": 5}, "stop"), ({"stop": ["a"] * 5}, "stop"),
    ({"stop": ""}, "stop"), ({"stream_options": {"include_usage": True}}, "stream_options"), ({"tools": [{"type": "function"}]}, "tools"),
    ({"response_format": {"type": "grammar"}}, "response_format"), ({"logprobs": 3}, "logprobs"),
    ({"logit_bias": {"x": 200}}, "logit_bias"), ({"logit_bias": [1]}, "logit_bias"), ({"presence_penalty": 3}, "presence_penalty"),
])
def test_wrong_types_and_values_are_named(server, fake, change, param):
    calls = len(fake.calls)
    error = refused(server.post("/v1/chat/completions", {**CHAT, **change}), 400)
    assert error["param"] and error["param"].startswith(param), error
    assert len(fake.calls) == calls


@pytest.mark.parametrize("text", ["", [], [[]], 5, None, [1.5], ["a", 1], {"a": 1}, ["x"] * 2049])
def test_wrong_inputs_of_embeddings(server, text):
    refused(server.post("/v1/embeddings", {"model": "vectors", "input": text}), 400, None, "input")


def test_models_serve_their_own_endpoints_only(server):
    refused(server.post("/v1/embeddings", {"model": "chat", "input": "x"}), 400, None, "model")
    refused(server.post("/v1/chat/completions", {**CHAT, "model": "vectors"}), 400, None, "model")


@pytest.mark.parametrize("stream", [True, False])
def test_too_long_for_the_context(server, stream):
    """The engine counts and says so, before a stream has begun."""
    long = {"model": "chat", "messages": [{"role": "user", "content": "bade " * 2000}], "stream": stream}
    error = refused(server.post("/v1/chat/completions", long), 400, "context_length_exceeded", "messages")
    assert "512" in error["message"]
    refused(server.post("/v1/completions", {"model": "chat", "prompt": "bade " * 2000, "stream": stream}), 400,
            "context_length_exceeded", "prompt")
    refused(server.post("/v1/embeddings", {"model": "vectors", "input": "bade " * 2000}), 400, "context_length_exceeded", "input")
    assert server.chat("chat", max_tokens=4).status_code == 200


def test_too_big_a_body(server):
    with Wire(server.url) as client:  # refused by its head, before it is sent
        client.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer " + SECRET.encode() +
                    b"\r\nContent-Type: application/json\r\nContent-Length: 2000000\r\n\r\n")
        status, answer = client.answer()
    assert status == 413 and error_of(answer)["code"] == "request_too_large"
    assert client.headers["x-request-id"] and client.headers["x-should-retry"] == "false"
    with Wire(server.url) as client:  # and while it comes, where it does not say
        client.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer " + SECRET.encode() +
                    b"\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            for _ in range(40):
                client.send(b"10000\r\n" + b"x" * 65536 + b"\r\n")
        except OSError:
            pass
        assert client.head().status == 413


@pytest.mark.parametrize("head", [
    b"GET /v1/models HTTP/9.9\r\nHost: t\r\n\r\n", b"BREW /pot HTTP/1.1\r\nHost: t\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET /v1/models HTTP/1.1\r\nHost: t\r\nHost: u\r\n\r\n", b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\nHost: t\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: t\r\nX: " + b"a" * 40000 + b"\r\n\r\n", b"GET / HTTP/1.1\r\nHost: t\r\n" + b"X: y\r\n" * 200 + b"\r\n",
    b"POST /v1/completions HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /v1/completions HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    b"POST /v1/completions HTTP/1.1\r\nHost: t\r\nContent-Length: -5\r\n\r\n", b"POST /v1/completions HTTP/1.1\r\nHost: t\r\nContent-Length: 99999999999999999999\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost : t\r\n\r\n", b"GET / HTTP/1.1\r\nHost: t\r\n folded\r\n\r\n", b"GET / HTTP/1.1\nHost: t\n\n\n" + b"\x00" * 20])
def test_bad_http_is_refused_and_closed(server, head):
    with Wire(server.url, timeout_s=5) as client:
        client.send(head)
        said = client.rest()
    assert said == b"" or said.split(b" ")[1][:1] == b"4" or said.split(b" ")[1] in (b"501", b"505"), said[:200]
    assert said.count(b"HTTP/1.1 ") <= 1


def test_another_members_objects_are_not_there(server):
    """Sessions of two users of two members: neither sees, changes or ends what is the other's."""
    mine, other = signed_in(server, "demo"), signed_in(server, "other")
    conversation = mine.post(server.url + "/api/conversations", json={"model": "fake"}).json()["id"]
    turn = mine.post(f"{server.url}/api/conversations/{conversation}/turns", json={"content": '{"do":"stall","pieces":1}'}).json()["turn"]["id"]
    key = mine.post(server.url + "/api/keys", json={"name": "mine"}).json()
    for method, path, body in (("GET", f"conversations/{conversation}", None), ("PATCH", f"conversations/{conversation}", {"title": "x"}),
                               ("DELETE", f"conversations/{conversation}", None), ("POST", f"conversations/{conversation}/turns", {"content": "x"}),
                               ("GET", f"turns/{turn}/events", None), ("DELETE", f"turns/{turn}", None), ("DELETE", f"keys/{key['id']}", None)):
        answer = other.request(method, f"{server.url}/api/{path}", json=body, timeout=20)
        assert answer.status_code == 404, (method, path, answer.text)
    assert other.get(server.url + "/api/conversations").json()["conversations"] == []
    assert other.get(server.url + "/api/keys").json()["keys"] == []
    assert [entry["id"] for entry in mine.get(server.url + "/api/keys").json()["keys"]] == [key["id"]]
    assert server.get("/v1/models", key["secret"]).status_code == 200
    assert mine.delete(f"{server.url}/api/turns/{turn}").status_code == 204
    for path in ("members", "members/other/users"):
        assert mine.get(f"{server.url}/api/{path}").status_code == 403
    assert mine.post(server.url + "/api/keys", json={"name": "x", "member": "other"}).status_code == 403


def test_a_keys_usage_is_its_members_alone(server):
    server.chat("fake")
    server.chat("fake", secret=OTHER_SECRET)
    until("both are in the ledger", lambda: {"demo", "other"} <= {row["member"] for row in server.rows()})
    assert {row["member"] for row in server.get("/api/usage?rows=true", OTHER_SECRET).json()["rows"]} == {"other"}
    assert {row["member"] for row in server.get("/api/usage?rows=true&member=demo", OTHER_SECRET).json()["rows"]} == {"other"}
