"""The real vLLM, for processors, behind the node: it answers, keeps members apart, dies honestly and leaves nothing behind.

Once ./dev vllm has installed it; it takes half a minute to start, so all tests share one."""

import http.client
import json
import os
import random
import signal
import socket
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from control import add, catalogue, change
from isolation import (HITS_MAX, STEERING, TRIALS, WORDS, Guesser, assert_dumps_no_core, assert_nothing_is_left_of, text_of)
from server import OTHER_SECRET, SECRET, Server, children_of, process_gone
from visiting import everything_in
from waiting import Stopwatch, until
from wire import Wire, events

SEED = int(os.environ.get("FAELLED_SEED", "20261126"))
START_S = 300
SOON_S = 60  # it is asked every few seconds
LONG = 1500  # tokens; some seconds
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "faelled"

pytestmark = pytest.mark.timeout(START_S + 120)


def installed():
    """The program that ./dev vllm put into the cache, newest first; its metadata is made last of all."""
    found = sorted(CACHE.glob("vllm-*/lib/python3*/site-packages/vllm-*+cpu.dist-info/METADATA"), key=os.path.getmtime)
    return found[-1].parents[4] / "bin" / "vllm" if found else None


@pytest.fixture(scope="module")
def needs_vllm():
    return installed() or pytest.skip("vLLM is not installed; ./dev vllm does that (6 GB)")


@pytest.fixture(scope="module")
def server(needs_vllm, tmp_path_factory):
    folder = tmp_path_factory.mktemp("vllm")
    script = Path(__file__).with_name("tiny_qwen3.py")
    adapters = [folder / "adapters" / name for name in ("law", "tax", "tax2", "later")]
    subprocess.run([needs_vllm.with_name("python"), script, folder / "tiny", *adapters], check=True)
    model = {"id": "tiny", "engine": "vllm", "folder": str(folder / "tiny"), "concurrency": 2, "context_tokens": 2048, "threads": 1,
             "aliases": [{"name": "later", "lane": "batch"}], "adapters_folder": str(folder / "adapters"), "adapters_max": 1,
             "adapters": [{"name": "law", "folder": str(adapters[0]), "members": ["demo"]}]}
    made = Server(folder, [], vllm=str(needs_vllm), limits={"wait_s": START_S, "total_s": START_S})
    try:
        status, answer = add(made.start(ready=False), model)
        assert status == 201, answer
        made.until_ready("tiny", within_s=START_S)
        yield made
    finally:
        made.end()


def all_pids(server):
    """The engine's first process and those that it made."""
    found, todo = [], server.engine_pids()
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += children_of(pid)
    return found


def core_of(server):
    """The process that makes tokens."""
    return next(pid for pid in all_pids(server) if "EngineCore" in Path(f"/proc/{pid}/cmdline").read_text())


def running(server):
    return server.model_state("tiny")["running"]


def complete(server, prompt, secret=SECRET, **fields):
    answer = server.post("/v1/completions", {"model": "tiny", "prompt": prompt, "max_tokens": 8, "temperature": 0, **fields}, secret)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_needs_vllm_chats_and_streams(server):
    whole = server.chat("tiny", max_tokens=8, temperature=0)
    assert whole.status_code == 200, whole.text
    said = whole.json()["choices"][0]["message"]["content"]
    assert said and whole.json()["usage"]["completion_tokens"] == 8
    with Wire(server.url) as client:
        got = events(client.chat("tiny", "hello", max_tokens=8, temperature=0).head().body())
    assert got.pop() == "[DONE]"
    assert "".join(choice["delta"].get("content") or "" for chunk in map(json.loads, got) for choice in chunk["choices"]) == said
    row = server.row_of(client.headers["x-request-id"])
    assert row["outcome"] == "done" and row["output_tokens"] == 8 and row["input_tokens"] > 8


def test_needs_vllm_tells_how_likely_each_token_was(server):
    tokens = server.chat("tiny", max_tokens=4, temperature=0, logprobs=True, top_logprobs=2).json()["choices"][0]["logprobs"]["content"]
    likeliest = [token["top_logprobs"] for token in tokens]
    assert [token["token"] for token in tokens] == [first["token"] for first, _ in likeliest] and len(tokens) == 4
    assert all(0 >= first["logprob"] >= second["logprob"] for first, second in likeliest)


def test_needs_vllm_follows_a_schema_and_refuses_tools_it_has_no_parser_for(server):
    form = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object", "properties": {"a": {"enum": ["x", "y"]}},
                                                                           "required": ["a"], "additionalProperties": False}}}
    answer = server.chat("tiny", max_tokens=200, response_format=form)
    assert answer.status_code == 200, answer.text
    assert json.loads(answer.json()["choices"][0]["message"]["content"])["a"] in ("x", "y")
    refused = server.chat("tiny", tools=[{"type": "function", "function": {"name": "f"}}])
    assert refused.status_code == 400 and refused.json()["error"]["param"] == "tools"


def test_needs_vllm_says_what_is_too_long_in_our_words(server):
    answer = server.chat("tiny", "ba " * 4000)
    assert answer.status_code == 400 and answer.json()["error"]["code"] == "context_length_exceeded", answer.text


class Engine(http.client.HTTPConnection):
    """Past the gateway, on the engine's own socket."""

    def __init__(self, server):
        super().__init__("engine", timeout=START_S)
        (self.path,) = (server.data / "run").glob("*/v.sock")

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(os.path.relpath(self.path))  # the whole path may be longer than a socket's address

    def metric(self, name):
        self.request("GET", "/metrics")
        lines = self.getresponse().read().decode().splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith("vllm:" + name))

    def complete(self, **fields):
        body = {"model": "tiny", "prompt": "ba", "temperature": 0, **fields}
        self.request("POST", "/v1/completions", json.dumps(body), {"Content-Type": "application/json"})
        answer = self.getresponse()
        assert answer.status == 200, answer.read()
        return json.loads(answer.read())

    def chat(self, **body):
        """Status and answer."""
        self.request("POST", "/v1/chat/completions", json.dumps(body), {"Content-Type": "application/json"})
        answer = self.getresponse()
        return answer.status, json.loads(answer.read())


def test_needs_vllm_shows_what_it_measures_of_itself(server):
    before = until("it has said all", lambda: len(said := server.measured("tiny")) == 6 and said, SOON_S)
    assert before["preemptions_total"] == before["requests_waiting"] == 0
    prompt = " ".join(random.Random(SEED + 5).choices(WORDS, k=400))
    asked = sum(complete(server, prompt)["usage"]["prompt_tokens"] for _ in range(2))
    until("its cache was asked for all of it", lambda: server.measured("tiny")["prefix_cache_queries_total"] >=
          before["prefix_cache_queries_total"] + asked, SOON_S)
    assert server.measured("tiny")["prefix_cache_hits_total"] > before["prefix_cache_hits_total"]
    over = threading.Event()

    def work():
        while not over.is_set():
            complete(server, prompt, max_tokens=LONG)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        seen = until("it is at work", lambda: (said := server.measured("tiny"))["requests_running"] == 1 and said, SOON_S)
    finally:
        over.set()
        thread.join()
    assert 0 < seen["kv_cache_used_ratio"] <= 1
    until("it rests", lambda: (said := server.measured("tiny"))["requests_running"] == said["kv_cache_used_ratio"] == 0, SOON_S)


def test_needs_vllm_is_free_within_a_second_of_a_hang_up(server):
    engine = Engine(server)
    with Wire(server.url) as client:
        client.chat("tiny", "tell me all", max_tokens=LONG).head().until(b'"content":"')
        watch = Stopwatch()
    until("the place is free", lambda: running(server) == 0)
    assert watch.s < 1
    engine.complete(max_tokens=1)
    before = engine.metric("generation_tokens_total")
    for _ in range(20):
        engine.complete(max_tokens=1)
    # In each of these steps whoever still ran would have got a token too; the node asks for one now and then.
    assert engine.metric("generation_tokens_total") - before < 20 + 5
    assert server.row_of(client.headers["x-request-id"])["outcome"] == "cancelled"


def test_needs_vllm_takes_interactive_before_batch(server):
    """Where more has come than runs at once: three long ones, of which one ends early and makes room for one at a time."""
    ended = []

    def ask(name, **fields):
        Engine(server).complete(**fields)
        ended.append(name)

    def start(name, **fields):
        thread = threading.Thread(target=ask, args=(name,), kwargs=fields)
        thread.start()
        return thread

    watching = Engine(server)
    threads = [start(f"long {tokens}", max_tokens=tokens, priority=0) for tokens in (500, 2000, 2001)]
    until("all three run", lambda: watching.metric("num_requests_running") == 3)
    threads.append(start("batch", max_tokens=1, priority=10))
    until("batch waits", lambda: watching.metric("num_requests_waiting{") == 1)
    threads.append(start("interactive", max_tokens=1, priority=0))
    until("both wait", lambda: watching.metric("num_requests_waiting{") == 2)
    for thread in threads:
        thread.join()
    assert ended.index("interactive") < ended.index("batch"), ended


def cached(answer):
    return (answer["usage"].get("prompt_tokens_details") or {}).get("cached_tokens") or 0


def test_needs_vllm_reuses_what_a_member_asked_for_that_member_alone(server):
    rng = random.Random(SEED)
    for _ in range(4):
        prompt = " ".join(rng.choice(WORDS) for _ in range(400))
        assert cached(complete(server, prompt)) == 0
        assert cached(complete(server, prompt, secret=OTHER_SECRET)) == 0, "another member's words were found in the cache"
        assert cached(complete(server, prompt)) > 0, "its own were not: the test would see nothing"


GUESSED_WORDS = 1150  # near the model's 2048 tokens


def test_needs_vllm_gives_another_member_no_hint_of_what_was_asked(server):
    print(f"FAELLED_SEED={SEED}")
    found = Guesser(server, "tiny", GUESSED_WORDS).guesses(OTHER_SECRET, random.Random(SEED))
    assert found.counts == {0}, "another member's words were found in the cache"
    assert TRIALS - HITS_MAX <= found.by_time <= HITS_MAX, f"guessed right by time {found.by_time} times of {TRIALS}"


def test_needs_vllm_the_same_guesses_within_one_member_are_right_so_the_measure_sees_a_cache(server):
    found = Guesser(server, "tiny", GUESSED_WORDS).guesses(SECRET, random.Random(SEED + 1))
    print(found)
    assert found.by_count == TRIALS, f"only {found.by_count} of {TRIALS}: a leak would go unseen"
    assert found.by_time > HITS_MAX, f"only {found.by_time} of {TRIALS}: a leak would go unseen"


def test_needs_vllm_gives_no_member_a_word_of_another(server):
    """Both ask at once, each in two threads, on one beginning that their caches hold and with words of their own after it.
    A model of random weights repeats no canary, but what it reads decides what it says: of another's words among its keys
    and values something else would come. Each answer is to the letter what the engine says to that prompt alone, past the
    gateway; on processors it says the same in any batch (0.32.0, with AMX too)."""
    print(f"FAELLED_SEED={SEED + 1}")
    rng = random.Random(SEED + 1)
    beginning = rng.choices(WORDS, k=100)  # more than a block of its cache, and so is what follows
    prompts = {secret: [" ".join(beginning + rng.choices(WORDS, k=100)) for _ in range(8)] for secret in (SECRET, OTHER_SECRET)}
    asked = {"max_tokens": 48, "temperature": 0}
    engine = Engine(server)
    alone = {prompt: engine.complete(prompt=prompt, **asked)["choices"][0]["text"] for own in prompts.values() for prompt in own}
    assert len(set(alone.values())) == len(alone) == 16, "other words must make another answer: the test would see nothing"

    def member(secret, turn):
        got = []
        for number, prompt in enumerate(prompts[secret] if turn == 0 else reversed(prompts[secret])):
            body = {"model": "tiny", "prompt": prompt, "stream": number % 3 == turn, **asked}
            got.append((prompt, text_of(server.post("/v1/completions", body, secret))))
        return got

    with ThreadPoolExecutor(4) as pool:
        said = [pair for got in pool.map(member, [*prompts] * 2, [0, 0, 1, 1]) for pair in got]
    assert len(said) == 32
    assert [(prompt, text) for prompt, text in said if text != alone[prompt]] == []


# What vLLM itself would follow.
VLLM_STEERING = {"structured_outputs": {"choice": ["ba"]}, "allowed_token_ids": [300], "repetition_penalty": 0.1, "min_tokens": 2000,
                 "truncate_prompt_tokens": 1, "prompt_logprobs": 1, "chat_template": "{{ 'x' }}", "add_generation_prompt": False, "return_token_ids": True,
                 "continue_final_message": True, "mm_processor_kwargs": {"a": 1}}


def test_needs_vllm_is_steered_by_no_field_of_a_client(server):
    engine = Engine(server)

    def essence(answer):
        """What it says, what it counts, and what else it tells."""
        (choice,), usage = answer["choices"], answer["usage"]
        told = {key for part in (answer, choice) for key, value in part.items() if value is not None} - {"service_tier"}
        return choice["message"]["content"], choice["finish_reason"], usage["prompt_tokens"], usage["completion_tokens"], told

    asked = {"model": "tiny", "messages": [{"role": "user", "content": "ba bu"}], "max_tokens": 8, "temperature": 0}
    plain = engine.chat(**asked)
    assert plain[0] == 200
    for name, value in {**STEERING, **VLLM_STEERING}.items():
        answer = server.post("/v1/chat/completions", {**asked, name: value})
        assert answer.status_code == 200 and essence(answer.json()) == essence(plain[1]), (name, answer.text)
        if name in VLLM_STEERING:
            status, straight = engine.chat(**asked, **{name: value})
            assert status != 200 or essence(straight) != essence(plain[1]), f"{name} does nothing: the test would see nothing"


def test_needs_vllm_finds_nothing_of_another_member_by_a_salt_or_a_name_of_its_own(server):
    prompt = " ".join(random.Random(SEED + 4).choices(WORDS, k=400))
    engine = Engine(server)
    for _ in range(2):
        straight = engine.complete(prompt=prompt, max_tokens=1, cache_salt="ours")
    assert cached(straight) > 0, "past the gateway a salt is followed: the test would see nothing otherwise"
    assert cached(complete(server, prompt, cache_salt="ours")) == cached(complete(server, prompt, OTHER_SECRET, cache_salt="ours")) == 0
    engine.request("GET", "/v1/models")
    (law,) = [model["id"] for model in json.loads(engine.getresponse().read())["data"] if model["id"].startswith("tiny:law")]
    assert engine.complete(model=law)["choices"][0]["text"]
    for secret in (SECRET, OTHER_SECRET):
        assert server.post("/v1/completions", {"model": law, "prompt": "ba"}, secret).status_code == 404


def test_needs_vllm_runs_without_rights_network_or_files_of_ours(server):
    for pid in all_pids(server):
        status = Path(f"/proc/{pid}/status").read_text()
        assert "NoNewPrivs:\t1" in status and "Seccomp:\t2" in status
        assert f"CapEff:\t{2 if os.geteuid() == 0 else 0:016x}" in status, "of root's powers only to read its files"
        environment = Path(f"/proc/{pid}/environ").read_bytes()
        assert SECRET.encode() not in environment and b"FAELLED" not in environment
        opened = {os.path.realpath(link) for link in Path(f"/proc/{pid}/fd").iterdir()}
        assert not {path for path in opened if path.endswith(("faelled.db", "master.key", ".journal", "control.sock"))}
    lines = subprocess.run(["ss", "-H", "-tunap"], capture_output=True, text=True).stdout.splitlines()
    for line in [line for line in lines if any(f"pid={pid}," in line for pid in all_pids(server))]:
        # gloo listens for partners that never come, on this machine alone.
        assert line.startswith("tcp") and " LISTEN " in line and " 127.0.0.1:" in line, line


def test_needs_vllm_writes_no_word_to_the_disk(server):
    word = f"canary-{random.Random(SEED + 2).randrange(10**12)}"
    server.chat("tiny", word, max_tokens=4)
    server.chat("tiny", f"{word} " * 4000)
    assert word.encode() not in everything_in(server.folder)


# Adapters.


def test_needs_vllm_knows_the_word_by_which_a_sleeper_gives_the_hosts_memory_back(server, needs_vllm):
    (hook,) = (server.data / "run").glob("*/sitecustomize.py")
    takes = "import os, torch; torch._C._accelerator_setAllocatorSettings(os.environ['PYTORCH_ALLOC_CONF'])"
    said = subprocess.run([needs_vllm.with_name("python"), "-c", takes], env={"PYTHONPATH": str(hook.parent), "VLLM_SERVER_DEV_MODE": "1"},
                          capture_output=True, text=True)
    assert said.returncode == 0, said.stderr


def words(server, model="tiny", prompt="ba bu", secret=SECRET):
    return complete(server, prompt, secret, model=model)["choices"][0]["text"]


def with_adapters(server, **folders):
    """The model has these adapters from now on, beside the one for one member that it has from the start."""
    entry = catalogue(server)["tiny"]
    definition = entry["definition"] | {"adapters": [entry["definition"]["adapters"][0]] + [
        {"name": name, "folder": str(server.folder / "adapters" / folder)} for name, folder in folders.items()]}
    return change(server, definition, entry["version"])


def test_needs_vllm_serves_an_adapter_to_its_member_alone(server):
    assert words(server, "tiny:law") not in ("", words(server))
    for model in ("tiny:law", "tiny:nobody"):
        answer = server.post("/v1/completions", {"model": model, "prompt": "ba"}, OTHER_SECRET)
        assert answer.status_code == 404 and answer.json()["error"]["message"].startswith(f"There is no model '{model}' here"), answer.text
    assert "tiny:law" in {model["id"] for model in server.get("/v1/models").json()["data"]}
    assert "tiny:law" not in {model["id"] for model in server.get("/v1/models", OTHER_SECRET).json()["data"]}


def test_needs_vllm_takes_and_drops_an_adapter_while_it_runs(server):
    engines, law, base = server.engine_pids(), words(server, "tiny:law"), words(server)
    status, answer = with_adapters(server, tax="tax")
    assert status == 200, answer
    tax = words(server, "tiny:tax")
    assert len({base, law, tax}) == 3
    with Wire(server.url) as client:
        client.chat("tiny:tax", "tell me all", max_tokens=LONG).head().until(b'"content":"')
        assert with_adapters(server)[0] == 200
        answer = server.post("/v1/completions", {"model": "tiny:tax", "prompt": "ba"})
        assert answer.status_code == 404, answer.text
        assert events(client.body())[-1] == "[DONE]", "what had begun was cut off"
    row = server.row_of(client.headers["x-request-id"])
    assert row["model"] == "tiny:tax" and row["outcome"] == "done" and row["output_tokens"] == LONG
    assert (words(server), words(server, "tiny:law")) == (base, law) and server.engine_pids() == engines


def test_needs_vllm_serves_more_adapters_than_it_has_room_for_by_turns(server):
    """It has room for one. The model itself is asked for beside it: what is added to nobody's words must not be added to its."""
    assert with_adapters(server, tax="tax", third="tax2")[0] == 200
    models = ["tiny", "tiny:law", "tiny:tax", "tiny:third"]
    alone = {model: words(server, model) for model in models}
    assert len(set(alone.values())) == 4, alone
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda model: (model, words(server, model)), models * 4))
    assert [pair for pair in got if pair[1] != alone[pair[0]]] == []
    assert with_adapters(server)[0] == 200


def test_needs_vllm_knows_a_new_adapter_of_an_old_name(server):
    """Its prefix cache knows adapters by name and path; what they hold it does not look at."""
    prompt = "ba bu " * 300
    assert with_adapters(server, tax="later")[0] == 200
    first = words(server, "tiny:tax", prompt)
    assert with_adapters(server)[0] == 200
    folder = server.folder / "adapters"
    (folder / "later").rename(folder / "away")
    (folder / "tax2").rename(folder / "later")
    assert with_adapters(server, tax="later")[0] == 200
    assert words(server, "tiny:tax", prompt) != first
    assert with_adapters(server, other="away")[0] == 200
    assert words(server, "tiny:other", prompt) == first
    assert with_adapters(server)[0] == 200


def test_needs_vllm_reuses_nothing_that_another_adapter_has_read(server):
    rng = random.Random(SEED + 3)
    prompt = " ".join(rng.choice(WORDS) for _ in range(400))
    for model in ("tiny", "tiny:law"):
        assert cached(complete(server, prompt, model=model)) == 0, "what another adapter has read was found in the cache"
        assert cached(complete(server, prompt, model=model)) > 0


def test_needs_vllm_takes_no_wrong_adapter(server):
    folder = server.folder / "adapters"

    def wrong(name, words, config=None, weights=None):
        place = folder / name
        place.mkdir()
        for file, text in (("adapter_config.json", config), ("adapter_model.safetensors", weights)):
            (place / file).write_bytes((folder / "law" / file).read_bytes() if text is None else text)
        status, answer = with_adapters(server, wrong=name)
        assert status == 400 and words in answer["error"]["message"] and answer["error"]["param"] == "definition.adapters", answer

    config = json.loads((folder / "law" / "adapter_config.json").read_text())
    weights = (folder / "law" / "adapter_model.safetensors").read_bytes()
    wrong("cut", "ends too early", weights=weights[:-10])
    wrong("head", "ends too early", weights=weights[:100])
    wrong("noise", "is no safetensors", weights=os.urandom(1000))
    wrong("json", "no JSON object", config=b"{")
    wrong("dora", "use_dora", config=json.dumps(config | {"use_dora": True}).encode())
    wrong("rank", "its rank is 64, and the model takes 16", config=json.dumps(config | {"r": 64}).encode())
    wrong("other", "which the model does not have", weights=weights.replace(b"layers.1.", b"layers.7."))
    status, answer = with_adapters(server, wrong="nowhere")
    assert status == 400 and "cannot be read" in answer["error"]["message"], answer
    assert words(server, "tiny:law") and server.chat("tiny:wrong").status_code == 404


def test_needs_vllm_killed_in_mid_stream_ends_in_an_error_and_comes_back(server):
    """Its API says 200, an error event and [DONE] then, and exits with code 0. Invariant: no false [DONE]."""
    (before,) = server.engine_pids()
    with Wire(server.url, timeout_s=START_S) as client:
        client.chat("tiny", "tell me all", max_tokens=LONG).head().until(b'"content":"')
        os.kill(core_of(server), signal.SIGKILL)
        said = events(client.body())
    assert "[DONE]" not in said and '"error"' in said[-1]
    row = server.row_of(client.headers["x-request-id"])
    assert row["outcome"] == "failed" and row["output_tokens"] > 0
    until("another one is there", lambda: server.engine_pids() not in ([], [before]), START_S)
    server.until_ready("tiny", within_s=START_S)
    assert complete(server, "ba")["usage"]["completion_tokens"] == 8
    assert words(server, "tiny:law") not in ("", words(server)), "it has its adapters again"


def test_needs_vllm_crashes_without_a_word_on_the_disk(server):
    """All its processes are ended by a signal that dumps core, with a prompt in their memory; the server is held still, so
    that it clears nothing away before it is looked for."""
    (before,), pids = server.engine_pids(), all_pids(server)
    for pid in pids:
        assert_dumps_no_core(pid)
    word = f"canary-{random.Random(SEED + 5).randrange(10**12)}"
    with Wire(server.url, timeout_s=START_S) as client:
        client.chat("tiny", word, max_tokens=LONG).head().until(b'"content":"')
        server.process.send_signal(signal.SIGSTOP)
        try:
            for pid in pids:
                os.kill(pid, signal.SIGABRT)
            until("all have ended", lambda: all(process_gone(pid) for pid in pids))
            assert list((server.data / "run").glob("*/*")), "its folder is still there"
            assert_nothing_is_left_of(word, pids, server.folder)
        finally:
            server.process.send_signal(signal.SIGCONT)
        assert "[DONE]" not in events(client.body())
    until("another one is there", lambda: server.engine_pids() not in ([], [before]), START_S)
    server.until_ready("tiny", within_s=START_S)
    assert_nothing_is_left_of(word, pids, server.folder)


def test_needs_vllm_leaves_no_orphan_and_no_folder(server):
    """Last: the server is killed, and started and stopped in good order."""
    pids = all_pids(server)
    assert len(pids) > 1
    server.kill()
    until("none of them is left", lambda: all(process_gone(pid) for pid in pids))
    server.start(ready=False)
    assert len(list((server.data / "run").iterdir())) <= 1, "what the killed one left is cleared away"
    server.stop(within_s=30)
    assert not list((server.data / "run").iterdir())
