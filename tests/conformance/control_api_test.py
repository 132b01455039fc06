"""Our control API as its own description says it, to each who may ask: a signed-in person, a key, and the server's owner."""

import json
from pathlib import Path

import pytest
import requests
import schemathesis.openapi

import described
from fake_engine import FakeEngine
from server import SECRET, Server
from visiting import signed_in

DESCRIPTION = json.loads((Path(__file__).resolve().parents[2] / "src/portal/openapi.json").read_text())
OPERATIONS = [result.ok() for result in schemathesis.openapi.from_dict(described.without_security(DESCRIPTION)).get_all_operations()]
# Whoever asks them is signed out, or waits for events that do not come; they have tests of their own.
NOT_ASKED = ("DELETE /api/session", "GET /api/turns/{id}/events")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    engine = FakeEngine()
    server = Server(tmp_path_factory.mktemp("control"), [engine.model()])
    try:
        yield server.start()
    finally:
        server.end()
        engine.close()


@pytest.fixture(scope="module")
def senders(server):
    """who → a session that asks as them."""
    key = requests.Session()
    key.headers["Authorization"] = f"Bearer {SECRET}"
    return {"person": signed_in(server), "key": key, "owner": described.over_unix_socket(server.data / "control.sock")}


@pytest.mark.parametrize("who", ["person", "key", "owner"])
@pytest.mark.parametrize("kind", ["positive", "negative"])
@pytest.mark.parametrize("operation", [each for each in OPERATIONS if each.label not in NOT_ASKED], ids=lambda each: each.label)
def test_the_control_api_is_as_it_is_described(server, senders, operation, kind, who):
    base = "http://localhost" if who == "owner" else server.url

    def send(case):
        return case.call(base_url=base, session=senders[who], timeout=described.CALL_S_MAX)

    described.asked("control", operation, kind, send)
    assert server.alive()


def test_what_is_not_asked_exists():
    assert set(NOT_ASKED) <= {each.label for each in OPERATIONS}
