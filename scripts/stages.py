#!/usr/bin/env python3
"""The stages of ./test: builds, runs and counts. Started by ./test, which has set up what they need."""

import contextlib
import fcntl
import os
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import reports
from kept import Kept, surroundings
from reports import Counts, Outcome

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
OUT = BUILD / "test"
CORES = os.cpu_count() or 1
THREADED = ("net", "http", "store", "ledger", "observe", "members", "portal", "decisions", "node")  # with threads: under TSan
FUZZ_S = 6
STAGE_S_MAX = 1800


class StageFailed(Exception):
    pass


class Stage:
    """One stage's folder, log and patterns. Commands write to the log; what they report is counted afterwards."""

    def __init__(self, name, patterns=(), kept=None):
        self.name, self.patterns = name, list(patterns)
        self.kept = kept or Kept()
        self.folder = OUT / name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log_path = OUT / f"{name}.log"
        self.log = open(self.log_path, "w", encoding="utf-8", errors="replace")
        self.outcomes = []
        self.as_before = 0  # programs and files of tests that were not run, since nothing has changed for them

    def run(self, *command, cwd=ROOT, timeout_s=STAGE_S_MAX, pass_fds=(), **environment):
        self.log.write(f"$ {' '.join(map(str, command))}\n")
        self.log.flush()
        child = subprocess.Popen([str(word) for word in command], cwd=cwd, stdin=subprocess.DEVNULL, stdout=self.log,
                                 stderr=subprocess.STDOUT, env={**os.environ, **environment}, pass_fds=pass_fds, start_new_session=False)
        try:
            return child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            self.log.write(f"ended after {timeout_s} s\n")
            return 124

    def run_each(self, commands, timeout_s, at_once=CORES, **environment):
        """Runs them, some at once; their statuses in order. The log has one's words together, those of failed ones last."""
        def run_one(command):
            with tempfile.TemporaryFile() as said:
                try:
                    done = subprocess.run([str(word) for word in command], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=said,
                                          stderr=subprocess.STDOUT, timeout=timeout_s, env={**os.environ, **environment})
                    status = done.returncode
                except subprocess.TimeoutExpired:
                    status = 124
                said.seek(0)
                return status, said.read().decode(errors="replace")

        statuses, of_failed = [], []  # the end of a log is what a failed stage shows
        with ThreadPoolExecutor(at_once) as pool:
            for command, (status, said) in zip(commands, pool.map(run_one, commands)):
                said = f"$ {' '.join(map(str, command))}\n{said}" + (f"ended after {timeout_s} s\n" if status == 124 else "")
                statuses.append(status)
                if status:
                    of_failed.append(said)
                else:
                    self.log.write(said)
        self.log.writelines(of_failed)
        return statuses

    def must(self, *command, **options):
        if status := self.run(*command, **options):
            raise StageFailed(f"{Path(str(command[0])).name} ended with {status}")

    def count(self, outcomes):
        self.outcomes += outcomes


BUILDING = threading.Lock()  # stages run beside each other


@contextlib.contextmanager
def alone_in(preset):
    """One build at a time in build/PRESET, as scripts/common.sh's lock does: two would write each other's files. Gives the
    lock's descriptor, for the build: it may outlive us."""
    folder = BUILD / preset
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"Another build is under way in {folder}; waiting for it.", file=sys.stderr, flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock.fileno()


def build(stage, preset, *targets):
    shell(stage, "build_ui")  # the binary carries it
    with BUILDING, alone_in(preset) as lock:
        if not (BUILD / preset / "build.ninja").exists():
            stage.must("cmake", "--preset", preset)
        stage.must("nice", "ninja", "-C", BUILD / preset, "-j", str(CORES), *targets, pass_fds=(lock,))


def ninja_targets(preset):
    listed = subprocess.run(["ninja", "-C", BUILD / preset, "-t", "targets", "all"], capture_output=True, text=True)
    return [line.partition(":")[0] for line in listed.stdout.splitlines()]


def build_tests(stage, preset, names, lock):
    """All, or those of `names`. Gives what ninja ended with, and which they are."""
    stage.must("cmake", "--preset", preset, f"-DFAELLED_BENCH={'ON' if names is None else 'OFF'}")
    tests = sorted({t for t in ninja_targets(preset) if t.endswith("_test") and "/" not in t and not t.startswith("cmake_")})
    if names is not None:
        tests = [test for test in tests if test.removesuffix("_test") in names]
        if missing := set(names) - {test.removesuffix("_test") for test in tests}:
            raise StageFailed(f"no test is built of {', '.join(sorted(missing))}")
    if not tests:
        raise StageFailed("no test binary is to be built")
    # What does not build is one failure; the rest still runs.
    status = stage.run("nice", "ninja", "-C", BUILD / preset, "-k", "0", "-j", str(CORES), *tests, pass_fds=(lock,))
    return status, tests


def gtest(stage, preset, names=None, prefix=(), **environment):
    """Builds and runs the *_test binaries of a preset, each with a report of its own."""
    shell(stage, "build_ui")
    with alone_in(preset) as lock:
        status, tests = build_tests(stage, preset, names, lock)
    if status:
        stage.count([Outcome(f"build/{preset}", "failed")])
    programs = {}
    for test in sorted(tests, key=lambda test: -reports.took_s(stage.folder / f"{test}.xml")):  # the longest begins first
        binary = next((path for path in (BUILD / preset).rglob(test) if path.is_file()), None)
        if not binary:
            stage.count([Outcome(f"{test} is nowhere in build/{preset}", "failed")])
            continue
        chosen = ["--gtest_filter=" + ":".join(f"*{pattern}*" for pattern in stage.patterns)] if stage.patterns else []
        programs[test] = Program([*prefix, binary, f"--gtest_output=xml:{stage.folder / test}.xml", "--gtest_brief=1", *chosen],
                                 [binary, BUILD / preset / "faelled"])

    def run(changed):
        for test in changed:
            (stage.folder / f"{test}.xml").unlink(missing_ok=True)
        statuses = stage.run_each([programs[test].command for test in changed], 600, CORES + 1, **environment)
        return {test: ended(reports.junit(stage.folder / f"{test}.xml", test), status, test) for test, status in zip(changed, statuses)}

    run_changed(stage, programs, run, **environment)


class Program(NamedTuple):
    """A test program or a file of tests, and what decides what comes of it besides the surroundings."""
    command: list
    reads: list  # files whose bytes matter; what is not there counts as nothing
    keeps: bool = True


def ended(outcomes, status, what):
    """A non-zero status without a failed test is a failure too."""
    outcomes = list(outcomes)
    if status and not has_failed(outcomes):
        outcomes.append(Outcome(f"{what} ended with {status}", "failed"))
    return outcomes


def has_failed(outcomes):
    return any(outcome.state == "failed" for outcome in outcomes)


def has_passed(outcomes):
    return bool(outcomes) and all(outcome.state == "passed" for outcome in outcomes)


def run_changed(stage, programs, run, whole_tree=False, **environment):
    """Runs those of the programs, by name, that something has changed for since they passed; counts all of them.
    run: from names to the outcomes of each; what it gives under another name is counted, and nothing is kept then.
    whole_tree: sources too are among what they read."""
    seen = stage.kept.look(whole_tree)
    keys = {name: stage.kept.key(seen, program.reads, program.command, environment) for name, program in programs.items()}
    marks = {name: stage.folder / f"{name}.passed" for name in programs}
    before = {} if stage.patterns else {name: stage.kept.passed(marks[name], keys[name]) for name in programs}
    changed = [name for name in programs if not before.get(name)]
    of = run(changed) if changed else {}
    # Nothing is kept where somebody changed a file meanwhile.
    keeps = not stage.patterns and of.keys() <= programs.keys() and stage.kept.look(whole_tree) == seen
    for name in {**programs, **of}:
        outcomes = of.get(name, [])
        # Others needed it, as those who sign in do.
        if before.get(name) and (not outcomes or has_passed(outcomes)):
            stage.count(Outcome(test, "passed") for test in before[name])
            stage.as_before += 1
            continue
        stage.count(outcomes)
        if name not in programs or (stage.patterns and has_passed(outcomes)):
            continue  # a part of it says nothing of the rest
        if keeps and programs[name].keeps and has_passed(outcomes):
            stage.kept.keep(marks[name], keys[name], [outcome.name for outcome in outcomes])
        elif outcomes or not stage.patterns:
            marks[name].unlink(missing_ok=True)


# Outside the tree.
READS = {"openai_description_test.py": [ROOT.parent / "shared/judges/openai-openapi.yaml"]}


def draws_lots(path):
    """Whether a file's tests try something else each time."""
    return "FAELLED_SEED" in path.read_text()


def pytest(stage, *folders, processes=1, drives=(), **environment):
    """With several processes a file's tests stay together. drives: the programs that the tests start; where these are
    named, files whose tests have all passed are run again only when something changes."""
    chosen = ["-k", " or ".join(stage.patterns)] if stage.patterns else []
    if processes > 1:
        chosen += ["-n", processes, "--dist", "loadfile"]

    def run(paths):
        report = stage.folder / "pytest.xml"
        report.unlink(missing_ok=True)
        status = stage.run(sys.executable, "-m", "pytest", "-q", "-rA", "--color=no", "-p", "no:cacheprovider", "--continue-on-collection-errors",
                           "-o", "junit_family=xunit1", f"--junitxml={report}", *chosen, *paths, **environment)
        if status == 5 and stage.patterns:
            return {}  # no test has such a name; run_stage says so
        of = reports.junit_of_files(report)
        if status and not any(map(has_failed, of.values())):
            of["pytest"] = ended([], status, "pytest")
        return of

    if not drives:
        for outcomes in run(folders).values():
            stage.count(outcomes)
        return
    files = sorted(path for folder in folders for path in (ROOT / folder).rglob("*_test.py"))
    programs = {path.name: Program([path.relative_to(ROOT)], [*drives, *READS.get(path.name, [])], not draws_lots(path)) for path in files}
    if len(programs) != len(files):
        raise StageFailed("two files of tests have one name")
    run_changed(stage, programs, lambda changed: run(programs[name].command[0] for name in changed), whole_tree=True, **environment)


def shell(stage, function):
    """One of the set-up functions of scripts/setup.sh."""
    stage.must("bash", "-c", f'root="$1"; source "$1/scripts/common.sh"; source "$1/scripts/setup.sh"; {function}', "-",
               ROOT)


def lint(stage):
    """layering, house rules, shell scripts, formatting"""
    pytest(stage, "tests/lint")


def scripts(stage):
    """the downloader against a server that cuts, lies and resumes; ./run and ./test themselves"""
    pytest(stage, "tests/scripts")


def canary(stage):
    """does the compiler destroy each temporary of a coroutine exactly once?"""
    pytest(stage, "tests/canary")


def vllm(stage):
    """the real vLLM for processors, for the end-to-end tests, where there is room for it"""
    status = stage.run("bash", "-c", 'root="$1"; source "$1/scripts/common.sh"; source "$1/scripts/setup.sh"; '
                       "has_room_for_vllm || exit 3; lock_cache; need_vllm", "-", ROOT)
    no_room = "its tests are skipped: it takes 6 GB, and 10 while it is installed; ./dev vllm installs it elsewhere"
    stage.count([Outcome("needs_vllm", "skipped", no_room) if status == 3 else Outcome("vllm", "failed" if status else "passed")])


def ui(stage):
    """web UI: types, unit tests, build"""
    shell(stage, "need_npm ui && build_ui")
    if not stage.patterns:
        status = stage.run("npm", "run", "check", cwd=ROOT / "ui")
        stage.count([Outcome("svelte-check", "failed" if status else "passed")])
    report = stage.folder / "vitest.json"
    report.unlink(missing_ok=True)
    chosen = ["-t", "|".join(stage.patterns)] if stage.patterns else []
    status = stage.run("npm", "test", "--", "--reporter=json", f"--outputFile={report}", *chosen, cwd=ROOT / "ui")
    outcomes = reports.vitest(report)
    if stage.patterns:  # vitest reports those as skipped that the pattern leaves out
        outcomes = [outcome for outcome in outcomes if outcome.state != "skipped"]
    stage.count(ended(outcomes, status, "vitest"))


def release(stage):
    """the release binary that the browser and end-to-end stages drive"""
    build(stage, "release", "faelled")
    stage.count([Outcome("build/release/faelled", "passed")])


def unit(stage):
    """unit tests, under AddressSanitizer and UndefinedBehaviorSanitizer"""
    gtest(stage, "asan", ASAN_OPTIONS="detect_stack_use_after_return=1:strict_string_checks=1",
          UBSAN_OPTIONS="print_stacktrace=1")


def tsan(stage):
    """unit tests of the folders with threads under ThreadSanitizer"""
    gtest(stage, "tsan", THREADED, prefix=("setarch", "-R"), TSAN_OPTIONS="second_deadlock_stack=1")


def deploy(stage):
    """units, alarms, curves, release and bundle: judged by systemd, promtool and a bare Debian"""
    build(stage, "release", "faelled")
    pytest(stage, "tests/deploy", drives=[BUILD / "release/faelled"])


def fuzz(stage):
    """each fuzz target for a short while, from the same seed each time; ./dev fuzz --long goes on from others"""
    build(stage, "asan", "fuzz/all")
    targets = sorted(path for path in (BUILD / "asan/fuzz").glob("*_fuzz") if path.is_file())
    if not targets:
        raise StageFailed("there is no fuzz target")
    if stage.patterns:
        targets = [target for target in targets if any(pattern in target.name for pattern in stage.patterns)]

    programs = {}
    for target in targets:
        corpus = stage.folder / f"{target.name}.corpus"
        corpus.mkdir(exist_ok=True)
        seeds = [path for path in (ROOT / "fuzz/corpus" / target.name.removesuffix("_fuzz"),) if path.is_dir()]
        command = [target, "-seed=1", f"-max_total_time={FUZZ_S}", "-timeout=5", "-rss_limit_mb=2048", "-print_final_stats=1",
                   f"-artifact_prefix={stage.folder}/", corpus, *seeds]
        programs[target.name] = Program(command, [target])

    def run(changed):
        statuses = stage.run_each([programs[name].command for name in changed], FUZZ_S + 60)
        return {name: [Outcome(name, "failed" if status else "passed")] for name, status in zip(changed, statuses)}

    run_changed(stage, programs, run)


def browser(stage):
    """the page in real Chromium, with axe-core"""
    build(stage, "release", "faelled")
    shell(stage, "need_npm tests/browser")
    chosen = ["--grep", "|".join(stage.patterns)] if stage.patterns else []
    binary = BUILD / "release/faelled"
    programs = {path.name: Program([path.relative_to(ROOT)], [binary]) for path in sorted((ROOT / "tests/browser").glob("*.spec.ts"))}

    def run(changed):
        shards = 1 if chosen else CORES  # each with a server of its own
        commands = {}
        for shard in range(1, shards + 1):
            report = stage.folder / f"{shard}-{shards}.json"
            report.unlink(missing_ok=True)
            commands[report] = ["env", "-C", ROOT / "tests/browser", f"PLAYWRIGHT_JSON_OUTPUT_NAME={report}", f"FAELLED_SHARD={report.stem}",
                                "npx", "playwright", "test", "--reporter=list,json", f"--shard={shard}/{shards}", *chosen, *changed]
        of = {}
        for report, status in zip(commands, stage.run_each(commands.values(), STAGE_S_MAX, FAELLED=str(binary))):
            found = reports.playwright(report)
            if status and not any(map(has_failed, found.values())):
                found[report.stem] = ended([], status, f"playwright {report.stem}")
            for name, outcomes in found.items():  # each shard signs in and out: such a test counts once
                by_test = of.setdefault(name, {})
                for outcome in outcomes:
                    if outcome.name not in by_test or outcome.state == "failed":
                        by_test[outcome.name] = outcome
        return {name: list(by_test.values()) for name, by_test in of.items()}

    run_changed(stage, programs, run, whole_tree=True)


def e2e(stage):
    """the server whole: real engine, real model, kill -9, hang-ups, bad input; the simulator"""
    build(stage, "release", "faelled")
    pytest(stage, "tests/e2e", "tests/sim", processes=CORES, drives=[BUILD / "release/faelled"])  # they wait more than they work


def conformance(stage):
    """what others wrote judges the interface: SDKs and their own tests, and the APIs' descriptions"""
    build(stage, "release", "faelled")
    shell(stage, "need_npm tests/sdk")
    pytest(stage, "tests/conformance", drives=[BUILD / "release/faelled"])


# Stages of a group run beside each other, two at a time: they wait more than they work. The others have all cores.
GROUPS = [[vllm, scripts, lint, canary], [ui], [release], [unit], [tsan], [fuzz], [e2e, browser, conformance, deploy]]
STAGES = [function for group in GROUPS for function in group]
STAGES_AT_ONCE = 2
FOLDER_OF = {"fuzz": "fuzz", "ui": "ui", "browser": "tests/browser", "e2e": "tests/e2e", "conformance": "tests/conformance", "deploy": "tests/deploy"}


def end_of_log(stage, lines_max=120):
    stage.log.flush()
    lines = stage.log_path.read_text(encoding="utf-8", errors="replace").splitlines()
    if len(lines) > lines_max:
        yield f"  … {len(lines) - lines_max} lines before, in {stage.log_path.relative_to(ROOT)}"
    for line in lines[-lines_max:]:
        yield "  | " + line[:400]


def unmatched(patterns, outcomes):
    """The patterns that no test's name holds. Of several only plain words are asked for: others are the runner's to read."""
    names = [outcome.name.casefold() for outcome in outcomes]
    if not names or len(patterns) < 2:
        return [] if names else patterns
    return [pattern for pattern in patterns
            if pattern.isidentifier() and not any(pattern.casefold() in name for name in names)]


def run_stage(function, patterns, skips, kept=None):
    name = function.__name__
    print(f"== {name}: {function.__doc__}\n", end="", flush=True)
    stage = Stage(name, patterns, kept)
    begun = time.monotonic()
    try:
        if name in FOLDER_OF and not (ROOT / FOLDER_OF[name]).is_dir():
            raise StageFailed(f"{FOLDER_OF[name]} is not there")
        function(stage)
        if not stage.outcomes and not patterns:
            raise StageFailed("it ran no test")
        if nowhere := unmatched(patterns, stage.outcomes):
            raise StageFailed(f"no test's name holds {', '.join(nowhere)}")
    except StageFailed as error:
        stage.count([Outcome(str(error), "failed")])
    counts = Counts.of(stage.outcomes, skips)
    said = [f"  skipped {outcome}" for outcome in counts.skips]
    if stage.as_before:
        said.append(f"  {stage.as_before} programs or files are as they were when they passed, and were not run again; './test --again' runs them")
    if counts.failed:
        said += [*end_of_log(stage), *(f"  FAILED {name}: {outcome}" for outcome in counts.failures)]
    stage.log.close()
    said.append(f"{name}: {counts} ({time.monotonic() - begun:.0f} s)\n")
    print("\n".join(said) + "\n", end="", flush=True)  # in one write: others may be speaking
    return counts


def chosen_of(words):
    """Stage → its patterns; none where a word names the whole stage."""
    chosen = {}
    for word in words:
        name, _, pattern = word.partition(":")
        chosen.setdefault(name, []).append(pattern)
    return {name: [] if "" in patterns else patterns for name, patterns in chosen.items()}


def main(words):
    if "--list" in words:
        for function in STAGES:
            print(f"{function.__name__:12} {function.__doc__}")
        return 0
    kept = Kept(lambda whole_tree: surroundings(ROOT, whole_tree), "--again" in words)
    chosen = chosen_of(word for word in words if word != "--again")
    known = {function.__name__ for function in STAGES}
    if unknown := set(chosen) - known:
        print(f"error: unknown stage {', '.join(sorted(unknown))}; there are {', '.join(f.__name__ for f in STAGES)}")
        return 2
    os.environ["FAELLED_BINARY"] = str(BUILD / "release" / "faelled")
    skips = reports.allowed_skips(ROOT / "tests" / "skips-allowed.txt")
    begun = time.monotonic()
    results = {}
    for group in GROUPS:
        functions = [function for function in group if not chosen or function.__name__ in chosen]
        with ThreadPoolExecutor(STAGES_AT_ONCE) as pool:
            counts = pool.map(lambda function: run_stage(function, chosen.get(function.__name__, []), skips, kept), functions)
            results |= zip((function.__name__ for function in functions), counts)
    total = Counts()
    print("\n== summary")
    for name, counts in results.items():
        print(f"{name:12} {counts}")
        total = total + counts
    print(f"took {(time.monotonic() - begun) / 60:.1f} min")
    if not total.passed and not total.failed:
        print("no test was run")
    print(total, flush=True)
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
