"""Strangers at the edge: wrong keys in great numbers, forged headers, bodies nobody asked for."""

import json
import threading
from statistics import median

import pytest

from server import OTHER_SECRET, SECRET
from waiting import Stopwatch
from wire import Wire


@pytest.fixture
def server(make_server, fake):
    return make_server([fake.model()]).start()


def refusals(server):
    return [line for line in server.log() if "refused" in line["message"]]


KEYS = 10_000


class Storm:
    """Wrong keys, none of them twice, over several connections of one address until it is called off."""

    CONNECTIONS = 4

    def __init__(self, url):
        self.url = url
        self.called_off = threading.Event()
        self.statuses = [[] for _ in range(self.CONNECTIONS)]
        self.threads = [threading.Thread(target=self.guess, args=(number,)) for number in range(self.CONNECTIONS)]

    def guess(self, connection):
        statuses = self.statuses[connection]
        with Wire(self.url) as wire:
            while not self.called_off.is_set():
                wire.request("GET", "/v1/models", secret=f"sk-wrong{connection:04}{len(statuses):016}").head()
                wire.body()
                statuses.append(wire.status)

    def __enter__(self):
        self.watch = Stopwatch()
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.called_off.set()
        for thread in self.threads:
            thread.join()
        self.seconds = self.watch.s

    def has_ended(self):
        return not any(thread.is_alive() for thread in self.threads)

    @property
    def sent(self):
        return sum(map(len, self.statuses))


def neighbours_medians(server, enough):
    """Seconds that a list of models and a chat of one token take another member; asked for in turns until it is enough."""
    lists, chats = [], []
    with Wire(server.url) as wire:
        while len(lists) < 50 or not enough():
            watch = Stopwatch()
            wire.request("GET", "/v1/models", secret=OTHER_SECRET).head()
            wire.body()
            assert wire.status == 200
            lists.append(watch.s)
            watch = Stopwatch()
            wire.chat("fake", "hello", stream=False, secret=OTHER_SECRET, max_tokens=1).head()
            wire.body()
            assert wire.status == 200
            chats.append(watch.s)
    return median(lists), median(chats)


def test_a_thousand_wrong_keys_cost_a_line_and_nobody_else(server):
    """A thousand a second, and as many more as the machine can: twenty thousand on two cores that others use too."""
    alone = neighbours_medians(server, lambda: True)
    with Storm(server.url) as storm:
        beside = neighbours_medians(server, lambda: storm.sent >= KEYS or storm.has_ended())
    rate = storm.sent / storm.seconds
    print(f"{storm.sent} wrong keys, {rate:.0f} a second; a list and a chat took {alone} s alone and {beside} s beside them")
    assert {status for statuses in storm.statuses for status in statuses} == {401}
    assert storm.sent >= KEYS and rate >= 1000
    for seconds_alone, seconds_beside in zip(alone, beside):
        assert seconds_beside < 20 * max(seconds_alone, 0.001)
    lines = refusals(server)
    assert len(lines) == 1 and lines[0]["peer"].startswith("127.0.0.1:"), lines
    assert "sk-wrong" not in server.log_text()
    assert f'faelled_rejected_total{{status="401"}} {storm.sent}' in server.metrics()


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
