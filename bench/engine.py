#!/usr/bin/env python3
"""llama-server's tokens per second on its own and through faelled, in turn, on the same prompt.

faelled starts its engine; a second one is started beside it with the same words on its command line, its own port apart.
Only one of them works at a time. See README.md."""

import argparse
import http.client
import json
import os
import pathlib
import shutil
import statistics
import sys
import tempfile
import time

import gateways
import proctree

REPO = pathlib.Path(__file__).resolve().parent.parent
PROMPT = "The history of the town hall begins in the year 1642, when the council decided to build"

CONFIG = """
listen: 127.0.0.1:{port}
data: {folder}/data
llama_server: {server}
keys:
  - {{ member: demo, name: bench, secret: {key} }}
models:
  - {{ id: bench, engine: llama, file: "{model}", concurrency: 1, threads: {threads},
      chat_template_file: "{template}" }}
"""


def answers(port):
    try:
        complete(port, 1)
        return True
    except (OSError, http.client.HTTPException, ValueError):
        return False


def complete(port, tokens, model="bench", timeout_s=120, prompt=PROMPT):
    """One streamed completion: how many tokens, seconds to the first of them, seconds in all."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)  # llama-server keeps none for long
    body = json.dumps({"model": model, "prompt": prompt, "max_tokens": tokens, "temperature": 0, "seed": 1,
                       "stream": True, "stream_options": {"include_usage": True}})
    began = time.monotonic()
    connection.request("POST", "/v1/completions", body,
                       {"Authorization": f"Bearer {gateways.KEY}", "Content-Type": "application/json"})
    answer = connection.getresponse()
    if answer.status != 200:
        raise ValueError(f"status {answer.status}: {answer.read()[:200]}")
    first_s, used, done = None, None, False
    for line in answer:
        if line.startswith(b"data: [DONE]"):
            done = True
        elif line.startswith(b"data: "):
            first_s = first_s or time.monotonic() - began
            used = json.loads(line[6:]).get("usage") or used
    connection.close()
    if not done or not used:
        raise ValueError("the stream broke off")
    return used["completion_tokens"], first_s, time.monotonic() - began


def child_engine(root):
    for pid in proctree.tree(root):
        words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:-1]
        if pid != root and b"--host" in words:
            return pid, words
    raise SystemExit("faelled has no llama-server among its processes")


def same_engine(pid, words, port, log):
    words = list(words)
    words[words.index(b"--host") + 1] = b"127.0.0.1"
    environment = dict(pair.split(b"=", 1) for pair in
                       pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0") if b"=" in pair)
    return proctree.start([*words, b"--port", str(port).encode()], None, env=environment | {b"PATH": os.defpath.encode()},
                          stdout=log, stderr=log)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faelled", type=pathlib.Path, default=REPO / "build" / "release" / "faelled")
    parser.add_argument("--llama-server", type=pathlib.Path, default=os.environ.get(
        "FAELLED_LLAMA_SERVER", gateways.cache_dir() / "llama-server"))
    parser.add_argument("--model", type=pathlib.Path, default=os.environ.get("FAELLED_MODEL"),
                        help="a GGUF file; by default what FAELLED_MODEL names")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--tokens", type=int, default=192)
    parser.add_argument("--runs", type=int, default=11, help="of each, in turn; medians are compared")
    options = parser.parse_args()
    for name in ("faelled", "llama_server", "model"):
        path = getattr(options, name)
        if not path or not path.exists():
            parser.error(f"--{name.replace('_', '-')}: there is no {path}")

    folder = pathlib.Path(tempfile.mkdtemp(prefix="faelled-engine-"))
    port, direct_port = gateways.free_port(), gateways.free_port()
    config = folder / "faelled.yaml"
    config.write_text(CONFIG.format(port=port, folder=folder, server=options.llama_server.resolve(), key=gateways.KEY,
                                    model=options.model.resolve(), threads=options.threads,
                                    template=REPO / "share" / "templates" / "two-examples.jinja"))
    processes = []
    speeds = {"direct": [], "through": []}
    firsts = {"direct": [], "through": []}
    try:
        with open(folder / "log", "wb") as log:
            processes.append(proctree.start([options.faelled.resolve(), "serve", "--config", config], None, cwd=folder,
                                            stdout=log, stderr=log))
            proctree.until(lambda: answers(port), "faelled's first answer", 60)
            pid, words = child_engine(processes[0].pid)
            processes.append(same_engine(pid, words, direct_port, log))
            proctree.until(lambda: answers(direct_port), "the other llama-server's first answer", 60)
        ports = {"direct": direct_port, "through": port}
        for run in range(options.runs + 1):
            for name in sorted(speeds, reverse=run % 2 == 1):
                tokens, first_s, all_s = complete(ports[name], options.tokens)
                if run > 0:  # the first of each warms the caches
                    speeds[name].append(tokens / all_s)
                    firsts[name].append(first_s * 1000)
    finally:
        for process in reversed(processes):
            proctree.stop(process)
        shutil.rmtree(folder)
    direct, through = (statistics.median(speeds[name]) for name in ("direct", "through"))
    print(json.dumps({"direct_tokens_per_s": round(direct, 2), "through_tokens_per_s": round(through, 2),
                      "ratio": round(through / direct, 4),
                      "ratio_of_best": round(max(speeds["through"]) / max(speeds["direct"]), 4), "tokens": tokens, "runs": options.runs,
                      "first_token_ms": {name: round(statistics.median(values), 1) for name, values in firsts.items()},
                      "paired_ratio": round(statistics.median(
                          b / a for a, b in zip(speeds["direct"], speeds["through"])), 4)}))
    return 0 if through >= 0.99 * direct else 1


if __name__ == "__main__":
    sys.exit(main())
