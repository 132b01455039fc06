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

import engine
import gateways
import proctree

GREEDY_KEY = "sk-bench-greedy-0123456789abcdefghij"
CONFIG = engine.CONFIG.replace("concurrency: 1", "concurrency: {places}").replace(
    "models:", "  - {{ member: greedy, name: bench, secret: {greedy} }}\nmodels:")


def ask(port, key, prompt, tokens):
    """One streamed completion: (tokens, seconds to the first, seconds in all)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    body = json.dumps({"model": "bench", "prompt": prompt, "max_tokens": tokens, "temperature": 0, "seed": 1, "ignore_eos": True,
                       "stream": True, "stream_options": {"include_usage": True}})
    began = time.monotonic()
    connection.request("POST", "/v1/completions", body, {"Authorization": f"Bearer {key}", "Content-Type": "application/json"})
    answer = connection.getresponse()
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


def beside_greedy(port, options):
    stop, lock, greedy = threading.Event(), threading.Lock(), []

    def client(number):
        turn = 0
        while not stop.is_set():
            tokens, _, all_s = ask(port, GREEDY_KEY, f"Text {number}.{turn}: {engine.PROMPT}", options.greedy_tokens)
            turn += 1
            with lock:
                greedy.append((time.monotonic(), tokens, all_s))

    clients = [threading.Thread(target=client, args=(number,)) for number in range(options.clients)]
    for thread in clients:
        thread.start()
    time.sleep(2 * options.pause_s)
    began = time.monotonic()
    firsts, tokens = [], 0
    for i in range(options.requests):
        made, first_s, _ = ask(port, gateways.KEY, f"Question {i}: {engine.PROMPT}", options.modest_tokens)
        firsts.append(first_s)
        tokens += made
        time.sleep(options.pause_s)
    ended = time.monotonic()
    stop.set()
    for thread in clients:
        thread.join()
    done = [entry for entry in greedy if began <= entry[0] <= ended]
    return statistics.median(firsts), (tokens + sum(entry[1] for entry in done)) / (ended - began), len(done)


def saturated(port, options):
    """Tokens per second of as many clients as there are places, each asking again at once."""
    results = []

    def client(number):
        for turn in range(options.turns):
            results.append(ask(port, GREEDY_KEY, f"Text {number}.{turn}: {engine.PROMPT}", options.greedy_tokens))

    clients = [threading.Thread(target=client, args=(number,)) for number in range(2 * options.places)]
    began = time.monotonic()
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()
    return sum(result[0] for result in results) / (time.monotonic() - began)


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
            beside, per_s, done = beside_greedy(at, options)
            figures[name] = {"modest_alone_s": round(alone, 3), "modest_beside_greedy_s": round(beside, 3),
                             "greedy_request_alone_s": round(running, 3), "tokens_per_s": round(per_s, 1), "greedy_done": done}
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
