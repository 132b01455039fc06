"""What people and models write is kept sealed or not at all. Invariant: no words in records."""

import json

import pytest

from server import SECRET
from visiting import everything_in, signed_in
from waiting import until

QUESTION = "canary-question-7391"
ANSWER = "canary-answer-5527"


@pytest.fixture(scope="module")
def server(module_server, fake):
    return module_server([fake.model()], demo=True, log={"level": "debug"})


def test_words_are_in_no_log_journal_database_or_metric(server, fake):
    """An API client's and a page's question and answer, whole, streamed, broken off and refused."""
    def todo(what, **more):
        return json.dumps({"do": what, "pieces": 2, "say": ANSWER, "words": QUESTION, **more})

    for stream in (True, False):
        assert server.chat("fake", todo("stream"), stream=stream).status_code == 200
    for what in ("break", "garbage", "error_event"):
        server.chat("fake", todo(what), stream=what != "garbage").content
    server.chat("fake", todo("status", status=500))
    server.post("/v1/chat/completions", '{"model":"fake","messages":"' + QUESTION + '"}')
    server.post("/v1/chat/completions", '{"model":"fake","broken ' + QUESTION)
    server.chat("fake", QUESTION, temperature="hot")
    session = signed_in(server)
    conversation = session.post(server.url + "/api/conversations", json={"model": "fake"}).json()["id"]
    session.post(f"{server.url}/api/conversations/{conversation}/turns", json={"content": todo("stream")})

    def answered():
        messages = session.get(f"{server.url}/api/conversations/{conversation}").json()["messages"]
        return len(messages) == 2 and messages[1]["state"] == "done" and messages
    messages = until("the page's answer is done", answered)
    assert ANSWER in messages[1]["content"] and QUESTION in messages[0]["content"]
    assert fake.calls_about(QUESTION)
    server.rows()  # everything is in the ledger
    kept = everything_in(server.data)
    for words in (QUESTION, ANSWER, SECRET):
        assert words.encode() not in kept
        assert words not in server.log_text()
        assert words not in server.metrics()
        assert words not in server.faelled("usage", "--rows", "--json").stdout
