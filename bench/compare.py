#!/usr/bin/env python3
"""Compares gateways before one mock upstream: gateway on core 0, mock and load tool on core 1. See README.md."""

import argparse
import json
import os
import pathlib
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import gateways
import proctree

REPO = pathlib.Path(__file__).resolve().parent.parent
GATEWAY_CORE, LOAD_CORE = 0, 1

# Bounds of one measurement; every load ends by itself.
CLOSED_REQUESTS, CONNECTIONS = 40_000, 64
OPEN_RATE, OPEN_S = 500, 5
STREAMS, CHUNKS, PACE_US = 64, 300, 10_000
HELD_STREAMS, HELD_CHUNKS, HELD_PACE_US, HELD_RAMP_MS = 5_000, 8, 1_000_000, 4_000
REST_S, IDLE_S = 2, 10
LEDGER_TRIES = 10
# A gateway may owe work after its last answer: ours hands rows to its ledger once a second. So long it must have stood
# still, but for a tick of the clock that counts CPU, and so long it is waited for.
STILL_S, SETTLE_S_MAX = 1.2, 60


def wait_ready(port):
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/models",
                                     headers={"Authorization": f"Bearer {gateways.KEY}"})

    def answers():
        try:
            with urllib.request.urlopen(request, timeout=2) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    proctree.until(answers, f"a gateway on port {port}")


class Bench:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.tools = pathlib.Path(options.build) / "bench"
        self.processes, self.names, self.results, self.sent = [], [], {}, {}
        self.faults = []

    def start(self):
        mock = proctree.start([self.tools / "bench_mock"], LOAD_CORE, stdout=subprocess.PIPE, text=True)
        self.processes.append(mock)
        self.mock_port = json.loads(mock.stdout.readline())["port"]
        self.targets = {"direct": (mock.pid, self.mock_port)}
        self.titles = {"direct": ("the mock itself", "–")}
        for name in self.options.gateways:
            folder = self.folder / name
            folder.mkdir()
            gateway = gateways.STARTERS[name](folder, self.mock_port, self.options)
            with open(folder / "log", "wb") as log:
                process = proctree.start(gateway.argv, GATEWAY_CORE, cwd=gateway.cwd, stdout=log, stderr=log)
            self.processes.append(process)
            wait_ready(gateway.port)
            self.targets[name] = (process.pid, gateway.port)
            self.titles[name] = (gateway.name, gateway.note)
        self.names = list(self.targets)
        self.results = {name: {} for name in self.names}
        self.sent = dict.fromkeys(self.names, 0)

    def stop(self):
        for process in reversed(self.processes):
            proctree.stop(process)

    def note(self, name, key, value):
        self.results[name].setdefault(key, []).append(value)

    def settled_cpu_s(self, name):
        """The CPU seconds of a gateway once it has done all that its answers left to do."""
        pid, end = self.targets[name][0], time.monotonic() + SETTLE_S_MAX
        spent, since = proctree.cpu_s(pid), time.monotonic()
        while time.monotonic() - since < STILL_S:
            if time.monotonic() > end:
                self.faults.append(f"{name} did not come to rest within {SETTLE_S_MAX} s of its last answer")
                break
            time.sleep(0.1)
            now_s = proctree.cpu_s(pid)
            if now_s - spent > 1.5 / proctree.TICKS_PER_SECOND:
                spent, since = now_s, time.monotonic()
        return proctree.cpu_s(pid)

    def load(self, name, mode, **flags):
        """Runs the load tool; returns its report and the CPU seconds that it cost the gateway, now and afterwards."""
        pid, port = self.targets[name]
        argv = [self.tools / "bench_load", mode, "--port", str(port)]
        for flag, value in flags.items():
            argv += ["--" + flag.replace("_", "-"), str(value)]
        before = proctree.cpu_s(pid)
        process = proctree.start(argv, LOAD_CORE, stdout=subprocess.PIPE, text=True)
        half_way = None
        if mode == "streams" and flags["streams"] == HELD_STREAMS:
            time.sleep(HELD_RAMP_MS / 1000 + 2)
            half_way = proctree.pss_mib(pid)
        report = json.loads(process.communicate()[0])
        report["pss_half_way_mib"] = half_way
        cpu_s = self.settled_cpu_s(name) - before
        self.sent[name] += report["requests"]
        if report["errors"]:
            self.faults.append(f"{name}, {mode} {flags}: {report['errors']} errors {report['error_kinds']}, "
                               f"status {report['last_status']}")
        return report, cpu_s

    def at_rest(self):
        time.sleep(REST_S)
        for name in self.names:
            self.note(name, "rest_mib", proctree.pss_mib(self.targets[name][0]))

    def one_round(self, number):
        for name in self.names:
            closed, cpu_s = self.load(name, "closed", connections=CONNECTIONS, requests=CLOSED_REQUESTS)
            self.note(name, "request_us", cpu_s / max(1, closed["requests"]) * 1e6)
            self.note(name, "per_second", closed["per_second"])
            opened, _ = self.load(name, "open", rate=OPEN_RATE, seconds=OPEN_S)
            self.note(name, "p50_us", opened["latency_us"]["p50"])
            self.note(name, "p99_us", opened["latency_us"]["p99"])
            # All at once: many sockets ready per turn. Spread: a turn, and a sleep, for each chunk.
            for key, ramp_ms in (("chunk_us", 0), ("spread_chunk_us", PACE_US // 1000)):
                streamed, cpu_s = self.load(name, "streams", streams=STREAMS, chunks=CHUNKS, pace_us=PACE_US,
                                            ramp_ms=ramp_ms)
                self.note(name, key, cpu_s / max(1, streamed["chunks"]) * 1e6)
            direct_p50_us = self.results["direct"]["p50_us"][number]
            self.note(name, "added_p50_us", opened["latency_us"]["p50"] - direct_p50_us)
            print(f"round {number + 1}: {name}: " + ", ".join(
                f"{key} {values[-1]:.1f}" for key, values in self.results[name].items() if key != "rest_mib"),
                file=sys.stderr, flush=True)

    def hold(self):
        for name in self.names:
            report, _ = self.load(name, "streams", streams=HELD_STREAMS, chunks=HELD_CHUNKS, pace_us=HELD_PACE_US,
                                  ramp_ms=HELD_RAMP_MS)
            self.note(name, "held", report["open_max"])
            self.note(name, "held_errors", report["errors"])
            self.note(name, "held_mib", report["pss_half_way_mib"])

    def idle(self):
        time.sleep(REST_S)
        before = {name: proctree.fine_cpu_s(self.targets[name][0]) for name in self.names}
        time.sleep(IDLE_S)
        for name in self.names:
            spent = proctree.fine_cpu_s(self.targets[name][0]) - before[name]
            self.note(name, "idle_percent", 100 * spent / IDLE_S)
            self.note(name, "after_mib", proctree.pss_mib(self.targets[name][0]))

    def million(self):
        """Memory of ours after each 100,000 of a million requests."""
        name = "faelled"
        steps = [proctree.pss_mib(self.targets[name][0])]
        for _ in range(10):
            self.load(name, "closed", connections=CONNECTIONS, requests=100_000)
            steps.append(proctree.pss_mib(self.targets[name][0]))
        self.results[name]["million_mib"] = steps

    def ledger(self):
        """Each request that a client saw answered has its row: the speed is measured with metering on."""
        argv = [self.options.faelled, "usage", "--rows", "--csv", "--config", self.folder / "faelled" / "faelled.yaml"]
        rows = 0
        for _ in range(LEDGER_TRIES):
            with subprocess.Popen(argv, stdout=subprocess.PIPE) as answer:
                rows = sum(1 for _ in answer.stdout) - 1  # the first line names the columns
            if rows >= self.sent["faelled"]:
                break
            time.sleep(1)
        self.results["faelled"]["ledger_rows"] = [rows]
        if rows != self.sent["faelled"]:
            self.faults.append(f"faelled: {self.sent['faelled']} answers, {rows} rows in the ledger")

    def table(self):
        head = ["gateway (what it does for a request)", "CPU µs per request", "p50 / p99 µs at 500/s", "added p50 µs",
                "CPU µs per chunk, in step", "CPU µs per chunk, spread", "MiB at rest / 5,000 streams / after",
                "5,000 streams open, errors", "idle, % of a core"]
        lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
        for name in self.names:
            result = {key: statistics.median(values) for key, values in self.results[name].items()}
            title, note = self.titles[name]
            lines.append("| " + " | ".join([
                title if note == "–" else f"{title} ({note})",
                f"{result['request_us']:.1f}",
                f"{result['p50_us']:.0f} / {result['p99_us']:.0f}",
                "–" if name == "direct" else f"{result['added_p50_us']:.0f}",
                f"{result['chunk_us']:.1f}",
                f"{result['spread_chunk_us']:.1f}",
                f"{result['rest_mib']:.1f} / {result['held_mib']:.1f} / {result['after_mib']:.1f}",
                f"{result['held']:,.0f}, {result['held_errors']:.0f}",
                f"{result['idle_percent']:.3f}"]) + " |")
        return "\n".join(lines)


def read_options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default=REPO / "build" / "bench", help="build folder made with -DFAELLED_BENCH=ON")
    parser.add_argument("--faelled", default=REPO / "build" / "bench" / "faelled", help="our binary")
    parser.add_argument("--before", help="an earlier build of ours, measured beside it as one more gateway")
    parser.add_argument("--gateways", default="nginx,vllm-router,faelled",
                        type=lambda text: [name for name in text.split(",") if name],
                        help="of nginx, vllm-router, faelled; the mock itself is always measured")
    parser.add_argument("--runs", type=int, default=5, help="rounds; the table shows medians")
    parser.add_argument("--places", type=int, default=8192, help="concurrency of our model: more than the held streams")
    parser.add_argument("--million", action="store_true", help="also our memory over a million requests")
    parser.add_argument("--readme", action="store_true", help="put the table into bench/README.md")
    parser.add_argument("--json", type=pathlib.Path, help="write every single figure to this file")
    parser.add_argument("--keep", action="store_true", help="keep the scratch folder with configurations and logs")
    options = parser.parse_args()
    for name in options.gateways:
        if name not in gateways.STARTERS or name == "before":
            parser.error(f"unknown gateway {name}")
    if options.before:
        options.gateways.append("before")
    if options.million and "faelled" not in options.gateways:
        parser.error("--million needs faelled among the --gateways")
    if (os.cpu_count() or 1) < 2:
        parser.error("needs two cores")
    if not (pathlib.Path(options.build) / "bench" / "bench_load").exists():
        parser.error(f"no bench tools in {options.build}: cmake --preset release -B {options.build} -DFAELLED_BENCH=ON "
                     f"&& ninja -C {options.build} bench_mock bench_load")
    return options


def write_readme(text):
    readme = REPO / "bench" / "README.md"
    before, begin, rest = readme.read_text(encoding="utf-8").partition("<!-- results -->\n")
    _, end, after = rest.partition("<!-- end of results -->")
    if not begin or not end:
        raise SystemExit(f"{readme} has lost the marks around its results")
    readme.write_text(before + begin + text + end + after, encoding="utf-8")


def main():
    options = read_options()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="faelled-bench-"))
    bench = Bench(options, folder)
    began = time.strftime("%Y-%m-%d")
    load_before = os.getloadavg()[0]
    try:
        bench.start()
        bench.at_rest()
        for number in range(options.runs):
            bench.one_round(number)
        bench.hold()
        bench.idle()
        if "faelled" in options.gateways:
            bench.ledger()
        if options.million:
            bench.million()
    finally:
        bench.stop()
        if options.keep or bench.faults:
            print(f"configurations and logs: {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder)
    text = (f"{began}, {os.cpu_count()} cores, Linux {platform.release().split('-')[0]}, load average before "
            f"{load_before:.1f}, medians of {options.runs} rounds.\n\n{bench.table()}\n")
    if options.million:
        text += "\nMiB over a million requests: " + ", ".join(
            f"{value:.1f}" for value in bench.results["faelled"]["million_mib"]) + "\n"
    print(text)
    if options.readme:
        write_readme(text)
    if options.json:
        options.json.write_text(json.dumps({"results": bench.results, "faults": bench.faults}, indent=1) + "\n",
                                encoding="utf-8")
    for fault in bench.faults:
        print("fault: " + fault, file=sys.stderr)
    return 1 if bench.faults else 0


if __name__ == "__main__":
    sys.exit(main())
