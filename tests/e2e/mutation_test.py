"""10,000 random mutations of valid requests over kept-alive connections: never a crash, never a hang, and an engine gets
only what was parsed and allowed. Invariant: allow-list."""

import json
import os
import random
import re
import select

import pytest

from wire import Wire, error_of

MUTATIONS = 10_000
SEEDS = [("/v1/chat/completions", {"model": "fake", "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hej æøå"}],
                                   "temperature": 0.5, "max_tokens": 16, "seed": 5, "stop": ["x", "y"], "logit_bias": {"5": -1}, "n": 1, "user": "u"}),
         ("/v1/chat/completions", {"model": "fake", "stream": True, "stream_options": {"include_usage": True},
                                   "messages": [{"role": "user", "content": [{"type": "text", "text": "hej"}]}], "top_p": 0.9}),
         ("/v1/completions", {"model": "fake", "prompt": "once", "max_tokens": 5, "presence_penalty": 1.0, "echo": False, "suffix": None}),
         ("/v1/embeddings", {"model": "fake", "input": ["a", "b"][:1], "encoding_format": "float", "dimensions": None})]
SPICE = [b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"\\u0000", b"\\ud83d", b"null", b"true", b"-", b"1e999", b"0.1", b"99999999999999999999",
         b"\x00", b"\xff", b"\xf0\x9f\x98\x80", b" ", b"\n", b'"model"', b'"messages"', b'"priority":1,', b'"id_slot":0,', b'"lora":[],',
         b'"cache_salt":"x",', b'"chat_template":"x",', b'"stream":true,', b'"\\u006dodel":"x",']


def field_table(root):
    """Endpoint → the fields that may reach an engine, from docs/fields.md."""
    allowed = {"chat": set(), "completions": set(), "embeddings": set()}
    for name, *fates in re.findall(r"^\| `(\w+)` \| (\w+) \| (\w+) \| (\w+) \|", (root / "docs/fields.md").read_text(), re.MULTILINE):
        for endpoint, fate in zip(allowed, fates, strict=True):
            if fate in ("passed", "ours"):
                allowed[endpoint].add(name)
    allowed["chat"].discard("max_completion_tokens")
    return allowed


def mutated(dice, body):
    text = bytearray(json.dumps(body, ensure_ascii=dice.random() < 0.5).encode())
    for _ in range(dice.choice([1, 1, 1, 2, 3, 8])):
        at = dice.randrange(len(text) + 1)
        what = dice.randrange(6)
        if what == 0:
            text[at:at] = dice.choice(SPICE)
        elif what == 1:
            del text[at:at + dice.choice([1, 1, 2, 5, 20])]
        elif what == 2 and at < len(text):
            text[at] = dice.randrange(256)
        elif what == 3:
            piece = text[at:at + dice.randrange(1, 30)]
            text[at:at] = piece * dice.choice([1, 2, 20])
        elif what == 4:
            text[at:at + 1] = dice.choice(SPICE)
        else:
            other = dice.randrange(len(text) + 1)
            text[min(at, other):max(at, other)] = text[min(at, other):max(at, other)][::-1]
    return bytes(text)


@pytest.mark.timeout(240)
def test_mutations(make_server, fake, request):
    seed = int(os.environ.get("FAELLED_SEED", random.randrange(2**32)))
    print(f"FAELLED_SEED={seed}")
    dice = random.Random(seed)
    allowed = field_table(request.config.rootpath.parent)
    assert all("model" in names for names in allowed.values())
    server = make_server([fake.model(concurrency=64)]).start()
    statuses = {}
    wires = [Wire(server.url, timeout_s=20) for _ in range(8)]
    for number in range(MUTATIONS // len(wires)):
        asked = []
        for wire in wires:  # eight at a time, so that the engine's and our time overlap
            path, body = dice.choice(SEEDS)
            asked.append((path, mutated(dice, body)))
            wire.request("POST", asked[-1][0], asked[-1][1])
        for place, wire in enumerate(wires):
            try:
                wire.head()
                answer = wire.body()
            except (AssertionError, OSError) as error:
                raise AssertionError(f"FAELLED_SEED={seed}, mutation {number}: {error}; {asked[place]!r}") from error
            statuses[wire.status] = statuses.get(wire.status, 0) + 1
            assert wire.status in (200, 400, 404), (seed, wire.status, asked[place], answer[:300])
            if wire.status != 200:
                error_of(json.loads(answer))
            if wire.headers.get("connection") == "close":
                wire.close()
                wires[place] = Wire(server.url, timeout_s=20)
    for wire in wires:
        assert not select.select([wire.socket], [], [], 0)[0], "nothing is said that was not asked for"
        wire.close()
    assert server.alive()
    assert statuses[200] > 200 and statuses[400] > 2000, statuses
    for call in fake.calls:
        try:
            got = json.loads(call.body.decode("utf-8"))
        except ValueError as error:
            raise AssertionError(f"FAELLED_SEED={seed}: an engine got {call.body!r}") from error
        endpoint = call.path.removeprefix("/v1/").split("/")[0]
        assert set(got) <= allowed[endpoint], (seed, set(got) - allowed[endpoint])
        assert got["model"] == "inner"
        for message in got.get("messages", []):
            assert set(message) <= {"role", "content", "name"}, (seed, message)
    assert len(server.rows()) == len(fake.calls), "a row for each that an engine had, and for no other"
