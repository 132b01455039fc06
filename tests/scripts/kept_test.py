"""What passed is kept while nothing changes that its program could see, and no longer."""

import subprocess

import kept
import pytest
import stages
from kept import Kept
from reports import Outcome


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "tree"
    for name in ("src/a.cpp", "src/a.hpp", "ui/page.ts", "docs/fields.md", "tests/data.json"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("as it was")
    (root / ".gitignore").write_text("build/")
    subprocess.run(["git", "init", "-q", root], check=True)
    return root


@pytest.mark.parametrize("name, matters", [("src/a.cpp", False), ("src/a.hpp", False), ("ui/page.ts", False), ("build/x", False),
                                           ("docs/fields.md", True), ("tests/data.json", True), ("tests/new.json", True)])
def test_files_that_a_program_may_read_matter(tree, name, matters):
    before = kept.surroundings(tree)
    path = tree / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("otherwise")
    assert (kept.surroundings(tree) != before) == matters


@pytest.mark.parametrize("name", ["src/a.cpp", "ui/page.ts", "docs/fields.md"])
def test_tests_that_are_not_compiled_may_read_sources_too(tree, name):
    before = kept.surroundings(tree, whole_tree=True)
    (tree / name).write_text("otherwise")
    assert kept.surroundings(tree, whole_tree=True) != before


def test_the_engine_that_is_given_matters(tree, monkeypatch, tmp_path):
    before = kept.surroundings(tree)
    monkeypatch.setenv("FAELLED_LLAMA_SERVER", str(tmp_path / "one"))
    (tmp_path / "one").write_text("an engine")
    given = kept.surroundings(tree)
    (tmp_path / "one").write_text("another engine")
    assert len({before, given, kept.surroundings(tree)}) == 3


@pytest.mark.parametrize("name, matters", [("TZ", True), ("ASAN_OPTIONS", True), ("GTEST_FILTER", True), ("PYTEST_ADDOPTS", True),
                                           ("XDG_CACHE_HOME", True), ("OLDPWD", False), ("SSH_TTY", False)])
def test_what_the_environment_says_matters(tree, monkeypatch, name, matters):
    before = kept.surroundings(tree)
    monkeypatch.setenv(name, "otherwise")
    assert (kept.surroundings(tree) != before) == matters


def test_whether_a_file_is_a_program_matters(tree):
    before = kept.surroundings(tree)
    (tree / "tests/data.json").chmod(0o755)
    assert kept.surroundings(tree) != before


def test_outside_a_checkout_nothing_is_kept(tmp_path):
    assert kept.surroundings(tmp_path) is None
    assert Kept.key(None, [], ["a"], {}) is None
    assert Kept().passed(tmp_path / "mark", None) == []


def test_what_is_installed_in_the_cache_matters_to_tests_that_may_start_it(tree, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    before = kept.surroundings(tree, whole_tree=True), kept.surroundings(tree)
    packages = tmp_path / "cache/faelled/vllm-0123/lib/python3.11/site-packages/vllm-1.dist-info"
    packages.mkdir(parents=True)
    (packages / "METADATA").write_text("Name: vllm")
    now = kept.surroundings(tree, whole_tree=True), kept.surroundings(tree)
    assert now[0] != before[0] and now[1] == before[1]


@pytest.mark.parametrize("mark", ["", "a hash", "[]", "{}", '{"key": "k"}', '{"key": "other", "tests": ["t"]}'])
def test_a_mark_that_is_not_ours_counts_as_none(tmp_path, mark):
    (tmp_path / "mark").write_text(mark)
    assert Kept().passed(tmp_path / "mark", "k") == []


@pytest.fixture
def play(tmp_path, monkeypatch):
    """Plays a stage of the programs one and two, of two tests each; which of them ran, and how it counted."""
    monkeypatch.setattr(stages, "OUT", tmp_path / "out")
    for name in ("one", "two"):
        (tmp_path / name).write_text(name)

    def played(seen="as before", again=False, patterns=(), state="passed", then=None, besides=None, keeps=True, **environment):
        now, ran = [seen], []

        def run(changed):
            now[0] = then or seen
            ran.extend(changed)
            return {name: [Outcome(f"{name}::a", "passed"), Outcome(f"{name}::b", state)] for name in changed} | (besides or {})

        stage = stages.Stage("unit", patterns, Kept(lambda whole_tree: now[0], again))
        programs = {name: stages.Program([name], [tmp_path / name], keeps) for name in ("one", "two")}
        stages.run_changed(stage, programs, run, **environment)
        told = [outcome.name for outcome in stage.outcomes]
        assert len(told) == len(set(told)), "each counts once"
        assert besides or set(told) == {"one::a", "one::b", "two::a", "two::b"}
        assert stage.as_before <= 2 - len(ran)
        return ran

    return played


def test_what_passed_is_not_run_again_and_still_counts(play):
    assert play() == ["one", "two"]
    assert play() == []


@pytest.mark.parametrize("otherwise", [{"seen": "another tree"}, {"again": True}, {"patterns": ["x"]}, {"ASAN_OPTIONS": "another"}, {"seen": None}],
                         ids=str)
def test_it_is_run_again_where_something_changed_or_somebody_wants_it(play, otherwise):
    play()
    assert play(**otherwise) == ["one", "two"]


def test_what_changed_while_it_ran_is_not_kept(play):
    assert play(then="changed meanwhile") == ["one", "two"]
    assert play() == ["one", "two"]


def test_it_is_run_again_where_its_mark_is_gone(play, tmp_path):
    play()
    (tmp_path / "out/unit/two.passed").unlink()
    assert play() == ["two"]


def test_only_the_program_that_changed_is_run_again(play, tmp_path):
    play()
    (tmp_path / "two").write_text("built anew")
    assert play() == ["two"]
    assert play() == []


@pytest.mark.parametrize("bad", [{"state": "failed"}, {"state": "skipped"}, {"keeps": False},
                                 {"besides": {"": [Outcome("the runner died", "failed")]}}], ids=str)
def test_what_did_not_pass_whole_is_not_kept(play, bad):
    play()
    play(again=True, **bad)
    assert play() == ["one", "two"]


def test_what_others_need_is_run_with_them_and_runs_again_where_it_fails(play, tmp_path):
    """As those who sign in before a page is looked at."""
    play()
    (tmp_path / "two").write_text("built anew")
    assert play(besides={"one": [Outcome("one::a", "passed")]}) == ["two"]
    (tmp_path / "two").write_text("and anew")
    assert play(besides={"one": [Outcome("one::a", "failed")]}) == ["two"]
    assert play() == ["one"]


def test_a_part_that_passes_leaves_the_rest_kept_and_one_that_fails_does_not(play):
    play()
    play(patterns=["x"])
    assert play() == []
    play(patterns=["x"], state="failed")
    assert play() == ["one", "two"]
