"""Models whose files are fetched: from a mirror on this machine, with the real engine."""

import hashlib
import json
import resource
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from certificates import Authority
from catalogue_test import add, api, catalogue, change, remove, said
from mirror import Mirror
from server import named_by
from waiting import until


@pytest.fixture
def running(make_server, tiny):
    """A server with a model of its configuration."""
    return make_server([tiny("chat", id="configured")], residency={"memory_gb": 0.4}).start()


@pytest.fixture
def offered(mirror, tiny, model_files):
    """offered("chat", id=…): a definition whose file the mirror has, and nobody else."""
    def definition(kind, path=None, **more):
        source, sha256 = mirror.put(path or f"/m/{kind}.gguf", model_files[kind].read_bytes())
        made = tiny(kind, **more)
        del made["file"]
        return made | {"source": source, "sha256": sha256} | {key: value for key, value in more.items() if key in ("source", "sha256")}
    return definition


def download(server, model):
    return catalogue(server)[model]["download"]


def lying(server):
    """Names of the files that the server keeps, notes aside."""
    folder = server.data / "models"
    return sorted(file.name for file in folder.iterdir() if not file.name.endswith(".hash")) if folder.exists() else []


def notes(server):
    """Names of those of what a hub said."""
    return sorted(file.name for file in (server.data / "models").glob("*.hash*"))


def until_here(server, model):
    until(f"the file of {model} is here", lambda: download(server, model)["state"] == "here", 30)


def until_failed(server, model):
    until(f"the file of {model} did not come", lambda: download(server, model)["state"] == "failed", 30)
    return download(server, model)


def until_half(server, mirror, model, size):
    mirror.hold_at = size // 2
    def half():
        now = download(server, model)
        return now["state"] == "fetching" and now["bytes"] >= size // 2 - 70_000
    return half


def test_a_model_comes_from_its_source_and_answers(running, mirror, offered):
    definition = offered("slow", id="far")
    size = len(mirror.files["/m/slow.gguf"])
    mirror.hold_at = size // 2
    status, answer = add(running, definition)
    assert status == 201 and answer["fit"]["fits"] and answer["fit"]["weights"] > 0, answer
    assert answer["offer"] == {"here": False, "bytes": size, "sha256": definition["sha256"], "why_no_room": None, "commit": None}
    until("half of it is here", until_half(running, mirror, "far", size))
    now = download(running, "far")
    assert now["total"] == size and now["file"].endswith(f"{definition['sha256']}-slow.gguf") and now["detail"] is None, now
    asked = running.chat("far", max_tokens=3)
    error = asked.json()["error"]
    assert asked.status_code == 503 and error["code"] == "model_unavailable" and int(asked.headers["retry-after"]) > 0, asked.text
    assert "is being fetched: " in error["message"] and "hentes, " in error["message_da"] and " %" in error["message_da"], error
    state = running.model_state("far")
    assert state["state"] == "fetching" and state["fetching"]["total"] == size and "is being fetched" in state["detail"], state
    assert next(model for model in running.get("/api/status").json()["models"] if model["id"] == "far")["state"] == "fetching"
    shown = running.faelled("model", "show", "far").stdout
    assert "fetched: fetching, " in shown and f"source: {definition['source']}" in shown, shown
    assert said(running.chat("configured", max_tokens=3)), "others answer meanwhile"
    mirror.go.set()
    until_here(running, "far")
    assert said(running.chat("far", max_tokens=3))
    assert lying(running) == [f"{definition['sha256']}-slow.gguf"]
    assert hashlib.sha256((running.data / "models" / lying(running)[0]).read_bytes()).hexdigest() == definition["sha256"]
    assert f"faelled_fetched_bytes_total {size}" in running.metrics()
    here = next(line for line in running.log() if line.get("msg", line.get("message")) == "a model's file is here")
    assert here["bytes"] == here["fetched"] == size and here["took_ms"] >= 0, here
    status, answer = change(running, definition | {"context_tokens": 1024}, 1)
    assert status == 200 and answer["offer"]["here"], answer
    assert said(running.chat("far", max_tokens=3)) and len(mirror.whole_gets()) == 1


def test_the_small_real_model_comes_and_speaks(running, mirror, real_model):
    content = Path(named_by("FAELLED_MODEL")).read_bytes()
    source, sha256 = mirror.put("/real.gguf", content)
    definition = {key: value for key, value in real_model.items() if key != "file"} | {"source": source, "sha256": sha256}
    running.stop()
    del running.config["residency"]
    running.start()
    status, answer = add(running, definition)
    assert status == 201, answer
    until_here(running, "small")
    assert said(running.chat("small", max_tokens=8))


def test_a_restart_goes_on_where_it_was(running, mirror, offered):
    definition = offered("slow", id="far")
    size = len(mirror.files["/m/slow.gguf"])
    mirror.hold_at = size // 2
    assert add(running, definition)[0] == 201
    until("half of it is here", until_half(running, mirror, "far", size))
    running.stop()
    assert lying(running)[0].endswith("slow.gguf.part")
    mirror.hold_at = None
    running.start(ready=False)
    until_here(running, "far")
    first, second = mirror.whole_gets()
    assert first[1] is None and int(second[1].removeprefix("bytes=").removesuffix("-")) >= size // 2 - 70_000, mirror.asked
    assert said(running.chat("far", max_tokens=3))
    running.stop()
    mirror.close()
    running.start()
    assert said(running.chat("far", max_tokens=3)), "what is here needs no mirror"


def test_a_killed_server_and_a_cut_line_lose_nothing(running, mirror, offered):
    definition = offered("slow", id="far")
    size = len(mirror.files["/m/slow.gguf"])
    mirror.cut_at = size // 3
    assert add(running, definition)[0] == 201
    until("the line was cut", lambda: download(running, "far")["detail"])
    now = download(running, "far")
    assert now["state"] in ("waiting", "fetching") and "broke off" in now["detail"], now
    assert running.chat("far").status_code == 503
    running.kill()
    mirror.cut_at = None
    running.start(ready=False)
    until_here(running, "far")
    assert any(wanted and int(wanted.removeprefix("bytes=").removesuffix("-")) >= size // 3 for _, wanted in mirror.whole_gets()), mirror.asked
    assert said(running.chat("far", max_tokens=3))


def test_what_a_failed_download_keeps_is_told_and_gone_on_with(running, mirror, offered):
    definition = offered("slow", id="far")
    whole = mirror.files["/m/slow.gguf"]
    mirror.cut_at = len(whole) // 3
    assert add(running, definition)[0] == 201
    until("the line was cut", lambda: download(running, "far")["detail"])
    del mirror.files["/m/slow.gguf"]
    failed = until_failed(running, "far")
    assert "404" in failed["detail"], failed
    part = Path(failed["kept_in"])
    assert failed["kept"] == part.stat().st_size > 0, failed
    shown = running.faelled("model", "show", "far").stdout
    assert f" in {part}, so that 'faelled model fetch' goes on with them" in shown, shown
    assert "of it are kept on the disk" in running.faelled("model", "list").stdout
    mirror.files["/m/slow.gguf"], mirror.cut_at = whole, None
    running.faelled("model", "fetch", "far")
    until_here(running, "far")
    assert mirror.whole_gets()[-1][1] == f"bytes={failed['kept']}-", mirror.asked
    assert download(running, "far")["kept"] == 0 and not part.exists()


# Invariant: the file that was ordered
def test_another_file_than_was_ordered_is_not_kept(running, mirror, offered, model_files):
    definition = offered("chat", id="far")
    right, mirror.files["/m/chat.gguf"] = mirror.files["/m/chat.gguf"], model_files["tools"].read_bytes()
    assert add(running, definition)[0] == 201
    failed = until_failed(running, "far")
    assert "SHA-256" in failed["detail"] and definition["sha256"] in failed["detail"], failed
    assert lying(running) == []
    asked = running.chat("far", max_tokens=3)
    assert asked.status_code == 503 and "/m/chat.gguf" not in asked.text, asked.text
    state = running.model_state("far")
    assert state["state"] == "failed" and "SHA-256" in state["detail"], state
    assert len(mirror.whole_gets()) == 1, "a lie is not asked for again by itself"
    assert "faelled_fetch_failed_total 1" in running.metrics()
    mirror.files["/m/chat.gguf"] = right
    assert running.faelled("model", "fetch", "far").stdout.startswith("source: http://127.0.0.1")
    until_here(running, "far")
    assert said(running.chat("far", max_tokens=3))
    rows = json.loads(running.faelled("audit", "log", "--json").stdout)["rows"]
    assert [row["object"] for row in rows if row["action"] == "model.fetch"] == ["far"]


def test_one_removed_while_it_comes_leaves_nothing(running, mirror, offered):
    definition = offered("slow", id="far")
    size = len(mirror.files["/m/slow.gguf"])
    mirror.hold_at = size // 2
    assert add(running, definition)[0] == 201
    until("half of it is here", until_half(running, mirror, "far", size))
    assert remove(running, "far")[0] == 204
    until("the mirror is left alone", lambda: mirror.left == 1)
    until("nothing of it lies there", lambda: lying(running) == [])
    assert "far" not in catalogue(running) and running.chat("far").status_code == 404
    mirror.hold_at = None
    assert add(running, definition)[0] == 201
    until_here(running, "far")
    assert said(running.chat("far", max_tokens=3))


def test_two_models_with_one_file_fetch_it_once(running, mirror, offered):
    definition = offered("chat", id="one")
    assert add(running, definition)[0] == 201
    assert add(running, offered("chat", path="/other/name.gguf", id="two", context_tokens=256))[0] == 201
    for model in ("one", "two"):
        until_here(running, model)
        assert said(running.chat(model, max_tokens=3))
    assert len(mirror.whole_gets()) == 1 and lying(running) == [f"{definition['sha256']}-chat.gguf"]
    assert running.faelled("model", "remove", "one", "--delete-file").stdout == "removed: one\n"
    assert said(running.chat("two", max_tokens=3)) and len(lying(running)) == 1, "the other one has it still"
    assert running.faelled("model", "remove", "two").stdout == "removed: two\n"
    assert len(lying(running)) == 1, "a file stays unless asked otherwise"
    running.stop()
    running.start()
    assert any(line.get("file") == lying(running)[0] for line in running.log() if line["level"] == "warn"), running.log_text()
    assert add(running, definition)[0] == 201
    assert running.faelled("model", "remove", "one", "--delete-file").returncode == 0
    until("its file has gone", lambda: lying(running) == [])


def test_a_configured_model_comes_at_start_and_then_needs_no_network(make_server, mirror, offered):
    server = make_server([offered("chat", id="far")], downloads={"keep_free_gb": 0.01})
    assert server.faelled_check().returncode != 0  # its file is not written yet
    server.write_config()
    assert server.faelled_check().returncode == 0, server.faelled_check().stderr
    server.start()
    assert said(server.chat("far", max_tokens=3))
    assert catalogue(server)["far"]["origin"] == "file" and download(server, "far")["state"] == "here"
    server.stop()
    mirror.close()
    server.config["downloads"] = {"offline": True}
    server.start()
    assert said(server.chat("far", max_tokens=3))
    for file in (server.data / "models").iterdir():
        file.unlink()
    refused = server.faelled_check()
    assert refused.returncode != 0 and "downloads.offline is true" in refused.stderr and server.config["models"][0]["sha256"] in refused.stderr
    server.stop()
    server.config["models"] = []
    server.config["llama_server"] = named_by("FAELLED_LLAMA_SERVER")
    server.start()
    status, answer = add(server, offered("chat", id="far"))
    assert status == 400 and answer["error"]["param"] == "definition.source" and "offline" in answer["error"]["message"], answer


def test_a_hub_says_the_hash(make_server, mirror, tiny, model_files):
    definition = tiny("chat", id="far")
    del definition["file"]
    definition["source"] = "hf:owner/repo@v1/chat.gguf"
    _, sha256 = mirror.put("/store/chat.gguf", model_files["chat"].read_bytes())
    server = make_server([], llama_server=named_by("FAELLED_LLAMA_SERVER"), downloads={"hub": mirror.url}).start()
    status, answer = add(server, definition, dry_run=True)
    assert status == 200 and answer["offer"]["sha256"] == sha256 and answer["fit"]["weights"] > 0, answer
    assert lying(server) == [] and "far" not in catalogue(server)
    assert add(server, definition)[0] == 201
    until_here(server, "far")
    assert said(server.chat("far", max_tokens=3)) and download(server, "far")["sha256"] == sha256
    mirror.put("/store/chat.gguf", b"another file now")
    server.stop()
    server.start()
    assert said(server.chat("far", max_tokens=3)) and download(server, "far")["sha256"] == sha256
    status, answer = add(server, definition | {"id": "pinned", "sha256": "0" * 64})
    assert status == 400 and answer["error"]["param"] == "definition.sha256", answer
    status, answer = add(server, definition | {"id": "absent", "source": "hf:owner/repo/absent.gguf"})
    assert status == 400 and answer["error"]["param"] == "definition.source" and "no such file" in answer["error"]["message"], answer


def test_what_a_hub_said_of_a_model_that_never_came_is_forgotten_with_it(make_server, mirror, tiny, model_files):
    definition = tiny("slow", id="far")
    del definition["file"]
    definition["source"] = "hf:owner/repo/slow.gguf"
    first, second = model_files["slow"].read_bytes(), model_files["chat"].read_bytes()
    mirror.put("/store/slow.gguf", first)
    server = make_server([], llama_server=named_by("FAELLED_LLAMA_SERVER"), downloads={"hub": mirror.url}).start()
    mirror.hold_at = len(first) // 2
    assert add(server, definition)[0] == 201
    until("half of it is here", until_half(server, mirror, "far", len(first)))
    _, sha256 = mirror.put("/store/slow.gguf", second)
    status, answer = add(server, definition | {"id": "other"}, dry_run=True)
    assert status == 400 and answer["error"]["param"] == "definition.sha256" and sha256 in answer["error"]["message"], answer
    assert len(notes(server)) == 1
    assert server.faelled("model", "remove", "far", "--delete-file").returncode == 0
    until("neither part nor note lies there", lambda: lying(server) == notes(server) == [])
    mirror.hold_at = None
    status, answer = add(server, definition)
    assert status == 201 and answer["offer"]["sha256"] == sha256, answer
    until_here(server, "far")
    assert download(server, "far")["sha256"] == sha256 and said(server.chat("far", max_tokens=3))


def test_over_tls_the_source_proves_who_it_is(make_server, mirror, tiny, model_files, tmp_path):
    ours, strangers = Authority(tmp_path / "ours"), Authority(tmp_path / "strangers")
    secure = Mirror(tls=ours.server(*ours.issue("mirror")))
    try:
        source, sha256 = secure.put("/m/chat.gguf", model_files["chat"].read_bytes())
        definition = {key: value for key, value in tiny("chat", id="far").items() if key != "file"} | {"source": source, "sha256": sha256}
        server = make_server([], llama_server=named_by("FAELLED_LLAMA_SERVER"), downloads={"ca_file": str(strangers.ca)}).start()
        status, answer = add(server, definition)
        assert status == 400 and "cannot prove who it is" in answer["error"]["message"] and "ca_file" in answer["error"]["message"], answer
        server.stop()
        server.config["downloads"] = {"ca_file": str(ours.ca)}
        server.start()
        secure.moved["/m/moved.gguf"] = mirror.put("/m/chat.gguf", model_files["chat"].read_bytes())[0]
        status, answer = add(server, definition | {"source": secure.url + "/m/moved.gguf"})
        assert status == 400 and "without encryption" in answer["error"]["message"] and mirror.asked == [], answer
        assert add(server, definition)[0] == 201
        until_here(server, "far")
        assert said(server.chat("far", max_tokens=3))
    finally:
        secure.close()


def test_the_hubs_token_is_for_the_hub_alone(make_server, mirror, tiny, model_files, tmp_path):
    (tmp_path / "token").write_text("hf_hunter2\n")
    store = Mirror()
    try:
        _, sha256 = store.put("/store/chat.gguf", model_files["chat"].read_bytes())
        mirror.moved["/owner/repo/resolve/main/chat.gguf"] = store.url + "/store/chat.gguf"
        definition = {key: value for key, value in tiny("chat", id="far").items() if key != "file"}
        server = make_server([], llama_server=named_by("FAELLED_LLAMA_SERVER"),
                             downloads={"hub": mirror.url, "token_file": str(tmp_path / "token")}).start()
        assert add(server, definition | {"source": "hf:owner/repo/chat.gguf", "sha256": sha256})[0] == 201
        until_here(server, "far")
        assert set(mirror.tokens) == {"Bearer hf_hunter2"} and set(store.tokens) == {None}
        assert "hunter2" not in server.log_text() and "hunter2" not in json.dumps(catalogue(server))
    finally:
        store.close()


def test_a_source_is_looked_at_before_anything_is_fetched(running, mirror, offered):
    status, answer = add(running, offered("chat", id="dry"), dry_run=True)
    assert status == 200 and answer["fit"]["fits"] and not answer["offer"]["here"] and answer["version"] is None, answer
    status, answer = add(running, offered("slow", id="dry", context_tokens=8192, concurrency=64), dry_run=True)
    assert status == 200 and not answer["fit"]["fits"] and "MB for models" in answer["fit"]["why_not"], answer
    status, answer = add(running, offered("slow", id="dry", context_tokens=8192, concurrency=64))
    assert status == 409 and "Den passer ikke" in answer["error"]["message_da"], answer
    mirror.ranges = False
    status, answer = add(running, offered("chat", id="dry"), dry_run=True)
    assert status == 200 and answer["fit"]["bytes"] == 0 and answer["offer"]["bytes"] > 0, answer
    mirror.ranges = True
    text, sha256 = mirror.put("/m/text.gguf", b"no model " * 1000)
    for wrong, key in [({"source": text, "sha256": sha256}, "source"), ({"source": mirror.url + "/nowhere.gguf"}, "source"),
                       ({"source": "http://127.0.0.1:1/x.gguf"}, "source"), ({"source": "http://192.0.2.1/x.gguf"}, "source"),
                       ({"source": "https://169.254.169.254/x.gguf"}, "source"), ({"source": "https://u:p@host/x.gguf"}, "source"),
                       ({"source": "ftp://host/x.gguf"}, "source"), ({"sha256": "12"}, "sha256"), ({"file": "/x.gguf"}, "source")]:
        status, answer = add(running, offered("chat", id="wrong") | wrong)
        assert status == 400 and answer["error"]["param"] == "definition." + key, (wrong, answer)
        assert "u:p@" not in answer["error"]["message"]
    bare = offered("chat", id="wrong")
    del bare["sha256"]
    status, answer = add(running, bare)
    assert status == 400 and "sha256 is missing" in answer["error"]["message"], answer
    assert set(catalogue(running)) == {"configured"} and mirror.whole_gets() == [] and lying(running) == []


def test_the_disk_keeps_its_reserve(make_server, mirror, offered):
    server = make_server([], llama_server=named_by("FAELLED_LLAMA_SERVER"), downloads={"keep_free_gb": 900_000}).start()
    status, answer = add(server, offered("chat", id="far"), dry_run=True)
    assert status == 200 and "stay free" in answer["offer"]["why_no_room"], answer
    status, answer = add(server, offered("chat", id="far"))
    assert status == 409 and "plads på disken" in answer["error"]["message_da"], answer
    assert mirror.whole_gets() == []


@pytest.fixture
def on_a_full_disk(make_server, mirror, offered, tiny):
    """on_a_full_disk(bytes): a server that fetches "far" while no file on its disk may grow beyond so many (EFBIG, without
    root or a mount), the size of that file, and what makes room again."""
    def made(file_bytes_max):
        server = make_server([tiny("chat", id="configured")])
        server.spawn(preexec_fn=lambda: signal.signal(signal.SIGXFSZ, signal.SIG_IGN))
        server.url = until("the server listens", server.address, 20)
        server.until_ready()
        definition = offered("slow", id="far")
        size = len(mirror.files["/m/slow.gguf"])
        mirror.hold_at = size // 2
        assert add(server, definition)[0] == 201
        until("half of it is here", until_half(server, mirror, "far", size))
        before = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (file_bytes_max(size), before[1]))
        mirror.hold_at = None
        mirror.go.set()
        until("it says that the disk is full", lambda: "cannot grow" in (download(server, "far")["detail"] or ""), 30)
        return server, size, lambda: resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, before)
    return made


@pytest.mark.parametrize("file_bytes_max", [pytest.param(lambda size: size * 3 // 4, id="for this file"),
                                            pytest.param(lambda _: 1, id="for any file")])
def test_a_disk_that_fills_while_it_comes_is_told_and_waited_for(on_a_full_disk, mirror, file_bytes_max):
    server, size, make_room = on_a_full_disk(file_bytes_max)
    part = server.data / "models" / lying(server)[0]
    kept = part.stat().st_size
    assert part.name.endswith("-slow.gguf.part") and size // 2 - 70_000 <= kept < size
    asked = server.chat("far", max_tokens=3)
    assert asked.status_code == 503 and asked.json()["error"]["code"] == "model_unavailable", asked.text
    assert str(server.data) not in asked.text and int(asked.headers["retry-after"]) > 0
    until("the model says why and the way out", lambda: "make room; it goes on by itself" in (server.model_state("far")["detail"] or ""))
    assert server.model_state("far")["state"] == "fetching"
    assert all(said(server.chat("configured", max_tokens=3)) for _ in range(20)), "others answer meanwhile"
    assert part.stat().st_size == kept
    make_room()
    until_here(server, "far")
    assert said(server.chat("far", max_tokens=3))
    assert lying(server) == [part.name.removesuffix(".part")]
    assert hashlib.sha256((server.data / "models" / lying(server)[0]).read_bytes()).hexdigest() == download(server, "far")["sha256"]
    assert mirror.whole_gets()[-1][1] == f"bytes={kept}-", "it went on where the disk was full"
    until("every answer is in the ledger", lambda: len(server.rows()) == 22)


def test_one_removed_while_the_disk_is_full_leaves_nothing(on_a_full_disk):
    server, _, make_room = on_a_full_disk(lambda size: size * 3 // 4)
    assert remove(server, "far")[0] == 204
    until("nothing of it lies there", lambda: lying(server) == [])
    assert said(server.chat("configured", max_tokens=3)) and server.chat("far").status_code == 404
    make_room()


def test_what_served_before_serves_until_the_new_file_is_here(running, mirror, offered, tiny):
    definition = tiny("chat", id="m")
    assert add(running, definition)[0] == 201
    assert said(running.chat("m", max_tokens=3))
    new = offered("slow", id="m")
    size = len(mirror.files["/m/slow.gguf"])
    mirror.hold_at = size // 2
    assert change(running, new, 1)[0] == 200
    until("half of it is here", until_half(running, mirror, "m", size))
    assert said(running.chat("m", max_tokens=3)), "by the former file"
    assert change(running, new | {"context_tokens": 256}, 2)[0] == 200
    assert said(running.chat("m", max_tokens=3)), "through a second change too"
    before = set(running.engine_pids())
    mirror.go.set()
    until_here(running, "m")
    assert said(running.chat("m", max_tokens=3))
    until("its engine is another one", lambda: before - set(running.engine_pids()))


def test_a_file_that_is_named_again_meanwhile_is_not_removed(running, mirror, offered):
    one, slow = offered("chat", id="one"), offered("slow", id="slow")
    assert add(running, one)[0] == 201
    until_here(running, "one")
    mirror.hold_at = len(mirror.files["/m/slow.gguf"]) // 2
    assert add(running, slow)[0] == 201
    until("the other one comes", lambda: download(running, "slow")["state"] == "fetching")
    assert running.faelled("model", "remove", "one", "--delete-file").returncode == 0
    assert add(running, one)[0] == 201 and download(running, "one")["state"] == "here"
    mirror.go.set()
    until_here(running, "slow")
    other = offered("tools", id="tools")  # the thread does its chores before each file
    assert add(running, other)[0] == 201
    until_here(running, "tools")
    assert f"{one['sha256']}-chat.gguf" in lying(running)
    assert said(running.chat("one", max_tokens=3))


def test_who_is_waited_for_comes_first(running, mirror, offered):
    first, second, third = (offered(kind, id=kind) for kind in ("slow", "tools", "chat"))
    mirror.hold_at = len(mirror.files["/m/slow.gguf"]) // 2
    for definition in (first, second, third):
        assert add(running, definition)[0] == 201
    until("the first one comes", lambda: download(running, "slow")["state"] == "fetching")
    assert download(running, "tools")["state"] == download(running, "chat")["state"] == "waiting"
    assert "waits for its turn" in running.chat("chat").json()["error"]["message"]
    mirror.go.set()
    for model in ("slow", "tools", "chat"):
        until_here(running, model)
    assert [path for path, _ in mirror.whole_gets()] == ["/m/slow.gguf", "/m/chat.gguf", "/m/tools.gguf"]


def test_the_command_line_fetches(running, mirror, offered):
    definition = offered("chat", id="cli")
    words = ("--source", definition["source"], "--sha256", definition["sha256"], "--context-tokens", "512")
    dry = running.faelled("model", "add", "cli", *words, "--dry-run").stdout
    assert "fits: yes" in dry and "to fetch: " in dry and definition["sha256"] in dry, dry
    assert running.faelled("model", "add", "cli", *words).stdout.startswith("id: cli\nversion: 1\nfits: yes\n")
    until_here(running, "cli")
    assert "fetched: yes" in running.faelled("model", "show", "cli").stdout
    assert said(running.chat("cli", max_tokens=3))
    wrong = running.faelled("model", "fetch", "configured", check=False)
    assert wrong.returncode == 1 and "no source" in wrong.stderr
    assert api(running, "POST", "/api/catalogue/nobody/fetch")[0] == 404
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: api(running, "POST", "/api/catalogue/cli/fetch")[0], range(4))) == {200}
