#!/usr/bin/env python3
"""Sleep, wake, memory and throughput of vLLM on a GPU: through faelled, and of a bare vLLM with the same words beside it.

faelled serves the first model and is told to let it sleep, at level 1 (weights in the host's memory) and, where that has no
room for them, at level 2 (weights nowhere); who asks wakes it. Then a vLLM started with the words of faelled's own, sleep
mode among them, is put to sleep and woken by its own calls. Both serve the same load. With --second two models that do not
fit together take turns as well. Prints a table in Markdown; --document writes it into bench/README.md. Started by
./dev bench gpu."""

import argparse
import datetime
import http.client
import json
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

import engine
import fairness
import gateways
import nvml
import proctree
from unix_connection import UnixConnection

REPO = pathlib.Path(__file__).resolve().parent.parent
DOCUMENT = REPO / "bench" / "README.md"
START_S = 900
SLEEP_S = 120
NO_ROOM_GB = 0.001  # of host memory: no model's weights fit, so it sleeps at level 2
LEVELS = (1, 2)
INHERITED = ("OMP_NUM_THREADS=", "VLLM_CPU_OMP_THREADS_BIND=", "VLLM_ENABLE_V1_MULTIPROCESSING=", "TORCH_COMPILE_DISABLE=", "CUDA_VISIBLE_DEVICES=")
PROCESSORS_HINT = "--processors measures what there is without one: starts and throughput"


def asked(connection, method, path, body=None):
    """The answer's JSON; None: it has none."""
    try:
        connection.request(method, path, json.dumps(body) if body is not None else None, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
    finally:
        connection.close()
    if answer.status != 200:
        raise ValueError(f"{method} {path}: status {answer.status}: {text[:300].decode(errors='replace')}")
    try:
        return json.loads(text)
    except ValueError:
        return None


def answer_of(port, model, tokens=1, prompt=engine.PROMPT):
    """Tokens, seconds to the first of them, seconds in all."""
    return engine.complete(port, tokens, model, START_S, prompt)


class Ours:
    """faelled with these models, and in `memory_gb` room for the weights of those that sleep."""

    def __init__(self, options, folder, models, memory_gb):
        self.options, self.port, self.config = options, gateways.free_port(), folder / "faelled.json"
        self.control = folder / "data" / "control.sock"
        self.config.write_text(json.dumps(self.configuration(folder, models, memory_gb)))
        self.begun = time.monotonic()
        self.log = open(folder / "log", "ab")
        self.process = proctree.start([options.faelled.resolve(), "serve", "--config", self.config], None, cwd=folder, stdout=self.log,
                                      stderr=self.log)
        proctree.until(self.listens, "faelled's first answer", 60)

    def configuration(self, folder, models, memory_gb):
        options = self.options
        settings = {"engine": "vllm", "concurrency": options.concurrency, "context_tokens": options.context,
                    "device": "host" if options.processors else "gpu"} | ({"threads": options.threads} if options.threads else {})
        return {"listen": f"127.0.0.1:{self.port}", "data": str(folder / "data"), "vllm": str(options.vllm.absolute()),
                "models": [{"id": name, "folder": str(path.resolve()), **settings} for name, path in models.items()],
                "residency": {"turn_s": 1} | ({"memory_gb": memory_gb} if memory_gb else {}),
                "limits": {"wait_s": START_S, "total_s": START_S},
                "keys": [{"member": "demo", "name": "bench", "secret": gateways.KEY}]}

    def listens(self):
        if self.process.poll() is not None:
            raise SystemExit(f"faelled ended with {self.process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return self.models()
        except (OSError, http.client.HTTPException, ValueError):
            return None

    def models(self):
        return {model["id"]: model for model in asked(UnixConnection(self.control, 60), "GET", "/api/residency")["models"]}

    def first_token_s(self, model="first"):
        began = time.monotonic()
        try:
            answer_of(self.port, model)
        except ValueError as error:
            raise SystemExit(f"{model} was not served: {error}\n{self.models()[model]['detail'] or ''}") from None
        return time.monotonic() - began

    def started_s(self):
        """Since it was begun, with a model in no memory."""
        self.first_token_s()
        return time.monotonic() - self.begun

    def events(self):
        """Newest first."""
        return asked(UnixConnection(self.control, 60), "GET", "/api/residency/events?limit=100")["events"]

    def sleep(self, level, model="first"):
        """Seconds, as its own transition says. None: it does not sleep at that level."""
        before = self.events()[0]["number"]
        told = subprocess.run([self.options.faelled.resolve(), "model", "sleep", model, "--config", self.config], capture_output=True, text=True)
        if told.returncode != 0:
            print(f"level {level}: {told.stderr.strip()}", file=sys.stderr)
            return None

        def ended():
            return next((event for event in self.events() if event["number"] > before and event["model"] == model and
                         event["what"] in ("asleep", "unload", "gone", "failed")), None)

        event = proctree.until(ended, f"{model} asleep", SLEEP_S)
        if event["what"] != "asleep":
            raise SystemExit(f"{model} did not sleep: {event['what']}, {event['cause']} {event['detail'] or ''}")
        if event["sleep_level"] != level:
            raise SystemExit(f"{model} sleeps at level {event['sleep_level']}, and {level} was to be measured: "
                             f"{'--memory-gb is too little for its weights' if level == 1 else 'its weights had room'}")
        return event["took_s"] or 0

    def wake(self, _level, model="first"):
        """Seconds of waking, as its transition says, and from the question to its first token."""
        before = self.events()[0]["number"]
        first_s = self.first_token_s(model)
        woken = [event for event in self.events() if event["number"] > before and event["model"] == model and event["what"] in ("ready", "load")]
        if [event["what"] for event in woken] != ["ready"]:
            raise SystemExit(f"{model} was not woken but begun anew: {next((event['detail'] for event in woken if event['detail']), '')}")
        return woken[0]["took_s"] or 0, first_s

    def engine(self, folder):
        """What its vLLM was started with: words without the socket, and how it uses processors and GPUs."""
        for pid in proctree.tree(self.process.pid):
            try:
                words = [word.decode() for word in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:-1]]
            except (FileNotFoundError, ProcessLookupError):  # it has ended
                continue
            if "serve" in words and str(folder.resolve()) in words:
                words = words[words.index("serve"):]
                at = words.index("--uds")
                pairs = pathlib.Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
                return words[:at] + words[at + 2:], dict(pair.split("=", 1) for pair in pairs if pair.startswith(INHERITED))
        raise SystemExit("faelled has no vLLM with that model among its processes")

    def stop(self):
        proctree.stop(self.process)
        self.log.close()


class Bare:
    """A vLLM by itself on a port, with caches of its own that live as long as `folder`."""

    def __init__(self, options, folder, words, environment):
        self.port = gateways.free_port()
        caches = {"VLLM_CACHE_ROOT": "vllm", "TRITON_CACHE_DIR": "triton", "TORCHINDUCTOR_CACHE_DIR": "inductor"}
        environment = {**os.environ, **environment, **{name: str(folder / "caches" / of) for name, of in caches.items()},
                       "HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "VLLM_SERVER_DEV_MODE": "1"}
        self.begun = time.monotonic()
        self.log = open(folder / "log", "ab")
        self.process = proctree.start([options.vllm.absolute(), *words, "--host", "127.0.0.1", "--port", str(self.port)], None, cwd=folder,
                                      env=environment, stdout=self.log, stderr=self.log)

    def answers(self):
        if self.process.poll() is not None:
            raise SystemExit(f"the bare vLLM ended with {self.process.returncode}")
        try:
            return answer_of(self.port, "first")
        except (OSError, http.client.HTTPException, ValueError):
            return None

    def started_s(self):
        proctree.until(self.answers, "the first answer of the bare vLLM", START_S)
        return time.monotonic() - self.begun

    def call(self, method, path, body=None):
        return asked(http.client.HTTPConnection("127.0.0.1", self.port, timeout=SLEEP_S), method, path, body)

    def sleep(self, level):
        began = time.monotonic()
        self.call("POST", f"/sleep?level={level}&mode=wait")
        proctree.until(lambda: self.call("GET", "/is_sleeping")["is_sleeping"], "the bare vLLM asleep", SLEEP_S)
        return time.monotonic() - began

    def wake(self, level):
        began = time.monotonic()
        if level == 1:
            self.call("POST", "/wake_up")
        else:  # room for its weights, these, and only then for keys and values, as src/node/vllm_driver.cpp does
            self.call("POST", "/wake_up?tags=weights")
            self.call("POST", "/collective_rpc", {"method": "reload_weights"})
            self.call("POST", "/wake_up?tags=kv_cache")
        woken_s = time.monotonic() - began
        answer_of(self.port, "first")
        return woken_s, time.monotonic() - began

    def version(self):
        try:
            return (self.call("GET", "/version") or {}).get("version", "of a version it does not tell")
        except ValueError:
            return "of a version it does not tell"

    def stop(self):
        proctree.stop(self.process)
        self.log.close()


class Side:
    """What was measured of one of the two, by row of the table."""

    def __init__(self, gpus):
        self.gpus, self.figures = gpus, {}
        self.before = gpus.taken_mib() if gpus else 0

    def note(self, what, value):
        self.figures.setdefault(what, []).append(value)
        print(f"{what}: {value:.3f}", file=sys.stderr, flush=True)

    def memory(self, what):
        """Once it stands still: an engine that ends gives its memory back in its own time."""
        end, taken = time.monotonic() + 10, self.gpus.taken_mib()
        while time.monotonic() < end:
            time.sleep(0.2)
            last, taken = taken, self.gpus.taken_mib()
            if abs(taken - last) < 1:
                break
        self.note(what, taken - self.before)

    def sleeps(self, one, level, repeats):
        for _ in range(repeats):
            self.memory("ready")
            took_s = one.sleep(level)
            if took_s is None:
                return
            self.note(f"{level} falls asleep", took_s)
            self.memory(f"{level} asleep")
            woken_s, first_s = one.wake(level)
            self.note(f"{level} wakes", woken_s)
            self.note(f"{level} first token", first_s)

    def load(self, port, options):
        """The same prompts on both sides, each only once. What comes first is not counted: it compiles what the batches need."""
        def one(number):
            return answer_of(port, "first", options.tokens, f"Case {number} of {options.requests}. {engine.PROMPT}")

        with ThreadPoolExecutor(options.concurrency) as pool:
            list(pool.map(one, range(-2 * options.concurrency, 0)))
            began = time.monotonic()
            done = list(pool.map(one, range(options.requests)))
            self.note("tokens/s", sum(tokens for tokens, _, _ in done) / (time.monotonic() - began))
        self.figures["clients"] = [first_s for _, first_s, _ in done]


def measure_ours(options, folder, gpus, side):
    """Leaves out of `side` what does not happen without a GPU. What a bare vLLM is to be started with."""
    for level in LEVELS if gpus else LEVELS[:1]:
        one = Ours(options, folder, {"first": options.first}, options.memory_gb if level == 1 else NO_ROOM_GB)
        try:
            side.note("start again" if level == 2 else "first start", one.started_s())
            if gpus:
                side.sleeps(one, level, options.repeats)
            if level == 1:
                side.load(one.port, options)
                started_with = one.engine(options.first)
        finally:
            one.stop()
    for level in LEVELS if gpus and options.second else ():
        one = Ours(options, folder, {"first": options.first, "second": options.second}, options.memory_gb if level == 1 else NO_ROOM_GB)
        try:
            for turn in range(2 + 2 * options.repeats):
                model = ("first", "second")[turn % 2]
                was = one.models()[model]
                first_s = one.first_token_s(model)
                if was["state"] == "asleep" and was["sleep_level"] == level:
                    side.note(f"{level} switch", first_s)
        finally:
            one.stop()
    return started_with


def measure_bare(options, folder, gpus, side, words, environment):
    """The vLLM's version."""
    one = Bare(options, folder, words, environment)
    try:
        side.note("first start", one.started_s())
        version = one.version()
        for level in LEVELS if gpus else ():
            side.sleeps(one, level, options.repeats)
        side.load(one.port, options)
    finally:
        one.stop()
    if gpus:
        one = Bare(options, folder, words, environment)
        try:
            side.note("start again", one.started_s())
        finally:
            one.stop()
    return version


def spread(values, digits=2):
    if not values:
        return "–"
    text = f"{statistics.median(values):.{digits}f}"
    return text if len(values) == 1 else f"{text} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def table(ours, bare, options):
    """Markdown. A row that neither of them has is left out."""
    rows = []

    def add(what, cell):
        cells = [cell(side.figures) for side in (ours, bare)]
        if any(text.strip("– /") for text in cells):
            rows.append([what, *cells])

    def add_spread(what, name, digits=2):
        add(what, lambda figures: spread(figures.get(name), digits))

    add_spread("first start to first token, s", "first start")
    add_spread("a later start to first token, s", "start again")
    add_spread("GPU memory, ready, MiB", "ready", 0)
    for level in LEVELS:
        add_spread(f"level {level}: falls asleep, s", f"{level} falls asleep")
        add_spread(f"level {level}: GPU memory, asleep, MiB", f"{level} asleep", 0)
        add_spread(f"level {level}: wakes, s", f"{level} wakes")
        add_spread(f"level {level}: asked asleep to first token, s", f"{level} first token")
        add_spread(f"level {level}: the same, while another is ready and has to sleep first, s", f"{level} switch")
    clients = f"{options.concurrency} clients"
    add_spread(f"{clients}: tokens/s", "tokens/s", 1)
    percentiles = lambda waits: " / ".join(f"{statistics.quantiles(waits, n=100, method='inclusive')[p - 1]:.3f}" for p in (50, 95))
    add(f"{clients}: first token P50 / P95, s", lambda figures: percentiles(figures["clients"]))
    part = ours.figures["tokens/s"][0] / bare.figures["tokens/s"][0]
    rows.append([f"{clients}: tokens/s, as a part of bare", f"{part:.3f}", "1"])
    return fairness.table(["", "through faelled", "bare vLLM"], rows)


def parsed():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faelled", type=pathlib.Path, default=os.environ.get("FAELLED_BINARY", REPO / "build" / "release" / "faelled"))
    parser.add_argument("--vllm", type=pathlib.Path, default=shutil.which("vllm"), help="the program, in a Python of its own; else that of PATH")
    parser.add_argument("--first", type=pathlib.Path, required=True, help="a model's folder")
    parser.add_argument("--second", type=pathlib.Path, help="another, to take turns; together they should not fit the GPU")
    parser.add_argument("--concurrency", type=int, default=8, help="places, and clients at a time")
    parser.add_argument("--context", type=int, default=4096, help="tokens of each place")
    parser.add_argument("--tokens", type=int, default=256, help="of an answer, at most")
    parser.add_argument("--requests", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=5, help="sleeps of each kind; medians are shown")
    parser.add_argument("--processors", action="store_true", help="without a GPU: starts and throughput, and nothing sleeps")
    parser.add_argument("--threads", type=int, help="of each engine, with --processors")
    parser.add_argument("--memory-gb", type=float, help="of the host for models: with a GPU for the weights of one that sleeps at level 1")
    parser.add_argument("--document", type=pathlib.Path, nargs="?", const=DOCUMENT,
                        help="write the table between the lines <!-- gpu --> and <!-- end of gpu --> of this file (bench/README.md)")
    options = parser.parse_args()
    if not options.vllm:
        parser.error("there is no vLLM: name its program with --vllm, such as /opt/vllm/bin/vllm; ./dev vllm installs the one for processors")
    options.faelled = pathlib.Path(options.faelled)
    for name, mend in (("faelled", "./dev build makes it"), ("vllm", "install vLLM as its documentation says, and name its bin/vllm"),
                       ("first", "name the folder with its config.json and safetensors"), ("second", "name such a folder, or leave it out"),
                       ("document", "name a file with those two lines")):
        path = getattr(options, name)
        if path and not path.exists():
            parser.error(f"--{name}: there is no {path}; {mend}")
    for name in ("concurrency", "requests", "repeats"):
        if getattr(options, name) < 1 + (name == "requests"):
            parser.error(f"--{name}: at least {1 + (name == 'requests')}")
    if any((options.vllm.absolute().parent.parent / "lib").glob("*/site-packages/vllm-*+cpu.dist-info")) and not options.processors:
        parser.error(f"--vllm: {options.vllm} was built for processors and sleeps nowhere; name vLLM's build for GPUs. {PROCESSORS_HINT}")
    return parser, options


def main():
    parser, options = parsed()
    gpus = None
    if not options.processors:
        try:
            gpus = nvml.Gpus()
        except nvml.NoGpu as error:
            parser.error(f"{error}, and vLLM sleeps on a GPU alone. {PROCESSORS_HINT}")
    document = options.document.read_text(encoding="utf-8") if options.document else ""
    if options.document:
        fairness.filled(document, {"gpu": ""}, options.document)  # says what it lacks before an hour is spent
    folder = pathlib.Path(tempfile.mkdtemp(prefix="faelled-gpu-"))
    try:
        ours = Side(gpus)
        started_with = measure_ours(options, folder, gpus, ours)
        if gpus:
            ours.memory("left")  # until its engine has given all back
        bare = Side(gpus)
        version = measure_bare(options, folder, gpus, bare, *started_with)
    except BaseException:
        if (folder / "log").exists():
            print((folder / "log").read_text(errors="replace")[-2000:], file=sys.stderr)
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    where = ", ".join(gpus.names()) if gpus else f"{os.cpu_count()} processors, no GPU"
    sleeps = f" of {options.repeats} sleeps each the median (least to most)," if gpus else ""
    text = f"{datetime.date.today()}, {where}, vLLM {version}, {options.first.resolve().name};{sleeps} {options.requests} answers of at most " \
           f"{options.tokens} tokens.\n\n{table(ours, bare, options)}"
    print(text)
    if options.document:
        options.document.write_text(fairness.filled(document, {"gpu": text}, options.document), encoding="utf-8")


if __name__ == "__main__":
    main()
