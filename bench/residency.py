#!/usr/bin/env python3
"""Many models in a memory that cannot hold all, with real engines, beside llama-server's router mode with the same files.

switch: three copies of a model of which one fits, asked in turn. Seconds from the request to the first token through
faelled, through the router, and from the spawn of an engine of one's own to its first token; and faelled's own part of it, in
milliseconds: from the request to the order to make room or to load, and what of its wait was neither that nor the load.

turns: a workload of `faelled sim workload` (turns_150, turns_300, turns_600) played in --seconds instead of its ten minutes, three
tiny models of which two fit, each with one place. Seconds to the first token, loads, by member.

many: --switches one after another among three tiny models of which one fits: that each is answered, and that nothing piles up
(processes, descriptors, sockets, memory).

Prints one line of JSON. See README.md."""

import argparse
import csv
import datetime
import http.client
import io
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import gateways
import proctree
from unix_connection import UnixConnection

REPO = pathlib.Path(__file__).resolve().parent.parent
TEMPLATE = REPO / "share" / "templates" / "two-examples.jinja"
MEMBERS = ("greedy", "modest-01", "modest-02", "modest-03")


def key(member):
    return f"sk-bench-{member}-0123456789abcdef"


def ask(connection, model, tokens, member="greedy", prompt="bade deba"):
    """A streamed completion: seconds to its first token, and in all."""
    began = time.monotonic()
    connection.request("POST", "/v1/completions", json.dumps({
        "model": model, "prompt": prompt, "max_tokens": tokens, "temperature": 0, "seed": 1, "ignore_eos": True, "stream": True,
    }), {"Authorization": f"Bearer {key(member)}", "Content-Type": "application/json"})
    answer = connection.getresponse()
    if answer.status != 200:
        raise ValueError(f"status {answer.status}: {answer.read()[:300]}")
    first_s = None
    for line in answer:
        if line.startswith(b"data: {") and first_s is None:
            if b'"error"' in line:
                raise ValueError(line)
            first_s = time.monotonic() - began
    connection.close()
    return first_s, time.monotonic() - began


def tcp(port):
    return http.client.HTTPConnection("127.0.0.1", port, timeout=600)


def answers(port, path):
    try:
        connection = tcp(port)
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except OSError:
        return False


def seconds_of(text):
    return datetime.datetime.fromisoformat(text).timestamp()


class Faelled:
    name = "faelled"

    def __init__(self, options, folder, files, places, memory_gb, turn_s=20, **settings):
        self.port = gateways.free_port()
        config = {
            "listen": f"127.0.0.1:{self.port}", "data": str(folder / "data"), "llama_server": str(options.llama_server.resolve()),
            "keys": [{"member": member, "name": "bench", "secret": key(member)} for member in MEMBERS],
            "residency": {"memory_gb": memory_gb, "turn_s": turn_s},
            "models": [{"id": name, "engine": "llama", "file": str(file), "concurrency": places, "threads": 1,
                        "chat_template_file": str(TEMPLATE)} for name, file in files.items()], **settings}
        (folder / "faelled.yaml").write_text(json.dumps(config))
        self.owner = folder / "data" / "control.sock"
        self.log = folder / "faelled.log"
        with open(self.log, "wb") as log:
            self.process = proctree.start([options.faelled.resolve(), "serve", "--config", folder / "faelled.yaml"], None, cwd=folder,
                                          stdout=log, stderr=log)
        proctree.until(lambda: answers(self.port, "/readyz"), "faelled", 60)

    def lines(self):
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    def loads(self):
        return sum(line.get("message") == "engine starts" for line in self.lines())

    def read(self, path):
        line = UnixConnection(self.owner)
        line.request("GET", path)
        answer = line.getresponse()
        if answer.status != 200:
            raise ValueError(f"{path}: {answer.status}")
        return json.load(answer)

    def own_part_ms(self, requests):
        """Of each request that waited for its model: until the first order to make room or to load, and all of its wait beside
        the former engine's end and the new one's load."""
        proctree.until(lambda: len(self.read("/api/usage?rows=true")["rows"]) >= requests, "the ledger", 60)
        orders = [seconds_of(event["at"]) for event in self.read("/api/residency/events?limit=500")["events"]
                  if event["what"] in ("load", "drain", "unload")]
        decided, beside = [], []
        for row in self.read("/api/usage?rows=true")["rows"]:
            came = seconds_of(row["started_at"])
            after = [order - came for order in orders if 0 <= order - came <= row["total_us"] / 1e6]
            if row["load_us"] and after:
                decided.append(1e3 * min(after))
                beside.append(row["queue_us"] / 1e3)
        return {"decided": spread(decided), "beside_load": spread(beside), "requests": len(decided)}

    def stop(self):
        proctree.stop(self.process)


class Router:
    name = "llama-server router"

    def __init__(self, options, folder, files, places, models_max):
        self.port = gateways.free_port()
        self.log = folder / "router.log"
        # The engine's words are faelled's: what differs is who decides.
        shared = {"parallel": places, "ctx-size": 4096 * places, "threads": 1, "threads-batch": 1, "fit": "off", "cache-ram": 0,
                  "batch-size": 256, "ubatch-size": 256, "chat-template-file": TEMPLATE}
        preset = "".join(f"[{name}]\nmodel = {file}\n" + "".join(f"{word} = {value}\n" for word, value in shared.items())
                         for name, file in files.items())
        (folder / "models.ini").write_text(f"version = 1\n{preset}")
        with open(self.log, "wb") as log:
            self.process = proctree.start(
                [options.llama_server.resolve(), "--host", "127.0.0.1", "--port", str(self.port), "--models-preset",
                 folder / "models.ini", "--models-max", str(models_max), "--no-webui"], None, cwd=folder, stdout=log, stderr=log)
        proctree.until(lambda: answers(self.port, "/health"), "llama-server's router", 60)

    def loads(self):
        return self.log.read_text(errors="replace").count("spawning server instance")

    def stop(self):
        proctree.stop(self.process)


def own_engine(options, folder, file, number):
    """From the spawn of an engine, with faelled's words, to its first token."""
    path = folder / f"own{number}.sock"
    began = time.monotonic()
    process = subprocess.Popen(
        [options.llama_server.resolve(), "--model", file, "--alias", "own", "--host", path, "--parallel", "1", "--ctx-size", "4096",
         "--no-kv-unified", "--cache-ram", "0", "--no-cache-idle-slots", "--slot-prompt-similarity", "0", "--cache-reuse", "0",
         "--no-context-shift", "-fit", "off", "--batch-size", "256", "--ubatch-size", "256", "--offline", "--no-webui", "--no-agent",
         "--no-mmproj-auto", "--slots", "--metrics", "--log-verbosity", "1", "--threads", "1", "--threads-batch", "1", "--jinja",
         "--chat-template-file", TEMPLATE], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                connection = UnixConnection(path)
                connection.request("GET", "/health")
                if connection.getresponse().status == 200:
                    break
            except OSError:
                pass
            time.sleep(0.002)
        ask(UnixConnection(path), "own", 1)
        return time.monotonic() - began
    finally:
        process.kill()
        process.wait()


def spread(values):
    values = sorted(values)
    return {"p50": round(statistics.median(values), 3), "p95": round(values[min(len(values) - 1, int(0.95 * len(values)))], 3),
            "max": round(values[-1], 3)}


def switch(options, folder):
    files = {}
    for name in ("a", "b", "c"):
        files[name] = folder / f"{name}.gguf"
        os.link(options.model.resolve(), files[name]) if options.model.stat().st_dev == folder.stat().st_dev else \
            files[name].symlink_to(options.model.resolve())
    rivals = [Faelled(options, folder, files, 1, options.memory_gb), Router(options, folder, files, 1, 1)]
    took = {"own engine": [], **{rival.name: [] for rival in rivals}}
    try:
        for rival in rivals:
            ask(tcp(rival.port), "a", 1)
        for turn in range(options.runs):
            model = "bca"[turn % 3]
            took["own engine"].append(own_engine(options, folder, files[model], turn))
            for rival in rivals:
                took[rival.name].append(ask(tcp(rival.port), model, 1)[0])
        own_part = rivals[0].own_part_ms(options.runs + 1)
    finally:
        for rival in rivals:
            rival.stop()
    pairs = [ours / own for ours, own in zip(took["faelled"], took["own engine"])]
    return {"switch_s": {name: spread(values) for name, values in took.items()}, "runs": options.runs, "own_part_ms": own_part,
            "paired_ratio": round(statistics.median(pairs), 3),
            "router_paired_ratio": round(statistics.median(a / b for a, b in zip(took["llama-server router"], took["own engine"])), 3)}


def scaled(trace, seconds, tokens, input_tokens=None):
    """A workload of turns_…, of ten minutes and 200 tokens an answer on average, in so many seconds with so many tokens."""
    return [row | {"time_s": f"{float(row['time_s']) * seconds / 600:.3f}",
                   "input_tokens": input_tokens or row["input_tokens"],
                   "output_tokens": max(1, int(int(row["output_tokens"]) * tokens / 200))} for row in trace]


def workload(options, name, seed):
    text = subprocess.run([options.faelled, "sim", "workload", name, "--seed", str(seed)], capture_output=True, text=True,
                          check=True).stdout
    return list(csv.DictReader(io.StringIO(text)))


def open_loop(trace, one):
    """Calls one(row) in a thread of its own when the trace says, whoever still waits. Seconds until all have returned."""
    threads = []
    begun = time.monotonic()
    for row in trace:
        wait = float(row["time_s"]) - (time.monotonic() - begun)
        if wait > 0:
            time.sleep(wait)
        threads.append(threading.Thread(target=one, args=(row,)))
        threads[-1].start()
    for thread in threads:
        thread.join()
    return time.monotonic() - begun


def play(rival, trace, options):
    results, lock = [], threading.Lock()

    def one(row):
        try:
            first_s, _ = ask(tcp(rival.port), row["model"], row["output_tokens"], row["member"])
        except (ValueError, OSError) as problem:
            first_s = str(problem)
        with lock:
            results.append((row["member"], first_s))

    ended = open_loop(scaled(trace, options.seconds, options.tokens), one)
    failed = [first for _, first in results if isinstance(first, str)]
    if len(failed) == len(results):
        raise SystemExit(f"{rival.name} served nobody: {failed[0]}\n{rival.log.read_text()[-2000:]}")
    served = [(member, first) for member, first in results if not isinstance(first, str)]
    out = {"first_token_s": spread([first for _, first in served]), "ended_s": round(ended, 1), "loads": rival.loads(),
           "failed": len(failed), "modest": spread([first for member, first in served if member != "greedy"]),
           "members": {of: spread([first for member, first in served if member == of]) for of in MEMBERS}}
    return out | ({"first_failure": failed[0]} if failed else {})


def makers_of_tiny_models():
    sys.path.insert(0, str(REPO / "tests" / "e2e"))
    try:
        import tiny_models
    except ModuleNotFoundError as missing:
        raise SystemExit(f"this needs the Python package {missing.name}, which the tests have: ./dev bench residency {' '.join(sys.argv[1:])}") from missing
    return tiny_models


def turns(options, folder):
    tiny_models = makers_of_tiny_models()
    files = {f"model-{i:02}": tiny_models.make(folder / f"model-{i:02}.gguf", seed=i, context=4096) for i in (1, 2, 3)}
    out = {}
    for name in options.workloads.split(","):
        trace = workload(options, name, options.seed)
        out[name] = {"requests": len(trace)}
        for make in (lambda f: Faelled(options, f, files, 1, 0.14, turn_s=20 * options.seconds / 600), lambda f: Router(options, f, files, 1, 2)):
            place = folder / f"{name}-{len(out[name])}"
            place.mkdir()
            rival = make(place)
            try:
                out[name][rival.name] = play(rival, trace, options)
            finally:
                rival.stop()
            print(name, rival.name, json.dumps(out[name][rival.name]), file=sys.stderr)
    return out


def many(options, folder):
    tiny_models = makers_of_tiny_models()
    files = {f"model-{i}": tiny_models.make(folder / f"model-{i}.gguf", seed=i) for i in range(3)}
    server = Faelled(options, folder, files, 1, 0.06)

    def held():
        root = pathlib.Path(f"/proc/{server.process.pid}")
        rss = int(root.joinpath("statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6
        return {"processes": len(proctree.tree(server.process.pid)) - 1, "descriptors": len(os.listdir(root / "fd")),
                "sockets": len(list((folder / "data" / "run").iterdir())), "threads": len(os.listdir(root / "task")), "mb": round(rss, 1)}

    lost, seen, waits = 0, [], []
    try:
        for turn in range(options.switches + 1):
            try:
                waits.append(ask(tcp(server.port), f"model-{turn % 3}", 1)[0])
            except (OSError, ValueError) as problem:
                lost += 1
                print(turn, problem, file=sys.stderr)
            if turn % max(1, options.switches // 10) == 0:
                seen.append({"switches": turn} | held())
                print(json.dumps(seen[-1]), file=sys.stderr)
        return {"switches": options.switches, "lost": lost, "loads": server.loads(), "first_token_s": spread(waits), "held": seen}
    finally:
        server.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("switch", "turns", "many"))
    parser.add_argument("--faelled", type=pathlib.Path, default=REPO / "build" / "release" / "faelled")
    parser.add_argument("--llama-server", type=pathlib.Path, default=os.environ.get(
        "FAELLED_LLAMA_SERVER", gateways.cache_dir() / "llama-server"))
    parser.add_argument("--model", type=pathlib.Path, default=os.environ.get("FAELLED_MODEL"), help="switch: a GGUF file")
    parser.add_argument("--memory-gb", type=float, default=0.6, help="switch: holds one of the models")
    parser.add_argument("--runs", type=int, default=12)
    parser.add_argument("--switches", type=int, default=10000)
    parser.add_argument("--workloads", default="turns_150,turns_300,turns_600")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--tokens", type=int, default=400, help="turns: of an answer, on average")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="faelled-residency-"))
    try:
        print(json.dumps({"switch": switch, "turns": turns, "many": many}[options.what](options, folder)))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
