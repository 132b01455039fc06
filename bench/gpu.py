#!/usr/bin/env python3
"""Sleep, wake, memory and throughput of vLLM on a GPU: through faelled, and a vLLM started with the same words beside it.

Two models share a GPU (or, without one, the machine's memory: then nothing sleeps, and the table says so). The first is
asked while nothing is loaded, then the two take turns, so that each request finds its model absent or asleep; last both
sides serve the same load. Prints a table in Markdown for bench/README.md. See there for the command."""

import argparse
import http.client
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

import engine
import gateways
import proctree

REPO = pathlib.Path(__file__).resolve().parent.parent
START_S = 900
PROCESSORS = ("OMP_NUM_THREADS=", "VLLM_CPU_OMP_THREADS_BIND=", "VLLM_ENABLE_V1_MULTIPROCESSING=")


def config_of(options, folder, port):
    models = [{"id": name, "engine": "vllm", "folder": str(path.resolve()), "concurrency": options.concurrency,
               "context_tokens": options.context} for name, path in (("first", options.first), ("second", options.second))]
    if options.threads:
        models = [model | {"threads": options.threads} for model in models]
    residency = {"turn_s": 1} | ({"memory_gb": options.memory_gb} if options.memory_gb else {})
    return {"listen": f"127.0.0.1:{port}", "data": str(folder / "data"), "vllm": str(options.vllm.absolute()), "models": models,
            "residency": residency, "limits": {"wait_s": START_S, "total_s": START_S},
            "keys": [{"member": "demo", "name": "bench", "secret": gateways.KEY}]}


def complete(port, model, tokens):
    return engine.complete(port, tokens, model, START_S)


def throughput(port, model, options):
    """Tokens a second, all streams together. What comes first is not counted: it compiles what the batches need."""
    with ThreadPoolExecutor(options.concurrency) as pool:
        list(pool.map(lambda _: complete(port, model, options.tokens), range(2 * options.concurrency)))
        began = time.monotonic()
        done = list(pool.map(lambda _: complete(port, model, options.tokens), range(options.requests)))
        return sum(tokens for tokens, _, _ in done) / (time.monotonic() - began)


def gpu_mib():
    """Taken of all GPUs, as the driver says; None: there is none."""
    try:
        said = subprocess.run(["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"], capture_output=True, text=True)
    except FileNotFoundError:
        return None
    return sum(int(line) for line in said.stdout.split()) if said.returncode == 0 else None


def models_of(options, config):
    """Empty: the server does not answer yet."""
    said = subprocess.run([options.faelled.resolve(), "model", "list", "--json", "--config", config], capture_output=True, text=True)
    return json.loads(said.stdout)["models"] if said.returncode == 0 else []


def states(options, config):
    return {model["id"]: model["state"] for model in models_of(options, config)}


def is_ready(options, config):
    """One of the models; ends the measurement at once where one cannot be served."""
    models = models_of(options, config)
    for model in models:
        if model["state"] == "failed":
            raise SystemExit(f"{model['id']} cannot be served: {model['detail']}")
    return any(model["state"] == "ready" for model in models)


def words_of_engine(root, model_folder):
    """What a vLLM beside it is started with: its words but for the socket, and how it uses processors."""
    for pid in proctree.tree(root):
        words = [word.decode() for word in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:-1]]
        if "serve" in words and str(model_folder) in words:
            words = words[words.index("serve"):]
            at = words.index("--uds")
            pairs = pathlib.Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
            environment = dict(pair.split("=", 1) for pair in pairs if pair.startswith(PROCESSORS))
            return [word for word in words[:at] + words[at + 2:] if word != "--enable-sleep-mode"], environment
    raise SystemExit("faelled has no vLLM with that model among its processes")


def seconds(values):
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faelled", type=pathlib.Path, default=REPO / "build" / "release" / "faelled")
    parser.add_argument("--vllm", type=pathlib.Path, required=True, help="the program, in a Python of its own")
    parser.add_argument("--first", type=pathlib.Path, required=True, help="a model's folder")
    parser.add_argument("--second", type=pathlib.Path, required=True, help="another; together they should not fit the GPU")
    parser.add_argument("--concurrency", type=int, default=8)
    parser.add_argument("--context", type=int, default=4096, help="tokens of each place")
    parser.add_argument("--tokens", type=int, default=256)
    parser.add_argument("--requests", type=int, default=64)
    parser.add_argument("--turns", type=int, default=5, help="how often each model comes back")
    parser.add_argument("--threads", type=int, help="of each engine, without a GPU")
    parser.add_argument("--memory-gb", type=float, help="of the machine for models")
    options = parser.parse_args()
    for name in ("faelled", "vllm", "first", "second"):
        if not getattr(options, name).exists():
            parser.error(f"--{name}: there is no {getattr(options, name)}")

    folder = pathlib.Path(tempfile.mkdtemp(prefix="faelled-gpu-"))
    port, beside = gateways.free_port(), gateways.free_port()
    config = folder / "faelled.json"
    config.write_text(json.dumps(config_of(options, folder, port)))
    rows, processes = [], []

    def tell(what, value):
        rows.append((what, value))
        print(f"{what}: {value}", file=sys.stderr, flush=True)

    try:
        with open(folder / "log", "wb") as log:
            before = gpu_mib()
            processes.append(proctree.start([options.faelled.resolve(), "serve", "--config", config], None, cwd=folder, stdout=log, stderr=log))
            began = time.monotonic()
            proctree.until(lambda: is_ready(options, config), "a model in memory", START_S)
            tell("start to a model that is ready, s", f"{time.monotonic() - began:.2f}")
            back = {"asleep": [], "absent": []}
            for turn in range(2 * options.turns):
                model = ("first", "second")[turn % 2]
                was = states(options, config)[model]
                _, first_s, _ = complete(port, model, 1)
                if was in back:
                    back[was].append(first_s)
                if turn == 1 and before is not None:
                    tell("GPU memory with one ready and the other as it was left, MiB", gpu_mib() - before)
            for state, what in (("asleep", "asked asleep to first token, s"), ("absent", "asked absent to first token, s")):
                tell(what, seconds(back[state]) if back[state] else "none was")
            through = throughput(port, "first", options)
            words, environment = words_of_engine(processes[0].pid, options.first.resolve())
            proctree.stop(processes.pop())
            began = time.monotonic()
            processes.append(proctree.start([options.vllm.absolute(), *words, "--host", "127.0.0.1", "--port", str(beside)], None, cwd=folder,
                                            env={**os.environ, **environment, "HF_HUB_OFFLINE": "1"}, stdout=log, stderr=log))

            def answers():
                try:
                    return complete(beside, "first", 1)
                except (OSError, http.client.HTTPException, ValueError):
                    return None

            proctree.until(answers, "the first answer of the vLLM beside", START_S)
            tell("bare vLLM, spawn to first token, s", f"{time.monotonic() - began:.2f}")
            bare = throughput(beside, "first", options)
            tell("tokens a second through faelled", f"{through:.1f}")
            tell("tokens a second, bare vLLM", f"{bare:.1f}")
            tell("through faelled as a part of bare", f"{through / bare:.3f}")
    except BaseException:
        print((folder / "log").read_text(errors="replace")[-2000:], file=sys.stderr)
        raise
    finally:
        for process in reversed(processes):
            proctree.stop(process)
        shutil.rmtree(folder)
    print("| | |\n|---|---|")
    for what, value in rows:
        print(f"| {what} | {value} |")


if __name__ == "__main__":
    main()
