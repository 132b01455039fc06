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


@pytest.mark.parametrize("name, matters", [("TZ", True), ("ASAN_OPTIONS", True), ("LANG", True), ("OLDPWD", False), ("SSH_TTY", False)])
def test_what_the_environment_says_matters(tree, monkeypatch, name, matters):
    before = kept.surroundings(tree)
    monkeypatch.setenv(name, "otherwise")
    assert (kept.surroundings(tree) != before) == matters


def test_whether_a_file_is_a_program_matters(tree):
    before = kept.surroundings(tree)
    (tree / "tests/data.json").chmod(0o755)
    assert kept.surroundings(tree) != before


def test_outside_a_checkout_nothing_is_kept_nor_of_a_part(tmp_path, tree, monkeypatch):
    assert kept.surroundings(tmp_path) is None
    assert Kept.key(None, [], ["a"], {}) is None
    assert not Kept().holds(tmp_path / "mark", None)
    monkeypatch.setenv("GTEST_FILTER", "One.*")
    assert kept.surroundings(tree) is None


class Ran(stages.Stage):
    """Runs nothing: tells which programs it would have run, and that they ended so."""

    def __init__(self, keeps, patterns=(), status=0, meanwhile=lambda: None):
        super().__init__("unit", patterns, keeps)
        self.status, self.ran, self.meanwhile = status, [], meanwhile

    def run_each(self, commands, *_, **__):
        self.ran = [Path(command[0]).name for command in commands]
        for name in self.ran:
            (self.folder / f"{name}.xml").write_text("a report")
        self.meanwhile()
        return [self.status for _ in self.ran]


@pytest.fixture
def play(tmp_path, monkeypatch):
    """Plays a stage of the programs one and two; which of them ran, and what was counted."""
    monkeypatch.setattr(stages, "OUT", tmp_path / "out")
    for name in ("one", "two"):
        (tmp_path / name).write_text(name)

    def played(seen="as before", again=False, patterns=(), status=0, state="passed", then=None, **environment):
        now = [seen]
        stage = Ran(Kept(lambda: now[0], again), patterns, status, lambda: now.__setitem__(0, then or seen))
        programs = {name: stages.Program([tmp_path / name], [tmp_path / name], stage.folder / f"{name}.passed", stage.folder / f"{name}.xml")
                    for name in ("one", "two")}
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


def test_what_changed_while_it_ran_is_not_kept(play):
    assert play(then="changed meanwhile") == ["one", "two"]
    assert play() == ["one", "two"]


def test_it_is_run_again_where_its_report_is_gone(play, tmp_path):
    play()
    (tmp_path / "out/unit/two.xml").unlink()
    assert play() == ["two"]


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
