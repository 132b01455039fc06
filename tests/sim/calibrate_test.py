"""bench/calibrate.py without engines: what is fitted, what `faelled sim` makes of it, and when it says no."""

import json
import random
import sys

import pytest

from conftest import ROOT

sys.path.insert(0, str(ROOT / "bench"))
import calibrate  # noqa: E402
import pace  # noqa: E402

# Seconds: a step takes 2 ms and 10 more for each request that writes; a prompt 5 ms and 1 for each token.
MEASURED = {"prompts": [(tokens, 0.005 + 0.002 + 0.001 * tokens) for tokens in (20, 90, 200)], "alone": [0.012] * 3,
            "two": [0.022] * 3, "beside": [0.0275, 0.0275, 0.028], "switch": [0.7 + 0.007 + 0.008] * 3, "loading": [0.022 * 1.5] * 3}


def test_a_world_is_fitted_to_what_was_measured():
    fitted = calibrate.fit(MEASURED)
    expected = {"prefill_token": 0.001, "prefill": 0.005, "decode": 0.002, "decode_request": 0.010, "beside": 0.25, "load": 0.7}
    assert {name: fitted[name] for name in expected} == pytest.approx(expected)
    assert 0 < fitted["jitter"] < 0.02
    loading = 0.7 / (0.715 + 0.012)  # the rest of the time the other engine answers
    assert loading * fitted["load_beside"] + (1 - loading) * 0.25 == pytest.approx(0.5)


def test_what_was_measured_is_held_against_the_machine_s_pace():
    readings = pace.Pace()
    readings.stop()
    readings.readings = [(100, 0.002), (101, 0.004), (200, 0.006)]
    assert readings.over(100.5, 101) == pytest.approx(0.003)
    with pytest.raises(ValueError):
        readings.over(150, 160)
    seen = {"prompts": [calibrate.Sample(100, 101, 0.5, 64)], "two": [calibrate.Sample(199, 201, 0.03)]}
    assert calibrate.at_pace(seen, readings, 0.006) == {"prompts": [(64, pytest.approx(1.0))], "two": [pytest.approx(0.03)]}


def test_an_engine_that_batches_worse_than_not_at_all_still_makes_a_world():
    fitted = calibrate.fit(MEASURED | {"two": [0.030] * 3, "beside": [0.028] * 3})
    assert fitted["decode"] == 0 and fitted["decode_request"] == pytest.approx(0.012) and fitted["beside"] == 0


def test_the_simulator_plays_in_these_worlds(sim, tmp_path):
    trace = tmp_path / "t.csv"
    assert sim("workload", "turns_150", "--seed", 1, "--out", trace).returncode == 0
    for name, seen in (("turns", MEASURED), ("one", MEASURED | {"beside": [], "switch": [], "loading": []})):
        world = tmp_path / f"{name}.yaml"
        world.write_text(calibrate.world(calibrate.fit(seen), 5))
        done = sim("--trace", trace, "--world", world, "--policy", "commons", "--seed", 1, "--json")
        assert done.returncode == 0, done.stderr
        summary = json.loads(done.stdout)
        assert summary["served"] == summary["requests"]
        assert (summary["loads"] > 3) == (name == "turns")


def test_a_trace_is_as_long_as_its_load_asks_for():
    fitted = calibrate.fit(MEASURED)
    rows = [{"time_s": str(second), "input_tokens": "50", "output_tokens": "30"} for second in range(1, 11)]
    work = 10 * (0.005 + 50 * 0.001 + 30 * (0.002 / calibrate.PLACES + 0.010))
    for load, engines in ((0.5, 1), (2, 1), (0.5, 2)):
        times = [float(row["time_s"]) for row in calibrate.paced(rows, load, fitted, engines)]
        assert times[-1] == pytest.approx(work * 1.25 / engines / load, abs=0.001)
        assert times[0] == pytest.approx(times[-1] / 10, abs=0.001)


def test_a_run_of_some_traces_leaves_the_rows_of_the_others():
    document = "x\n<!-- calibration -->\n| trace | a |\n|---|---|\n| turns | old |\n| full | kept |\n<!-- end of calibration -->\n"
    assert calibrate.beside_others(document, "| trace | a |\n|---|---|\n| turns | new |") == "| trace | a |\n|---|---|\n| turns | new |\n| full | kept |"


def test_a_figure_that_is_further_off_than_allowed_fails_the_table():
    rows = [("turns", "first token P50, s", [1.5, 2.5], [1.9, 2.3]), ("one", "throughput, tokens/s", [100.0], [91.0])]
    text, near = calibrate.table(rows, 0.1)
    assert near and "| turns | first token P50, s | 2 | 1.5 to 2.5 | 2.1 | 1.05 |" in text
    assert not calibrate.table(rows, 0.08)[1]
    assert not calibrate.table([("one", "first token P50, s", [0.0], [1.0])], 0.1)[1]


def test_prompts_are_as_long_as_asked_and_never_the_same():
    draw = random.Random(1)
    prompts = [calibrate.prompt(draw, 64) for _ in range(100)]
    assert {len(text) for text in prompts} == {63} and len(set(prompts)) == 100
