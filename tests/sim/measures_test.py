"""The program's figures are those of measure.py, which gives the published table's on the authors' logs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
WORLDS = HERE.parents[1] / "bench/worlds"
LOGS = sorted(HERE.glob("vtc/vtc-results-*.csv"))
SAME = ["requests", "served", "max_difference", "mean_difference", "mean_difference_of_service", "jain_mean", "tokens_per_s",
        "light_first_token_s"]


def by_the_script(result, horizon_s):
    done = subprocess.run([sys.executable, HERE / "measure.py", result, "--horizon", str(horizon_s), "--json"], capture_output=True,
                          text=True, check=True)
    return json.loads(done.stdout)


def assert_same(ours, theirs):
    for figure in SAME:
        assert ours[figure] == (None if theirs[figure] is None else pytest.approx(theirs[figure], rel=1e-9)), figure
    assert len(ours["members"]) == theirs["members"]


@pytest.mark.parametrize("horizon_s", [360, 600])
@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.stem)
def test_of_a_published_log(sim, log, horizon_s):
    ours = sim("measure", log, "--horizon", horizon_s, "--json")
    assert ours.returncode == 0, ours.stderr
    assert_same(json.loads(ours.stdout), by_the_script(log, horizon_s))


@pytest.mark.parametrize("workload, world, policy", [("unpredictable", "vtc-a10g", "vtc"), ("greed", "greed-40-places", "maxmin"),
                                                     ("on_off_less", "vllm-a10g", "fcfs")])
def test_of_a_simulated_result_also_where_some_went_unserved(sim, tmp_path, workload, world, policy):
    trace, result = tmp_path / "t.csv", tmp_path / "r.csv"
    assert sim("workload", workload, "--seed", 5, "--out", trace).returncode == 0
    summary = sim("--trace", trace, "--world", WORLDS / f"{world}.yaml", "--policy", policy, "--seed", 5, "--out", result, "--json")
    assert summary.returncode == 0, summary.stderr
    ours = json.loads(summary.stdout)
    theirs = by_the_script(result, 600)
    for figure in ("requests", "served"):
        assert ours[figure] == theirs[figure]
    assert (ours["served"] < ours["requests"]) == (workload == "greed")
    for figure in ("mean_difference", "tokens_per_s", "jain_mean"):  # the file has microseconds
        assert ours[figure] == pytest.approx(theirs[figure], rel=1e-4), figure
    again = json.loads(sim("measure", result, "--json").stdout)
    assert_same(again, theirs)
    assert sum(member["served"] for member in again["members"]) == theirs["served"]
