"""Reads the test runners' reports into outcomes, and counts them. A skip that is not allowed is a failure."""

import fnmatch
import json
import xml.etree.ElementTree
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Outcome:
    name: str
    state: str  # passed, failed or skipped
    why: str = ""

    def __str__(self):
        return f"{self.name}{': ' + self.why if self.why else ''}"


@dataclass
class Counts:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    failures: list = field(default_factory=list)
    skips: list = field(default_factory=list)

    @classmethod
    def of(cls, outcomes, allowed):
        counts = cls()
        for outcome in outcomes:
            state = outcome.state
            if state == "skipped" and not any(fnmatch.fnmatchcase(outcome.name, pattern) for pattern in allowed):
                state = "failed"
                outcome = Outcome(outcome.name, "failed", "was skipped, and tests/skips-allowed.txt does not name it")
            setattr(counts, state, getattr(counts, state) + 1)
            if state == "failed":
                counts.failures.append(outcome)
            elif state == "skipped":
                counts.skips.append(outcome)
        return counts

    def __add__(self, other):
        return Counts(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped,
                      self.failures + other.failures, self.skips + other.skips)

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def allowed_skips(path):
    """One pattern a line; what follows a '#' says why."""
    lines = (line.partition("#")[0].strip() for line in path.read_text().splitlines()) if path.exists() else ()
    return [line for line in lines if line]


def junit(path, prefix=""):
    """GoogleTest's XML. A missing or cut-off report is one failure: the runner died."""
    return [outcome for outcomes in junit_of_files(path, prefix).values() for outcome in outcomes]


def junit_of_files(path, prefix=""):
    """The same of pytest, by the name of each test's file; under "" what tells none."""
    try:
        root = xml.etree.ElementTree.parse(path).getroot()
    except (OSError, xml.etree.ElementTree.ParseError):
        return {"": [Outcome(f"{prefix or path.stem} left no report", "failed", "it crashed or was ended")]}
    of = {}
    for case in root.iter("testcase"):
        name = "::".join(part for part in (prefix, case.get("classname"), case.get("name")) if part)
        why = ""
        if case.get("status") == "notrun":
            if case.get("result") == "suppressed" and not case.get("name", "").startswith("DISABLED_"):
                continue  # left out by a filter
            state = "skipped"
        elif case.find("failure") is not None or case.find("error") is not None:
            state = "failed"
        elif case.find("skipped") is not None or case.get("result") == "skipped":
            state = "skipped"
            why = case.find("skipped").get("message", "") if case.find("skipped") is not None else ""
        else:
            state = "passed"
        of.setdefault(case.get("file", "").rpartition("/")[2], []).append(Outcome(name, state, why))
    return of


def took_s(path):
    """The seconds that a GoogleTest report tells; 0 where there is none."""
    try:
        return float(xml.etree.ElementTree.parse(path).getroot().get("time", 0))
    except (OSError, ValueError, xml.etree.ElementTree.ParseError):
        return 0.0


def vitest(path):
    try:
        report = json.loads(path.read_text())
    except (OSError, ValueError):
        return [Outcome("vitest left no report", "failed")]
    outcomes = []
    states = {"passed": "passed", "failed": "failed"}
    for file in report["testResults"]:
        if file["status"] == "failed" and not file["assertionResults"]:
            outcomes.append(Outcome(file["name"].rpartition("/")[2], "failed", "the file could not be run"))
        for test in file["assertionResults"]:
            outcomes.append(Outcome(f"ui::{test['fullName']}", states.get(test["status"], "skipped")))
    return outcomes


def playwright(path):
    """By the name of each test's file; under "" what tells none."""
    try:
        report = json.loads(path.read_text())
    except (OSError, ValueError):
        return {"": [Outcome("playwright left no report", "failed")]}
    of = {}
    if errors := report.get("errors", []):
        of[""] = [Outcome("browser", "failed", error.get("message", "")[:300]) for error in errors]

    def walk(suite, above):
        name = above + [suite["title"]] if suite.get("title") else above
        for spec in suite.get("specs", []):
            for test in spec["tests"]:
                state = {"expected": "passed", "skipped": "skipped"}.get(test["status"], "failed")
                title = " › ".join(name + [spec["title"]])
                project = f" [{test['projectName']}]" if test.get("projectName") else ""
                of.setdefault(spec["file"].rpartition("/")[2], []).append(Outcome(f"browser::{title}{project}", state))
        for child in suite.get("suites", []):
            walk(child, name)

    for suite in report.get("suites", []):
        walk(suite, [])
    return of
