"""The stages of ./test: which tests the words on its line choose, and what a stage does before it judges."""

import threading
from pathlib import Path

import pytest
import reports
import stages
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
        for command in commands:
            yield self.run(*command)


def words_behind(commands, option):
    return [command[command.index(option) + 1] for command in commands if option in command]


@pytest.fixture
def empty_reports(monkeypatch):
    for kind in ("junit", "vitest", "playwright"):
        monkeypatch.setattr(reports, kind, lambda *_: [Outcome("one", "passed")])


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
