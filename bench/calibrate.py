#!/usr/bin/env python3
"""The simulator beside real llama-servers behind faelled, on the same machine: how far are its waits and its throughput off?

Plays traces (--trace-seed) for real, through faelled with its mesh and planner. Before and after each it measures how long prompts,
tokens and switches take (--seed), writes that as worlds for `faelled sim`, and plays the traces there. A machine's pace drifts by a tenth
and more: a fixed piece of work is timed all along (bench/pace.py), and each trace is simulated at the pace of its own time. `calm`, `turns` and `full` have three copies of a model of which two fit, and ask for half, 1.7 and
5.6 times what these can serve; `one` asks a single model for 1.8 times what it can. Each is played --repeats times with other prompts, for which model is loaded when decides much of what a single run shows.
Prompts are random digits, a token each, that no cache knows; answers go on to their last token. Prints a table, writes it to --document between its markers, and exits with 1 where a figure is further off than --off-max.

Needs a machine that does nothing else: each engine has one thread, two work at once. See docs/simulation.md."""

import argparse
import contextlib
import csv
import itertools
import json
import os
import pathlib
import random
import re
import shutil
import statistics
import sys
import tempfile
import threading
import time
import urllib.request
from typing import NamedTuple

import fairness
import gateways
import pace
import proctree
import residency

PLACES, STEP_TOKENS = 2, 256  # of each engine; the latter is faelled's --batch-size
WAIT_S_MAX = 600  # nobody is refused: in the simulator all wait for ever
MODELS = [f"model-{i:02}" for i in (1, 2, 3)]
SIMULATED_RUNS = 20  # single runs of a busy engine are chaotic: their mean
# What part of what the engines can serve is asked for. Not near 1: there a wait is off by many times what the throughput is.
LOADS = {"calm": 0.5, "turns": 1.7, "full": 5.6, "one": 1.8}
FIGURES = {"first token P50, s": lambda summary: summary["wait_s"]["p50"],
           "first token P95, s": lambda summary: summary["wait_s"]["p95"],
           "throughput, tokens/s": lambda summary: summary["tokens_per_s"]}


def prompt(draw, tokens):
    """So many tokens for a Gemma, the one that begins every text among them."""
    return "".join(draw.choice("0123456789") for _ in range(tokens - 1))


class Server(residency.Faelled):
    def __init__(self, options, folder, models, turn_s=20):
        files = {}
        for name in models:
            files[name] = folder / f"{name}.gguf"
            files[name].symlink_to(options.model.resolve())
        self.models = models
        super().__init__(options, folder, files, PLACES, options.memory_gb, turn_s, limits={"wait_s": WAIT_S_MAX})
        fit = min(2, len(models))
        try:
            proctree.until(lambda: len(self.ready()) >= fit, f"{fit} models in memory", 120)
            if len(self.ready()) != fit:
                raise SystemExit(f"{self.ready()} are in memory and not {fit} models: choose another --memory-gb")
        except BaseException:
            self.stop()
            raise

    def ready(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=60) as answer:
            lines = answer.read().decode().splitlines()
        return [line for line in lines if line.startswith("faelled_model_ready{") and line.endswith(" 1")]

    def ask(self, model, draw, input_tokens, output_tokens, member="greedy"):
        return residency.ask(residency.tcp(self.port), model, output_tokens, member, prompt(draw, input_tokens))


class Sample(NamedTuple):
    begun: float  # time.monotonic()
    ended: float
    seconds: float
    tokens: int = 0


def sampled(measured, *words):
    begun = time.monotonic()
    seconds = measured(*words)
    return Sample(begun, time.monotonic(), seconds)


def token_s(server, models, draw, input_tokens, tokens):
    """Seconds from one token to the next where each of these models, named as often as it is asked, answers at the same time."""
    took, lock = [], threading.Lock()
    barrier = threading.Barrier(len(models))

    def one(model, own):
        barrier.wait()
        first_s, all_s = server.ask(model, own, input_tokens, tokens)
        with lock:
            took.append((all_s - first_s) / (tokens - 1))

    clients = [threading.Thread(target=one, args=(model, random.Random(draw.random()))) for model in models]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    return statistics.mean(took)


def measure(server, options, seen):
    """Adds samples to `seen`, of which fit() makes a world. What is compared is measured in turn, so that a noisy minute hits all alike.
    An answer is twice as long as the traces' mean: so its tokens have as much text before them as theirs, whose lengths are exponential."""
    draw = random.Random(f"{options.seed} {len(seen['prompts'])}")
    both_places, tokens = PLACES * MODELS[:1], round(2 * options.tokens)
    asked = [("alone", MODELS[:1]), ("two", both_places)]
    if len(server.models) > 1:
        asked.append(("beside", PLACES * MODELS[:2]))  # all places of both: so they are most of the time where anybody waits
    for model in server.models[:2]:
        server.ask(model, draw, 8, 8)
    for _ in range(options.rounds):
        for _ in range(3):
            length = draw.randrange(16, 2 * options.input_tokens)
            seen["prompts"].append(sampled(lambda: server.ask(MODELS[0], draw, length, 2)[0])._replace(tokens=length))
        for what, models in asked:
            seen[what].append(sampled(token_s, server, models, draw, options.input_tokens, tokens))
    if len(server.models) > 1:
        with switching(server, random.Random(draw.random()), seen["switch"]):
            for _ in range(options.rounds):
                seen["loading"].append(sampled(token_s, server, both_places, draw, options.input_tokens, tokens))


@contextlib.contextmanager
def switching(server, draw, samples):
    """Meanwhile the second and the third model are asked in turn, each of which the other one drives out: seconds to the first token."""
    stop = threading.Event()

    def ask_on():
        for turn in itertools.count():
            if stop.is_set():
                return
            samples.append(sampled(lambda: server.ask(MODELS[2 - turn % 2], draw, 8, 2)[0]))

    client = threading.Thread(target=ask_on)
    client.start()
    try:
        yield
    finally:
        stop.set()
        client.join()


def at_pace(seen, readings, work_s):
    """Seconds of each sample, as it would have been on a machine that takes so long for the work of `readings`."""
    scaled = {what: [each._replace(seconds=each.seconds * work_s / readings.over(each.begun, each.ended)) for each in samples]
              for what, samples in seen.items()}
    return {what: [(each.tokens, each.seconds) if what == "prompts" else each.seconds for each in samples] for what, samples in scaled.items()}


def fit(seen):
    """What `faelled sim` calls the measured lengths: seconds. A load and what it costs others only where there were other models."""
    alone, two = (statistics.median(seen[what]) for what in ("alone", "two"))
    slope, first = statistics.linear_regression(*zip(*seen["prompts"]))
    request = min(max(two - alone, 0), alone)
    step = alone - request
    busy = seen["beside"] or seen["two"]  # both cores at work, if there are as many engines: what their neighbours do is known best
    spread = [value / statistics.median(busy) for value in busy]
    fitted = {"prefill_token": max(slope, 0), "prefill": max(first - step, 0), "decode": step, "decode_request": request,
              "jitter": min(statistics.stdev(spread), 0.2) if len(spread) > 1 else 0}
    if seen["switch"]:
        switch = statistics.median(seen["switch"])
        fitted["beside"] = max(statistics.median(seen["beside"]) / two - 1, 0)
        fitted["load"] = max(switch - first - 8 * slope, 0)
        # While others switch, this part of the time is loading; the rest is their answers, which come beside.
        loading = fitted["load"] / (switch + alone)
        slower = statistics.median(seen["loading"]) / two - 1
        fitted["load_beside"] = max((slower - (1 - loading) * fitted["beside"]) / max(loading, 0.1), 0)
    return fitted


def world(fitted, turn_s):
    """YAML."""
    ms = {name: round(1000 * fitted[name], 4) for name in ("prefill", "prefill_token", "decode", "decode_request")}
    engine = f"kind: paged, requests_max: {PLACES}, step_tokens_max: {STEP_TOKENS}, kv_tokens: 1000000, watermark: 0,\n" + \
        " " * 14 + ", ".join(f"{name}_ms: {value}" for name, value in ms.items())
    made = "# Written by bench/calibrate.py: Gemma 3 270M on llama-servers with one thread each.\n"
    jitter = f"jitter: {fitted['jitter']:.4f}\n"
    if "load" not in fitted:
        return f"{made}engines:\n  - {{ id: one, {engine} }}\n{jitter}"
    return f"{made}memory:\n  slots: 2\n  load_s: {fitted['load']:.3f}\n  turn_s: {turn_s:.1f}\n" \
           f"  beside: {fitted['beside']:.3f}\n  load_beside: {fitted['load_beside']:.3f}\n  engine: {{ {engine} }}\n{jitter}"


def traces(options):
    """By world: the traces by name, as rows of the workload's ten minutes."""
    calm, busy = (residency.workload(options, name, options.trace_seed) for name in ("turns_150", "turns_300"))
    rows = {name: residency.scaled(trace, 600, options.tokens, options.input_tokens) for name, trace in
            (("calm", calm), ("turns", busy), ("full", busy), ("one", calm))}
    return {"turns": {name: rows[name] for name in ("calm", "turns", "full")},
            "one": {"one": [row | {"model": MODELS[0]} for row in rows["one"] if float(row["time_s"]) < 400]}}


def paced(rows, load, fitted, engines):
    """The rows in such a time that the engines, all their places in use, have work for this part of it."""
    token = fitted["decode"] / PLACES + fitted["decode_request"]
    work = sum(fitted["prefill"] + fitted["prefill_token"] * int(row["input_tokens"]) + token * int(row["output_tokens"]) for row in rows)
    factor = work * (1 + fitted.get("beside", 0)) / engines / load / float(rows[-1]["time_s"])
    return [row | {"time_s": f"{float(row['time_s']) * factor:.3f}"} for row in rows]


def csv_of(rows, columns):
    return "\n".join([",".join(columns), *(",".join(str(row[column]) for column in columns) for row in rows)]) + "\n"


def sim(options, *words):
    return json.loads(fairness.ran(options.faelled, *words, "--json"))


def real(server, options, rows, repeat, out):
    draw, served = random.Random(f"{options.trace_seed} {repeat}"), {}
    rows = [row | {"number": number, "draw": random.Random(draw.random())} for number, row in enumerate(rows)]

    def one(row):
        served[row["number"]] = server.ask(row["model"], row["draw"], row["input_tokens"], row["output_tokens"], row["member"])

    begun = time.monotonic()
    residency.open_loop(rows, one)
    ended = time.monotonic()
    lost = [row["number"] for row in rows if row["number"] not in served]
    if lost:
        raise SystemExit(f"{len(lost)} requests of {len(rows)} had no answer\n{server.log.read_text()[-2000:]}")
    rows = [row | dict(zip(("first_token_s", "finished_s"), (f"{s:.6f}" for s in served[row["number"]]))) for row in rows]
    out.write_text(csv_of(rows, ("time_s", "member", "input_tokens", "output_tokens", "first_token_s", "finished_s")))
    return sim(options, "measure", out), begun, ended


def token_ms(result):
    """Milliseconds from one token to the next, of all answers."""
    with open(result, encoding="utf-8") as file:
        rows = [{name: float(value) for name, value in row.items() if name != "member"} for row in csv.DictReader(file)]
    return 1000 * sum(row["finished_s"] - row["first_token_s"] for row in rows) / sum(row["output_tokens"] - 1 for row in rows)


def simulated(options, trace, world):
    """Means of the figures, and of the loads."""
    runs = [sim(options, "--trace", trace, "--world", world, "--policy", "commons", "--seed", seed, "--out", world.with_suffix(".csv"))
            for seed in range(1, SIMULATED_RUNS + 1)]
    return {name: statistics.mean(figure(run) for run in runs) for name, figure in FIGURES.items()}, \
        statistics.mean(run["loads"] for run in runs)


class Play(NamedTuple):
    figures: dict
    loads: int
    token_ms: float
    begun: float
    ended: float


def table(rows, off_max):
    """Markdown of (trace, figure, of each play the real one, and the simulated), and whether the means are all near enough."""
    cells, near = [], True
    for trace, figure, real_ones, simulated_ones in rows:
        is_real, is_simulated = statistics.mean(real_ones), statistics.mean(simulated_ones)
        ratio = is_simulated / is_real if is_real > 0 else float("inf")
        near &= abs(ratio - 1) <= off_max
        cells.append([trace, figure, f"{is_real:.3g}", f"{min(real_ones):.3g} to {max(real_ones):.3g}", f"{is_simulated:.3g}", f"{ratio:.2f}"])
    return fairness.table(["trace", "", "real, mean", "each", "simulated", "simulated / real"], cells), near


def beside_others(document, text):
    """The table, and of the document's those rows whose traces --only left out."""
    before = document.partition("<!-- calibration -->")[2].partition("<!-- end of calibration -->")[0]
    name = re.compile(r"^\| (\w+) \| ")
    here = {match[1] for match in map(name.match, text.splitlines()) if match}
    kept = [row for row in before.splitlines() if (match := name.match(row)) and match[1] not in here | {"trace"}]
    return "\n".join([text.rstrip("\n"), *kept])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faelled", type=pathlib.Path, default=residency.REPO / "build" / "release" / "faelled")
    parser.add_argument("--llama-server", type=pathlib.Path, default=os.environ.get(
        "FAELLED_LLAMA_SERVER", gateways.cache_dir() / "llama-server"))
    parser.add_argument("--model", type=pathlib.Path, default=os.environ.get(
        "FAELLED_MODEL", gateways.cache_dir() / "gemma-3-270m-q4_k_m.gguf"))
    parser.add_argument("--memory-gb", type=float, default=1.3, help="holds two of the model and not three")
    parser.add_argument("--rounds", type=int, default=4, help="of measuring, before and after each trace; a round takes about 15 s")
    parser.add_argument("--seed", type=int, default=1, help="of what is measured")
    parser.add_argument("--trace-seed", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3, help="of each trace for real; their mean is compared")
    parser.add_argument("--only", default="calm,turns,full,one", help="these traces")
    parser.add_argument("--turn-s", type=float, default=5, help="residency.turn_s, of a switch that somebody waits for")
    parser.add_argument("--tokens", type=float, default=40, help="of an answer, on average")
    parser.add_argument("--input-tokens", type=int, default=64)
    parser.add_argument("--off-max", type=float, default=0.1)
    parser.add_argument("--worlds", type=pathlib.Path, default=residency.REPO / "bench" / "worlds", help="a folder to write them to")
    parser.add_argument("--document", type=pathlib.Path, default=residency.REPO / "docs" / "simulation.md", help="to write the table to")
    options = parser.parse_args()
    document = options.document.read_text(encoding="utf-8")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="faelled-calibrate-"))
    readings = pace.Pace()
    rows, servers = [], []

    def serve(models):
        (folder / str(len(servers))).mkdir()
        servers.append(Server(options, folder / str(len(servers)), models, options.turn_s))
        return servers[-1]

    def measured(models, seen):
        server = serve(models)
        measure(server, options, seen)
        server.stop()

    def as_of(seen, begun, ended):
        return fit(at_pace(seen, readings, readings.over(begun, ended)))

    try:
        for name, played in traces(options).items():
            played = {trace: asked for trace, asked in played.items() if trace in options.only.split(",")}
            if not played:
                continue
            models = MODELS[:1] if name == "one" else MODELS
            seen = {what: [] for what in ("prompts", "alone", "two", "beside", "switch", "loading")}
            begun = time.monotonic()
            measured(models, seen)
            fitted = as_of(seen, begun, time.monotonic())
            played = {trace: paced(asked, LOADS[trace], fitted, min(2, len(models))) for trace, asked in played.items()}
            plays = {trace: [] for trace in played}
            for repeat in range(options.repeats):
                for trace, asked in played.items():
                    server = serve(models)  # that remembers nothing, as the simulator
                    result = folder / f"{trace}-real.csv"
                    summary, *when = real(server, options, asked, repeat, result)
                    figures = {what: figure(summary) for what, figure in FIGURES.items()}
                    plays[trace].append(Play(figures, server.loads(), round(token_ms(result), 1), *when))
                    server.stop()
                    measured(models, seen)
            for trace, asked in played.items():
                requests = folder / f"{trace}.csv"
                requests.write_text(csv_of(asked, ("time_s", "member", "user", "model", "input_tokens", "output_tokens")))
                path = folder / "world.yaml"
                expected, expected_loads, expected_ms = [], [], []
                for play in plays[trace]:
                    path.write_text(world(as_of(seen, play.begun, play.ended), options.turn_s))
                    figures, loads = simulated(options, requests, path)
                    expected.append(figures)
                    expected_loads.append(loads)
                    expected_ms.append(round(token_ms(path.with_suffix(".csv")), 1))
                rows += [(trace, what, [play.figures[what] for play in plays[trace]], [figures[what] for figures in expected]) for what in FIGURES]
                work_ms = [round(1000 * readings.over(play.begun, play.ended), 2) for play in plays[trace]]
                print(f"{trace}: {len(asked)} requests in {asked[-1]['time_s']} s, loads {[play.loads for play in plays[trace]]}, simulated "
                      f"{statistics.mean(expected_loads):.1f}; a token took {[play.token_ms for play in plays[trace]]} ms, simulated {expected_ms}; "
                      f"the machine's work {work_ms} ms", file=sys.stderr)
            fitted = as_of(seen, begun, time.monotonic())
            alone = ", ".join(f"{1000 * sample.seconds:.1f}" for sample in seen["alone"])
            print(f"{name}: a token alone took {alone} ms; {json.dumps({what: round(s, 6) for what, s in fitted.items()})}", file=sys.stderr)
            (options.worlds / f"llama-server-{name}.yaml").write_text(world(fitted, options.turn_s))
    finally:
        for server in servers:
            server.stop()
        readings.stop()
        shutil.rmtree(folder)
    text, near = table(rows, options.off_max)
    print(text)
    options.document.write_text(fairness.filled(document, {"calibration": beside_others(document, text)}, options.document), encoding="utf-8")
    return 0 if near else 1


if __name__ == "__main__":
    sys.exit(main())
