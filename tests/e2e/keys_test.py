"""Keys and sessions: shown once, kept as hashes, ended at once."""

import datetime
import json
import os
import stat

import pytest
import requests

from server import OTHER_SECRET, SECRET
from visiting import everything_in, signed_in
from waiting import until
from wire import Wire


@pytest.fixture(scope="module")
def server(module_server, fake):
    return module_server([fake.model()], demo=True, log={"level": "debug"})


def made(server, *words):
    return json.loads(server.faelled("key", "add", "--member", "demo", "--name", "made", *words, "--json").stdout)


def test_a_key_is_shown_once_and_kept_as_a_hash(server):
    key = made(server)
    assert server.get("/v1/models", key["secret"]).status_code == 200
    listed = server.faelled("key", "list", "--json").stdout
    assert key["id"] in listed and key["secret"] not in listed
    assert all("secret" not in entry for entry in json.loads(listed)["keys"])
    kept = everything_in(server.data)
    for secret in (key["secret"], SECRET, server.said["key"], server.said["sign_in"].partition("#")[2]):
        assert secret.encode() not in kept and secret[10:].encode() not in kept
        assert secret not in server.log_text()


def test_a_configured_key_works_and_goes_with_its_line(make_server, fake):
    server = make_server([fake.model()]).start()
    assert server.get("/v1/models").status_code == 200
    server.stop()
    server.config["keys"] = server.config["keys"][1:]
    server.start()
    assert server.get("/v1/models").status_code == 401


def test_a_configured_key_can_be_a_persons(make_server, fake):
    server = make_server([fake.model()], users=[{"member": "demo", "name": "Known"}])
    server.config["keys"][0]["user"] = "Known"
    server.config["keys"][1]["user"] = "New"
    server.start()
    assert server.chat("fake").status_code == server.chat("fake", secret=OTHER_SECRET).status_code == 200
    people = {row["member"]: row["user"] for row in server.rows()}
    for member, name in (("demo", "Known"), ("other", "New")):
        (user,) = json.loads(server.faelled("user", "list", member, "--json").stdout)["users"]
        assert (user["id"], user["name"]) == (people[member], name)
    server.stop()
    server.start()
    assert len(json.loads(server.faelled("user", "list", "other", "--json").stdout)["users"]) == 1


def test_the_key_of_the_demo_serves_its_model(server):
    answer = server.chat(server.said["model"], secret=server.said["key"])
    assert answer.status_code == 200
    assert server.row_of(answer.headers["x-request-id"])["user"]


def test_a_revoked_key_ends_at_once(server):
    key = made(server)
    with Wire(server.url) as client:  # on a connection that is open already, too
        assert client.request("GET", "/v1/models", secret=key["secret"]).head().status == 200
        client.body()
        server.faelled("key", "revoke", key["id"])
        assert client.request("GET", "/v1/models", secret=key["secret"]).head().status == 401
    entry = next(entry for entry in json.loads(server.faelled("key", "list", "--json").stdout)["keys"] if entry["id"] == key["id"])
    assert entry["revoked_at"]
    assert "no such key" in server.faelled("key", "revoke", "key_nothing", check=False).stderr.lower()


def test_a_key_expires(server):
    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=1.5)
    key = made(server, "--expires", soon.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
    assert server.get("/v1/models", key["secret"]).status_code == 200
    until("it has expired", lambda: server.get("/v1/models", key["secret"]).status_code == 401, 5)
    assert server.get("/v1/models", key["secret"]).json()["error"]["code"] == "invalid_api_key"
    assert server.faelled("key", "add", "--member", "demo", "--name", "x", "--expires", "someday", check=False).returncode != 0


def test_a_revoked_key_stays_revoked_after_a_kill(make_server, fake):
    server = make_server([fake.model()]).start()
    key = made(server)
    server.faelled("key", "revoke", key["id"])
    server.kill()
    server.start()
    assert server.get("/v1/models", key["secret"]).status_code == 401


def test_a_sign_in_link_works_once_and_its_cookie_is_safe(server):
    token = server.said["sign_in"].partition("#")[2]
    assert server.said["sign_in"].startswith(server.url + "/sign-in#")
    first = requests.post(server.url + "/api/session", json={"token": token})
    assert first.status_code == 200 and first.json()["member"]["id"] == "demo"
    cookie = first.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and "Path=/" in cookie
    again = requests.post(server.url + "/api/session", json={"token": token})
    assert again.status_code == 401 and "set-cookie" not in again.headers
    value = cookie.split(";")[0].partition("=")[2]
    assert value.encode() not in everything_in(server.data)
    session = signed_in(server)
    assert session.get(server.url + "/api/session").status_code == 200
    old = dict(session.cookies)
    assert session.delete(server.url + "/api/session").status_code == 204
    assert requests.get(server.url + "/api/session", cookies=old).status_code == 401


def test_a_session_survives_a_restart(make_server, fake):
    server = make_server([fake.model()]).start(demo=True)
    session = signed_in(server)
    server.stop()
    server.start()
    assert requests.get(server.url + "/api/session", cookies=dict(session.cookies)).status_code == 200


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "http://evil.example"},
                                     {"Origin": "null"}, {"Content-Type": "text/plain"}, {"Content-Type": "application/x-www-form-urlencoded"}])
def test_another_sites_page_can_do_nothing(server, headers):
    session = signed_in(server)
    body = json.dumps({"model": "fake"})
    answer = session.post(server.url + "/api/conversations", data=body, headers={"Content-Type": "application/json", **headers})
    assert answer.status_code in (403, 415), answer.text
    own = {"Content-Type": "application/json", "Origin": server.url, "Sec-Fetch-Site": "same-origin"}
    assert session.post(server.url + "/api/conversations", data=body, headers=own).status_code == 201
    assert "access-control-allow-origin" not in {name.lower() for name in answer.headers}


def test_a_cookie_is_no_key_and_a_key_no_session(server):
    session = signed_in(server)
    assert session.get(server.url + "/v1/models").status_code == 401
    assert server.get("/api/conversations").status_code in (401, 403)
    assert server.post("/api/members", {"name": "x"}).status_code == 403
    assert server.post("/api/members", {"name": "x"}, secret=None).status_code == 401


def test_the_control_socket_is_its_owners_alone(server):
    socket_file = server.data / "control.sock"
    assert stat.S_ISSOCK(socket_file.stat().st_mode)
    assert stat.S_IMODE(socket_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(server.data.stat().st_mode) == 0o700
    for path in server.data.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 or stat.S_IMODE(path.parent.stat().st_mode) & 0o077 == 0, path
    assert os.stat(socket_file).st_uid == os.geteuid()


def test_the_command_line_says_what_to_do_without_a_server(make_server, fake):
    server = make_server([fake.model()])
    server.write_config()
    done = server.faelled("usage", check=False)
    assert done.returncode == 1 and "faelled serve" in done.stderr
