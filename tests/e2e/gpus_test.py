"""GPUs as memories for models, said by a driver that only tells (tests/fakes/nvml.c), with real engines on the processor."""

import json
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import tiny_models
from control import api
from server import SECRET
from waiting import until

FAKE = Path(__file__).resolve().parents[1] / "fakes" / "nvml.c"
MB = 1_000_000
CARD = 420 * MB  # less the reserve (256 MiB) there is room for two tiny models, which need some 50 MB each
SMALL_CARD = 340 * MB  # for one


class Driver:
    def __init__(self, folder):
        self.file = folder / "says"
        self.card = CARD
        self.used, self.processes = [0, 0], []
        self.say()

    def say(self):
        lines = [f"gpu GPU-{i} {self.card} 0 {used} A{i}" for i, used in enumerate(self.used)]
        lines += [f"process {gpu} {pid} {used}" for gpu, pid, used in self.processes]
        following = self.file.with_suffix(".next")
        following.write_text("\n".join(lines) + "\n")
        following.rename(self.file)


@pytest.fixture
def driver(tmp_path, monkeypatch):
    folder = tmp_path / "driver"
    folder.mkdir()
    subprocess.run(["clang-19", "-shared", "-fPIC", "-o", folder / "libnvidia-ml.so.1", FAKE], check=True)
    driver = Driver(folder)
    monkeypatch.setenv("LD_LIBRARY_PATH", str(folder))
    monkeypatch.setenv("FAKE_NVML", str(driver.file))
    return driver


def fleet(folder, count, **more):
    return [{"id": f"m{i}", "engine": "llama", "file": str(tiny_models.make(folder / f"m{i}.gguf", seed=i)), "device": "gpu",
             "concurrency": 2, "context_tokens": 512, "threads": 1, **more} for i in range(count)]


def standing(server):
    return json.loads(server.faelled("node", "list", "--json").stdout)


def devices(server):
    return {device["device"]: device for device in standing(server)["devices"]}


def lie_in(server):
    return {model["id"]: model["device"] for model in standing(server)["models"] if model["state"] == "ready"}


def asked(server, model):
    answer = server.chat(model, max_tokens=3)
    assert answer.status_code == 200, answer.text
    return answer


# Invariant: memory once.
def test_models_for_gpus_lie_on_them_each_engine_with_its_own(make_server, tmp_path, driver):
    models = fleet(tmp_path, 5)
    server = make_server([*models, models[0] | {"id": "on-host", "device": "host"}]).start(ready=False)
    server.until_ready("m0", "m1", "m2", "m3", "on-host")
    found = devices(server)
    assert {name: one["kind"] for name, one in found.items()} == {"host": "host", "gpu0": "gpu", "gpu1": "gpu"}
    assert all(100 * MB < found[gpu]["bytes"] < 152 * MB for gpu in ("gpu0", "gpu1"))
    assert lie_in(server)["on-host"] == "host"
    assert sorted(lie_in(server)[f"m{i}"] for i in range(4)) == ["gpu0", "gpu0", "gpu1", "gpu1"]
    seen = []
    for pid in server.engine_pids():
        environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        seen += [entry.decode() for entry in environment if entry.startswith(b"CUDA_VISIBLE_DEVICES=")]
    assert sorted(seen) == ["CUDA_VISIBLE_DEVICES="] + ["CUDA_VISIBLE_DEVICES=GPU-0"] * 2 + ["CUDA_VISIBLE_DEVICES=GPU-1"] * 2
    asked(server, "m4")  # one of the four made room
    assert lie_in(server)["m4"] in ("gpu0", "gpu1") and lie_in(server)["on-host"] == "host"
    assert len(server.engine_pids()) == 5


def test_what_others_take_of_a_card_is_not_for_models(make_server, tmp_path, driver):
    server = make_server(fleet(tmp_path, 2)).start(ready=False)
    server.until_ready("m0", "m1")
    driver.used, driver.processes = [CARD, CARD - 10 * MB], [(0, 1, CARD), (1, 1, CARD - 10 * MB)]
    driver.say()
    until("no card has room", lambda: devices(server)["gpu0"]["bytes"] == devices(server)["gpu1"]["bytes"] == 0, 30)
    until("the unused have gone", lambda: not server.engine_pids(), 30)
    assert server.chat("m0").status_code == 503
    driver.used, driver.processes = [0, 0], []
    driver.say()
    until("it is given back", lambda: devices(server)["gpu0"]["bytes"] > 0, 30)
    asked(server, "m0")


def test_what_an_engine_is_seen_to_take_is_believed(make_server, tmp_path, driver):
    server = make_server(fleet(tmp_path, 1)).start(ready=False)
    server.until_ready("m0")
    gpu = int(lie_in(server)["m0"].removeprefix("gpu"))
    [pid] = server.engine_pids()
    driver.used[gpu] = 120 * MB
    driver.processes = [(gpu, pid, 120 * MB)]
    driver.say()
    until("the books know", lambda: devices(server)[f"gpu{gpu}"]["taken"] == 120 * MB, 30)


def test_without_a_gpu_a_model_for_one_says_so(make_server, tmp_path):
    server = make_server(fleet(tmp_path, 1)).start(ready=False)
    answer = server.chat("m0", secret=SECRET)
    assert answer.status_code == 503, answer.text
    assert server.model_state("m0")["detail"] == "it is to lie on a GPU, and this server has none"


def log_of(server, message):
    return [line for line in server.log() if line.get("message") == message]


# Invariant: memory once.
def test_a_model_larger_than_a_card_lies_in_a_group_of_them(make_server, tmp_path, driver):
    driver.used = [0, 0, 0]
    driver.card = SMALL_CARD  # each has room for one small model, and two together for what none has alone
    driver.say()
    large = {"id": "large", "engine": "llama", "file": str(tiny_models.make(tmp_path / "large.gguf", seed=9, width=512, layers=5)), "device": "gpu",
             "concurrency": 2, "context_tokens": 512, "threads": 1}
    server = make_server([large, *fleet(tmp_path, 1)], residency={"gpu_groups": [[0, 1]]}).start(ready=False)
    server.until_ready("large", "m0")
    found = devices(server)
    assert {name: (one["kind"], one["cards"], one["name"]) for name, one in found.items() if name != "host"} == {
        "gpu0+1": ("gpu", 2, "A0 + A1"), "gpu2": ("gpu", 1, "A2")}
    needs = of(server, "large")["bytes"]
    assert found["gpu2"]["bytes"] < needs < 140 * MB < found["gpu0+1"]["bytes"], (needs, found)
    assert lie_in(server)["large"] == "gpu0+1"
    seen = {}
    for pid in server.engine_pids():
        environment = dict(entry.decode().split("=", 1) for entry in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0") if b"=" in entry)
        seen[environment["CUDA_VISIBLE_DEVICES"]] = pid
    assert "GPU-0,GPU-1" in seen
    asked(server, "large")
    # What its engine is seen to take of both cards is one engine's.
    driver.used = [75 * MB, 65 * MB, 0]
    driver.processes = [(0, seen["GPU-0,GPU-1"], 75 * MB), (1, seen["GPU-0,GPU-1"], 65 * MB)]
    driver.say()
    until("the books know", lambda: devices(server)["gpu0+1"]["taken"] == 140 * MB, 30)


def test_a_group_that_names_a_card_which_is_not_there_is_told_and_the_others_are_alone(make_server, tmp_path, driver):
    server = make_server(fleet(tmp_path, 1), residency={"gpu_groups": [[0, 5]]}).start(ready=False)
    server.until_ready("m0")
    assert set(devices(server)) == {"host", "gpu0", "gpu1"}
    [told] = log_of(server, "gpu group")
    assert told["level"] == "error" and "GPUs 0, 5" in told["detail"] and "there is no GPU 5" in told["detail"] and "gpu_groups" in told["hint"]


def of(server, model):
    return next(one for one in json.loads(server.faelled("model", "list", "--json").stdout)["models"] if one["id"] == model)


def engines(server, model):
    """Device and state of each."""
    one = of(server, model)
    return {engine["device"]: engine["state"] for engine in (one, *one["copies"]) if engine["state"] != "absent"}


class Crowd:
    """So many at once ask for a model, again and again, until it is told to go home."""

    def __init__(self, server, model, people):
        self.home = threading.Event()
        self.pool = ThreadPoolExecutor(people)
        self.asked = [self.pool.submit(self.ask, server, model) for _ in range(people)]

    def ask(self, server, model):
        statuses = []
        while not self.home.is_set():
            statuses.append(server.chat(model, max_tokens=60).status_code)
        return statuses

    def go_home(self):
        self.home.set()
        return [status for one in self.asked for status in one.result()]


# Invariant: no answer cut off.
def test_a_model_that_many_wait_for_has_an_engine_on_each_card_until_another_is_asked_for(make_server, tmp_path, driver):
    driver.card = SMALL_CARD
    driver.say()
    server = make_server(fleet(tmp_path, 2), residency={"turn_s": 1}).start(ready=False)
    server.until_ready("m0", "m1")
    crowd = Crowd(server, "m0", 8)
    both = {"gpu0": "ready", "gpu1": "ready"}
    until("m1, which nobody uses, has made room", lambda: engines(server, "m0") == both, 60)
    until("both answer", lambda: of(server, "m0")["running"] == 4 and of(server, "m0")["copies"][0]["running"] == 2, 30)
    assert len(list((server.data / "engines").iterdir())) == 3  # a log for each
    asked(server, "m1")  # of two engines of m0 one goes
    assert len(server.engine_pids()) <= 2
    until("nobody uses m1 any more", lambda: engines(server, "m0") == both, 60)
    answers = crowd.go_home()
    assert len(answers) > 20 and set(answers) == {200}
    until("one is enough", lambda: len(engines(server, "m0")) == 1, 60)
    assert asked(server, "m0")
    events = api(server, "GET", "/api/residency/events?limit=100")[1]["events"]
    of_m0 = {(event["what"], event["cause"]) for event in events if event["model"] == "m0"}
    assert {("load", "busy"), ("ready", "busy"), ("unload", "spare"), ("unload", "enough")} <= of_m0, of_m0
    assert {row["outcome"] for row in server.rows()} == {"done"}
    assert "\nfaelled_model_copies_total 2\n" in server.metrics()


def test_a_name_moves_when_the_new_model_has_as_many_engines_as_the_former(make_server, tmp_path, driver):
    server = make_server(fleet(tmp_path, 2), residency={"turn_s": 60}).start(ready=False)
    server.until_ready("m0")
    server.faelled("alias", "set", "best", "m0")
    server.faelled("model", "unload", "m1")
    crowd = Crowd(server, "best", 8)
    both = {"gpu0": "ready", "gpu1": "ready"}
    until("m0 has two engines", lambda: engines(server, "m0") == both, 60)
    assert engines(server, "m1") == {}
    server.faelled("alias", "set", "best", "m1")
    means = lambda: api(server, "GET", "/api/aliases")[1]["aliases"][0]["model"]
    moved = until("the name has moved", lambda: means() == "m1" and engines(server, "m1"), 60)
    assert moved == both
    events = api(server, "GET", "/api/residency/events?limit=100")[1]["events"]
    assert [event["cause"] for event in events if event["model"] == "m1" and event["what"] == "load"][:2] == ["ordered", "ordered"]
    assert set(crowd.go_home()) == {200}


def test_a_model_of_one_engine_alone_has_no_other(make_server, tmp_path, driver):
    server = make_server(fleet(tmp_path, 1, copies=1), residency={"turn_s": 1}).start(ready=False)
    server.until_ready("m0")
    crowd = Crowd(server, "m0", 8)
    until("many have been answered", lambda: of(server, "m0")["asked_per_hour"] > 150, 60)
    assert len(engines(server, "m0")) == 1 and set(crowd.go_home()) == {200}
