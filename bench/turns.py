#!/usr/bin/env python3
"""Models that take turns: every workload and load time of docs/simulation.md under every policy, the waits of ten seeds
together. Writes the table between its markers. Started by ./dev turns."""

import csv
import json
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fairness import ROOT, WORLDS, filled, ran, table, words_of

DOCUMENT = ROOT / "docs/simulation.md"
POLICIES = ["fifo", "at-once", "tenure", "unfair", "commons"]
CASES = [(4, 150), (4, 300), (4, 600), (15, 300), (15, 600), (50, 300), (50, 600)]  # seconds to load a model, requests


def waits_and_loads(binary, load_s, requests, policy, seed, folder):
    """Seconds to the first token: of all, and of the modest; and how many models were loaded."""
    result = folder / f"{load_s}-{requests}-{policy}-{seed}.csv"
    summary = json.loads(ran(binary, "--trace", folder / f"{requests}-{seed}.csv", "--world", WORLDS / f"turns-{load_s}s.yaml",
                             "--policy", policy, "--out", result, "--json"))
    with result.open(encoding="utf-8") as file:
        rows = [(row["member"], float(row["first_token_s"])) for row in csv.DictReader(file)]
    if summary["served"] != summary["requests"]:
        sys.exit(f"turns_{requests}, seed {seed}: not all were served under {policy}")
    return [wait for _, wait in rows], [wait for member, wait in rows if member != "greedy"], summary["loads"]


def percentile(waits, percent):
    """Nearest rank, as base/percentile.hpp has it."""
    return sorted(waits)[max((len(waits) * percent + 99) // 100, 1) - 1]


def written(seconds):
    return f"{seconds:.1f}" if seconds < 100 else f"{seconds:.0f}"


def cell(waits):
    return " / ".join(written(percentile(waits, percent)) for percent in (50, 95, 100))


class Played:
    """The runs of one row under one policy, taken together."""

    def __init__(self, runs):
        self.all = [wait for run in runs for wait in run[0]]
        self.modest = [wait for run in runs for wait in run[1]]
        self.loads = statistics.mean(run[2] for run in runs)


def turns_table(played):
    rows = []
    for load_s, requests in CASES:
        row = [played[load_s, requests, policy] for policy in POLICIES]
        rows.append([f"{load_s} s, {requests}", "all; loads", *(f"{cell(one.all)}; {one.loads:.0f}" for one in row)])
        rows.append(["", "the modest", *(cell(one.modest) for one in row)])
    return table(["load, requests", "P50 / P95 / longest, s", *(f"`{policy}`" for policy in POLICIES)], rows)


def all_played(binary, seeds, processes):
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(processes) as pool:
        folder = Path(name)
        made = [pool.submit(ran, binary, "workload", f"turns_{requests}", "--seed", seed, "--out", folder / f"{requests}-{seed}.csv")
                for requests in {requests for _, requests in CASES} for seed in seeds]
        for each in made:
            each.result()
        runs = {(load_s, requests, policy): [pool.submit(waits_and_loads, binary, load_s, requests, policy, seed, folder) for seed in seeds]
                for load_s, requests in CASES for policy in POLICIES}
        return {key: Played([each.result() for each in futures]) for key, futures in runs.items()}


def main():
    options = words_of(__doc__, 10, DOCUMENT).parse_args()
    begun = time.monotonic()
    played = all_played(options.binary, range(1, options.seeds + 1), options.processes)
    text = options.document.read_text(encoding="utf-8")
    told = f"Seeds 1 to {options.seeds} together; loads of one run, on average.\n\n{turns_table(played)}"
    options.document.write_text(filled(text, {"turns": told}, options.document), encoding="utf-8")
    print(f"{options.document}: {len(CASES) * len(POLICIES) * options.seeds} runs, {time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main()
