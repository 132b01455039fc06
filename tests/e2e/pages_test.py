"""The page's control API: a conversation whose answer lives on the server."""

import json

import pytest
import requests

from visiting import signed_in
from waiting import Stopwatch, until
from wire import Wire, error_of


@pytest.fixture(scope="module")
def server(module_server, fake):
    return module_server([fake.model(concurrency=4)], demo=True)


@pytest.fixture(scope="module", autouse=True)
def abandoned(server, fake):
    """An answer that nobody watches from the first test on; the last test sees what became of it."""
    page = Page(server)
    answer = page.ask({"do": "stall", "pieces": 1, "mark": "abandoned"}).json()["answer"]
    return {"page": page, "request_id": answer["request_id"], "watch": Stopwatch()}


class Page:
    """A signed-in visitor with one conversation."""

    def __init__(self, server, model="fake"):
        self.server = server
        self.http = signed_in(server)
        self.id = self.call("POST", "conversations", {"model": model}).json()["id"]

    def call(self, method, path, body=None):
        return self.http.request(method, f"{self.server.url}/api/{path}", json=body, timeout=30)

    def ask(self, todo):
        return self.call("POST", f"conversations/{self.id}/turns", {"content": todo if isinstance(todo, str) else json.dumps(todo)})

    def read(self):
        return self.call("GET", f"conversations/{self.id}").json()

    def watch(self, turn, after=None):
        cookie = "; ".join(f"{name}={value}" for name, value in self.http.cookies.items())
        wire = Wire(self.server.url)
        return wire.request("GET", f"/api/turns/{turn}/events" + (f"?after={after}" if after is not None else ""), secret=None,
                            headers={"Cookie": cookie}).head()


def frames(stream):
    """(event, id, data) of each frame."""
    found = []
    for block in stream.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line and not line.startswith(":"))
        if "event" in fields:
            found.append((fields["event"], int(fields["id"]), json.loads(fields["data"])))
    return found


def text_of(found):
    return "".join(data["text"] for event, _, data in found if event == "delta")


@pytest.fixture
def page(server):
    return Page(server)


def test_a_question_is_answered_and_kept(page, server):
    started = page.ask({"do": "stream", "pieces": 3})
    assert started.status_code == 202
    found = frames(page.watch(started.json()["turn"]["id"]).body())
    assert text_of(found) == "piece0 piece1 piece2 "
    event, _, end = found[-1]
    assert event == "end" and end["state"] == "done" and end["usage"] == {"input_tokens": 7, "output_tokens": 3}
    kept = page.read()
    assert [message["role"] for message in kept["messages"]] == ["user", "assistant"]
    assert kept["messages"][1]["content"] == "piece0 piece1 piece2 " and kept["turn"] is None
    assert kept["title"]
    row = server.row_of(end["request_id"])
    assert row["outcome"] == "done" and row["user"] and row["member"] == "demo"


def test_a_refresh_in_mid_answer_loses_nothing(page, fake):
    turn = page.ask({"do": "stream", "pieces": 12, "hold": 3}).json()["turn"]["id"]
    first = page.watch(turn)
    seen = frames(first.until(b"piece2 ") + first.until(b"\n\n"))
    first.close()
    kept = page.read()
    assert kept["turn"]["id"] == turn and kept["messages"][1]["state"] == "running"
    fake.release()
    after = seen[-1][1]
    assert after == len(text_of(seen).encode())
    rest = frames(page.watch(turn, after).body())
    assert text_of(seen) + text_of(rest) == "".join(f"piece{number} " for number in range(12))
    assert text_of(frames(page.watch(turn, 0).body())) == text_of(seen) + text_of(rest), "also after its end"


def test_two_viewers_see_the_same(page):
    turn = page.ask({"do": "stream", "pieces": 6, "gap_s": 0.03}).json()["turn"]["id"]
    one, two = page.watch(turn), page.watch(turn)
    assert text_of(frames(one.body())) == text_of(frames(two.body())) != ""


def test_stop_ends_it_and_frees_the_engine(page, fake, server):
    started = page.ask({"do": "stall", "pieces": 2, "mark": page.id}).json()
    turn = started["turn"]["id"]
    viewer = page.watch(turn)
    viewer.until(b"piece1 ")
    assert page.call("DELETE", f"turns/{turn}").status_code == 204
    found = frames(viewer.body())
    assert found[-1][0] == "end" and found[-1][2]["state"] == "stopped"
    until("the engine is left", lambda: fake.calls_about(page.id)[0].hung_up, 5)
    message = page.read()["messages"][1]
    assert (message["state"], message["content"]) == ("stopped", "piece0 piece1 ")
    assert server.row_of(started["answer"]["request_id"])["outcome"] == "cancelled"


def test_one_answer_at_a_time(page):
    turn = page.ask({"do": "stall", "pieces": 1}).json()["turn"]["id"]
    second = page.ask("me too")
    assert second.status_code == 409 and error_of(second.json())["code"] == "conflict"
    page.call("DELETE", f"turns/{turn}")
    until("the next may be asked", lambda: page.ask("and now").status_code == 202, 5)


def test_deleting_a_conversation_ends_its_answer(page, fake):
    page.ask({"do": "stall", "pieces": 1, "mark": page.id})
    until("the engine has it", lambda: fake.calls_about(page.id))
    assert page.call("DELETE", f"conversations/{page.id}").status_code == 204
    until("the engine is left", lambda: fake.calls_about(page.id)[0].hung_up, 5)
    assert page.call("GET", f"conversations/{page.id}").status_code == 404


def test_a_failed_answer_is_said_in_both_languages(page):
    turn = page.ask({"do": "break", "pieces": 2}).json()["turn"]["id"]
    event, _, end = frames(page.watch(turn).body())[-1]
    assert event == "end" and end["state"] == "failed"
    assert end["error"]["message"] and end["error"]["message_da"] != end["error"]["message"]
    message = page.read()["messages"][1]
    assert message["state"] == "failed" and message["content"] == "piece0 piece1 "


def test_a_restart_ends_what_was_being_written(make_server, fake):
    server = make_server([fake.model()]).start(demo=True)
    page = Page(server)
    page.ask({"do": "stall", "pieces": 2, "mark": page.id})
    until("the engine has it", lambda: fake.calls_about(page.id))
    server.kill()
    server.start()
    kept = page.read()
    assert kept["turn"] is None
    assert kept["messages"][1]["state"] == "failed" and kept["messages"][1]["error"]["message_da"]
    assert page.ask("again").status_code == 202


@pytest.mark.parametrize(("body", "param"), [({}, "content"), ({"content": ""}, "content"), ({"content": 5}, "content"),
                                             ({"content": "x", "model": "nothing"}, "model"), ({"content": "x", "strange": 1}, None)])
def test_wrong_turns_are_refused(page, body, param):
    answer = page.call("POST", f"conversations/{page.id}/turns", body)
    assert answer.status_code in (400, 404), answer.text
    assert param is None or error_of(answer.json())["param"] == param
    assert page.read()["messages"] == []


def test_conversations_are_listed_newest_first_by_pages(page):
    ids = [page.id] + [page.call("POST", "conversations", {"model": "fake", "title": f"talk {number}"}).json()["id"] for number in range(4)]
    first = page.call("GET", "conversations?limit=3").json()
    rest = page.call("GET", f"conversations?limit=3&before={first['next']}").json()
    assert [entry["id"] for entry in first["conversations"] + rest["conversations"]] == ids[::-1]
    assert rest["next"] is None
    assert page.call("PATCH", f"conversations/{ids[1]}", {"title": "Ny titel"}).json()["title"] == "Ny titel"


def test_the_page_is_served_with_a_strict_policy(server):
    answer = requests.get(server.url + "/")
    assert answer.status_code == 200 and "<html" in answer.text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert requests.get(server.url + "/c/con_anything").status_code == 200
    assert requests.get(server.url + "/assets/nothing.js").status_code == 404
    described = requests.get(server.url + "/api/openapi.json").json()
    assert described["openapi"].startswith("3.1")


def test_an_answer_that_nobody_watches_is_stopped(abandoned, fake, server):
    """After limits::turn_unwatched_max, 30 s; not before, for a refresh takes a while on a poor line."""
    (call,) = until("the engine is asked", lambda: fake.calls_about("abandoned"))
    until("the engine is left", lambda: call.hung_up, 45)
    assert 29 < call.hung_up - call.begun < 33
    message = until("it is kept with the reason", lambda: (found := abandoned["page"].read()["messages"][1])["state"] == "failed" and found)
    assert message["content"] == "piece0 " and message["error"]["message_da"] == "Svaret blev afbrudt, fordi ingen så med."
    assert server.row_of(abandoned["request_id"])["outcome"] == "cancelled"
