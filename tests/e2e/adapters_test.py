"""Adapters as models of their own: one engine serves them all, and a member's own are for nobody else. The real llama-server."""

import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

import tiny_models
from control import add, api, catalogue, change, remove
from server import OTHER_SECRET, SECRET
from visiting import signed_in
from waiting import until

MODELS = ("m", "m:a", "m:b")


@pytest.fixture(scope="module")
def adapter_files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("adapters")
    return {name: str(tiny_models.make_adapter(folder / f"{name}.gguf", seed)) for seed, name in enumerate("abc", 10)}


@pytest.fixture(scope="module")
def with_adapters(tiny, adapter_files):
    """A model with the adapters named, or with those of a list."""
    def model(*names, id="m", members=None, **more):
        return tiny("chat", id=id, adapters=[{"name": name, "file": adapter_files[name], **({"members": members[name]} if name in (members or {}) else {})}
                                             for name in names], **more)
    return model


def said(server, model, content="hello", secret=SECRET, **fields):
    answer = server.chat(model, content, secret, **{"max_tokens": 12, "temperature": 0, **fields})
    assert answer.status_code == 200, answer.text
    return answer.json()["choices"][0]["message"]["content"]


@pytest.fixture(scope="module")
def alone(module_server, with_adapters):
    """What each of them says to a prompt when its engine has never served anybody else."""
    words = {}
    for model in MODELS:
        server = module_server([with_adapters("a", "b")])
        words[model] = {text: said(server, model, text) for text in ("hello", "what is the law?")}
        server.end()
    return words


@pytest.fixture(scope="module")
def server(module_server, with_adapters):
    return module_server([with_adapters("a", "b", concurrency=1)])


def test_base_and_adapters_say_other_words(alone):
    for text in ("hello", "what is the law?"):
        assert len({alone[model][text] for model in MODELS}) == 3, alone


def test_by_turns_in_one_place_each_says_what_it_says_alone(server, alone):
    """The place remembers prompts: what one adapter has read is nothing to another. An empty list of adapters would let
    the engine read on from there, and apply those that it was begun with."""
    for model in ("m", "m:a", "m", "m:b", "m:a", "m:a", "m", "m:b", "m:b", "m"):
        for text in ("hello", "what is the law?"):
            assert said(server, model, text) == alone[model][text], model


def test_at_the_same_time_each_says_what_it_says_alone(module_server, with_adapters, alone):
    server = module_server([with_adapters("a", "b", concurrency=4)])
    asked = [model for model in MODELS for _ in range(6)]
    with ThreadPoolExecutor(9) as pool:
        got = list(pool.map(lambda model: said(server, model), asked))
    assert [(model, text) for model, text in zip(asked, got) if text != alone[model]["hello"]] == []


def test_one_engine_serves_them_all(server):
    assert len(server.engine_pids()) == 1


def test_a_client_cannot_choose_adapters_itself(server, alone):
    for steering in ([{"id": 0, "scale": 1}], [{"id": 1, "scale": 5}], []):
        assert said(server, "m", lora=steering) == alone["m"]["hello"]
        assert said(server, "m:a", lora=steering) == alone["m:a"]["hello"]


def test_a_stream_a_completion_and_other_protocols_know_them(server, alone):
    streamed = server.chat("m:a", max_tokens=12, temperature=0, stream=True)
    chunks = [json.loads(line[6:]) for line in streamed.iter_lines(decode_unicode=True) if line.startswith("data: {")]
    assert "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks if chunk["choices"]) == alone["m:a"]["hello"]
    assert {chunk["model"] for chunk in chunks} == {"m:a"}
    body = {"model": "m:a", "prompt": "hello", "max_tokens": 8, "temperature": 0}
    mine, base = (server.post("/v1/completions", body | {"model": model}).json()["choices"][0]["text"] for model in ("m:a", "m"))
    assert mine and mine != base
    message = server.post("/v1/messages", {"model": "m:a", "max_tokens": 12, "temperature": 0,
                                           "messages": [{"role": "user", "content": "hello"}]}).json()
    assert message["content"][0]["text"] == alone["m:a"]["hello"] and message["model"] == "m:a"
    several = server.chat("m:a", max_tokens=12, temperature=0, n=2).json()
    assert {choice["message"]["content"] for choice in several["choices"]} == {alone["m:a"]["hello"]}


def test_rows_name_the_adapter_and_metrics_the_base(server):
    for model in MODELS:
        answer = server.chat(model, max_tokens=2)
        row = server.row_of(answer.headers["x-request-id"])
        assert row["model"] == model and row["outcome"] == "done" and row["output_tokens"] == 2
    assert "m:a" not in server.metrics() and 'model="m"' in server.metrics()


def test_they_stand_in_the_lists(server):
    assert {model["id"] for model in server.get("/v1/models").json()["data"]} == set(MODELS)
    assert server.get("/v1/models/m:a").json()["id"] == "m:a"
    listed = {model["id"]: model for model in signed_in(server).get(server.url + "/api/models").json()["models"]}
    assert set(listed) == set(MODELS) and listed["m:a"]["base"] == "m" and listed["m"]["base"] is None
    assert listed["m:a"]["state"] == "ready" and listed["m:a"]["context_tokens"] == listed["m"]["context_tokens"]


# Of one member alone.


@pytest.fixture(scope="module")
def private(module_server, with_adapters):
    """`a` is for the member `other`; `demo` is the one who must not learn of it."""
    return module_server([with_adapters("a", "b", members={"a": ["other"]})])


def as_unknown(server, path, body=None, secret=SECRET, method="post"):
    """Whether the hidden one is answered as a name that nobody has."""
    answers = []
    for model in ("m:a", "m:x"):
        url = path.replace("MODEL", model)
        answer = server.get(url, secret) if method == "get" else server.post(url, {**body, "model": model}, secret)
        answers.append((answer.status_code, answer.text.replace(model, "MODEL").replace(answer.headers.get("x-request-id", "-"), "ID")))
    assert answers[0] == answers[1] and answers[0][0] == 404, answers


def test_its_member_uses_it(private, alone):
    assert said(private, "m:a", secret=OTHER_SECRET) == alone["m:a"]["hello"]
    assert {model["id"] for model in private.get("/v1/models", OTHER_SECRET).json()["data"]} == set(MODELS)


def test_to_another_member_it_is_as_if_it_were_not_there(private):
    chat = {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 2}
    as_unknown(private, "/v1/chat/completions", chat)
    as_unknown(private, "/v1/completions", {"prompt": "hello", "max_tokens": 2})
    as_unknown(private, "/v1/messages", chat)
    as_unknown(private, "/v1/responses", {"input": "hello"})
    as_unknown(private, "/v1/embeddings", {"input": "hello"})
    as_unknown(private, "/v1/models/MODEL", method="get")
    assert {model["id"] for model in private.get("/v1/models").json()["data"]} == {"m", "m:b"}
    anthropic = requests.get(private.url + "/v1/models", headers={"x-api-key": SECRET, "anthropic-version": "2023-06-01"}, timeout=10)
    assert {model["id"] for model in anthropic.json()["data"]} == {"m", "m:b"}


def test_no_page_and_no_list_tells_another_member_of_it(private):
    said(private, "m:a", secret=OTHER_SECRET)
    visitor = signed_in(private)
    assert {model["id"] for model in visitor.get(private.url + "/api/models").json()["models"]} == {"m", "m:b"}
    found = [visitor.get(private.url + "/api/models?" + query).json() for query in ("search=m:a", "search=:a", "id=m:a", "search=m:x", "id=m:x")]
    assert found == [{"models": [], "next": None}] * 5
    for path in ("/api/status", "/api/status?format=text", "/api/models", "/api/models?search=m", "/api/models?serves=chat", "/api/usage",
                 "/api/share", "/api/session", "/readyz", "/metrics"):
        answer = visitor.get(private.url + path)
        assert answer.status_code == 200 and "m:a" not in answer.text, path
    for path, body in (("/api/conversations", {"model": "m:a"}), ("/api/conversations", {"model": "m:x"})):
        answer = visitor.post(private.url + path, json=body, headers={"Origin": private.url})
        assert answer.status_code == 404 and "m:a" not in answer.text, answer.text
    keys = [visitor.post(private.url + "/api/keys", json={"name": "k", "models": [model]}, headers={"Origin": private.url})
            for model in ("m:a", "m:x")]
    assert keys[0].status_code == keys[1].status_code == 400, [key.text for key in keys]
    assert keys[0].json()["error"]["message"].replace("m:a", "m:x") == keys[1].json()["error"]["message"]
    theirs = signed_in(private, "other")
    assert {model["id"] for model in theirs.get(private.url + "/api/models").json()["models"]} == set(MODELS)
    assert {model["id"] for model in theirs.get(private.url + "/api/models?search=m:a").json()["models"]} == set(MODELS)
    assert [model["id"] for model in theirs.get(private.url + "/api/models?id=m:a").json()["models"]] == ["m:a"]


def test_another_members_auditor_sees_its_work_as_the_models(private):
    said(private, "m:a", secret=OTHER_SECRET)
    until("the rows are there", lambda: any(row["model"] == "m:a" for row in private.rows()))
    user = json.loads(private.faelled("user", "add", "demo", "Auditor", "--role", "auditor", "--json").stdout)["id"]
    link = json.loads(private.faelled("user", "sign-in-link", user, "--json").stdout)["url"]
    session = requests.Session()
    assert session.post(private.url + "/api/session", json={"token": link.partition("#")[2]}).status_code == 200
    sums = session.get(private.url + "/api/usage?scope=all").json()["usage"]
    assert "m" in {row["model"] for row in sums if row["member"] == "other"}, sums
    assert "m:a" not in {row["model"] for row in sums}, sums


def test_a_policy_may_leave_the_base_out_and_the_adapter_in(make_server, with_adapters):
    server = make_server([with_adapters("a", "b")]).start()
    server.faelled("member", "policy", "demo", "--models", "m:a")
    assert {model["id"] for model in server.get("/v1/models").json()["data"]} == {"m:a"}
    assert said(server, "m:a") and server.chat("m").status_code == 404 and server.chat("m:b").status_code == 404


# While the server runs.


def test_one_more_at_run_time_loses_no_request(make_server, with_adapters, alone):
    server = make_server([with_adapters(id="configured")], residency={"memory_gb": 0.5}).start()
    definition = with_adapters("a", "b", concurrency=3)
    assert add(server, definition)[0] == 201
    server.until_ready("m")
    streaming = [server.chat(model, stream=True, max_tokens=400, temperature=0) for model in MODELS]
    lines = [answer.iter_lines(decode_unicode=True) for answer in streaming]
    for one in lines:
        assert next(line for line in one if '"content":"' in line)
    with ThreadPoolExecutor(6) as pool:
        asked = [(model, pool.submit(said, server, model)) for model in MODELS for _ in range(2)]
        status, answer = change(server, with_adapters("a", "b", "c", concurrency=3), 1)
        assert status == 200, answer
        new = pool.submit(said, server, "m:c")
        for one in lines:
            assert any('"finish_reason":"length"' in line for line in list(one)), "an answer under way was cut off"
        for model, one in asked:
            assert one.result() == alone[model]["hello"]
    assert new.result() not in {alone[model]["hello"] for model in MODELS}
    assert {row["outcome"] for row in server.rows()} == {"done"}
    assert catalogue(server)["m"]["definition"]["adapters"][2]["name"] == "c"


def test_one_that_is_taken_out_is_gone_and_the_others_are_who_they_were(make_server, with_adapters, alone):
    server = make_server([with_adapters(id="configured")], residency={"memory_gb": 0.5}).start()
    assert add(server, with_adapters("a", "b"))[0] == 201
    server.until_ready("m")
    assert change(server, with_adapters("b"), 1)[0] == 200
    answer = server.chat("m:a")
    assert answer.status_code == 404 and answer.json()["error"]["code"] == "model_not_found"
    assert said(server, "m:b") == alone["m:b"]["hello"] and said(server, "m") == alone["m"]["hello"]
    server.stop()
    server.start()
    assert said(server, "m:b") == alone["m:b"]["hello"]
    assert remove(server, "m")[0] == 204
    assert server.chat("m:b").status_code == 404


def test_a_killed_engine_comes_back_with_its_adapters(make_server, with_adapters, alone):
    server = make_server([with_adapters("a", "b")]).start()
    assert said(server, "m:a") == alone["m:a"]["hello"]
    (before,) = server.engine_pids()
    os.kill(before, signal.SIGKILL)
    until("another engine runs", lambda: server.engine_pids() not in ([], [before]))
    for model in MODELS:
        assert said(server, model) == alone[model]["hello"]


def test_names_do_not_clash(make_server, with_adapters, tiny):
    server = make_server([with_adapters("a", id="m")]).start()
    status, answer = add(server, tiny("chat", id="m:a"))
    assert status == 409, answer
    status, answer = add(server, with_adapters("a", id="n", aliases=["m:b"]))
    assert status == 201, answer
    status, answer = add(server, with_adapters("b", id="o", aliases=["o:b"]))
    assert status == 400 and "o:b" in answer["error"]["message"], answer
    status, answer = add(server, with_adapters(id="n:a"))
    assert status == 409, answer


def test_an_alias_may_mean_an_adapter(make_server, with_adapters, alone):
    model = with_adapters("a", "b", members={"a": ["other"]})
    model["adapters"][0]["aliases"] = ["law"]
    server = make_server([model]).start()
    assert said(server, "law", secret=OTHER_SECRET) == alone["m:a"]["hello"]
    assert server.chat("law").status_code == 404
    assert "law" not in {model["id"] for model in server.get("/v1/models").json()["data"]}


def test_a_name_moves_from_adapter_to_adapter(make_server, with_adapters, alone):
    server = make_server([with_adapters(id="configured")], residency={"memory_gb": 0.5}).start()
    status, answer = add(server, with_adapters("a", "b", members={"b": ["other"]}))
    assert status == 201, answer
    server.until_ready("m")
    means = lambda: api(server, "GET", "/api/aliases")[1]["aliases"][0]["model"]
    server.faelled("alias", "set", "law", "m:a")
    assert said(server, "law") == alone["m:a"]["hello"]
    server.faelled("alias", "set", "law", "m:b")
    until("it has moved", lambda: means() == "m:b")
    assert said(server, "law", secret=OTHER_SECRET) == alone["m:b"]["hello"]
    assert server.chat("law").status_code == 404 and "law" not in {model["id"] for model in server.get("/v1/models").json()["data"]}
    status, answer = change(server, with_adapters("a"), catalogue(server)["m"]["version"])
    assert status == 409 and "the alias 'law' means an adapter" in answer["error"]["message"], answer
    assert "means this model" in server.faelled("model", "remove", "m", check=False).stderr
    server.faelled("alias", "rollback", "law")
    until("it is back", lambda: means() == "m:a")
    assert said(server, "law") == alone["m:a"]["hello"]


# Files that are none, or not for this model.


@pytest.fixture(scope="module")
def wrong_files(adapter_files, model_files, tmp_path_factory):
    folder = tmp_path_factory.mktemp("wrong")
    whole = open(adapter_files["a"], "rb").read()
    (folder / "cut.gguf").write_bytes(whole[: len(whole) - 100])
    (folder / "head.gguf").write_bytes(whole[:200])
    (folder / "empty.gguf").write_bytes(b"")
    (folder / "noise.gguf").write_bytes(os.urandom(1000))
    made = {"cut": "ends too early", "head": "ends too early", "empty": "no GGUF|not a GGUF", "noise": "not a GGUF"}
    for name, words, more in (("qwen", "made for a model of architecture qwen3", {"architecture": "qwen3"}),
                              ("wide", "has shapes", {"width": 128}), ("deep", "which the model does not have", {"layers": 3}),
                              ("model", "it is no LoRA", {"kind": "model"}), ("vector", "it is no LoRA", {"type": "control_vector"}),
                              ("late", "of a kind that is not served", {"invocation_tokens": [1, 2]})):
        tiny_models.make_adapter(folder / f"{name}.gguf", 1, **more)
        made[name] = words
    os.symlink(model_files["chat"], folder / "base.gguf")
    made["base"] = "it is no LoRA"
    made["nowhere"] = "No such file"
    return folder, made


def test_a_wrong_file_is_refused_in_words_before_anything_starts(make_server, with_adapters, tiny, wrong_files):
    import re
    folder, made = wrong_files
    server = make_server([with_adapters(id="configured")]).start()
    for name, words in made.items():
        status, answer = add(server, tiny("chat", id="w", adapters=[{"name": "x", "file": str(folder / f"{name}.gguf")}]))
        assert status == 400 and answer["error"]["param"] == "definition.adapters", (name, answer)
        assert re.search(words, answer["error"]["message"]), (name, answer)
    status, answer = add(server, tiny("chat", id="w") | {"file": str(folder / "wide.gguf")})
    assert status == 400 and "it is an adapter" in answer["error"]["message"], answer
    for wrong in ({"name": "a:b"}, {"name": "a b"}, {"members": []}, {"folder": "/tmp"}, {"colour": 1}):
        entry = {"name": "x", "file": str(folder / "wide.gguf"), **wrong}
        status, answer = add(server, tiny("chat", id="w", adapters=[entry]))
        assert status == 400 and answer["error"]["param"].startswith("definition.adapters"), (wrong, answer)
    assert set(catalogue(server)) == {"configured"} and len(server.engine_pids()) == 1


def test_one_broken_adapter_takes_nobody_with_it(make_server, with_adapters, wrong_files, alone):
    folder, _ = wrong_files
    model = with_adapters("a", "b")
    model["adapters"].insert(0, {"name": "broken", "file": str(folder / "cut.gguf")})
    server = make_server([model]).start()
    for name in MODELS:
        assert said(server, name) == alone[name]["hello"]
    answer = server.chat("m:broken")
    assert answer.status_code == 503, answer.text
    assert any(line.get("level") == "error" and "broken" in line.get("detail", "") for line in server.log())


def test_the_command_line_adds_and_removes_one(make_server, with_adapters, adapter_files, alone):
    server = make_server([with_adapters(id="configured")], residency={"memory_gb": 0.5}).start()
    assert add(server, with_adapters("a"))[0] == 201
    done = server.faelled("model", "adapter", "add", "m", "b", "--file", adapter_files["b"], "--member", "other")
    assert "version: 2" in done.stdout, done.stdout
    assert said(server, "m:b", secret=OTHER_SECRET) == alone["m:b"]["hello"] and server.chat("m:b").status_code == 404
    assert catalogue(server)["m"]["definition"]["adapters"] == [
        {"name": "a", "file": adapter_files["a"]}, {"file": adapter_files["b"], "members": ["other"], "name": "b"}]
    listed = server.faelled("model", "list").stdout
    assert "m:b" in listed, listed
    twice = server.faelled("model", "adapter", "add", "m", "b", "--file", adapter_files["b"], check=False)
    assert twice.returncode == 1 and "m:b" in twice.stderr, twice.stderr
    assert "version: 3" in server.faelled("model", "adapter", "remove", "m", "b").stdout
    assert server.chat("m:b", secret=OTHER_SECRET).status_code == 404
    gone = server.faelled("model", "adapter", "remove", "m", "b", check=False)
    assert gone.returncode == 1 and "no adapter" in gone.stderr
    status, answer = add(server, with_adapters("a", id="typo", members={"a": ["nobody"]}))
    assert status == 400 and "nobody" in answer["error"]["message"], answer
    assert api(server, "GET", "/api/catalogue")[0] == 200
