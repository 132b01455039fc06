"""The commons on a running server: who is next, why one waits, and what a full house says."""

import json
import re
import threading

import pytest

from server import OTHER_SECRET, SECRET
from visiting import everything_in, signed_in
from waiting import until


def do(**what):
    return {"messages": [{"role": "user", "content": json.dumps(what)}]}


def in_line(server):
    return int(float(re.search(r"^faelled_waiting (\S+)$", server.metrics(), re.MULTILINE)[1]))


def in_background(work):
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_a_greedy_member_does_not_keep_a_modest_one_waiting(make_server, tiny):
    """On a real engine: twelve clients of one member beside one request of another."""
    server = make_server([tiny("slow", concurrency=2, context_tokens=2048)]).start()
    stop = threading.Event()

    def greedy():
        while not stop.is_set():
            assert server.chat("slow", "bade", max_tokens=60).status_code == 200

    clients = [in_background(greedy) for _ in range(12)]
    try:
        until("a long line", lambda: in_line(server) >= 9)
        before = len(server.rows())
        assert server.chat("slow", "fogo", secret=OTHER_SECRET, max_tokens=1).status_code == 200
        until("its row", lambda: any(row["member"] == "other" for row in server.rows()))
        passed = len(server.rows()) - before - 1
        # The two that ran, and what was granted between the question and our look at the ledger.
        assert passed <= 6, f"{passed} requests of the greedy member went before it"
    finally:
        stop.set()
        for client in clients:
            client.join()
    shares = json.loads(server.faelled("shares", "--json").stdout)["members"]
    assert {share["member"] for share in shares} == {"demo", "other"}
    assert all(share["waiting"] == share["running"] == 0 for share in shares)


@pytest.fixture
def one_place(make_server, fake):
    return make_server([fake.model(concurrency=1)], limits={"wait_s": 3, "keep_alive_s": 1}).start()


def test_a_waiting_request_can_be_explained_and_ends_with_a_reason(one_place, fake):
    seen = len(fake.calls)
    first = in_background(lambda: one_place.post("/v1/chat/completions", {"model": "fake", **do(do="stream", after_s=5)}))
    until("it runs", lambda: len(fake.calls) > seen)
    stream = one_place.post("/v1/chat/completions", {"model": "fake", "stream": True, **do(do="stream", pieces=1)}, stream=True)
    assert stream.status_code == 200, "the first keep-alive opens it"
    ticket = stream.headers["x-request-id"]
    told = one_place.get(f"/api/tickets/{ticket}").json()
    assert (told["state"], told["position"]) == ("waiting", 1)
    assert told["cause"] in ("colleagues", "floor_claims", "borrowing") and "i brug" in told["message_da"]
    assert one_place.get(f"/api/tickets/{ticket}", secret=OTHER_SECRET).status_code == 404
    assert "all places" in one_place.faelled("explain", ticket).stdout.lower()
    last = [line for line in stream.iter_lines() if line.startswith(b"data: ")][-1]
    error = json.loads(last[6:])["error"]
    assert error["code"] == "rate_limit_exceeded"
    assert "% of its share" in error["message"] and "% af jeres andel" in error["message_da"]
    assert "; try again in " in error["message"] and "; prøv igen om " in error["message_da"]
    first.join()
    assert one_place.get(f"/api/tickets/{ticket}").status_code == 404, "it has ended"


def test_batch_gives_its_place_to_a_person_and_begins_again(one_place, fake):
    answers = []
    seen = len(fake.calls)
    batch = in_background(lambda: answers.append(one_place.post(
        "/v1/chat/completions", {"model": "fake", "service_tier": "flex", **do(do="stream", after_s=2)})))
    until("the batch runs", lambda: len(fake.calls) == seen + 1)
    person = one_place.chat("fake", secret=OTHER_SECRET)
    assert person.status_code == 200
    assert fake.calls[seen].hung_up, "the engine stopped working on the batch"
    batch.join()
    assert answers[0].status_code == 200 and len(fake.calls) == seen + 3, "it was begun again and finished"
    until("one row each", lambda: [row["outcome"] for row in one_place.rows()] == ["done", "done"])


AGREEMENTS = """\
tiers:
  - { id: small, name: Small, share: 3, places: 1, wait_s: 1, fee_ore: 100 }
agreements:
  - { member: demo, tier: small, from: 2026-01-01 }
"""


def apply(server, folder, text):
    file = folder / "agreements.yaml"
    file.write_text(text)
    server.faelled("apply", "-f", str(file), "--yes")


def test_agreements_bind_while_the_server_runs(make_server, fake, tmp_path):
    server = make_server([fake.model(concurrency=3)], members=[{"id": "demo", "name": "Demo Kommune"}]).start()
    apply(server, tmp_path, AGREEMENTS)
    share = server.get("/api/share").json()
    assert (share["share"], share["name"]) == (3, "Demo Kommune"), "as configured, though a key makes it"
    seen = len(fake.calls)
    first = in_background(lambda: server.post("/v1/chat/completions", {"model": "fake", **do(do="stream", after_s=4)}))
    until("it runs", lambda: len(fake.calls) > seen)
    refused = server.chat("fake")
    assert refused.status_code == 429, "one place, and it waited its agreement's second"
    assert "as many requests at once as its agreement allows" in refused.json()["error"]["message"]
    assert "som jeres aftale giver plads til" in refused.json()["error"]["message_da"]
    assert server.chat("fake", secret=OTHER_SECRET).status_code == 200, "two places are free for the others"
    apply(server, tmp_path, AGREEMENTS.replace("from: 2026-01-01 }", "from: 2026-01-01, suspended: true, reason_da: ubetalt regning, reason_en: unpaid invoice }"))
    first.join()
    suspended = server.chat("fake")
    assert suspended.status_code == 403
    assert "unpaid invoice" in suspended.json()["error"]["message"] and "ubetalt regning" in suspended.json()["error"]["message_da"]


def test_what_was_lent_outlives_a_restart(make_server, fake):
    server = make_server([fake.model(concurrency=1)]).start()

    def lent():
        server.chat("fake", content=json.dumps({"do": "stream", "pieces": 50}))
        return json.loads(server.faelled("shares", "--json").stdout)["members"]

    def someone_lent():
        shares = lent()
        return any(share["lent"] > 0 for share in shares) and shares

    before = until("a settlement", someone_lent, 40)
    server.stop()
    server.start()
    after = {share["member"]: share for share in json.loads(server.faelled("shares", "--json").stdout)["members"]}
    for share in before:
        assert after[share["member"]]["lent"] >= share["lent"] and after[share["member"]]["borrowed"] >= share["borrowed"]
    assert sum(share["credit"] for share in after.values()) == 0


def test_a_server_checks_its_own_decisions(make_server, fake):
    server = make_server([fake.model(concurrency=2)]).start()
    assert signed_in(server, "demo", "Anne").post(server.url + "/api/shares/check", timeout=60).status_code == 403
    visitor = signed_in(server, "demo", "Per", "operator")

    def shares():
        answer = visitor.get(server.url + "/api/shares", timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()

    assert shares()["floor_violations"] is None and shares()["check"]["checked_at"] is None, "nobody having looked is not zero"
    for secret in [SECRET, OTHER_SECRET] * 3:
        assert server.chat("fake", secret=secret).status_code == 200
    until("they are in the log", lambda: everything_in(server.data / "decisions").count(b" arrive ") == 6)
    begun = visitor.post(server.url + "/api/shares/check", timeout=60)
    assert begun.status_code == 202 and begun.json()["running"], begun.text
    check = until("its end", lambda: not shares()["check"]["running"] and shares()["check"])
    assert check["events"] > 6 and check["skipped"] == 0, check
    assert shares()["floor_violations"] == check["floor_violations"] == check["violations"] == check["differing"] == 0, check
    assert check["faults"] == 0 and check["first_faults"] == [], check
    assert check["from"] < check["to"] < check["checked_at"]
    rows = json.loads(server.faelled("audit", "log", "--json").stdout)["rows"]
    assert "share.check" in [row["action"] for row in rows if row["outcome"] == "done"]
    server.stop()
