"""The counting of ./test: what crashed or was skipped is never a pass."""

import json
import subprocess
import sys

import reports
from reports import Counts, Outcome


def states(outcomes):
    return [outcome.state for outcome in outcomes]


def test_counts_a_gtest_report(tmp_path):
    report = tmp_path / "r.xml"
    report.write_text("""<testsuites><testsuite name="A">
      <testcase name="passes" status="run" result="completed" classname="A"/>
      <testcase name="fails" status="run" result="completed" classname="A"><failure message="x"/></testcase>
      <testcase name="skips" status="run" result="skipped" classname="A"><skipped message="x"/></testcase>
      <testcase name="DISABLED_one" status="notrun" result="suppressed" classname="A"/>
      <testcase name="filtered" status="notrun" result="suppressed" classname="A"/>
      </testsuite></testsuites>""")
    outcomes = reports.junit(report, "a_test")
    assert states(outcomes) == ["passed", "failed", "skipped", "skipped"]
    assert outcomes[2].why == "x", "whoever reads the summary is told why"
    assert outcomes[0].name == "a_test::A::passes"


def test_a_report_that_is_missing_or_cut_off_is_a_failure(tmp_path):
    assert states(reports.junit(tmp_path / "absent.xml", "a_test")) == ["failed"]
    (tmp_path / "half.xml").write_text("<testsuites><testsuite>")
    assert states(reports.junit(tmp_path / "half.xml")) == ["failed"]
    assert states(reports.vitest(tmp_path / "absent.json")) == ["failed"]
    assert states(reports.playwright(tmp_path / "absent.json")[""]) == ["failed"]
    assert states(reports.junit_of_files(tmp_path / "absent.xml")[""]) == ["failed"]


def test_a_skipped_test_fails_unless_it_is_allowed(tmp_path):
    (tmp_path / "allowed.txt").write_text("# why\n*needs_gpu*  # none here\n\n")
    allowed = reports.allowed_skips(tmp_path / "allowed.txt")
    counts = Counts.of([Outcome("a::needs_gpu_x", "skipped"), Outcome("b", "skipped"), Outcome("c", "passed")], allowed)
    assert str(counts) == "1 passed, 1 failed, 1 skipped"
    assert "skips-allowed" in counts.failures[0].why
    assert [outcome.name for outcome in (counts + counts).skips] == ["a::needs_gpu_x"] * 2


def test_counts_what_the_web_runners_report(tmp_path):
    report = tmp_path / "v.json"
    report.write_text(json.dumps({"testResults": [
        {"name": "/x/a.test.ts", "status": "failed", "assertionResults": []},
        {"name": "/x/b.test.ts", "status": "passed", "assertionResults": [
            {"fullName": "b works", "status": "passed"}, {"fullName": "b later", "status": "todo"}]}]}))
    assert states(reports.vitest(report)) == ["failed", "passed", "skipped"]
    report.write_text(json.dumps({"errors": [], "suites": [{"title": "page.spec.ts", "specs": [
        {"title": "opens", "file": "page.spec.ts", "tests": [{"projectName": "wide", "status": "expected"}]},
        {"title": "flickers", "file": "page.spec.ts", "tests": [{"status": "flaky"}]}], "suites": [{"title": "inner", "specs": [
            {"title": "later", "file": "page.spec.ts", "tests": [{"status": "skipped"}]}]}]},
        {"title": "other.spec.ts", "specs": [{"title": "opens", "file": "deep/other.spec.ts", "tests": [{"status": "expected"}]}]}]}))
    found = reports.playwright(report)
    assert {name: states(outcomes) for name, outcomes in found.items()} == {"page.spec.ts": ["passed", "failed", "skipped"],
                                                                           "other.spec.ts": ["passed"]}
    assert found["page.spec.ts"][0].name == "browser::page.spec.ts › opens [wide]"
    report.write_text(json.dumps({"errors": [{"message": "no server"}], "suites": []}))
    assert [str(outcome) for outcome in reports.playwright(report)[""]] == ["browser: no server"]


def test_pytests_report_is_read_by_file(tmp_path):
    """Its own words, of a file that passes, one that skips and one that cannot be read."""
    for name, text in (("a", "def test_it(): pass"), ("b", "import pytest\n@pytest.mark.skip('later')\ndef test_it(): pass"), ("c", "import nothing_such")):
        (tmp_path / f"{name}_test.py").write_text(text)
    report = tmp_path / "r.xml"
    subprocess.run([sys.executable, "-m", "pytest", "-q", "--continue-on-collection-errors", "-o", "junit_family=xunit1", "-o", "python_files=*_test.py",
                    f"--junitxml={report}", tmp_path], cwd=tmp_path, capture_output=True)
    found = {name: states(outcomes) for name, outcomes in reports.junit_of_files(report).items()}
    assert found == {"a_test.py": ["passed"], "b_test.py": ["skipped"], "c_test.py": ["failed"]}
