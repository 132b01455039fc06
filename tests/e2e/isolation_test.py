"""Two members on one engine: no foreign token, no tell-tale count or time, no word outside the conversation, and an
engine that can reach nothing. Each statistical test has a positive control, so that it is known to see what it looks
for."""

import json
import os
import random
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from server import OTHER_SECRET, SECRET
from visiting import everything_in
from waiting import Stopwatch, until

SEED = int(os.environ.get("FAELLED_SEED", "20261125"))
WORDS = ("anchor birch candle dahlia ember falcon garnet harbour island juniper kettle lantern meadow nectar orchard pepper "
         "quartz river saffron thistle umbrella velvet walnut yarrow").split()


def canary(rng):
    return "-".join(rng.sample(WORDS, 3))


# No foreign token

def test_no_member_ever_gets_a_token_of_another_under_load(make_server, real_model):
    """Each member tells the engine a secret and lets it go on; what is then said is searched for the other's secrets."""
    server = make_server([{**real_model, "concurrency": 2}]).start()
    rng = random.Random(SEED)
    print(f"FAELLED_SEED={SEED}")
    secrets = {key: [canary(rng) for _ in range(8)] for key in (SECRET, OTHER_SECRET)}
    said, lock = {SECRET: [], OTHER_SECRET: []}, threading.Lock()

    def ask(key, own, stream):
        # The same beginning for both members, and no secret in every second: whatever the cache keeps would help there.
        prompt = "The password of the harbour office is"
        if own:
            prompt += f" {own}. I repeat: the password of the harbour office is"
        answer = server.post("/v1/completions", {"model": "small", "prompt": prompt, "max_tokens": 12, "temperature": 0,
                                                 "stream": stream}, secret=key)
        assert answer.status_code == 200, answer.text
        text = answer.text if not stream else "".join(
            choice["text"] for line in answer.text.splitlines() if line.startswith("data: {")
            for choice in json.loads(line[6:])["choices"])
        with lock:
            said[key].append((own, text))

    def member(key, turn):
        for number, secret in enumerate(secrets[key]):
            ask(key, secret if (number + turn) % 2 == 0 else None, stream=number % 3 == 0)

    members = [threading.Thread(target=member, args=(key, turn)) for key in said for turn in range(2)]
    for one in members:
        one.start()
    for one in members:
        one.join()
    for key, other in ((SECRET, OTHER_SECRET), (OTHER_SECRET, SECRET)):
        assert len(said[key]) == 16
        for own, text in said[key]:
            foreign = [secret for secret in secrets[other] if secret in text]
            assert not foreign, f"{foreign} of the other member in {text!r}"
    own_back = sum(1 for key in said for own, text in said[key] if own and own.split("-")[0] in text)
    assert own_back >= 8, f"only {own_back} of 16 secrets came back to their own member: the test would see nothing"


# No tell-tale

TRIALS = 32
HITS_MAX = 28  # of 32 by chance: more than that is less likely than one in 400,000 (binomial, one half)


def prompts(rng):
    """Two prompts of equal length that differ from the first word on."""
    return [" ".join(rng.choice(WORDS) for _ in range(100)) for _ in range(2)]


def probe(server, key, prompt):
    """(cached tokens, seconds) of asking exactly this."""
    watch = Stopwatch()
    answer = server.post("/v1/completions", {"model": "slow", "prompt": prompt, "max_tokens": 1, "temperature": 0}, secret=key)
    seconds = watch.s
    assert answer.status_code == 200, answer.text
    details = answer.json()["usage"].get("prompt_tokens_details") or {}
    return details.get("cached_tokens", 0), seconds


def guesses(server, guesser, rng):
    """How often the guesser finds out, by count and by time, which of two prompts the first member asked just before."""
    by_count = by_time = 0
    for _ in range(TRIALS):
        pair = prompts(rng)
        asked = rng.randrange(2)
        probe(server, SECRET, pair[asked])
        first = rng.randrange(2)  # the order of guessing must not help either
        order = (first, 1 - first)
        seen = {}
        for which in order:
            seen[which] = probe(server, guesser, pair[which])
            if which == order[0]:
                probe(server, SECRET, pair[asked])  # as it was before
        count_guess = max(order, key=lambda which: (seen[which][0], which == order[rng.randrange(2)]))
        by_count += count_guess == asked
        by_time += min(order, key=lambda which: seen[which][1]) == asked
    return by_count, by_time


@pytest.fixture(scope="module")
def one_place(module_server, tiny):
    return module_server([tiny("slow", concurrency=1, context_tokens=2048)])


@pytest.mark.timeout(240)
def test_neither_cached_tokens_nor_time_tell_another_member_what_was_asked(one_place):
    print(f"FAELLED_SEED={SEED}")
    by_count, by_time = guesses(one_place, OTHER_SECRET, random.Random(SEED))
    assert TRIALS - HITS_MAX <= by_count <= HITS_MAX, f"guessed right by cached_tokens {by_count} times of {TRIALS}"
    assert TRIALS - HITS_MAX <= by_time <= HITS_MAX, f"guessed right by time {by_time} times of {TRIALS}"


@pytest.mark.timeout(240)
def test_the_same_guesses_within_one_member_are_right_so_the_measure_sees_a_cache(one_place):
    by_count, _ = guesses(one_place, SECRET, random.Random(SEED + 1))
    assert by_count > HITS_MAX, f"only {by_count} of {TRIALS}: a leak would go unseen"


# No word elsewhere

@pytest.mark.parametrize("how", [signal.SIGABRT, signal.SIGSEGV, signal.SIGKILL])
def test_a_crash_leaves_no_word_on_the_disk(make_server, tiny, tmp_path, how):
    """Server and engine are ended by a signal that dumps core, with a prompt in their memory."""
    server = make_server([tiny("slow", concurrency=1, context_tokens=4096)])
    home = tmp_path / "cwd"
    home.mkdir()
    server.spawn(cwd=home)
    server.url = until("the server listens", server.address)
    server.until_ready()
    word = f"canary-{random.Random(SEED).randrange(10**12)}"
    asker = threading.Thread(target=lambda: _quietly(server, word))
    asker.start()
    until("the engine works on it", lambda: "faelled_running 1" in server.metrics())
    (engine,) = server.engine_pids()
    for pid in (engine, server.process.pid):
        with open(f"/proc/{pid}/limits", encoding="ascii") as limits:
            (core,) = [line.split() for line in limits if line.startswith("Max core file size")]
        assert core[4:6] == ["1", "1"], core
    os.kill(engine, how)
    server.process.send_signal(how)
    server.process.wait(30)
    asker.join()
    for folder in (tmp_path, home):
        assert word.encode() not in everything_in(folder)
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith(("core", "vgcore"))]
    pattern = Path("/proc/sys/kernel/core_pattern").read_text().strip()
    if pattern.startswith("/"):
        assert not list(Path(pattern).parent.glob(f"*{server.process.pid}*"))


def _quietly(server, word):
    try:
        server.post("/v1/completions", {"model": "slow", "prompt": word, "max_tokens": 4000, "ignored": word})
    except OSError:
        pass  # the server is killed under it


# Invariant: engines reach nothing

def status_of(pid, field):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return line.split()[1]
    return None


def test_engines_run_without_rights_network_or_files_of_ours(make_server, tiny):
    server = make_server([tiny("chat")]).start()
    (engine,) = server.engine_pids()
    assert status_of(engine, "NoNewPrivs") == "1"
    assert status_of(engine, "Seccomp") == "2"
    sockets = subprocess.run(["ss", "-H", "-tunap"], capture_output=True, text=True).stdout
    assert f"pid={engine}," not in sockets
    opened = {os.path.realpath(link) for link in _links(engine)}
    assert not {path for path in opened if path.endswith(("faelled.db", "master.key", ".journal", "control.sock"))}, opened
    environment = Path(f"/proc/{engine}/environ").read_bytes()
    assert SECRET.encode() not in environment and b"FAELLED" not in environment
    arguments = Path(f"/proc/{engine}/cmdline").read_bytes().split(b"\0")
    for flag in (b"--tools", b"--agent", b"--mcp", b"--webui", b"--slot-save-path", b"--lora"):
        assert flag not in arguments


def _links(pid):
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            yield os.readlink(link)
        except OSError:
            pass


STEERING = {"id_slot": 0, "slot_id": 1, "cache_prompt": True, "lora": [{"id": 0, "scale": 1}], "priority": -100, "cache_salt": "x",
            "chat_template": "{{ 'x' }}", "kv_transfer_params": {"a": 1}, "n_predict": 4000, "grammar": "root ::= \"x\"",
            "samplers": ["top_k"], "return_progress": True, "prompt_embeds": "AA==", "vllm_xargs": {"a": 1}, "json_schema": {}}


@pytest.mark.parametrize("field", STEERING)
def test_a_field_that_steers_engines_reaches_none(make_server, fake, field):
    server = make_server([fake.model()]).start()
    mark = f"steering {field}"
    answer = server.chat("fake", mark, **{field: STEERING[field]})
    calls = fake.calls_about(mark)
    if answer.status_code == 200:
        (call,) = calls
        sent = json.loads(call.body)
        assert sent.get(field) != STEERING[field], sent
    else:
        assert answer.status_code == 400 and not calls


def test_a_remote_picture_is_never_fetched(make_server, fake):
    server = make_server([fake.model()]).start()
    answer = server.post("/v1/chat/completions", {"model": "fake", "messages": [{"role": "user", "content": [
        {"type": "text", "text": "what is this?"},
        {"type": "image_url", "image_url": {"url": fake.url + "/fetched.png"}}]}]})
    assert answer.status_code == 400 and "image" in answer.text
    assert not [call for call in fake.calls if "fetched" in call.path]
