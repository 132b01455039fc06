"""Roles, a member's own administration, policy and audit, on a server as it is run."""

import csv
import io
import json
import sqlite3

import pytest
import requests

from visiting import everything_in, signed_in
from waiting import until

PERSON = "Mette Mustermann"  # made up; must not be found in the audit


def said(server, *words):
    return json.loads(server.faelled(*words, "--json").stdout)


def visitor(server, user):
    """A browser that is signed in as that user."""
    link = said(server, "user", "sign-in-link", user["id"])["url"]
    session = requests.Session()
    answer = session.post(server.url + "/api/session", json={"token": link.partition("#")[2]}, timeout=60)
    assert answer.status_code == 200, answer.text
    return session


@pytest.fixture(scope="module")
def server(module_server, fake):
    return module_server([fake.model(), {**fake.model(), "id": "second"}])


@pytest.fixture(scope="module")
def admin(server):
    return visitor(server, said(server, "user", "add", "demo", "Ada", "--role", "member_admin"))


def audit(server, *words):
    return said(server, "audit", "log", *words)["rows"]


def test_an_administrator_needs_no_operator(server, admin):
    users = server.url + "/api/members/demo/users"
    made = admin.post(users, json={"name": PERSON, "email": "mette@example.dk", "role": "builder"}, timeout=60)
    assert made.status_code == 201, made.text
    assert [user["name"] for user in admin.get(users, params={"q": "mustermann"}, timeout=60).json()["users"]] == [PERSON]
    person = visitor(server, made.json())
    key = person.post(server.url + "/api/keys", json={"name": "journal", "system": True}, timeout=60).json()
    assert server.chat("fake", secret=key["secret"]).status_code == 200
    rotated = person.post(f"{server.url}/api/keys/{key['id']}/rotate", json={}, timeout=60).json()
    for secret in (key["secret"], rotated["secret"]):
        assert server.chat("fake", secret=secret).status_code == 200
    changed = admin.patch(f"{server.url}/api/users/{made.json()['id']}", json={"disabled": True}, timeout=60)
    assert changed.status_code == 200
    assert person.get(server.url + "/api/session", timeout=60).status_code == 401
    assert server.chat("fake", secret=rotated["secret"]).status_code == 200, "a system's key is not a person's"
    assert admin.get(server.url + "/api/members/other/users", timeout=60).status_code == 404
    assert admin.get(server.url + "/api/members", timeout=60).status_code == 403


def test_the_policy_holds_at_the_gateway(server, admin):
    policy = server.url + "/api/members/demo/policy"
    assert server.chat("second").status_code == 200
    assert admin.patch(policy, json={"models": ["fake"]}, timeout=60).status_code == 200
    assert [model["id"] for model in server.get("/v1/models").json()["data"]] == ["fake"]
    refused = server.chat("second")
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "model_not_found")
    assert "second" not in refused.json()["error"]["message"].partition("'second'")[2], "what is there is not told"
    assert server.get("/v1/models/second").status_code == 404
    assert [model["id"] for model in admin.get(server.url + "/api/models", timeout=60).json()["models"]] == ["fake"]
    server.faelled("member", "policy", "demo", "--models", "all")
    assert server.chat("second").status_code == 200
    key = said(server, "key", "add", "--member", "demo", "--name", "narrow", "--models", "second")
    assert server.chat("fake", secret=key["secret"]).status_code == 404
    assert server.chat("second", secret=key["secret"]).status_code == 200
    server.faelled("key", "edit", key["id"], "--models", "all")
    assert server.chat("fake", secret=key["secret"]).status_code == 200


def test_acts_and_refusals_are_told_with_all_that_an_auditor_asks_for(server, admin):
    me = admin.get(server.url + "/api/session", timeout=60).json()["user"]["id"]
    refused = admin.patch(f"{server.url}/api/users/{me}", json={"role": "operator"}, timeout=60)
    assert refused.status_code == 403
    (row,) = [row for row in audit(server, "--actor", me) if row["request_id"] == refused.headers["x-request-id"]]
    assert (row["action"], row["outcome"], row["object"]) == ("user.update", "refused", me)
    assert row["peer"].startswith("127.0.0.1:")
    assert {row["actor_kind"] for row in audit(server)} >= {"owner", "user", "config"}
    table = list(csv.DictReader(io.StringIO(server.faelled("audit", "log", "--csv").stdout)))
    assert len(table) == len(audit(server)) and table[0]["action"]
    marked = server.faelled("audit", "log", "--excel").stdout
    assert marked.startswith("\ufeffid;at;")
    assert PERSON not in marked and "example.dk" not in marked


def test_an_operator_is_made_on_the_machine_and_reads_nobodys_words(server, admin):
    person = said(server, "user", "add", "demo", "Kim")
    kim = visitor(server, person)
    mine = kim.post(server.url + "/api/conversations", json={"model": "fake"}, timeout=60).json()
    operator = visitor(server, said(server, "user", "add", "other", "Per", "--role", "operator"))
    assert operator.get(server.url + "/api/members/demo/users", timeout=60).status_code == 200
    for path in ("/api/conversations", f"/api/conversations/{mine['id']}"):
        assert operator.get(server.url + path, timeout=60).status_code == 403
    link = operator.post(server.url + "/api/sign-in-links", json={"user": person["id"]}, timeout=60)
    assert link.status_code == 403, "a link is the person"
    assert admin.post(server.url + "/api/sign-in-links", json={"user": person["id"]}, timeout=60).status_code == 201


def test_what_was_done_is_in_the_audit_after_a_kill_and_cannot_be_changed(make_server, fake):
    server = make_server([fake.model()]).start()
    user = said(server, "user", "add", "demo", "Bo")
    server.faelled("user", "disable", user["id"])
    server.kill()
    with sqlite3.connect(server.data / "faelled.db") as store:
        for statement in ("UPDATE audit SET actor = 'x'", "DELETE FROM audit"):
            with pytest.raises(sqlite3.IntegrityError):
                store.execute(statement)
    server.start()
    rows = [row["action"] for row in audit(server) if row["object"] == user["id"]]
    assert rows == ["user.update", "user.create"]
    (bo,) = [row for row in said(server, "user", "list", "demo")["users"] if row["id"] == user["id"]]
    assert bo["disabled_at"]
    assert said(server, "user", "enable", user["id"])["disabled_at"] is None


def test_what_the_configuration_file_changed_is_told(make_server, fake):
    server = make_server([fake.model()]).start()
    assert {(row["action"], row["object_member"]) for row in audit(server) if row["actor_kind"] == "config"} == {
        ("member.create", "demo"), ("member.create", "other"), ("key.create", "demo"), ("key.create", "other")}
    server.stop()
    server.config["keys"] = server.config["keys"][:1]
    server.start()
    assert [row["action"] for row in audit(server, "--member", "other")][0] == "key.revoke"


def test_old_conversations_go_when_the_member_says_so(make_server, fake):
    server = make_server([fake.model()]).start(demo=True)
    browser = signed_in(server)
    for _ in range(3):
        assert browser.post(server.url + "/api/conversations", json={"model": "fake"}, timeout=60).status_code == 201
    server.stop()
    with sqlite3.connect(server.data / "faelled.db") as store:  # as if they had been left for 40 days
        store.execute("UPDATE conversations SET updated_at = updated_at - 40 * 86400 * 1000000 WHERE id IN "
                      "(SELECT id FROM conversations LIMIT 2)")
    server.start()
    assert len(browser.get(server.url + "/api/conversations", timeout=60).json()["conversations"]) == 3
    server.faelled("member", "policy", "demo", "--retention-days", "30")
    server.stop()
    server.start()
    until("they are erased",
          lambda: len(browser.get(server.url + "/api/conversations", timeout=60).json()["conversations"]) == 1, 30)
    (row,) = audit(server, "--action", "conversation.erase")
    assert (row["after"], row["actor_kind"]) == ({"conversations": 2}, "system")


def test_no_secret_gets_into_the_audit(server, admin):
    key = said(server, "key", "add", "--member", "demo", "--name", "secret one")
    server.faelled("key", "rotate", key["id"])
    assert key["secret"].encode() not in everything_in(server.data)
    assert "sk-" not in server.faelled("audit", "log", "--csv").stdout
