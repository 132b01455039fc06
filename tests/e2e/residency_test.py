"""Many models, few in memory: the real engine under a memory that cannot hold them all."""

import contextlib
import json
import os
import re
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import tiny_models
from control import api
from server import OTHER_SECRET, SECRET, engine_behind, process_gone
from waiting import until

TWO_FIT_GB = 0.12  # a tiny model needs some 50 MB, most of it the engine itself
REAL_GB = 0.5


def fleet(folder, count):
    return [{"id": f"m{i:02}", "engine": "llama", "file": str(tiny_models.make(folder / f"m{i:02}.gguf", seed=i)),
             "concurrency": 2, "context_tokens": 512, "threads": 1} for i in range(count)]


def said(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()["choices"][0]["message"]["content"]


def engine_of(server, model):
    """Of those that run now, the process of this model."""
    for pid in server.engine_pids():
        with contextlib.suppress(OSError):  # it has gone meanwhile
            if f"--alias\0{model}\0" in Path(f"/proc/{pid}/cmdline").read_text():
                return pid
    return None


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    return fleet(tmp_path_factory.mktemp("fleet"), 20)


# Invariant: memory once.
def test_twenty_models_answer_through_a_memory_that_holds_two(make_server, crowd):
    server = make_server(crowd, residency={"memory_gb": TWO_FIT_GB, "turn_s": 1}).start(ready=False)
    most = []
    with ThreadPoolExecutor(20) as pool:
        asked = [pool.submit(server.chat, model["id"], secret=secret, max_tokens=5)
                 for model in crowd for secret in (SECRET, OTHER_SECRET)]
        while not all(one.done() for one in asked):
            most.append(len(server.engine_pids()))
        texts = [said(one.result()) for one in asked]
    assert all(texts) and max(most) == 2
    assert {row["outcome"] for row in server.rows()} == {"done"} and len(server.rows()) == 40
    assert len(set(texts)) >= 15  # different models say different things


# The real one is larger than ten of the others, and asked for once, last of all, by somebody who had nothing yet.
def test_the_real_model_and_nineteen_more_answer_though_one_member_never_stops(make_server, crowd, real_model):
    others = crowd[:19]
    server = make_server([*others, real_model], residency={"memory_gb": TWO_FIT_GB / 2 + REAL_GB, "turn_s": 1}).start(ready=False)
    over = threading.Event()

    def goes_on(model):
        texts = [said(server.chat(model, max_tokens=5))]
        while not over.is_set():
            texts.append(said(server.chat(model, max_tokens=5)))
        return texts

    with ThreadPoolExecutor(40) as pool:
        try:
            greedy = [pool.submit(goes_on, other["id"]) for other in others for _ in range(2)]
            until("a line", lambda: sum(model["waiting"] for model in api(server, "GET", "/api/residency")[1]["models"]) > 10, 60)
            bound_s = api(server, "GET", "/api/residency")[1]["wait_at_most_s"]
            assert said(server.chat("small", secret=OTHER_SECRET, max_tokens=5)).strip()
        finally:
            over.set()
        assert all(all(one.result()) for one in greedy)
    rows = server.rows()
    assert {row["outcome"] for row in rows} == {"done"}
    waits_s = {row["request_id"]: (row["queue_us"] + row["load_us"]) / 1e6 for row in rows}
    assert max(waits_s.values()) <= bound_s, "nobody waits longer than was shown"
    (last,) = (waits_s[row["request_id"]] for row in rows if row["model"] == "small")
    print(f"bound {bound_s} s, longest {max(waits_s.values()):.1f} s, the modest one's {last:.1f} s, {len(rows)} answers")


def descriptors(server):
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def test_switches_leave_nothing_behind(make_server, crowd):
    server = make_server(crowd[:3], residency={"memory_gb": TWO_FIT_GB / 2}).start(ready=False)
    for turn in range(3):
        assert said(server.chat(f"m{turn % 3:02}", max_tokens=1))
    before = descriptors(server)
    for turn in range(30):
        assert said(server.chat(f"m{turn % 3:02}", max_tokens=1))
    assert descriptors(server) <= before + 5
    assert len(server.engine_pids()) == 1 and len(list((server.data / "run").iterdir())) == 1


def test_how_long_a_load_takes_is_known_after_a_restart(make_server, crowd):
    def load_s():
        return {model["id"]: model["load_s"] for model in api(server, "GET", "/api/residency")[1]["models"]}

    server = make_server(crowd[:2], residency={"memory_gb": TWO_FIT_GB / 2}).start(ready=False)
    guessed = load_s()["m01"]
    assert said(server.chat("m01", max_tokens=1))
    measured = load_s()["m01"]
    assert measured != guessed
    server.stop()
    server.start(ready=False)
    assert load_s()["m01"] == pytest.approx(measured, abs=0.0011), "m00 is loaded first, and no m01 since"


def test_a_model_that_is_absent_is_a_wait_and_no_alarm(make_server, crowd):
    server = make_server(crowd[:3], residency={"memory_gb": TWO_FIT_GB}).start(ready=False)
    server.until_ready("m00", "m01")
    assert not server.get("/readyz").json()["models"]["m02"]
    assert 'faelled_model_failed{model="m02"} 0' in server.metrics()
    assert said(server.chat("m02", max_tokens=3))
    assert 'faelled_wake_ratio_count{model="m02"} 1' in server.metrics()  # and how right the estimate was is measured


def test_who_waits_for_a_model_is_told_so(make_server, crowd, tmp_path):
    gate = tmp_path / "gate"
    server = make_server(crowd[:1], residency={"memory_gb": TWO_FIT_GB}, limits={"keep_alive_s": 0.1},
                         llama_server=str(engine_behind(gate))).start(ready=False)
    lines = server.chat("m00", stream=True, max_tokens=3).iter_lines(decode_unicode=True)
    told = next(line for line in lines if line.startswith(": waiting"))
    gate.touch()
    assert re.search("position=1 model_ready=false ready_in_s=[01] at_most_s=120$", told.strip()), told  # 0: that second has passed
    assert "data: [DONE]" in list(lines)


def test_a_model_larger_than_the_memory_is_refused_with_figures(make_server, tiny, crowd):
    large = tiny("slow", context_tokens=8192, concurrency=64)
    server = make_server([crowd[0], large], residency={"memory_gb": TWO_FIT_GB}).start(ready=False)
    server.until_ready("m00")
    answer = server.chat("slow")
    assert answer.status_code == 503 and answer.json()["error"]["code"] == "model_unavailable", answer.text
    assert "it needs 3.3 GB of memory, and the largest memory here has 120 MB for models" == server.model_state("slow")["detail"]
    assert said(server.chat("m00", max_tokens=3))


def test_a_pinned_model_stays(make_server, crowd):
    models = [crowd[0] | {"pinned": True}, *crowd[1:6]]
    server = make_server(models, residency={"memory_gb": TWO_FIT_GB, "turn_s": 1}).start(ready=False)
    server.until_ready("m00")
    for model in models[1:]:
        assert said(server.chat(model["id"], max_tokens=3))
        assert server.get("/readyz").json()["models"]["m00"]


def heard(server, model):
    """(whether any of the answer came, how it ended) of a streamed chat."""
    answer = server.chat(model, stream=True, max_tokens=60)
    assert answer.status_code == 200, answer.text
    data = [line.removeprefix("data: ") for line in answer.iter_lines(decode_unicode=True) if line.startswith("data: ")]
    parts = [json.loads(each) for each in data if each != "[DONE]"]
    if "error" in parts[-1]:
        return len(parts) > 1, parts[-1]["error"]["code"]
    return len(parts) > 1, data[-1]


def test_engines_killed_under_load_lose_nobody_who_had_heard_nothing(make_server, crowd):
    server = make_server(crowd[:3], residency={"memory_gb": TWO_FIT_GB, "turn_s": 1}).start(ready=False)
    server.until_ready("m00", "m01")
    all_killed = threading.Event()

    def ask_on(first):
        """At least twice, and until each engine has been killed: two of three are in memory, and which is the planner's to say."""
        ends = []
        while len(ends) < 2 or not all_killed.is_set():
            ends.append(heard(server, f"m{(first + len(ends)) % 3:02}"))
        return ends

    with ThreadPoolExecutor(12) as pool:
        asking = [pool.submit(ask_on, i) for i in range(12)]
        try:
            left = [model["id"] for model in crowd[:3]]  # one that falls twice in a row is out of order for a while, and says so
            while left:
                model, killed = until(f"an engine of {left} runs", lambda: next(
                    ((model, pid) for model in left if (pid := engine_of(server, model))), None), 30)
                os.kill(killed, signal.SIGKILL)
                until("it has gone", lambda: process_gone(killed))
                left.remove(model)
        finally:
            all_killed.set()
        ends = [end for one in asking for end in one.result()]
    # Whole, or in part, and then it is said: whoever had heard nothing is answered by the next engine.
    assert set(ends) <= {(True, "[DONE]"), (True, "engine_failed")}, ends
    assert ends.count((True, "[DONE]")) >= len(ends) - 3 * 2  # two places an engine
    outcomes = [row["outcome"] for row in server.rows()]
    assert len(outcomes) == len(ends) and outcomes.count("done") == ends.count((True, "[DONE]"))


# The engine is held, so that its answer runs until it is let go on.
def test_what_was_ordered_is_taken_back_while_an_answer_runs(make_server, crowd):
    server = make_server(crowd[:1], residency={"memory_gb": TWO_FIT_GB}).start(ready=False)
    assert said(server.chat("m00", max_tokens=1))

    def model():
        return api(server, "GET", "/api/residency")[1]["models"][0]

    engine = engine_of(server, "m00")
    with ThreadPoolExecutor(1) as pool:
        os.kill(engine, signal.SIGSTOP)
        try:
            asked = pool.submit(server.chat, "m00", max_tokens=5)
            until("it runs", lambda: model()["running"] == 1)
            server.faelled("model", "unload", "m00")
            assert model()["state"] == "draining"
            server.faelled("model", "load", "m00")
            assert (model()["state"], model()["cause"]) == ("ready", "ordered")
        finally:
            os.kill(engine, signal.SIGCONT)
        assert said(asked.result())
    assert engine_of(server, "m00") == engine
    events = api(server, "GET", "/api/residency/events?limit=100")[1]["events"]
    assert [(event["what"], event["cause"]) for event in events][:2] == [("serve", "ordered"), ("drain", "ordered")]


def test_unused_models_go(make_server, crowd):
    server = make_server(crowd[:2], residency={"memory_gb": TWO_FIT_GB, "unused_after_s": 0.5}).start(ready=False)
    until("both were there", lambda: sum(line["message"] == "engine starts" for line in server.log() if "message" in line) == 2)
    until("all engines have gone", lambda: not server.engine_pids())
    assert said(server.chat("m01", max_tokens=3))
