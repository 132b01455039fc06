"""Strangers at the edge: wrong keys in great numbers, forged headers, bodies nobody asked for."""

import json
import threading

import pytest

from server import SECRET
from wire import Wire


@pytest.fixture
def server(make_server, fake):
    return make_server([fake.model()]).start()


def refusals(server):
    return [line for line in server.log() if "refused" in line["message"]]


def test_a_thousand_wrong_keys_cost_a_line_and_nobody_else(server):
    wrong = [f"sk-wrong{number:020}" for number in range(1000)]
    statuses = []

    def guess():
        with Wire(server.url) as wire:
            for secret in wrong:
                wire.request("GET", "/v1/models", secret=secret).head()
                wire.body()
                statuses.append(wire.status)

    guesser = threading.Thread(target=guess)
    guesser.start()
    answers = []
    while guesser.is_alive() or len(answers) < 3:
        answers.append(server.chat("fake").status_code)
    guesser.join()
    assert statuses == [401] * 1000
    assert set(answers) == {200}
    lines = refusals(server)
    assert len(lines) == 1 and lines[0]["peer"].startswith("127.0.0.1:"), lines
    assert not [secret for secret in wrong if secret in server.log_text()]
    assert 'faelled_rejected_total{status="401"} 1000' in server.metrics()


def test_forwarded_headers_of_strangers_are_not_believed(server):
    for name, value in (("X-Forwarded-For", "203.0.113.9"), ("Forwarded", "for=203.0.113.9;proto=https;host=evil.example"),
                        ("X-Real-IP", "203.0.113.9")):
        assert server.get("/v1/models", "sk-wrong", headers={name: value}).status_code == 401
    assert "203.0.113.9" not in server.log_text()
    user = json.loads(server.faelled("user", "add", "demo", "Anna", "--json").stdout)["id"]
    assert "evil.example" not in server.faelled("user", "sign-in-link", user).stdout


def test_a_trusted_proxy_names_the_client_for_the_log_alone(make_server, fake):
    server = make_server([fake.model()], trusted_proxies=[{"address": "127.0.0.0/8"}]).start()
    headers = {"X-Forwarded-For": "198.51.100.1, 203.0.113.9"}
    assert server.get("/v1/models", "sk-wrong", headers=headers).status_code == 401
    assert refusals(server)[0]["peer"].startswith("203.0.113.9 by 127.0.0.1:")


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/api/keys", "/api/members"])
def test_a_body_without_a_good_key_is_not_read(server, path):
    head = (f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sk-wrong\r\nContent-Type: application/json\r\n"
            "Content-Length: 8000000\r\nExpect: 100-continue\r\n\r\n")
    with Wire(server.url) as wire:
        wire.send(head.encode()).head()  # and not a byte of the body
        assert wire.status == 401 and wire.headers["connection"] == "close"
        assert b"invalid_api_key" in wire.body()
        assert wire.rest() == b""
    with Wire(server.url) as wire:
        assert wire.request("GET", "/v1/models").head().status == 200


def test_a_request_names_its_host(server):
    with Wire(server.url) as wire:
        wire.send(f"GET /v1/models HTTP/1.1\r\nAuthorization: Bearer {SECRET}\r\n\r\n".encode()).head()
        assert wire.status == 400 and b"host" in wire.body()
    with Wire(server.url) as wire:
        assert b"200 OK" in wire.send(b"GET /livez HTTP/1.0\r\n\r\n").rest()
