"""Maintenance: closed to new requests, open for what runs and for operators; told to everybody; kept over a restart."""

import json

import pytest

from visiting import signed_in
from wire import Wire, error_of


@pytest.fixture
def server(make_server, fake):
    return make_server([fake.model()]).start(demo=True)


def test_new_requests_are_refused_in_words_and_running_ones_finish(server):
    with Wire(server.url) as running:
        running.chat("fake", {"do": "stream", "pieces": 40, "gap_s": 0.05}).head().until(b"piece1")
        told = server.faelled("maintenance", "on", "--message-da", "Nye diske.", "--message", "New disks.").stdout
        assert "maintenance is on" in told and "Nye diske." in told

        refused = server.chat("fake")
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == "60" and refused.headers["x-should-retry"] == "true"
        error = error_of(refused.json())
        assert error["code"] == "maintenance" and error["message"] == "New disks." and error["message_da"] == "Nye diske."
        assert server.get("/v1/models").status_code == 200, "what costs nothing goes on"

        running.until(b"[DONE]")
    assert server.faelled("maintenance", "off").stdout.startswith("maintenance is off")
    assert server.chat("fake").status_code == 200


def test_status_says_so_to_anybody_and_pages_go_on(server):
    page = signed_in(server)
    server.faelled("maintenance", "on", "--until", "2099-01-01T00:00:00Z")
    status = server.get("/api/status", None).json()
    assert status["state"] == "maintenance" and status["maintenance"]["until"].startswith("2099-01-01")
    assert status["maintenance"]["message_da"], "there are words where none were given"
    text = server.get("/api/status?format=text", None)
    assert text.headers["content-type"] == "text/plain; charset=utf-8" and "lukket for vedligehold" in text.text
    assert page.get(server.url + "/api/session").status_code == 200
    assert server.chat("fake").headers["retry-after"] == "120", "an SDK does not wait longer"


def test_it_outlives_a_restart_and_stands_in_the_audit(server):
    server.faelled("maintenance", "on")
    server.kill()
    server.start()
    assert server.faelled("maintenance", "status").stdout.startswith("maintenance is on")
    assert server.chat("fake").status_code == 503
    server.faelled("maintenance", "off")
    actions = [row["action"] for row in json.loads(server.faelled("audit", "log", "--json").stdout)["rows"]]
    assert actions.index("maintenance.off") < actions.index("maintenance.on"), "newest first"


def test_the_report_says_how_the_server_stands(server):
    page = signed_in(server)
    assert page.get(server.url + "/api/maintenance").status_code == 403
    report = json.loads(server.faelled("maintenance", "status", "--json").stdout)
    assert report["data"]["used_bytes"] > 0 and report["data"]["free_bytes"] > 0
    assert report["last_backup"] is None and report["version"]
    assert not [alarm for alarm in report["alarms"] if alarm["id"] == "model-down"]
    metrics = server.metrics()
    for name in ("faelled_maintenance 0", "faelled_journal_failed 0", "faelled_alarms_page 0", "faelled_data_free_bytes"):
        assert name in metrics, name
