"""What passed is kept while nothing changes that its program could see, and no longer."""

import subprocess
from pathlib import Path

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


def test_the_engine_that_is_given_matters(tree, monkeypatch, tmp_path):
    before = kept.surroundings(tree)
    monkeypatch.setenv("FAELLED_LLAMA_SERVER", str(tmp_path / "one"))
    (tmp_path / "one").write_text("an engine")
    given = kept.surroundings(tree)
    (tmp_path / "one").write_text("another engine")
    assert len({before, given, kept.surroundings(tree)}) == 3


def test_outside_a_checkout_nothing_is_kept(tmp_path):
    assert kept.surroundings(tmp_path) is None
    assert Kept(None).key([], ["a"], {}) is None
    assert not Kept(None).holds(tmp_path / "mark", None)


class Ran(stages.Stage):
    """Runs nothing: tells which programs it would have run, and that they ended so."""

    def __init__(self, keeps, patterns=(), status=0):
        super().__init__("unit", patterns, keeps)
        self.status, self.ran = status, []

    def run_each(self, commands, *_, **__):
        self.ran = [Path(command[0]).name for command in commands]
        return [self.status for _ in self.ran]


@pytest.fixture
def play(tmp_path, monkeypatch):
    """Plays a stage of the programs one and two; which of them ran, and what was counted."""
    monkeypatch.setattr(stages, "OUT", tmp_path / "out")
    for name in ("one", "two"):
        (tmp_path / name).write_text(name)

    def played(seen="as before", again=False, patterns=(), status=0, state="passed", **environment):
        stage = Ran(Kept(seen, again), patterns, status)
        programs = {name: stages.Program([tmp_path / name], [tmp_path / name], stage.folder / f"{name}.xml") for name in ("one", "two")}
        stages.run_changed(stage, programs, lambda name, _: [Outcome(name, state)], 1, 1, **environment)
        assert len(stage.outcomes) == 2 + (status != 0 and state != "failed") * len(stage.ran)
        assert stage.as_before == 2 - len(stage.ran)
        return stage.ran

    return played


def test_what_passed_is_not_run_again_and_still_counts(play):
    assert play() == ["one", "two"]
    assert play() == []


@pytest.mark.parametrize("otherwise", [{"seen": "another tree"}, {"again": True}, {"patterns": ["x"]}, {"ASAN_OPTIONS": "another"}, {"seen": None}],
                         ids=str)
def test_it_is_run_again_where_something_changed_or_somebody_wants_it(play, otherwise):
    play()
    assert play(**otherwise) == ["one", "two"]


def test_only_the_program_that_changed_is_run_again(play, tmp_path):
    play()
    (tmp_path / "two").write_text("built anew")
    assert play() == ["two"]
    assert play() == []


@pytest.mark.parametrize("bad", [{"status": 1}, {"state": "failed", "status": 1}, {"state": "failed"}, {"state": "skipped"}, {"patterns": ["x"]}], ids=str)
def test_what_did_not_pass_whole_is_not_kept(play, bad):
    play()
    play(again=True, **bad)
    assert play() == ["one", "two"]
