"""Names that are moved from model to model while people ask for them."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import tiny_models
from control import api
from waiting import until

ONE_FITS_GB, BOTH_FIT_GB = 0.06, 0.12  # a tiny model needs some 50 MB


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pair")
    return [{"id": name, "engine": "llama", "file": str(tiny_models.make(folder / f"{name}.gguf", seed=seed)),
             "concurrency": 2, "context_tokens": 512, "threads": 1} for seed, name in enumerate(["old", "new"])]


def said(server, model, tokens=8):
    answer = server.chat(model, max_tokens=tokens, temperature=0)
    assert answer.status_code == 200, answer.text
    return answer.json()["choices"][0]["message"]["content"]


def alias(server):
    found = json.loads(server.faelled("alias", "list", "--json").stdout)["aliases"]
    return next((one for one in found if one["name"] == "best"), None)


def begun(make_server, pair, memory_gb):
    server = make_server(pair, residency={"memory_gb": memory_gb, "turn_s": 1}).start(ready=False)
    server.until_ready("old")
    server.faelled("alias", "set", "best", "old", "--owner", "platform")
    return server


def test_a_name_moves_when_the_new_model_is_ready(make_server, pair):
    server = begun(make_server, pair, BOTH_FIT_GB)
    old = said(server, "best")
    assert old == said(server, "old") and "best" in [model["id"] for model in server.get("/v1/models").json()["data"]]
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(said, server, "best") for _ in range(40)]
        server.faelled("alias", "set", "best", "new", "--owner", "platform")
        texts = {one.result() for one in asked}
    until("it has moved", lambda: alias(server)["model"] == "new")
    new = said(server, "best")
    assert new == said(server, "new") != old
    assert texts <= {old, new}
    assert alias(server) | {"version": 0} == {"name": "best", "version": 0, "model": "new", "moving_to": None, "previous": "old",
                                              "owner": "platform", "detail": None, "lane": "interactive", "listed": True}

    server.stop()  # and after a restart it means what it meant
    server.start(ready=False)
    assert said(server, "best") == new
    refused = server.faelled("alias", "rollback", "best", check=False)
    assert refused.returncode == 1 and "belongs to 'platform'" in refused.stderr
    server.faelled("alias", "rollback", "best", "--owner", "platform")
    until("it is back", lambda: alias(server)["model"] == "old")
    assert said(server, "best") == old
    late = server.faelled("alias", "set", "best", "new", "--owner", "platform", "--version", "1", check=False)
    assert late.returncode == 1 and "has version" in late.stderr
    server.faelled("alias", "remove", "best")
    assert server.chat("best").status_code == 404


def test_where_memory_holds_one_it_moves_at_once_and_nobody_is_lost(make_server, pair):
    server = begun(make_server, pair, ONE_FITS_GB)
    old = said(server, "best", 100)
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(said, server, "best", 100) for _ in range(8)]
        server.faelled("alias", "set", "best", "new", "--owner", "platform")
        later = [pool.submit(said, server, "best", 100) for _ in range(4)]
        texts = [one.result() for one in asked]
        new = {one.result() for one in later}
    assert alias(server)["model"] == "new" and len(new) == 1
    assert set(texts) <= {old} | new


def test_a_name_moves_though_others_use_the_rest_of_the_memory(make_server, pair, tmp_path):
    other = pair[0] | {"id": "other", "file": str(tiny_models.make(tmp_path / "other.gguf", seed=7))}
    server = begun(make_server, [pair[0], other, pair[1]], BOTH_FIT_GB)
    home = threading.Event()

    def asks(model):
        while not home.is_set():
            said(server, model, 60)

    with ThreadPoolExecutor(8) as pool:  # more than there are places: whatever comes is wanted out again at once
        people = [pool.submit(asks, model) for model in ["best", "other"] * 4]
        try:
            until("both are in use", lambda: all(server.model_state(model)["state"] == "ready" for model in ["old", "other"]), 30)
            server.faelled("alias", "set", "best", "new", "--owner", "platform")
            until("it has moved", lambda: alias(server)["model"] == "new", 60)
        finally:
            home.set()
        for one in people:
            one.result()
    loads = [event for event in api(server, "GET", "/api/residency/events?limit=100")[1]["events"] if event["what"] == "load"]
    assert sum(event["model"] == "new" and event["cause"] == "ordered" for event in loads) <= 1


def test_a_name_does_not_move_to_a_model_that_fails(make_server, pair, tmp_path):
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(open(pair[1]["file"], "rb").read())
    server = begun(make_server, [pair[0], pair[1] | {"file": str(broken)}], BOTH_FIT_GB)
    server.faelled("model", "unload", "new")
    until("it is away", lambda: server.model_state("new")["state"] == "absent")
    broken.write_bytes(broken.read_bytes()[:1000])
    server.faelled("alias", "set", "best", "new", "--owner", "platform")
    until("it says why", lambda: alias(server)["detail"])
    assert alias(server)["model"] == "old" and "broken.gguf" in alias(server)["detail"]
    assert said(server, "best") == said(server, "old")
