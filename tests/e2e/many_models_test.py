"""Thousands of registered models: lists come page by page, and nothing is told twice or left out while models come and go."""

import json

import pytest

from control import add, api, keep, pages, remove

MANY = 3000
PAGED = ("/api/catalogue", "/api/residency", "/api/models", "/api/status")


def id_of(number):
    return f"org/model-{number:04}"


@pytest.fixture
def running(make_server, tiny):
    """A server with a model of its configuration, and thousands that were added once. There is room for one or two."""
    server = make_server([tiny("chat", id="configured", aliases=["standard"])], residency={"memory_gb": 0.4}).start()
    server.stop()
    keep(server, (tiny("chat", id=id_of(number), name=f"Fagmodel {number}") for number in range(MANY)),
         {"weights": 200_000, "kv_cache": 300_000_000, "working": 1_000_000})
    return server.start(ready=False)  # of so many none is named where it says who is ready


def test_every_list_has_each_model_once_while_others_come_and_go(running, tiny):
    stay = {id_of(number) for number in range(500, MANY)} | {"configured"}
    for turn, path in enumerate(PAGED):
        seen = []
        for number, page in enumerate(pages(running, path, 700)):
            assert len(page["models"]) <= 700
            seen += [model["id"] for model in page["models"]]
            gone = id_of(100 * turn + number)
            assert remove(running, gone)[0] == 204, gone
            assert add(running, tiny("chat", id=f"org/new-{turn}-{number}"))[0] == 201
        assert len(seen) == len(set(seen)) and stay <= set(seen), path
    whole = api(running, "GET", "/api/catalogue")[1]
    assert len(whole["models"]) == 1000 and whole["next"] == whole["models"][-1]["id"]
    assert whole["total"] == api(running, "GET", "/api/residency?limit=1")[1]["total"] > 2900


def test_a_part_of_the_name_finds_a_model_in_every_list(running):
    for path in PAGED[:3]:
        for part in ("MODEL-1234", "fagmodel 1234"):
            assert [model["id"] for page in pages(running, path, 100, search=part) for model in page["models"]] == [id_of(1234)]
    assert [model["id"] for page in pages(running, "/api/catalogue", 100, search="standard") for model in page["models"]] == ["configured"]
    assert [model["id"] for model in api(running, "GET", "/api/models?id=org/model-1234")[1]["models"]] == [id_of(1234)]
    assert api(running, "GET", "/api/models?id=org/model-12")[1]["models"] == []
    assert [page["models"] for page in pages(running, "/api/models", 1000, serves="embeddings")] == [[]]
    assert sum(len(page["models"]) for page in pages(running, "/api/models", 1000, serves="chat")) == MANY + 1
    status, one = api(running, "GET", "/api/catalogue/org%2Fmodel-1234")
    assert status == 200 and one["definition"]["name"] == "Fagmodel 1234" and one["version"] == 1
    assert api(running, "GET", "/api/catalogue/nobody")[0] == 404


def test_what_is_in_use_is_found_without_the_others(running):
    answer = running.chat("configured", max_tokens=3)
    assert answer.status_code == 200, answer.text
    in_use = [model for page in pages(running, "/api/residency", 100, state="in_use") for model in page["models"]]
    assert "configured" in {model["id"] for model in in_use} and len(in_use) < 10
    assert [model["id"] for model in api(running, "GET", "/api/residency?state=ready")[1]["models"] if model["id"] == "configured"]
    status, wrong = api(running, "GET", "/api/residency?state=lost")
    assert status == 400 and wrong["error"]["param"] == "state"


def test_the_command_line_lists_them_all_or_what_is_asked_for(running):
    lines = running.faelled("model", "list").stdout.splitlines()
    assert len(lines) == MANY + 2 and lines[0].startswith("id ")
    assert len({line.split()[0] for line in lines}) == MANY + 2
    whole = json.loads(running.faelled("model", "list", "--json").stdout)
    assert [model["id"] for model in whole["models"]] == sorted(["configured", *(id_of(number) for number in range(MANY))])
    assert len(running.faelled("model", "list", "--limit", "1500").stdout.splitlines()) == 1501
    found = running.faelled("model", "list", "--search", "Fagmodel 77").stdout
    assert [line.split()[0] for line in found.splitlines()[1:]] == [id_of(77), *(id_of(number) for number in range(770, 780))]
    assert running.faelled("model", "show", id_of(2999)).stdout.startswith(f"id: {id_of(2999)}\nversion: 1\norigin: added\n")
    nodes = json.loads(running.faelled("node", "list", "--json").stdout)
    assert len(nodes["devices"]) == 1 and len(nodes["models"]) < 10
