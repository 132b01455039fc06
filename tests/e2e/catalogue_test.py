"""Models come, change and go while the server runs: the real engine, and nothing left of what has gone."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from control import add, api, catalogue, change, remove
from server import OTHER_SECRET, named_by, process_gone
from waiting import until


@pytest.fixture
def running(make_server, tiny):
    """A server with a model of its configuration."""
    return make_server([tiny("chat", id="configured", aliases=["standard"])], residency={"memory_gb": 0.4}).start()


def listed(server):
    return {model["id"] for model in server.get("/v1/models").json()["data"]}


def said(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()["choices"][0]["message"]["content"]


def sockets(server):
    return list((server.data / "run").glob("*.sock"))


def test_an_added_model_answers(running, tiny):
    definition = tiny("chat", id="org/added:1b", name="Tilføjet", aliases=["second"])
    status, answer = add(running, definition)
    assert status == 201 and answer["version"] == 1, answer
    assert answer["fit"]["fits"] and answer["fit"]["bytes"] > answer["fit"]["weights"] > 0
    assert said(running.chat("org/added:1b", max_tokens=3, temperature=0)) == said(running.chat("configured", max_tokens=3, temperature=0))
    assert said(running.chat("second", max_tokens=3))
    assert {"org/added:1b", "second", "configured"} <= listed(running)
    assert catalogue(running)["org/added:1b"]["definition"] == definition
    assert 'faelled_model_ready{model="org/added:1b"} 1' in running.metrics()


def test_a_dry_run_says_what_it_needs_and_changes_nothing(running, tiny):
    before = running.engine_pids()
    status, answer = add(running, tiny("chat", id="dry"), dry_run=True)
    assert status == 200 and answer["version"] is None and answer["fit"]["fits"], answer
    status, answer = add(running, tiny("slow", id="dry", context_tokens=8192, concurrency=64), dry_run=True)
    fit = answer["fit"]
    assert status == 200 and not fit["fits"] and fit["bytes"] > fit["memory"] == 400_000_000, answer
    assert fit["why_not"] == f"it needs {-(-fit['bytes'] // 100_000_000) / 10:g} GB of memory, and there are 400 MB for models"
    assert "dry" not in catalogue(running) and running.engine_pids() == before
    status, answer = add(running, tiny("slow", id="dry", context_tokens=8192, concurrency=64))
    assert status == 409 and "Den passer ikke" in answer["error"]["message_da"], answer
    assert "dry" not in catalogue(running)


def test_what_cannot_be_used_is_refused_with_words_and_not_kept(running, tiny, model_files, tmp_path):
    whole = model_files["chat"].read_bytes()
    cut, empty = tmp_path / "cut.gguf", tmp_path / "empty.gguf"
    cut.write_bytes(whole[: len(whole) // 2])
    empty.write_bytes(b"")
    for wrong, key in [({"file": str(cut)}, "file"), ({"file": str(empty)}, "file"), ({"file": "chat.gguf"}, "file"),
                       ({"file": str(tmp_path / "nowhere.gguf")}, "file"), ({"file": str(tmp_path)}, "file"),
                       ({"chat_template_file": str(tmp_path / "nowhere")}, "chat_template_file"),
                       ({"context_tokens": 1_000_000}, "context_tokens"), ({"concurrency": 257}, "concurrency"),
                       ({"concurrency": "2"}, "concurrency"), ({"colour": "red"}, "colour"), ({"id": "a b"}, "id")]:
        status, answer = add(running, tiny("chat", id="wrong") | wrong)
        assert status == 400 and answer["error"]["param"] == "definition." + key, (wrong, answer)
        assert len(answer["error"]["message"]) > 20 and "line" not in answer["error"]["message"], answer
    for taken in ("configured", "standard"):
        status, answer = add(running, tiny("chat", id=taken))
        assert status == 409, answer
    assert set(catalogue(running)) == {"configured"}
    running.stop()
    running.start()
    assert set(catalogue(running)) == {"configured"}


def test_a_change_brings_a_new_engine_with_the_new_settings(running, tiny):
    definition = tiny("chat", id="m", concurrency=1, context_tokens=256)
    assert add(running, definition)[0] == 201
    running.until_ready("m")
    assert running.chat("m", "word " * 100, max_tokens=3).status_code == 400  # longer than its context
    engine = set(running.engine_pids())
    status, answer = change(running, definition | {"concurrency": 3, "context_tokens": 2048}, 1)
    assert status == 200 and answer["version"] == 2, answer
    assert said(running.chat("m", "word " * 100, max_tokens=3))
    assert engine - set(running.engine_pids()), "the former engine has gone"
    status = next(model for model in running.get("/api/status").json()["models"] if model["id"] == "m")
    assert status["state"] == "ready", status
    with ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(running.chat, "m", max_tokens=400) for _ in range(3)]
        until("three at once", lambda: 'faelled_running 3' in running.metrics())
        assert all(said(one.result()) for one in asked)


def test_a_pinned_model_comes_back_by_itself_after_a_change(running, tiny):
    definition = tiny("chat", id="m", pinned=True)
    assert add(running, definition)[0] == 201
    running.until_ready("m")
    before = set(running.engine_pids())
    assert change(running, definition | {"context_tokens": 1024}, 1)[0] == 200
    until("another engine runs", lambda: len(set(running.engine_pids()) - before) == 1 and running.get("/readyz").json()["models"]["m"])
    assert running.model_state("m")["pinned"]


def test_a_change_of_its_name_leaves_the_engine_alone(running, tiny):
    definition = tiny("chat", id="m")
    assert add(running, definition)[0] == 201
    running.until_ready("m")
    before = running.engine_pids()
    assert change(running, definition | {"name": "Nyt navn", "aliases": ["other"]}, 1)[0] == 200
    assert said(running.chat("other", max_tokens=3)) and running.engine_pids() == before
    assert {model["name"] for model in running.get("/api/models").json()["models"]} >= {"Nyt navn"}


def test_a_removed_model_answers_to_the_end_and_refuses_who_waits(running, tiny):
    assert add(running, tiny("slow", id="m", concurrency=1, context_tokens=4096))[0] == 201
    running.until_ready("m")
    streaming = running.chat("m", stream=True, max_tokens=600)
    lines = streaming.iter_lines(decode_unicode=True)
    assert next(line for line in lines if '"content":"' in line)
    with ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(running.chat, "m", secret=secret, max_tokens=5) for secret in (OTHER_SECRET,) * 3]
        until("three wait", lambda: "faelled_waiting 3" in running.metrics())
        assert remove(running, "m")[0] == 204
        for answer in (one.result() for one in waiting):
            error = answer.json()["error"]
            assert answer.status_code == 404 and error["code"] == "model_not_found", answer.text
            assert "taken out of the catalogue" in error["message"] and "taget ud af kataloget" in error["message_da"]
    assert "m" not in listed(running)
    assert running.chat("m").status_code == 404
    rest = list(lines)
    assert rest[-1] == "data: [DONE]" or rest[-2] == "data: [DONE]", rest[-3:]
    assert any('"finish_reason":"length"' in line for line in rest)
    until("its engine has gone", lambda: len(running.engine_pids()) == 1)
    assert sorted(row["outcome"] for row in running.rows()) == ["done", "refused", "refused", "refused"]


def test_added_models_survive_a_restart_and_removed_ones_stay_away(running, tiny):
    definition = tiny("chat", id="stays", concurrency=1)
    assert add(running, definition)[0] == 201
    assert change(running, definition | {"context_tokens": 256}, 1)[0] == 200
    assert add(running, tiny("chat", id="goes"))[0] == 201
    assert remove(running, "goes")[0] == 204
    assert said(running.chat("stays", max_tokens=3))
    running.stop()
    running.start()
    models = catalogue(running)
    assert set(models) == {"configured", "stays"} and models["stays"]["version"] == 2
    assert models["stays"]["definition"]["context_tokens"] == 256
    assert said(running.chat("stays", max_tokens=3))
    assert add(running, tiny("chat", id="goes"))[1]["version"] == 3
    running.kill()
    running.start()
    assert set(catalogue(running)) == {"configured", "stays", "goes"}


def test_a_stored_model_that_the_configuration_names_too_is_left_out_and_not_lost(running, tiny):
    assert add(running, tiny("chat", id="both", name="Added"))[0] == 201
    running.stop()
    running.config["models"].append(tiny("chat", id="both", name="Configured"))
    running.start()
    assert catalogue(running)["both"] == {"id": "both", "version": 0, "origin": "file", "definition": None,
                                            "download": None}
    assert any(line.get("level") == "error" and line.get("model") == "both" for line in running.log())
    (left,) = api(running, "GET", "/api/catalogue")[1]["left_out"]
    assert left["id"] == "both" and left["definition"]["name"] == "Added" and "configuration file" in left["why"], left
    assert "onfigurationsfilen" in left["why_da"], left
    configured = running.config["models"].pop()
    running.stop()
    running.start()
    assert catalogue(running)["both"]["definition"]["name"] == "Added"
    running.config["models"].append(configured)
    running.stop()
    running.start()
    assert remove(running, "both")[0] == 204, "what is stored goes"
    assert remove(running, "both")[0] == 409, "what the file names stays"
    assert api(running, "GET", "/api/catalogue")[1]["left_out"] == [] and said(running.chat("both", max_tokens=3))


def test_a_change_of_what_was_not_seen_is_refused(running, tiny):
    definition = tiny("chat", id="m")
    assert add(running, definition)[0] == 201
    assert change(running, definition | {"name": "first"}, 1)[0] == 200
    status, answer = change(running, definition | {"name": "second"}, 1)
    assert status == 409 and answer["error"]["param"] == "version", answer
    assert catalogue(running)["m"]["definition"]["name"] == "first"
    with ThreadPoolExecutor(4) as pool:
        at_once = list(pool.map(lambda i: change(running, definition | {"name": str(i)}, 2)[0], range(4)))
    assert at_once.count(200) == 1 and set(at_once) <= {200, 409, 429}, at_once


@pytest.mark.timeout(240)
def test_twenty_that_come_and_go_leave_nothing(running, tiny):
    engines, files = set(running.engine_pids()), len(sockets(running))
    gone = set()
    for i in range(20):
        model = f"m{i % 4}"
        assert add(running, tiny("chat", id=model, context_tokens=256 + i))[0] == 201
        answer = running.chat(model, stream=True, max_tokens=200)
        assert next(line for line in answer.iter_lines(decode_unicode=True) if line.startswith("data: "))
        gone |= set(running.engine_pids()) - engines
        assert remove(running, model)[0] == 204
        answer.close()
    until("no engine is left", lambda: set(running.engine_pids()) == engines)
    assert all(process_gone(pid) for pid in gone) and len(gone) >= 20
    until("no socket is left", lambda: len(sockets(running)) == files)
    assert set(catalogue(running)) == {"configured"}
    assert "faelled_waiting 0" in running.metrics()
    assert said(running.chat("configured", max_tokens=3))


def test_a_server_without_models_takes_one(make_server, tiny):
    server = make_server([], llama_server=named_by("FAELLED_LLAMA_SERVER")).start()
    assert server.chat("m").status_code == 404
    assert add(server, tiny("chat", id="m"))[0] == 201
    assert said(server.chat("m", max_tokens=3))


def test_another_servers_model_comes_and_goes(running, fake):
    definition = {"id": "up", "engine": "openai", "url": fake.url, "concurrency": 2}
    assert add(running, definition)[0] == 201
    running.until_ready("up")
    assert running.chat("up", max_tokens=3).status_code == 200
    assert change(running, definition | {"concurrency": 5}, 1)[0] == 200
    running.until_ready("up")
    assert running.chat("up", max_tokens=3).status_code == 200
    assert remove(running, "up")[0] == 204
    assert running.chat("up").status_code == 404


def test_the_command_line_adds_changes_and_removes(running, model_files):
    done = running.faelled("model", "add", "cli", "--file", str(model_files["chat"]), "--context-tokens", "512", "--alias", "c")
    assert done.stdout.startswith("id: cli\nversion: 1\nfits: yes\nneeds: "), done.stdout
    assert said(running.chat("c", max_tokens=3))
    assert "version: 2" in running.faelled("model", "change", "cli", "--concurrency", "2").stdout
    shown = json.loads(running.faelled("model", "show", "cli", "--json").stdout)
    assert shown["definition"]["concurrency"] == 2 and shown["definition"]["aliases"] == ["c"]
    wrong = running.faelled("model", "add", "other", "--file", "/nowhere.gguf", check=False)
    assert wrong.returncode == 1 and "/nowhere.gguf" in wrong.stderr
    assert running.faelled("model", "remove", "cli").stdout == "removed: cli\n"
    actions = [row["action"] for row in json.loads(running.faelled("audit", "log", "--json").stdout)["rows"]]
    assert [a for a in actions if a.startswith("model.") ].count("model.add") >= 1, actions
    assert {"model.change", "model.remove"} <= set(actions)
