"""What real engines measure of themselves, in our own metrics: there while they run, gone with them."""

import pytest

from waiting import until
from wire import Wire

LONG = 8000  # tokens: no answer of that length ends before somebody hangs up
SOON_S = 30  # they are asked every few seconds
NAMES = {"requests_running", "requests_waiting", "prefix_cache_queries_total", "prefix_cache_hits_total"}


@pytest.fixture(scope="module")
def server(module_server, tiny, fake):
    return module_server([tiny("chat"), tiny("slow", context_tokens=8192), fake.model()])


def models(server):
    return {model for _, model, _ in server.measured_of_all()}


def running(server, model):
    return server.measured(model).get("requests_running")


def test_each_engine_of_ours_is_told_apart_and_a_server_of_others_has_none(server):
    until("both engines have said", lambda: models(server) == {"chat", "slow"}, SOON_S)
    assert set(server.measured("chat")) == set(server.measured("slow")) == NAMES
    text = server.metrics()
    assert "# TYPE faelled_engine_prefix_cache_queries_total counter" in text
    assert "# TYPE faelled_engine_requests_running gauge" in text


def test_what_an_engine_works_on_is_seen_and_over_when_nobody_listens(server):
    until("nothing runs", lambda: running(server, "slow") == 0, SOON_S)
    with Wire(server.url) as client:
        client.chat("slow", "tell me all", max_tokens=LONG).head().until(b'"content":"')
        until("one runs", lambda: running(server, "slow") == 1, SOON_S)
    until("nothing runs", lambda: running(server, "slow") == 0, SOON_S)


def test_its_cache_was_asked_for_every_token_of_the_prompts(server):
    before = until("it has said", lambda: server.measured("chat"), SOON_S)
    usage = [server.chat("chat", "the same words as before, and again", max_tokens=2).json()["usage"] for _ in range(3)]
    prompts = sum(each["prompt_tokens"] for each in usage)
    found = sum(each["prompt_tokens_details"]["cached_tokens"] for each in usage)
    assert found > 0, "nothing was found again: the test would see nothing"

    def grown(name):
        return server.measured("chat")[name] - before[name]

    until("all are counted", lambda: grown("prefix_cache_queries_total") >= prompts, SOON_S)
    assert grown("prefix_cache_queries_total") == prompts
    assert grown("prefix_cache_hits_total") == found


def test_they_go_with_the_engine(server):
    until("both engines have said", lambda: models(server) == {"chat", "slow"}, SOON_S)
    server.faelled("model", "unload", "chat")
    until("nothing is left", lambda: models(server) == {"slow"}, SOON_S)
    assert server.chat("chat").status_code == 200
    until("it is back", lambda: running(server, "chat") == 0, SOON_S)
