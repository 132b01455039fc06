"""Fælled on PostgreSQL: the database goes away under load and comes back, two servers share one, and a change from
SQLite. Waiting is for what happens, never for time."""

import json
import os
import signal
import subprocess
import threading
from collections import Counter

import pytest
import requests

from control import add, api, catalogue, change, remove
from postgres import PASSWORD, Postgres
from server import OTHER_SECRET, SECRET, binary
from visiting import everything_in, signed_in
from waiting import until

AWAY_ANSWERS = 150  # requests answered while the database is away
FOLLOW_S = 10  # in which a server hears of another's change; a second where nothing else keeps the machine busy


@pytest.fixture(scope="module")
def postgres():
    database = Postgres()
    yield database
    database.end()


@pytest.fixture
def database(postgres, request):
    """The configuration of a fresh database."""
    name = request.node.name.lower()[:50]
    return postgres.config(postgres.new_database(name))


class Load:
    """Clients that ask one after the other until they are told to end; every status that they saw."""

    def __init__(self, server, model="fake", clients=4):
        self.server, self.model = server, model
        self.statuses = Counter()
        self.ids = []
        self.lock = threading.Lock()
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self.ask, daemon=True) for _ in range(clients)]
        for thread in self.threads:
            thread.start()

    def ask(self):
        with requests.Session() as session:
            while not self.over.is_set():
                answer = session.post(self.server.url + "/v1/chat/completions", timeout=60,
                                      headers={"Authorization": f"Bearer {SECRET}"},
                                      json={"model": self.model, "messages": [{"role": "user", "content": "hello"}]})
                with self.lock:
                    self.statuses[answer.status_code] += 1
                    self.ids.append(answer.headers["x-request-id"])

    def answered(self):
        return self.statuses[200]

    def until_more(self, more):
        goal = self.answered() + more
        until(f"{more} more answers", lambda: self.answered() >= goal, 60)

    def end(self):
        self.over.set()
        for thread in self.threads:
            thread.join(60)


def store_is_up(server):
    return server.get("/readyz", secret=None).json()["store"]


def rows_of_all(server):
    return [row["request_id"] for row in server.rows()]


def test_a_database_that_goes_away_under_load_costs_nobody_an_answer(make_server, fake, postgres, database):
    server = make_server([fake.model()], **database).start()
    person = signed_in(server)
    calls_before = len(fake.calls)
    load = Load(server)
    load.until_more(50)
    postgres.stop()
    try:
        load.until_more(AWAY_ANSWERS)
        until("the server knows", lambda: not store_is_up(server))
        assert server.get("/readyz", secret=None).status_code == 200, "it goes on serving"
        assert person.get(server.url + "/api/session").status_code == 200, "who is signed in stays so"
        assert server.get("/v1/models", secret="sk-wrong0000000000000000000001").status_code == 401, "nothing fails open"

        refused = server.faelled("key", "add", "--member", "demo", "--name", "new", check=False)
        assert refused.returncode == 1
        # The second, where it looked for it again at this moment.
        assert "does not answer" in refused.stderr or "cannot be reached" in refused.stderr, refused.stderr
        key = next(key["id"] for key in json.loads(server.faelled("key", "list", "--json").stdout)["keys"] if key["name"] == "second")
        assert server.faelled("key", "revoke", key, check=False).returncode == 1
        assert server.get("/v1/models", secret=OTHER_SECRET).status_code == 200, "refused means that nothing was changed"
        written = person.post(server.url + "/api/conversations", json={"model": "fake", "title": "x"})
        assert written.status_code == 503, written.text
        assert written.json()["error"]["code"] == "store_unavailable"
        assert "sine data" in written.json()["error"]["message_da"]
        leaving = dict(person.cookies)
        assert person.delete(server.url + "/api/session").status_code == 204, "whoever leaves is gone"
        load.until_more(20)
    finally:
        postgres.start()
    until("the store is back", lambda: store_is_up(server), 30)
    until("and for good", lambda: postgres.sql("SELECT count(*) FROM sessions", database["store"].rpartition("/")[2]) == "0")
    assert requests.get(server.url + "/api/session", cookies=leaving).status_code == 401
    load.until_more(20)
    load.end()
    assert set(load.statuses) == {200}, load.statuses
    ids = rows_of_all(server)
    assert Counter(ids) == Counter(load.ids), "one row for each answer, none lost and none twice"
    assert len(load.ids) == len(fake.calls) - calls_before, "and the engine counted as many"
    assert [key["name"] for key in json.loads(server.faelled("key", "list", "--json").stdout)["keys"]].count("new") == 0
    assert server.faelled("key", "add", "--member", "demo", "--name", "new").returncode == 0
    assert PASSWORD.encode() not in server.log_file.read_bytes()
    assert PASSWORD.encode() not in everything_in(server.data)


def test_a_crash_of_the_database_in_the_middle_of_a_change_loses_and_doubles_nothing(make_server, fake, postgres, database):
    server = make_server([fake.model("crash")], **database).start()
    load = Load(server, "crash")
    for _ in range(3):
        load.until_more(40)
        postgres.stop(signal.SIGQUIT)
        load.until_more(20)
        postgres.start()
    load.end()
    assert set(load.statuses) == {200}, load.statuses
    until("the store is back", lambda: store_is_up(server), 30)
    assert Counter(rows_of_all(server)) == Counter(load.ids)


def test_usage_of_an_outage_survives_the_end_of_the_server(make_server, fake, postgres, database):
    server = make_server([fake.model()], **database).start()
    postgres.stop()
    try:
        ids = [server.chat("fake").headers["x-request-id"] for _ in range(20)]
        server.kill()
    finally:
        postgres.start()
    server.start()
    assert Counter(rows_of_all(server)) == Counter(ids)


def test_two_servers_on_one_database_hear_of_each_other(make_server, fake, database):
    one = make_server([fake.model()], **database).start()
    two = make_server([fake.model()], **database).start()
    made = json.loads(one.faelled("key", "add", "--member", "demo", "--name", "shared", "--json").stdout)
    secret, key = made["secret"], made["id"]
    until("the other knows the key", lambda: two.chat("fake", secret=secret).status_code == 200, FOLLOW_S)
    two.faelled("key", "revoke", key)
    assert two.chat("fake", secret=secret).status_code == 401, "there at once"
    until("the first refuses it too", lambda: one.chat("fake", secret=secret).status_code == 401, FOLLOW_S)

    person = signed_in(one)
    until("the session counts on both", lambda: person.get(two.url + "/api/session").status_code == 200, FOLLOW_S)
    assert person.delete(one.url + "/api/session").status_code == 204
    cookies = person.cookies.get_dict()
    until("and ends on both", lambda: requests.get(two.url + "/api/session", cookies=cookies).status_code == 401, FOLLOW_S)
    one.faelled("member", "add", "odense")
    until("a member is known to both", lambda: "odense" in two.faelled("member", "list").stdout, FOLLOW_S)

    ids = [server.chat("fake").headers["x-request-id"] for server in (one, two) for _ in range(3)]
    one.row_of(ids[-1], within_s=FOLLOW_S)
    counted = Counter(rows_of_all(one))
    assert all(counted[request_id] == 1 for request_id in ids), "one ledger, two journals"


def test_two_servers_on_one_database_hear_of_models_and_aliases(make_server, fake, database):
    one = make_server([fake.model()], **database).start()
    two = make_server([fake.model()], **database).start()
    other = fake.model("other")
    assert add(one, other)[0] == 201
    until("the other serves it", lambda: two.chat("other").status_code == 200, FOLLOW_S)
    assert catalogue(two)["other"]["definition"] == other

    status, answer = change(two, other | {"name": "Den anden"}, 1)
    assert status == 200 and answer["version"] == 2, answer
    until("the first has its name too", lambda: catalogue(one)["other"]["version"] == 2, FOLLOW_S)
    status, answer = change(one, other, 1)
    assert status == 409, answer

    assert api(one, "PUT", "/api/aliases/best", {"model": "fake"})[0] == 201
    until("the name means it there too", lambda: two.chat("best").status_code == 200, FOLLOW_S)
    assert api(two, "PUT", "/api/aliases/best", {"model": "other", "version": 1})[0] == 200
    until("and moves on both", lambda: api(one, "GET", "/api/aliases")[1]["aliases"][0]["model"] == "other", FOLLOW_S)
    assert api(one, "DELETE", "/api/aliases/best")[0] == 204
    until("and goes on both", lambda: two.chat("best").status_code == 404, FOLLOW_S)

    assert remove(two, "other")[0] == 204
    until("the first forgets it", lambda: one.chat("other").status_code == 404, FOLLOW_S)
    two.stop()
    two.start()
    assert "other" not in catalogue(two)


def test_a_key_revoked_elsewhere_while_the_database_was_away_for_one_ends_when_it_is_back(make_server, fake, postgres, database):
    one = make_server([fake.model()], **database).start()
    name = database["store"].rpartition("/")[2]
    assert one.chat("fake", secret=OTHER_SECRET).status_code == 200
    postgres.stop()
    assert one.chat("fake", secret=OTHER_SECRET).status_code == 200
    postgres.start()
    postgres.sql("UPDATE keys SET revoked_at = 1, revoked_by = 1 WHERE name = 'second'", name)
    until("it is refused", lambda: one.chat("fake", secret=OTHER_SECRET).status_code == 401, FOLLOW_S)
    assert one.chat("fake").status_code == 200


def test_a_server_that_starts_before_its_database_waits_and_says_so(make_server, fake, postgres, database):
    server = make_server([fake.model()], **database)
    postgres.stop()
    try:
        server.spawn()
        until("it says that it waits", lambda: "waiting for the database" in server.log_text(), 30)
        assert server.alive()
    finally:
        postgres.start()
    server.url = until("the server listens", server.address, 60)
    server.until_ready()
    assert server.chat("fake").status_code == 200


def test_a_wrong_password_is_refused_at_once_and_never_shown(make_server, fake, database, tmp_path):
    wrong = tmp_path / "wrong"
    wrong.write_text("hunter2-hunter2\n")
    server = make_server([fake.model()], **{**database, "store_password_file": str(wrong)})
    assert server.spawn().wait(20) == 1
    assert "store_password_file" in server.log_text()
    checked = subprocess.run([binary(), "check", str(server.file)], capture_output=True, text=True)
    assert checked.returncode == 1
    assert "password authentication failed" in checked.stderr
    assert "hunter2" not in server.log_text() + checked.stderr


def test_an_operator_changes_over_from_sqlite_without_losing_anything(make_server, fake, database):
    server = make_server([fake.model()]).start()
    person = signed_in(server)
    made = person.post(server.url + "/api/conversations", json={"model": "fake", "title": "Om fælleden"}).json()
    secret = json.loads(server.faelled("key", "add", "--member", "demo", "--name", "kept", "--json").stdout)["secret"]
    for _ in range(5):
        assert server.chat("fake", secret=secret).status_code == 200
    before = server.rows()
    server.stop()

    server.config.update(database)
    assert server.spawn().wait(20) == 1, "a database without anybody beside a file full of them"
    assert "faelled store copy" in server.log_text()
    checked = subprocess.run([binary(), "check", str(server.file)], capture_output=True, text=True)
    assert checked.returncode == 0 and "PostgreSQL 15" in checked.stdout, checked.stderr
    copied = server.faelled("store", "copy")
    assert "rows copied, counted and compared" in copied.stdout
    again = server.faelled("store", "copy", check=False)
    assert again.returncode == 1 and "empty database" in again.stderr
    assert "nothing to do" in server.faelled("store", "migrate", "--dry-run").stdout

    server.start()
    assert server.rows() == before
    assert server.chat("fake", secret=secret).status_code == 200
    there = person.get(server.url + f"/api/conversations/{made['id']}")
    assert there.status_code == 200 and there.json()["title"] == "Om fælleden"
    assert os.path.exists(server.data / "faelled.db"), "the file stays"
