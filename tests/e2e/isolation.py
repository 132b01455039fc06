"""What one member may not learn of another, tried on either engine: guesses at what was asked, what a crash leaves, and
the fields by which an engine would be steered."""

import json
from dataclasses import dataclass
from pathlib import Path

from server import SECRET
from visiting import everything_in
from waiting import Stopwatch
from wire import events

WORDS = [first + second for first in ("ba", "de", "fi", "go", "ka", "le", "mi", "no") for second in ("bu", "dy", "fa", "ge", "ko", "la")]
STEERING = {"id_slot": 0, "slot_id": 1, "cache_prompt": True, "lora": [{"id": 0, "scale": 1}], "priority": -100, "cache_salt": "x",
            "chat_template": "{{ 'x' }}", "kv_transfer_params": {"a": 1}, "n_predict": 4000, "grammar": "root ::= \"x\"",
            "samplers": ["top_k"], "return_progress": True, "prompt_embeds": "AA==", "vllm_xargs": {"a": 1}, "json_schema": {}}

TRIALS = 100
HITS_MAX = 74  # of 100 guesses at one of two; by chance it is more, or as many wrong, once in 1,700,000 runs (binomial, one half)


def text_of(answer):
    """What was completed, streamed or not."""
    if not answer.headers["content-type"].startswith("text/event-stream"):
        return answer.json()["choices"][0]["text"]
    chunks = [json.loads(event) for event in events(answer.text) if event != "[DONE]"]
    return "".join(choice["text"] for chunk in chunks for choice in chunk["choices"])


@dataclass
class Guesses:
    """Of TRIALS: how many were right by the count of cached tokens and by time; and the counts that the guesser was told."""
    by_count: int
    by_time: int
    counts: set


class Guesser:
    """Asks a model what its first member may have asked, in prompts of so many words: the more, the longer takes what is
    not in a cache."""

    def __init__(self, server, model, words):
        self.server = server
        self.model = model
        self.words = words

    def prompts(self, rng):
        """Two of equal length that differ from the first words on."""
        return [" ".join(rng.choice(WORDS) for _ in range(self.words)) for _ in range(2)]

    def probe(self, key, prompt):
        """(cached tokens, seconds) of asking exactly this."""
        watch = Stopwatch()
        body = {"model": self.model, "prompt": prompt, "max_tokens": 1, "temperature": 0}
        answer = self.server.post("/v1/completions", body, secret=key)
        seconds = watch.s
        assert answer.status_code == 200, answer.text
        details = answer.json()["usage"].get("prompt_tokens_details") or {}
        return details.get("cached_tokens") or 0, seconds

    def guesses(self, key, rng):
        """As the member of this key, each time after the first member has asked one of two prompts."""
        found = Guesses(0, 0, set())
        for _ in range(TRIALS):
            pair = self.prompts(rng)
            asked = rng.randrange(2)
            self.probe(SECRET, pair[asked])
            first = rng.randrange(2)  # the order of guessing must not help either
            seen = {first: self.probe(key, pair[first])}
            self.probe(SECRET, pair[asked])  # as it was before
            seen[1 - first] = self.probe(key, pair[1 - first])
            found.counts |= {count for count, _ in seen.values()}
            found.by_count += max(seen, key=lambda which: seen[which][0]) == asked
            found.by_time += min(seen, key=lambda which: seen[which][1]) == asked
        return found


# After a crash

def assert_dumps_no_core(pid):
    with open(f"/proc/{pid}/limits", encoding="ascii") as limits:
        (core,) = [line.split() for line in limits if line.startswith("Max core file size")]
    assert core[4:6] == ["1", "1"], core


def assert_nothing_is_left_of(word, pids, *folders):
    """No word of it in these folders, and no core of these processes in them or where the system keeps them."""
    for folder in folders:
        assert word.encode() not in everything_in(folder)
        assert not [path for path in folder.rglob("*") if path.name.startswith(("core", "vgcore")) and path.is_file()]
    pattern = Path("/proc/sys/kernel/core_pattern").read_text().strip()
    if pattern.startswith("/"):
        assert not [path for pid in pids for path in Path(pattern).parent.glob(f"*{pid}*")]
