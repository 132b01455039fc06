"""Models for vLLM that are fetched as folders: from a hub on this machine, behind the fake vLLM and once behind the real one."""

import json
import re
import resource
import signal
import struct
import subprocess
from pathlib import Path

import pytest

from control import add, catalogue, change, remove
from downloads_test import download, lying, until_failed, until_here
from visiting import everything_in
from vllm_test import START_S, installed
from waiting import until

FAKE_VLLM = Path(__file__).resolve().parents[1] / "fake_vllm" / "bin" / "vllm"
SHARD_BYTES = 600_000
CONFIG = {"architectures": ["Qwen3ForCausalLM"], "dtype": "bfloat16", "max_position_embeddings": 512, "num_hidden_layers": 1,
          "num_attention_heads": 1, "hidden_size": 32}


def safetensors(name, filler):
    header = json.dumps({name: {"dtype": "U8", "shape": [SHARD_BYTES], "data_offsets": [0, SHARD_BYTES]}}).encode()
    return struct.pack("<Q", len(header)) + header + filler * SHARD_BYTES


def model_of(filler=b"x", **config):
    """What a small model's repository holds: two shards, and beside them what no engine of ours may read."""
    shards = {name: f"model-0000{i + 1}-of-00002.safetensors" for i, name in enumerate(("a", "b"))}
    return {".gitattributes": b"*.safetensors filter=lfs", "README.md": b"# Small", "modeling_small.py": b"raise SystemExit",
            "pytorch_model.bin": b"pickle" * 1000, "original/model.safetensors": b"again" * 1000,
            "config.json": json.dumps(CONFIG | config).encode(), "tokenizer.json": b"{}",
            "tokenizer_config.json": b'{"chat_template": "{{ messages }}"}',
            "model.safetensors.index.json": json.dumps({"weight_map": shards}).encode(),
            **{file: safetensors(name, filler) for name, file in shards.items()}}


READ = ["config.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json",
        "tokenizer.json", "tokenizer_config.json"]
BYTES = sum(len(content) for name, content in model_of().items() if name in READ)
FAR = {"id": "far", "engine": "vllm", "source": "hf:owner/small", "device": "host", "concurrency": 1, "context_tokens": 128}


@pytest.fixture
def running(make_server, mirror):
    return make_server([], vllm=str(FAKE_VLLM), downloads={"hub": mirror.url}, residency={"memory_gb": 4}).start()


def says(server, model):
    answer = server.post("/v1/completions", {"model": model, "prompt": "hello", "max_tokens": 3})
    assert answer.status_code == 200, answer.text
    return answer.json()["choices"][0]["text"]


def failures(server):
    return int(re.search(r"^faelled_fetch_failed_total (\d+)", server.metrics(), re.M)[1])


def folder_of(server, model):
    return Path(download(server, model)["file"])


def held_in(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def until_half_of(server, mirror, model):
    """Of the first shard."""
    mirror.hold_at = SHARD_BYTES // 2
    return lambda: download(server, model)["bytes"] >= SHARD_BYTES // 2 - 70_000


def test_a_folder_comes_from_a_hub_and_its_engine_answers(running, mirror):
    files = model_of()
    commit = mirror.put_repository("owner/small", files)
    dry = running.faelled("model", "add", "far", "--source", "hf:owner/small", "--device", "host", "--dry-run").stdout
    assert "fits: yes" in dry and "weights 1 MB" in dry and "to fetch: 1 MB" in dry and f"commit: {commit}" in dry, dry
    assert lying(running) == [] and mirror.whole_gets() and "far" not in catalogue(running)
    mirror.hold_at = SHARD_BYTES // 2
    status, answer = add(running, FAR)
    assert status == 201 and answer["fit"]["fits"] and answer["offer"]["bytes"] == BYTES and answer["offer"]["commit"] == commit, answer
    until("half of a shard is here", until_half_of(running, mirror, "far"))
    now = download(running, "far")
    assert now["state"] == "fetching" and now["total"] == BYTES and now["detail"] is None, now
    asked = running.chat("far", max_tokens=3)
    error = asked.json()["error"]
    assert asked.status_code == 503 and "is being fetched: " in error["message"] and " %" in error["message_da"], error
    assert [name.endswith("-small.folder.part") for name in lying(running)] == [True], "it has no name before it is whole"
    mirror.hold_at = None
    mirror.go.set()
    until_here(running, "far")
    assert says(running, "far") == "ba"
    assert lying(running) == [folder_of(running, "far").name]
    assert held_in(folder_of(running, "far")) == {name: files[name] for name in READ}
    assert f"faelled_fetched_bytes_total {BYTES}" in running.metrics()
    status, answer = change(running, FAR | {"context_tokens": 256}, 1)
    assert status == 200 and answer["offer"]["here"] and answer["offer"]["bytes"] == BYTES and answer["offer"]["commit"] == commit, answer
    assert says(running, "far") == "ba"


def test_a_restart_goes_on_at_the_same_commit_though_the_branch_has_moved(running, mirror):
    first, second = model_of(b"1"), model_of(b"2")
    mirror.put_repository("owner/small", first)
    mirror.hold_at = SHARD_BYTES // 2
    assert add(running, FAR)[0] == 201
    until("half of a shard is here", until_half_of(running, mirror, "far"))
    running.stop()
    mirror.put_repository("owner/small", second)
    asked_before = len(mirror.asked)
    mirror.hold_at = None
    running.start(ready=False)
    until_here(running, "far")
    assert held_in(folder_of(running, "far")) == {name: first[name] for name in READ}
    resumed = [wanted for path, wanted in mirror.whole_gets()[-2:] if path.endswith("00001-of-00002.safetensors")]
    assert int(resumed[0].removeprefix("bytes=").removesuffix("-")) >= SHARD_BYTES // 2 - 70_000, mirror.asked
    assert not any(path.endswith("/config.json") for _, path, _ in mirror.asked[asked_before:]), "what was whole is not asked for again"
    running.stop()
    mirror.close()
    running.config["downloads"] = {"offline": True}
    running.start(ready=False)
    running.until_ready("far")
    assert says(running, "far") == "ba"


# Invariant: the file that was ordered
def test_a_folder_with_another_file_than_was_listed_is_not_kept(running, mirror):
    commit = mirror.put_repository("owner/small", model_of())
    name = "model-00002-of-00002.safetensors"
    mirror.moved[f"/owner/small/resolve/{commit}/{name}"] = mirror.put(f"/other/{name}", safetensors("b", b"!"))[0]
    assert add(running, FAR)[0] == 201
    failed = until_failed(running, "far")
    assert "00002-of-00002.safetensors is another file" in failed["detail"] and "SHA-256" in failed["detail"], failed
    parts = running.data / "models" / lying(running)[0]
    assert parts.name.endswith(".part") and not list(parts.glob("model-00002*")), "nothing of it stays"
    assert running.chat("far").status_code == 503 and running.model_state("far")["state"] == "failed"
    mirror.moved.clear()
    assert running.faelled("model", "fetch", "far").stdout.startswith("source: hf:owner/small\n")
    until_here(running, "far")
    assert says(running, "far") == "ba"
    assert sum(path.endswith("00001-of-00002.safetensors") for path, _ in mirror.whole_gets()) == 1, "what was right stayed"


def test_two_models_of_one_commit_share_a_folder_until_the_last_is_removed(running, mirror):
    commit = mirror.put_repository("owner/small", model_of())
    assert add(running, FAR)[0] == 201
    assert add(running, FAR | {"id": "pinned", "source": f"hf:owner/small@{commit}"})[0] == 201
    for model in ("far", "pinned"):
        until_here(running, model)
        assert says(running, model) == "ba"
    assert len(lying(running)) == 1 and sum("00001-of" in path for path, _ in mirror.whole_gets()) == 1
    assert running.faelled("model", "remove", "far", "--delete-file").stdout == "removed: far\n"
    assert says(running, "pinned") == "ba" and len(lying(running)) == 1, "the other one has it still"
    assert running.faelled("model", "remove", "pinned", "--delete-file").returncode == 0
    until("the folder has gone", lambda: lying(running) == [])


def test_one_removed_while_it_comes_leaves_nothing(running, mirror):
    mirror.put_repository("owner/small", model_of())
    mirror.hold_at = SHARD_BYTES // 2
    assert add(running, FAR)[0] == 201
    until("half of a shard is here", until_half_of(running, mirror, "far"))
    assert remove(running, "far")[0] == 204
    until("nothing of it lies there", lambda: lying(running) == [])


def test_what_cannot_be_a_folder_is_refused_before_anything_comes(running, mirror):
    model = model_of()
    no_weights = {name: content for name, content in model.items() if not name.startswith("model")}
    mirror.put_repository("owner/pickles", no_weights)
    mirror.put_repository("owner/gguf", {"config.json": b"{}", "small.gguf": b"x"})
    mirror.put_repository("owner/tricks", model | {"../../escaped/config.json": b"{}"})
    mirror.put_repository("owner/large", model_of(num_hidden_layers=1000, max_position_embeddings=10_000_000))
    mirror.put_repository("owner/half", {name: content for name, content in model.items() if "00002-of" not in name})
    mirror.put_repository("owner/dumb", model | {"tokenizer_config.json": b"{}"})
    mirror.put_repository("owner/mute", {name: content for name, content in model.items() if name != "tokenizer.json"})
    named_else = json.dumps({"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "weights-2.safetensors"}}).encode()
    mirror.put_repository("owner/else", model | {"model.safetensors.index.json": named_else, "weights-2.safetensors": b"x" * 2000})
    for source, key, words in [("hf:owner/pickles", "source", "could run code"), ("hf:owner/gguf", "source", "engine llama"),
                               ("hf:owner/tricks", "source", "no repository has"), ("hf:owner/absent", "source", "no such file"),
                               ("hf:owner/pickles@v2", "source", "revision v2"), ("hf:owner/pickles/x.gguf", "source", "names a GGUF file"),
                               ("hf:owner/half", "source", "which its index names"), ("hf:owner/mute", "source", "holds no tokenizer"),
                               ("hf:owner/else", "source", "only model*.safetensors is taken"), ("hf:owner/dumb", "chat_template_file", "no chat template"), ("https://host/folder/", "source", "from a hub alone")]:
        status, answer = add(running, FAR | {"source": source})
        assert status == 400 and answer["error"]["param"] == "definition." + key and words in answer["error"]["message"], (source, answer)
    status, answer = add(running, FAR | {"source": "hf:owner/large", "context_tokens": 9_000_000, "concurrency": 100})
    assert status == 409 and "Den passer ikke" in answer["error"]["message_da"], answer
    status, answer = add(running, FAR | {"sha256": "a" * 64})
    assert status == 400 and answer["error"]["param"] == "definition.sha256" and "COMMIT" in answer["error"]["message"], answer
    assert lying(running) == [] and catalogue(running) == {} and not (running.data / "escaped").exists()
    assert not any(path.endswith(".safetensors") for path, _ in mirror.whole_gets())


def test_a_folder_within_a_repository_comes_alone(running, mirror):
    files = model_of(b"1") | {f"fp8/{name}": content for name, content in model_of(b"2").items()}
    mirror.put_repository("owner/small", files)
    assert add(running, FAR | {"source": "hf:owner/small/fp8/"})[0] == 201
    until_here(running, "far")
    assert folder_of(running, "far").name.endswith("-fp8.folder")
    assert held_in(folder_of(running, "far")) == {name: files[f"fp8/{name}"] for name in READ}


def test_the_disk_keeps_its_reserve_and_the_token_is_the_hubs(make_server, mirror, tmp_path):
    mirror.put_repository("owner/small", model_of())
    (tmp_path / "token").write_text("hf_hunter2\n")
    server = make_server([], vllm=str(FAKE_VLLM), downloads={"hub": mirror.url, "keep_free_gb": 900_000, "token_file": str(tmp_path / "token")}).start()
    status, answer = add(server, FAR)
    assert status == 409 and "plads på disken" in answer["error"]["message_da"], answer
    assert not any(path.endswith(".safetensors") for path, _ in mirror.whole_gets())
    assert set(mirror.tokens) == {"Bearer hf_hunter2"}
    assert b"hf_hunter2" not in everything_in(server.data) and "hf_hunter2" not in server.log_text()


@pytest.mark.parametrize("file_bytes_max", [pytest.param(SHARD_BYTES * 3 // 4, id="for this file"), pytest.param(1, id="for any file")])
def test_a_disk_that_fills_while_it_comes_is_told_and_waited_for(make_server, mirror, file_bytes_max):
    files = model_of()
    mirror.put_repository("owner/small", files)
    server = make_server([], vllm=str(FAKE_VLLM), downloads={"hub": mirror.url}, residency={"memory_gb": 4})
    server.spawn(preexec_fn=lambda: signal.signal(signal.SIGXFSZ, signal.SIG_IGN))
    server.url = until("the server listens", server.address, 20)
    mirror.hold_at = SHARD_BYTES // 2
    assert add(server, FAR)[0] == 201
    until("half of a shard is here", until_half_of(server, mirror, "far"))
    before = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (file_bytes_max, before[1]))
    mirror.hold_at = None
    mirror.go.set()
    until("it says that the disk is full", lambda: "cannot grow" in (download(server, "far")["detail"] or ""), 30)
    assert "make room; it goes on by itself" in download(server, "far")["detail"]
    assert server.chat("far").status_code == 503 and server.model_state("far")["state"] == "fetching"
    first = failures(server)
    until("it is tried again and fails again", lambda: failures(server) > first, 30)
    assert download(server, "far")["state"] in ("waiting", "fetching")
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, before)
    until_here(server, "far")
    assert held_in(folder_of(server, "far")) == {name: files[name] for name in READ}
    assert says(server, "far") == "ba"


def test_a_configured_folder_that_is_away_is_told_where_nothing_is_fetched(make_server, mirror):
    mirror.put_repository("owner/small", model_of())
    server = make_server([FAR], vllm=str(FAKE_VLLM), downloads={"hub": mirror.url, "offline": True}, residency={"memory_gb": 4})
    server.write_config()
    refused = server.faelled_check()
    assert refused.returncode != 0 and "the folder of model 'far' is not here" in refused.stderr, refused.stderr
    server.config["downloads"]["offline"] = False
    server.start(ready=False)
    until_here(server, "far")
    server.until_ready("far")
    assert says(server, "far") == "ba" and catalogue(server)["far"]["origin"] == "file"
    server.stop()
    server.config["downloads"]["offline"] = True
    server.write_config()
    assert server.faelled_check().returncode == 0, server.faelled_check().stderr


@pytest.mark.timeout(START_S + 120)
def test_needs_vllm_a_fetched_folder_speaks(make_server, mirror, tmp_path):
    vllm = installed() or pytest.skip("vLLM is not installed; ./dev vllm does that (6 GB)")
    script = Path(__file__).with_name("tiny_qwen3.py")
    subprocess.run([vllm.with_name("python"), script, tmp_path / "tiny"], check=True)
    mirror.put_repository("owner/tiny", held_in(tmp_path / "tiny") | {"README.md": b"# Tiny"})
    server = make_server([], vllm=str(vllm), downloads={"hub": mirror.url}, limits={"wait_s": START_S, "total_s": START_S}).start()
    status, answer = add(server, {"id": "tiny", "engine": "vllm", "source": "hf:owner/tiny", "concurrency": 2, "context_tokens": 1024, "threads": 1})
    assert status == 201 and answer["fit"]["fits"] and answer["fit"]["weights"] > 500_000, answer
    until_here(server, "tiny")
    server.until_ready("tiny", within_s=START_S)
    answer = server.chat("tiny", max_tokens=8, temperature=0)
    assert answer.status_code == 200 and answer.json()["choices"][0]["message"]["content"], answer.text
