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

from isolation import HITS_MAX, STEERING, TRIALS, Guesser, assert_dumps_no_core, assert_nothing_is_left_of, text_of
from server import OTHER_SECRET, SECRET
from waiting import until

SEED = int(os.environ.get("FAELLED_SEED", "20261125"))


def invented_words(rng, count):
    """Words that no model says by itself, each another."""
    syllables = [first + second for first in "bdfgklmnprstvz" for second in "aeiou"]
    numbers = rng.sample(range(len(syllables) ** 4), count)
    return ["".join(syllables[number // len(syllables) ** place % len(syllables)] for place in range(4)) for number in numbers]


# No foreign token

def test_no_member_ever_gets_a_token_of_another_under_load(make_server, real_model):
    """Each member tells the engine a secret and lets it go on; what is then said is searched for each of the other's words."""
    server = make_server([{**real_model, "concurrency": 2}]).start()
    rng = random.Random(SEED)
    print(f"FAELLED_SEED={SEED}")
    words = iter(invented_words(rng, 2 * 8 * 2))
    secrets = {key: [[next(words), next(words)] for _ in range(8)] for key in (SECRET, OTHER_SECRET)}
    said, lock = {SECRET: [], OTHER_SECRET: []}, threading.Lock()

    def ask(key, own, stream):
        # The same beginning for both members, and no secret in every second: whatever the cache keeps would help there.
        prompt = "The password of the harbour office is"
        if own:
            prompt += f" {'-'.join(own)}. I repeat: the password of the harbour office is"
        answer = server.post("/v1/completions", {"model": "small", "prompt": prompt, "max_tokens": 12, "temperature": 0,
                                                 "stream": stream}, secret=key)
        assert answer.status_code == 200, answer.text
        with lock:
            said[key].append((own, text_of(answer).lower()))

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
            foreign = [word for secret in secrets[other] for word in secret if word in text]
            assert not foreign, f"{foreign} of the other member in {text!r}"
    own_back = sum(any(word in text for word in own) for key in said for own, text in said[key] if own)
    assert own_back >= 12, f"only {own_back} of 16 secrets came back to their own member: the test would see nothing"


# No tell-tale

@pytest.fixture(scope="module")
def one_place(module_server, tiny):
    return module_server([tiny("slow", concurrency=1, context_tokens=2048)])


@pytest.mark.timeout(240)
def test_neither_cached_tokens_nor_time_tell_another_member_what_was_asked(one_place):
    print(f"FAELLED_SEED={SEED}")
    found = Guesser(one_place, "slow", words=20).guesses(OTHER_SECRET, random.Random(SEED))
    assert found.counts == {0}, "another member's words were found in the cache"
    assert TRIALS - HITS_MAX <= found.by_time <= HITS_MAX, f"guessed right by time {found.by_time} times of {TRIALS}"


@pytest.mark.timeout(240)
def test_the_same_guesses_within_one_member_are_right_so_the_measure_sees_a_cache(one_place):
    found = Guesser(one_place, "slow", words=20).guesses(SECRET, random.Random(SEED + 1))
    print(found)
    assert found.by_count == TRIALS, f"only {found.by_count} of {TRIALS}: a leak would go unseen"
    assert found.by_time > HITS_MAX, f"only {found.by_time} of {TRIALS}: a leak would go unseen"


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
        assert_dumps_no_core(pid)
    os.kill(engine, how)
    server.process.send_signal(how)
    server.process.wait(30)
    asker.join()
    assert_nothing_is_left_of(word, [engine, server.process.pid], tmp_path)


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
