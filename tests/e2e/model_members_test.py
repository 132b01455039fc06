"""Models that are for some members alone: to all others they are as if they were not there, and who they are for changes
while the server runs. The real llama-server."""

import json

import pytest
import requests

from control import add, api, catalogue, change
from server import OTHER_SECRET, SECRET
from visiting import signed_in
from waiting import until


def said(server, model, secret=SECRET):
    answer = server.chat(model, secret=secret, max_tokens=3)
    assert answer.status_code == 200, answer.text
    return answer.json()["choices"][0]["message"]["content"]


def listed(server, secret=SECRET):
    return {model["id"] for model in server.get("/v1/models", secret).json()["data"]}


def until_said(server, model, secret):
    until(f"{model} answers", lambda: server.chat(model, secret=secret, max_tokens=1).status_code == 200, within_s=60)


@pytest.fixture(scope="module")
def server(module_server, tiny):
    """`byret` is for the member `other`; `demo` is the one who must not learn of it."""
    return module_server([tiny("chat", id="open"), tiny("chat", id="byret", members=["other"], aliases=["dommer"])])


def as_unknown(server, path, body=None, method="post", model="byret"):
    """Whether the hidden one is answered as a name that nobody has."""
    answers = []
    for name in (model, "none"):
        url = path.replace("MODEL", name)
        answer = server.get(url) if method == "get" else server.post(url, {**body, "model": name})
        answers.append((answer.status_code, answer.text.replace(name, "MODEL").replace(answer.headers.get("x-request-id", "-"), "ID")))
    assert answers[0] == answers[1] and answers[0][0] == 404, answers


def test_its_member_uses_it_by_any_of_its_names(server):
    assert listed(server, OTHER_SECRET) == {"open", "byret", "dommer"}
    for name in ("byret", "dommer"):
        until_said(server, name, OTHER_SECRET)
    assert "byret" in {model["id"] for model in signed_in(server, "other").get(server.url + "/api/models").json()["models"]}


def test_to_another_member_it_is_as_if_it_were_not_there(server):
    assert listed(server) == {"open"}
    chat = {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 2}
    for name in ("byret", "dommer"):
        as_unknown(server, "/v1/chat/completions", chat, model=name)
        as_unknown(server, "/v1/completions", {"prompt": "hello", "max_tokens": 2}, model=name)
        as_unknown(server, "/v1/messages", chat, model=name)
        as_unknown(server, "/v1/messages/count_tokens", {"messages": chat["messages"]}, model=name)
        as_unknown(server, "/v1/responses", {"input": "hello"}, model=name)
        as_unknown(server, "/v1/embeddings", {"input": "hello"}, model=name)
        as_unknown(server, "/v1/rerank", {"query": "a", "documents": ["b"]}, model=name)
        as_unknown(server, "/v1/models/MODEL", method="get", model=name)
    anthropic = requests.get(server.url + "/v1/models", headers={"x-api-key": SECRET, "anthropic-version": "2023-06-01"}, timeout=10)
    assert {model["id"] for model in anthropic.json()["data"]} == {"open"}


def test_no_page_tells_another_member_of_it(server):
    until_said(server, "byret", OTHER_SECRET)
    visitor = signed_in(server, role="member_admin")
    for path in ("/api/status", "/api/status?format=text", "/api/models", "/api/models?search=byret", "/api/models?id=byret",
                 "/api/models?beyond_policy=true", "/api/usage?scope=member", "/api/share", "/api/session", "/api/audit", "/readyz"):
        answer = visitor.get(server.url + path)
        assert answer.status_code == 200 and "byret" not in answer.text, (path, answer.text)
    auditor = signed_in(server, role="auditor", name="Auditor")
    until("the rows are there", lambda: any(row["model"] == "byret" for row in server.rows()))
    sums = auditor.get(server.url + "/api/usage?scope=all").json()["usage"]
    assert {row["model"] for row in sums if row["member"] == "other"} == {""}, sums
    shown = {model["id"]: model["members"] for model in api(server, "GET", "/api/residency")[1]["models"]}
    assert shown == {"open": [], "byret": ["other"]}
    assert "for other" in server.faelled("model", "list").stdout


def test_whom_it_is_for_changes_while_it_answers(make_server, tiny):
    server = make_server([tiny("chat", id="open")], residency={"memory_gb": 0.5}).start()
    status, answer = add(server, tiny("chat", id="byret", members=["demo"], aliases=["dommer"]))
    assert status == 201, answer
    until_said(server, "byret", SECRET)
    assert server.chat("byret", secret=OTHER_SECRET).status_code == 404 and listed(server, OTHER_SECRET) == {"open"}
    server.faelled("alias", "set", "best", "byret")
    until("it means something", lambda: api(server, "GET", "/api/aliases")[1]["aliases"][0]["model"] == "byret")
    assert said(server, "best") and server.chat("best", secret=OTHER_SECRET).status_code == 404
    engines = server.engine_pids()
    streaming = server.chat("byret", stream=True, max_tokens=300)
    lines = streaming.iter_lines(decode_unicode=True)
    assert next(line for line in lines if '"content":"' in line)
    status, answer = change(server, tiny("chat", id="byret", members=["other"], aliases=["dommer"]), 1)
    assert status == 200, answer
    for name in ("byret", "dommer", "best"):
        assert server.chat(name).status_code == 404, name
        assert said(server, name, OTHER_SECRET), name
    assert listed(server) == {"open"} and listed(server, OTHER_SECRET) == {"open", "byret", "dommer", "best"}
    assert any('"finish_reason":"' in line and '"finish_reason":null' not in line for line in lines), "it was cut off"
    assert server.engine_pids() == engines, "whom it is for is nothing to its engine"
    assert "version: 3" in server.faelled("model", "change", "byret", "--member", "none").stdout
    assert "members" not in catalogue(server)["byret"]["definition"]
    assert said(server, "byret") and said(server, "byret", OTHER_SECRET)
    assert "version: 4" in server.faelled("model", "change", "byret", "--member", "demo", "--member", "other").stdout
    assert json.loads(server.faelled("model", "show", "byret", "--json").stdout)["definition"]["members"] == ["demo", "other"]
    typo = server.faelled("model", "change", "byret", "--member", "demmo", check=False)
    assert typo.returncode == 1 and "'demmo', and there is none" in typo.stderr, typo.stderr
    server.faelled("model", "change", "byret", "--member", "other")
    server.stop()
    server.start()
    assert server.chat("byret").status_code == 404 and "byret" in listed(server, OTHER_SECRET)


def test_a_member_that_is_not_there_is_warned_of(make_server, tiny):
    server = make_server([tiny("chat", id="open"), tiny("chat", id="typo", members=["othr"])])
    server.start(ready=False)
    until("it is said", lambda: any(line.get("member") == "othr" and line.get("model") == "typo" for line in server.log()))
