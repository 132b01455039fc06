#!/usr/bin/env python3
"""Who gets what under which policy: every workload of the simulator under every policy of engines, with 20 seeds,
by all measures together. Writes the tables of docs/fairness.md between their markers. Started by ./dev fairness."""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs/fairness.md"
WORLDS = ROOT / "bench/worlds"
ARENA = ROOT / "tests/sim/vtc/vtc-arena.csv"
PROCESSES = 2
RUN_S_MAX = 120
# The policies of engines; those of a memory and of turns play other worlds.
TITLES = {"fcfs": "first come, first served", "vtc": "VTC", "vtc-oracle": "VTC with an oracle", "maxmin": "max-min",
          "commons": "**commons (ours)**"}


@dataclass(frozen=True)
class Case:
    """One workload in one world."""
    name: str
    title: str
    world: str = "vtc-a10g.yaml"
    workload: str = ""  # of `faelled sim workload`; empty: the Arena trace
    seconds: int = 600  # over which fairness is measured: the published ones are over 600, whenever the last request came
    about: str = ""


CASES = [
    Case("arena", "Arena", about="27 members, 1,500 requests in ten minutes, as people asked them."),
    Case("overload", "overload", workload="overload", about="Two members who both ask for more than there is, one twice as "
         "often as the other: 1.5 and 3 requests a second of 256 and 256 tokens, for six minutes."),
    Case("overload-multi", "overload-multi", workload="overload-multi", about="Eight members: three with 0.4 and five with "
         "0.6 requests a second of 256 and 256 tokens."),
    Case("poisson_short_long_2", "poisson_short_long_2", workload="poisson_short_long_2", about="Requests of different shape: "
         "8 a second that read 512 tokens and write 32, beside 1.5 a second that read 32 and write 512."),
    Case("unpredictable", "unpredictable", workload="unpredictable", about="Two members whose answers have 64 or, one in "
         "five, 1,024 tokens; nobody can know which."),
    Case("on_off_less", "on_off_less", workload="on_off_less", about="A modest member, with a request every two seconds in "
         "every other minute, beside one that asks for more than the machine has."),
    Case("greed", "greed", world="greed-40-places.yaml", workload="greed", seconds=2400, about="20 members share 40 places. 16 need 0.8 of "
         "their share, in fits and all in the same hours; four ask for three times theirs, always. Who waits half a minute "
         "goes away unserved."),
    Case("greed_fits", "greed_fits", world="greed-40-places.yaml", workload="greed_fits", seconds=7200, about="The same with other needs: each of the "
         "16 needs its whole share, but all of it in fits of four minutes, in its own time; together they need 0.8 of what there "
         "is. What one leaves idle is lent, and it wants it back when its fit comes."),
    Case("paged", "Arena, on an engine that knows no lengths", world="vllm-a10g.yaml", about="The same requests on an engine "
         "like vLLM: it cannot know how long an answer will be, and computes again what it had to throw out."),
]


@dataclass(frozen=True)
class Published:
    case: str
    policy: str
    figure: str
    value: float
    source: str


def published():
    logs = {
        ("arena", "fcfs"): dict(max_difference=760, mean_difference=433.5, tokens_per_s=776.9, light_first_token_s=55.9,
                                backlogged_share=0.272, light_lateness_s=54.9),
        ("arena", "vtc"): dict(max_difference=368.4, mean_difference=251.7, tokens_per_s=778.8, light_first_token_s=3.37,
                               backlogged_share=0.909, light_lateness_s=2.5),
        ("arena", "vtc-oracle"): dict(max_difference=329.5, mean_difference=227.5, tokens_per_s=780.6,
                                      light_first_token_s=4.77, backlogged_share=0.960, light_lateness_s=3.8),
        ("overload", "fcfs"): dict(jain_backlogged=0.900),
        ("overload", "vtc"): dict(max_difference=192.9, mean_difference=103.8, mean_difference_of_service=0.0775,
                                  jain_backlogged=0.990, tokens_per_s=893.2),
        ("overload", "vtc-oracle"): dict(max_difference=5.9, mean_difference=0.51, jain_backlogged=1.0, tokens_per_s=895.0),
        ("overload-multi", "vtc"): dict(max_difference=322.2, mean_difference=162.2, tokens_per_s=875.2),
        ("overload-multi", "vtc-oracle"): dict(max_difference=43.2, mean_difference=36.3, tokens_per_s=875.2),
    }
    paper = {
        ("on_off_less", "fcfs"): dict(modest_first_token_s=85),
        ("on_off_less", "vtc"): dict(modest_first_token_s=3.5),
    }
    study = {
        ("poisson_short_long_2", "fcfs"): dict(mean_difference_of_service=0.39),
        ("poisson_short_long_2", "vtc"): dict(mean_difference_of_service=0.023),
        ("unpredictable", "vtc"): dict(mean_difference_of_service=0.032),
        ("greed", "fcfs"): dict(lead=-0.09),
        ("greed", "maxmin"): dict(lead=0.26),
        ("greed", "vtc"): dict(lead=0.23),
    }
    return [Published(*key, figure, value, source) for source, part in (("published log", logs), ("published figure", paper), ("earlier study", study))
            for key, figures in part.items() for figure, value in figures.items()]


FIGURES = {  # how a figure is called, and written
    "max_difference": ("max difference", "{:.0f}"),
    "mean_difference": ("mean difference", "{:.1f}"),
    "mean_difference_of_service": ("mean difference, part of service", "{:.1%}"),
    "jain_backlogged": ("Jain while all wait", "{:.4f}"),
    "backlogged_share": ("backlogged share", "{:.3f}"),
    "light_lateness_s": ("light members' lateness, s", "{:.1f}"),
    "light_first_token_s": ("light members' first token, s", "{:.1f}"),
    "modest_first_token_s": ("the modest member's first token, s", "{:.1f}"),
    "tokens_per_s": ("tokens/s", "{:.0f}"),
    "lead": ("honest − greedy", "{:+.2f}"),
}


def written(figure, value):
    return FIGURES[figure][1].format(value).replace("%", " %").replace("-", "−")


def ran(binary, *words):
    done = subprocess.run([binary, "sim", *map(str, words)], capture_output=True, text=True, timeout=RUN_S_MAX)
    if done.returncode:
        sys.exit(f"faelled sim {' '.join(map(str, words))}\n{done.stderr}")
    return done.stdout


def served_part(summary, kind):
    """Mean over the members of a kind of what they were served of what they asked for."""
    return statistics.mean(m["served_of_demanded"] for m in summary["members"] if m["id"].startswith(kind))


def summary_of(binary, case, policy, seed, folder):
    trace = folder / f"{case.workload}-{seed}.csv" if case.workload else ARENA
    summary = json.loads(ran(binary, "--trace", trace, "--world", WORLDS / case.world, "--policy", policy, "--seed", seed,
                             "--horizon", case.seconds, "--json"))
    if case.workload == "on_off_less":
        summary["modest_first_token_s"] = next(m["first_token_s"] for m in summary["members"] if m["id"] == "modest")
    if case.workload.startswith("greed"):
        summary["honest"], summary["greedy"] = served_part(summary, "honest"), served_part(summary, "greedy")
        summary["lead"] = summary["honest"] - summary["greedy"]
        summary["honest_least"] = min(m["served_of_demanded"] for m in summary["members"] if m["id"].startswith("honest"))
    return summary


class Runs:
    """All summaries, and what they say together."""

    def __init__(self, by_case):
        self.by_case = by_case  # (case, policy) → summaries

    def band(self, case, policy, figure):
        """Mean and standard deviation over the seeds; None where a figure has no meaning."""
        values = [run[figure] for run in self.by_case[case, policy] if run.get(figure) is not None]
        if not values:
            return None
        return statistics.mean(values), statistics.stdev(values) if len(values) > 1 else 0.0

    def cell(self, case, policy, figure, deviation=False):
        band = self.band(case, policy, figure)
        if band is None:
            return "–"
        return written(figure, band[0]) + (f" ± {written(figure, band[1])}" if deviation else "")

    def of_fcfs(self, case, policy):
        return f"{self.band(case, policy, 'tokens_per_s')[0] / self.band(case, 'fcfs', 'tokens_per_s')[0]:.1%}".replace("%", " %")


def table(head, rows):
    return "\n".join(["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *("| " + " | ".join(row) + " |" for row in rows)])


def case_table(runs, case, policies):
    modest = case.workload == "on_off_less"
    light = [f for f in ("light_lateness_s", "light_first_token_s") if runs.band(case.name, policies[0], f)]
    shown = ["max_difference", "mean_difference", "mean_difference_of_service", "backlogged_share", "jain_backlogged", *light,
             *(["modest_first_token_s"] if modest else [])]
    shown = [f for f in shown if any(runs.band(case.name, p, f) for p in policies)]
    rows = [[TITLES[p], *(runs.cell(case.name, p, f, f in ("max_difference", "mean_difference")) for f in shown),
             runs.of_fcfs(case.name, p)] for p in policies]
    return f"{case.about}\n\n" + table(["", *(FIGURES[f][0] for f in shown), "tokens/s of first come's"], rows)


def greed_table(runs, case, policies):
    def part(policy, figure):
        return f"{runs.band(case.name, policy, figure)[0]:.3f}"
    rows = [[TITLES[p], part(p, "honest"), part(p, "greedy"), f"{runs.band(case.name, p, 'lead')[0]:+.3f}".replace("-", "−"),
             part(p, "honest_least"), runs.cell(case.name, p, "backlogged_share"), runs.of_fcfs(case.name, p)] for p in policies]
    return f"{case.about}\n\n" + table(
        ["served of what was asked", "honest", "greedy", "honest − greedy", "the least served honest", "backlogged share",
         "tokens/s of first come's"], rows)


def published_table(runs, policies):
    rows = []
    for known in published():
        band = known.policy in policies and runs.band(known.case, known.policy, known.figure)
        if not band:
            continue
        mean, deviation = band
        same = written(known.figure, mean) == written(known.figure, known.value)
        if known.figure == "lead":
            off = f"{mean - known.value:+.2f}"
        else:
            off = f"{mean / known.value - 1:+.1%}".replace("%", " %")
        rows.append([known.case, TITLES[known.policy], FIGURES[known.figure][0], written(known.figure, known.value),
                     f"{written(known.figure, mean)} ± {written(known.figure, deviation).lstrip('+')}", off.replace("-", "−"),
                     "yes" if abs(mean - known.value) <= 2 * deviation or same else "no", known.source])
    return table(["workload", "policy", "figure", "known", "here", "off by", "within two deviations", "from"], rows)


def filled(text, tables, document=DOCUMENT):
    """The document with each `<!-- name -->` … `<!-- end of name -->` filled anew."""
    for name, content in tables.items():
        begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
            sys.exit(f"{document.name} needs the lines {begin} and {end}, in this order, once each")
        text = re.sub(f"{re.escape(begin)}.*?{re.escape(end)}", lambda _: f"{begin}\n{content}\n{end}", text, flags=re.DOTALL)
    return text


def all_runs(binary, policies, seeds, processes):
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(processes) as pool:
        folder = Path(name)
        workloads = {case.workload for case in CASES if case.workload}
        made = [pool.submit(ran, binary, "workload", workload, "--seed", seed, "--out", folder / f"{workload}-{seed}.csv")
                for workload in workloads for seed in seeds]
        for each in made:
            each.result()
        runs = {(case.name, policy): [pool.submit(summary_of, binary, case, policy, seed, folder) for seed in seeds]
                for case in CASES for policy in policies}
        return Runs({key: [each.result() for each in futures] for key, futures in runs.items()})


def words_of(description, seeds, document):
    """The command line of a script that plays many seeds and fills a document."""
    words = argparse.ArgumentParser(description=description)
    words.add_argument("--binary", default=os.environ.get("FAELLED_BINARY", ROOT / "build/release/faelled"), type=Path)
    words.add_argument("--seeds", type=at_least_one, default=seeds, help=f"seeds 1 to so many ({seeds})")
    words.add_argument("--processes", type=at_least_one, default=PROCESSES, help=f"so many simulations at a time ({PROCESSES})")
    words.add_argument("--document", type=Path, default=document, help=f"where to write (docs/{document.name})")
    return words


def at_least_one(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least one")
    return number


def main():
    words = words_of(__doc__, 20, DOCUMENT)
    words.add_argument("--json", type=Path, help="also write every summary there")
    options = words.parse_args()
    begun = time.monotonic()
    policies = list(TITLES)  # ours last
    if missing := set(policies) - set(ran(options.binary, "policies").split()):
        sys.exit(f"{options.binary} knows no {', '.join(sorted(missing))}")
    text = options.document.read_text(encoding="utf-8")
    runs = all_runs(options.binary, policies, range(1, options.seeds + 1), options.processes)
    tables = {case.name: (greed_table if case.name.startswith("greed") else case_table)(runs, case, policies) for case in CASES}
    tables["published"] = published_table(runs, policies)
    tables["how"] = (f"{len(CASES) * len(policies) * options.seeds} runs: {len(CASES)} workloads, {len(policies)} policies, "
                     f"seeds 1 to {options.seeds}.")
    options.document.write_text(filled(text, tables), encoding="utf-8")
    if options.json:
        options.json.write_text(json.dumps([{"case": case, **run} for (case, _), each in runs.by_case.items() for run in each]))
    print(f"{options.document}: {tables['how']} {time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main()
