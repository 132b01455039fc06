"""`faelled sim` and the commands below it, as somebody at a terminal meets them."""

import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ARENA = ROOT / "tests/sim/vtc/vtc-arena.csv"
A10G = ROOT / "bench/worlds/vtc-a10g.yaml"
WORKLOADS = ["overload", "overload-multi", "poisson_short_long_2", "unpredictable", "on_off_less", "greed", "greed_fits"]


@pytest.mark.parametrize("words", [[], ["workload"], ["measure"], ["policies"]])
def test_help_says_how(sim, words):
    done = sim(*words, "--help")
    assert done.returncode == 0 and "--help" in done.stdout


def test_what_is_missing_is_said(sim):
    for words, missing in [([], "--trace"), (["--trace", ARENA], "--world"), (["workload"], "NAME"), (["measure"], "RESULT")]:
        done = sim(*words)
        assert done.returncode == 2 and missing in done.stderr, done.stderr


def test_names_the_policies_one_a_line(sim):
    names = sim("policies").stdout.splitlines()
    assert {"fcfs", "vtc", "vtc-oracle", "maxmin"} <= set(names)
    help_text = sim("--help").stdout
    assert all(name in help_text for name in names)


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_workload_is_a_trace_that_can_be_played(sim, tmp_path, name):
    trace = tmp_path / "t.csv"
    assert sim("workload", name, "--seed", 2, "--out", trace).returncode == 0
    assert sim("workload", name, "--seed", 2).stdout == trace.read_text()
    assert sim("workload", name, "--seed", 3).stdout != trace.read_text()
    assert name in sim("workload", "--help").stdout
    done = sim("--trace", trace, "--world", A10G, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["requests"] == len(list(csv.DictReader(trace.open())))


def test_a_memory_that_is_too_small_counts_loads(sim, tmp_path):
    trace = tmp_path / "t.csv"
    assert sim("workload", "office", "--seed", 1, "--out", trace).returncode == 0
    found = {}
    for policy in ("commons", "lru", "gdsf", "belady"):
        words = ["--trace", trace, "--world", ROOT / "bench/worlds/slots-8.yaml", "--policy", policy]
        summary = json.loads(sim(*words, "--json").stdout)
        assert summary["served"] == summary["requests"] and 0 < summary["loads"] < summary["misses"], "some came while it was loaded"
        assert summary["load_seconds"] == pytest.approx(10 * summary["loads"])
        text = sim(*words).stdout
        assert f"{summary['misses']} (" in text and text.startswith(f"policy                       {policy}\n")
        found[policy] = summary["loads"]
    assert found["belady"] < found["commons"] < found["lru"]
    wrong = sim("--trace", trace, "--world", ROOT / "bench/worlds/slots-8.yaml", "--policy", "vtc")
    assert wrong.returncode == 1 and "commons, lru, gdsf, belady, bound" in wrong.stderr
    wrong = sim("--trace", trace, "--world", ROOT / "bench/worlds/slots-8.yaml", "--policy", "fifo")
    assert wrong.returncode == 1 and "memory.places" in wrong.stderr and "bound" in wrong.stderr


def test_one_world_has_the_classics_and_the_orders_of_others(sim, tmp_path):
    trace = tmp_path / "t.csv"
    assert sim("workload", "turns_300", "--seed", 1, "--out", trace).returncode == 0
    words = ["--trace", trace, "--world", ROOT / "bench/worlds/turns-15s.yaml", "--json"]
    loads = {policy: json.loads(sim(*words, "--policy", policy).stdout)["loads"] for policy in ("fifo", "lru", "gdsf", "belady", "commons")}
    assert loads["commons"] <= loads["lru"] < loads["fifo"], loads
    assert all(loads.values())


@pytest.mark.parametrize("world, policy", [("vtc-a10g", "fcfs"), ("slots-8", "commons"), ("turns-4s", "commons")])
def test_without_a_word_a_world_is_played_under_a_policy_it_has(sim, tmp_path, world, policy):
    trace = tmp_path / "t.csv"
    assert sim("workload", "turns_150", "--seed", 1, "--out", trace).returncode == 0
    done = sim("--trace", trace, "--world", ROOT / f"bench/worlds/{world}.yaml")
    assert done.returncode == 0 and done.stdout.startswith(f"policy                       {policy}\n"), done.stderr


def test_a_bound_says_what_no_policy_goes_below_and_nothing_else(sim, tmp_path):
    trace, short = tmp_path / "t.csv", tmp_path / "short.csv"
    assert sim("workload", "office", "--seed", 1, "--out", trace).returncode == 0
    short.write_text("\n".join(trace.read_text().splitlines()[:6000]) + "\n")
    words = ["--trace", short, "--world", ROOT / "bench/worlds/office-160gb.yaml"]
    bound = json.loads(sim(*words, "--policy", "bound", "--json").stdout)
    assert sorted(bound) == ["load_seconds", "policy", "requests"]
    foresight = json.loads(sim(*words, "--policy", "belady", "--json").stdout)["load_seconds"]
    assert 0.7 * foresight < bound["load_seconds"] < foresight
    text = sim(*words, "--policy", "bound").stdout
    assert f"load seconds, at least       {bound['load_seconds']:.1f}" in text and text.startswith("policy                       bound\n")
    for more, said in [(["--out", tmp_path / "r.csv"], "no rows"), (["--world", ROOT / "bench/worlds/turns-4s.yaml"], "needs a world with a memory without")]:
        done = sim("--trace", short, "--policy", "bound", *(more if "--world" in more else [*words[2:], *more]))
        assert done.returncode == 1 and said in done.stderr, done.stderr


def test_a_result_has_a_row_for_each_request_in_order_and_the_same_seed_gives_the_same(sim, tmp_path):
    first, second = tmp_path / "1.csv", tmp_path / "2.csv"
    for result in (first, second):
        assert sim("--trace", ARENA, "--world", A10G, "--policy", "vtc", "--seed", 9, "--out", result).returncode == 0
    assert first.read_bytes() == second.read_bytes()
    asked, got = list(csv.DictReader(ARENA.open())), list(csv.DictReader(first.open()))
    assert [(row["time_s"], row["member"]) for row in asked] == [(row["time_s"], row["member"]) for row in got]
    assert list(got[0]) == ["time_s", "member", "input_tokens", "output_tokens", "first_token_s", "finished_s"]


def test_the_summary_has_its_figures_and_the_text_the_same(sim):
    words = ["--trace", ARENA, "--world", A10G, "--policy", "vtc", "--seed", 1]
    summary = json.loads(sim(*words, "--json").stdout)
    for key in ("policy", "seed", "tokens_per_s", "max_difference", "mean_difference", "backlogged_share", "light_lateness_s",
                "light_first_token_s", "wait_s", "loads", "load_seconds", "misses", "warmed", "warmed_used", "prefetch_precision", "floor_violations",
                "members"):
        assert key in summary, key
    assert summary["policy"] == "vtc" and summary["seed"] == 1 and len(summary["members"]) == 27
    assert summary["floor_violations"] is None, "VTC promises no floor"
    assert summary["jain_backlogged"] is None, "never do all 27 wait at once"
    text = sim(*words).stdout
    assert f"{summary['backlogged_share']:.3f}" in text and "m27" in text
    assert text.splitlines()[:2] == ["policy                       vtc", "seed                         1"]


def test_where_nobody_was_served_there_is_no_wait(sim, tmp_path):
    result = tmp_path / "r.csv"
    result.write_text("time_s,member,input_tokens,output_tokens,first_token_s,finished_s\n0,a,10,10,-1,-1\n")
    assert set(json.loads(sim("measure", result, "--json").stdout)["wait_s"].values()) == {None}
    text = sim("measure", result).stdout
    assert "nobody was served" in text and "0.00 s" not in text and "policy" not in text


def test_who_went_away_unserved_had_something_waiting(sim, tmp_path):
    trace, result = tmp_path / "t.csv", tmp_path / "r.csv"
    assert sim("workload", "greed", "--seed", 1, "--out", trace).returncode == 0
    world = ROOT / "bench/worlds/greed-40-places.yaml"
    words = ["--horizon", 2400, "--json"]
    summary = json.loads(sim("--trace", trace, "--world", world, "--policy", "fcfs", "--out", result, *words).stdout)
    assert summary["served"] < summary["requests"]
    with_world = json.loads(sim("measure", result, "--world", world, *words).stdout)
    without = json.loads(sim("measure", result, *words).stdout)
    assert with_world["backlogged_share"] == pytest.approx(summary["backlogged_share"], rel=1e-3)
    assert without["backlogged_share"] != pytest.approx(summary["backlogged_share"], rel=1e-3), "nothing says how long they waited"


@pytest.mark.parametrize("words, said", [
    (["--trace", "nowhere.csv", "--world", A10G], "nowhere.csv cannot be read"),
    (["--trace", ARENA, "--world", "nowhere.yaml"], "nowhere.yaml"),
    (["--trace", ROOT / "tests", "--world", A10G], "is a folder"),
    (["--trace", A10G, "--world", A10G], "no column"),
    (["--trace", ARENA, "--world", ARENA], "must be"),
    (["--trace", ARENA, "--world", A10G, "--policy", "luck"], "there are: "),
    (["--trace", ARENA, "--world", A10G, "--out", "nowhere/r.csv"], "nowhere/r.csv cannot be written"),
    (["workload", "calm"], "there are: overload"),
    (["workload", "greed", "--out", "nowhere/t.csv"], "nowhere/t.csv cannot be written"),
    (["measure", ARENA], "no column"),
    (["measure", "nowhere.csv"], "nowhere.csv cannot be read"),
])
def test_a_mistake_is_said_with_the_way_out(sim, words, said):
    done = sim(*words)
    assert done.returncode == 1 and said in done.stderr, done.stderr
    assert done.stdout == "" and len(done.stderr.splitlines()) >= 2


def test_the_tables_of_the_fairness_document_are_written_between_their_markers(tmp_path):
    document = tmp_path / "fairness.md"
    document.write_text((ROOT / "docs/fairness.md").read_text() + "\nA last word.\n")
    command = [sys.executable, ROOT / "bench/fairness.py", "--seeds", "1", "--document", document]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    text = document.read_text()
    assert text.endswith("A last word.\n") and "seeds 1 to 1" in text and text.count("| VTC |") >= 8
    document.write_text(text.replace("<!-- end of greed -->", ""))
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert done.returncode != 0 and "<!-- end of greed -->" in done.stderr


def test_the_table_of_turns_is_written_between_its_markers(tmp_path):
    document = tmp_path / "simulation.md"
    document.write_text((ROOT / "docs/simulation.md").read_text() + "\nA last word.\n")
    done = subprocess.run([sys.executable, ROOT / "bench/turns.py", "--seeds", "1", "--document", document], capture_output=True,
                          text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    text = document.read_text()
    assert text.endswith("A last word.\n") and "Seeds 1 to 1 together" in text
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith(("| 4 s, ", "| 15 s, ", "| 50 s, ", "|  | the modest | "))]
    assert len(rows) == 14 and all(len(row) == 7 for row in rows)
    # Neither what the modest waited for longest nor a P95 is above the longest wait of all.
    for of_all, modest in zip(rows[::2], rows[1::2], strict=True):
        for every, theirs in zip(of_all[2:], modest[2:], strict=True):
            longest = float(re.match(r"[\d.]+ / [\d.]+ / ([\d.]+); \d+", every).group(1))
            assert max(map(float, re.findall(r"[\d.]+", theirs))) <= longest
