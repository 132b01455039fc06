"""The stages of ./test: which tests the words on its line choose, and what a stage does before it judges."""

import threading
from pathlib import Path

import pytest
import reports
import stages
from kept import Kept
from reports import Outcome


@pytest.fixture(autouse=True)
def out(tmp_path, monkeypatch):
    monkeypatch.setattr(stages, "OUT", tmp_path)
    return tmp_path


def play(monkeypatch, words, outcomes):
    """The status of ./test with these words, where each stage has these outcomes; and the patterns that each was given."""
    given = {}

    def named(name):
        def stage_function(stage):
            """a stage"""
            given[name] = stage.patterns
            stage.count([Outcome(outcome, "passed") for outcome in outcomes.get(name, [])])

        stage_function.__name__ = name
        return stage_function

    monkeypatch.setenv("FAELLED_BINARY", "")
    monkeypatch.setattr(stages, "GROUPS", [[named("scripts"), named("lint")]])
    monkeypatch.setattr(stages, "STAGES", [function for group in stages.GROUPS for function in group])
    return stages.main(words), given


def test_every_pattern_of_a_stage_counts(monkeypatch):
    status, given = play(monkeypatch, ["scripts:cut", "scripts:resume", "lint"], {"scripts": ["a::cut", "a::resume"], "lint": ["b"]})
    assert status == 0
    assert given == {"scripts": ["cut", "resume"], "lint": []}


def test_a_stage_named_whole_is_run_whole(monkeypatch):
    _, given = play(monkeypatch, ["scripts:cut", "scripts"], {"scripts": ["a::cut"]})
    assert given == {"scripts": []}


@pytest.mark.parametrize("words", [["scripts:cut", "lint:layerign"], ["scripts:cut", "scripts:resmue"]])
def test_a_misspelt_pattern_beside_a_good_one_is_a_failure(monkeypatch, capsys, words):
    status, _ = play(monkeypatch, words, {"scripts": ["a::cuts", "a::resume"]})
    assert status == 1
    assert f"no test's name holds {words[1].partition(':')[2]}" in capsys.readouterr().out


def test_an_unknown_stage_is_told(monkeypatch, capsys):
    status, given = play(monkeypatch, ["scirpts:cut"], {})
    assert status == 2 and not given
    assert "unknown stage scirpts" in capsys.readouterr().out


class Recorded(stages.Stage):
    """Runs nothing and keeps what it would have run."""

    def __init__(self, name, *patterns):
        super().__init__(name, patterns)
        self.commands = []

    def run(self, *command, **_):
        self.commands.append([str(word) for word in command])
        return 0

    def run_each(self, commands, *_, **__):
        return [self.run(*command) for command in commands]


def words_behind(commands, option):
    return [command[command.index(option) + 1] for command in commands if option in command]


@pytest.fixture
def empty_reports(monkeypatch):
    for kind in ("junit", "vitest"):
        monkeypatch.setattr(reports, kind, lambda *_: [Outcome("one", "passed")])
    for kind in ("junit_of_files", "playwright"):
        monkeypatch.setattr(reports, kind, lambda *_: {"one": [Outcome("one", "passed")]})


def test_each_runner_is_told_all_patterns(monkeypatch, empty_reports):
    for function, option, told in ((stages.lint, "-k", "a or b"), (stages.browser, "--grep", "a|b"), (stages.ui, "-t", "a|b")):
        stage = Recorded(function.__name__, "a", "b")
        function(stage)
        assert told in words_behind(stage.commands, option), function.__name__


def test_googletest_is_told_all_patterns(monkeypatch, empty_reports, tmp_path):
    (tmp_path / "build/asan").mkdir(parents=True)
    (tmp_path / "build/asan/base_test").touch()
    monkeypatch.setattr(stages, "BUILD", tmp_path / "build")
    monkeypatch.setattr(stages, "ninja_targets", lambda _: ["base_test"])
    stage = Recorded("unit", "a", "b")
    stages.unit(stage)
    assert "--gtest_filter=*a*:*b*" in stage.commands[-1]


def test_a_test_program_is_found_however_deep_and_one_that_is_nowhere_is_a_failure(monkeypatch, empty_reports, tmp_path):
    (tmp_path / "build/asan/apps/faelled").mkdir(parents=True)
    (tmp_path / "build/asan/apps/faelled/faelled_test").touch()
    monkeypatch.setattr(stages, "BUILD", tmp_path / "build")
    monkeypatch.setattr(stages, "ninja_targets", lambda _: ["faelled_test", "lost_test", "cmake_object_order_depends_target_lost_test"])
    stage = Recorded("unit")
    stages.unit(stage)
    assert any(command[0].endswith("apps/faelled/faelled_test") for command in stage.commands)
    assert [outcome.name for outcome in stage.outcomes if outcome.state == "failed"] == ["lost_test is nowhere in build/asan"]


def test_fuzz_targets_are_those_of_any_pattern(monkeypatch, tmp_path):
    folder = tmp_path / "build/asan/fuzz"
    folder.mkdir(parents=True)
    for name in ("json_fuzz", "sse_fuzz", "tls_fuzz"):
        (folder / name).touch()
    monkeypatch.setattr(stages, "BUILD", tmp_path / "build")
    stage = Recorded("fuzz", "json", "tls")
    stages.fuzz(stage)
    assert [outcome.name for outcome in stage.outcomes] == ["json_fuzz", "tls_fuzz"]


@pytest.mark.parametrize("function", [stages.browser, stages.e2e, stages.conformance, stages.deploy], ids=lambda f: f.__name__)
def test_what_drives_the_release_binary_builds_it_first(function, empty_reports):
    stage = Recorded(function.__name__)
    function(stage)
    runs = [number for number, command in enumerate(stage.commands) if "pytest" in command or "playwright" in command]
    builds = [number for number, command in enumerate(stage.commands) if "ninja" in command and command[-1] == "faelled"]
    assert runs and builds and builds[0] < runs[0]


def test_two_stages_do_not_build_at_once():
    together = threading.Barrier(2)
    met = []

    class Building(Recorded):
        def run(self, *command, **_):
            if "ninja" in command:
                try:
                    together.wait(0.3)
                    met.append(self.name)
                except threading.BrokenBarrierError:
                    pass
            return 0

    threads = [threading.Thread(target=stages.build, args=(Building(name), "release", "faelled")) for name in ("e2e", "browser")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not met


def test_the_commands_in_the_documents_name_stages_that_are_there():
    known = {function.__name__ for function in stages.STAGES}
    root = Path(stages.ROOT)
    for page in (*root.glob("*.md"), *root.glob("docs/**/*.md")):
        for line in page.read_text().split("`"):
            if line.startswith("./test "):
                named = {word.partition(":")[0] for word in line.split()[1:] if not word.startswith("-")}
                assert named - {"…"} <= known | {"STAGE"}, f"{page.name}: {line}"


def test_all_folders_with_threads_are_under_the_thread_sanitizer():
    root = Path(stages.ROOT) / "src"
    with_threads = {file.parent.relative_to(root).parts[0] for file in root.rglob("*.[ch]pp")
                    if "_test" not in file.name and "testing" not in file.name and "std::thread" in file.read_text()}
    assert with_threads and with_threads <= set(stages.THREADED), with_threads - set(stages.THREADED)


def test_where_there_is_no_room_for_vllm_its_tests_are_skipped_with_a_word(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(stages, "OUT", tmp_path)
    monkeypatch.setattr(stages.Stage, "run", lambda stage, *command, **options: 3)
    counts = stages.run_stage(stages.vllm, [], ["*needs_vllm*"])
    assert (counts.passed, counts.failed, counts.skipped) == (0, 0, 1)
    assert "skipped needs_vllm: its tests are skipped: it takes 6 GB" in capsys.readouterr().out


def test_what_failed_is_the_end_of_the_log():
    stage = stages.Stage("some")
    assert stage.run_each([["sh", "-c", "echo broken; exit 3"], ["echo", "fine"], ["sh", "-c", "exit 124"]], 60, 3) == [3, 0, 124]
    stage.log.close()
    said = stage.log_path.read_text()
    assert said.index("fine") < said.index("broken") < said.index("ended after 60 s")


def test_the_browsers_shards_count_a_test_of_both_once_and_as_failed_where_it_failed_in_one(monkeypatch):
    found = {"1-2": ["passed", "failed"], "2-2": ["failed", "passed"]}
    monkeypatch.setattr(stages, "CORES", 2)
    monkeypatch.setattr(reports, "playwright", lambda path: {
        "sign_in.spec.ts": [Outcome("in", found[path.stem][0]), Outcome("out", found[path.stem][1])],
        f"{path.stem}.spec.ts": [Outcome(path.stem, "passed")]})
    stage = Recorded("browser")
    stages.browser(stage)
    assert sorted((outcome.name, outcome.state) for outcome in stage.outcomes) == [
        ("1-2", "passed"), ("2-2", "passed"), ("in", "failed"), ("out", "failed")]
    assert [word for command in stage.commands for word in command if word.startswith("--shard")] == ["--shard=1/2", "--shard=2/2"]


def test_a_shard_that_ends_badly_without_a_failed_test_is_a_failure(monkeypatch):
    monkeypatch.setattr(reports, "playwright", lambda path: {path.stem: [Outcome(path.stem, "passed")]})

    class Ending(Recorded):
        def run_each(self, commands, *_, **__):
            return [int("--shard=2/2" in command) for command in commands]

    monkeypatch.setattr(stages, "CORES", 2)
    stage = Ending("browser")
    stages.browser(stage)
    assert [str(outcome) for outcome in stage.outcomes if outcome.state == "failed"] == ["playwright 2-2 ended with 1"]


@pytest.mark.parametrize("function", [stages.browser, stages.e2e, stages.conformance, stages.deploy], ids=lambda f: f.__name__)
def test_only_files_that_have_not_passed_yet_are_given_to_the_runner(monkeypatch, function):
    """A failed file alone is run again, and all where a source changes."""
    monkeypatch.setattr(stages, "BUILDING", threading.Lock())
    seen = ["now"]

    def run(broken=None):
        given = []

        class Running(Recorded):
            def run(self, *command, **_):
                given.extend(name for word in command if (name := Path(str(word)).name).endswith((".spec.ts", "_test.py")))
                return 0

        told = lambda *_: {name: [Outcome(name, "failed" if name == broken else "passed")] for name in given}  # noqa: E731
        monkeypatch.setattr(reports, "junit_of_files", told)
        monkeypatch.setattr(reports, "playwright", told)
        stage = Running(function.__name__)
        stage.kept = Kept(lambda whole_tree: seen[0] if whole_tree else None)
        function(stage)
        return set(given), {outcome.name for outcome in stage.outcomes}

    everything, counted = run()
    lots = {path.name for path in Path(stages.ROOT, "tests").rglob("*_test.py") if "FAELLED_SEED" in path.read_text()} & everything
    assert len(everything) > 1 and counted == everything
    assert run() == (lots, everything)
    seen[0] = "a source has changed"
    one = min(everything - lots)
    assert run(broken=one) == (everything, everything)
    assert run() == ({one} | lots, everything)


def test_the_longest_of_the_last_run_begins_first(monkeypatch, tmp_path, empty_reports):
    monkeypatch.setattr(stages, "BUILD", tmp_path)
    monkeypatch.setattr(stages, "ninja_targets", lambda _: ["base_test", "node_test", "http_test"])
    for test, seconds in (("base", "1.5"), ("node", "40"), ("http", "x")):
        (tmp_path / "asan").mkdir(exist_ok=True)
        (tmp_path / f"asan/{test}_test").touch()
        (tmp_path / "unit").mkdir(exist_ok=True)
        (tmp_path / f"unit/{test}_test.xml").write_text(f'<testsuites tests="1" time="{seconds}"/>')
    stage = Recorded("unit")
    stages.unit(stage)
    run = [Path(word).name for command in stage.commands for word in command if str(word).startswith(str(tmp_path / "asan"))]
    assert [name for name in run if name.endswith("_test")] == ["node_test", "base_test", "http_test"]
