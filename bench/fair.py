#!/usr/bin/env python3
"""A greedy member with many clients beside a modest one on one real engine with two places: how long the modest one waits.

faelled starts llama-server; a second one with the same words on its command line is loaded directly with the same requests, first
come, first served. Only one of them works at a time. Prints one line of JSON: seconds to the modest member's first token when
nobody else asks and beside the greedy one, how long a greedy request runs, and tokens per second of all together. See README.md."""

import argparse
import http.client
import json
import pathlib
import shutil
import statistics
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import engine
import gateways
import proctree

REFUSED_PAUSE_S = 0.2
GREEDY_KEY = "sk-bench-greedy-0123456789abcdefghij"
CONFIG = engine.CONFIG.replace("concurrency: 1", "concurrency: {places}").replace(
    "models:", "  - {{ member: greedy, name: bench, secret: {greedy} }}\nmodels:")


class Refused(Exception):
    """The line is full."""


def ask(port, key, prompt, tokens):
    """One streamed completion: (tokens, seconds to the first, seconds in all)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    body = json.dumps({"model": "bench", "prompt": prompt, "max_tokens": tokens, "temperature": 0, "seed": 1, "ignore_eos": True,
                       "stream": True, "stream_options": {"include_usage": True}})
    began = time.monotonic()
    connection.request("POST", "/v1/completions", body, {"Authorization": f"Bearer {key}", "Content-Type": "application/json"})
    answer = connection.getresponse()
    if answer.status == 429:
        answer.read()
        connection.close()
        raise Refused
    if answer.status != 200:
        raise ValueError(f"status {answer.status}: {answer.read()[:200]}")
    first_s, used = None, None
    for line in answer:
        if line.startswith(b"data: {"):
            first_s = first_s or time.monotonic() - began
            used = json.loads(line[6:]).get("usage") or used
    connection.close()
    return used["completion_tokens"], first_s, time.monotonic() - began


def modest_alone(port, options):
    return statistics.median(ask(port, gateways.KEY, f"Question {i}: {engine.PROMPT}", options.modest_tokens)[1]
                             for i in range(options.requests))


class Greedy:
    """Clients that ask again at once, until the end. A full line is what they are there for: counted, and on they go."""

    def __init__(self, port, options):
        self.port, self.options = port, options
        self.over, self.lock = threading.Event(), threading.Lock()
        self.done, self.refused, self.errors = [], 0, []
        self.threads = [threading.Thread(target=self.client, args=(number,)) for number in range(options.clients)]
        for thread in self.threads:
            thread.start()

    def client(self, number):
        turn = 0
        while not self.over.is_set():
            try:
                made, _, _ = ask(self.port, GREEDY_KEY, f"Text {number}.{turn}: {engine.PROMPT}", self.options.greedy_tokens)
            except Refused:
                with self.lock:
                    self.refused += 1
                self.over.wait(REFUSED_PAUSE_S)
            except Exception as error:  # told at the end: a thread has nobody to raise it to
                self.errors.append(error)
                return
            else:
                with self.lock:
                    self.done.append((time.monotonic(), made))
            turn += 1

    def end(self):
        self.over.set()
        for thread in self.threads:
            thread.join()
        if self.errors:
            raise self.errors[0]


def beside_greedy(port, options):
    greedy = Greedy(port, options)
    try:
        time.sleep(2 * options.pause_s)
        began = time.monotonic()
        firsts, tokens = [], 0
        for i in range(options.requests):
            made, first_s, _ = ask(port, gateways.KEY, f"Question {i}: {engine.PROMPT}", options.modest_tokens)
            firsts.append(first_s)
            tokens += made
            time.sleep(options.pause_s)
        ended = time.monotonic()
    finally:
        greedy.end()
    done = [made for at, made in greedy.done if began <= at <= ended]
    return statistics.median(firsts), (tokens + sum(done)) / (ended - began), len(done), greedy.refused


def saturated(port, options):
    """Tokens per second of as many clients as there are places, each asking again at once."""

    def client(number):
        return sum(ask(port, GREEDY_KEY, f"Text {number}.{turn}: {engine.PROMPT}", options.greedy_tokens)[0] for turn in range(options.turns))

    began = time.monotonic()
    with ThreadPoolExecutor(2 * options.places) as pool:
        tokens = sum(pool.map(client, range(2 * options.places)))
    return tokens / (time.monotonic() - began)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faelled", type=pathlib.Path, default=engine.REPO / "build" / "release" / "faelled")
    parser.add_argument("--llama-server", type=pathlib.Path,
                        default=engine.os.environ.get("FAELLED_LLAMA_SERVER", gateways.cache_dir() / "llama-server"))
    parser.add_argument("--model", type=pathlib.Path, default=engine.os.environ.get("FAELLED_MODEL"),
                        help="a GGUF file; by default what FAELLED_MODEL names")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--places", type=int, default=2)
    parser.add_argument("--clients", type=int, default=16, help="of the greedy member")
    parser.add_argument("--greedy-tokens", type=int, default=64)
    parser.add_argument("--modest-tokens", type=int, default=8)
    parser.add_argument("--requests", type=int, default=9, help="of the modest member, in each phase")
    parser.add_argument("--pause-s", type=float, default=1.0, help="between them")
    parser.add_argument("--turns", type=int, default=4, help="of each client where throughput is measured")
    options = parser.parse_args()
    for name in ("faelled", "llama_server", "model"):
        path = getattr(options, name)
        if not path or not pathlib.Path(path).exists():
            parser.error(f"--{name.replace('_', '-')}: there is no {path}")
        setattr(options, name, pathlib.Path(path).resolve())
    folder = pathlib.Path(tempfile.mkdtemp(prefix="faelled-fair-"))
    port, direct_port = gateways.free_port(), gateways.free_port()
    config = folder / "faelled.yaml"
    config.write_text(CONFIG.format(port=port, folder=folder, server=options.llama_server, key=gateways.KEY, greedy=GREEDY_KEY,
                                    model=options.model, threads=options.threads, places=options.places,
                                    template=engine.REPO / "share" / "templates" / "two-examples.jinja"))
    processes, figures = [], {}
    try:
        with open(folder / "log", "wb") as log:
            processes.append(proctree.start([options.faelled, "serve", "--config", config], None, cwd=folder, stdout=log, stderr=log))
            proctree.until(lambda: engine.answers(port), "faelled's first answer", 60)
            pid, words = engine.child_engine(processes[0].pid)
            processes.append(engine.same_engine(pid, words, direct_port, log))
            proctree.until(lambda: engine.answers(direct_port), "the other llama-server's first answer", 60)
        for name, at in (("direct", direct_port), ("faelled", port)):
            alone = modest_alone(at, options)
            running = statistics.median(ask(at, GREEDY_KEY, f"Alone {i}: {engine.PROMPT}", options.greedy_tokens)[2] for i in range(3))
            beside, per_s, done, refused = beside_greedy(at, options)
            figures[name] = {"modest_alone_s": round(alone, 3), "modest_beside_greedy_s": round(beside, 3),
                             "greedy_request_alone_s": round(running, 3), "tokens_per_s": round(per_s, 1), "greedy_done": done,
                             "greedy_refused": refused}
        ratios = []
        for turn in range(3):
            speeds = {name: saturated(at, options) for name, at in
                      sorted((("direct", direct_port), ("faelled", port)), reverse=turn % 2 == 1)}
            ratios.append(speeds["faelled"] / speeds["direct"])
        figures["throughput_ratio"] = round(statistics.median(ratios), 3)
    finally:
        for process in reversed(processes):
            proctree.stop(process)
        shutil.rmtree(folder)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
