"""An SDK's own tests, from its source distribution: fetched once, pinned by hash, never committed."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import xml.etree.ElementTree
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RUN_S_MAX = 240


def cache():
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "faelled"


@dataclass
class SdkSuite:
    package: str
    version: str
    sha256: str
    files: list  # that are run
    edits: dict = field(default_factory=dict)  # file → [(pattern, replacement, how often it must fit)]

    @property
    def archive(self):
        return f"{self.package}-{self.version}.tar.gz"

    @property
    def deselected_file(self):
        return Path(__file__).with_name(f"{self.package}_python_deselected.txt")

    def fetched(self):
        archive = cache() / self.archive
        subprocess.run([sys.executable, ROOT / "scripts/fetch.py", "pypi", self.package, self.archive, archive, "--sha256",
                        self.sha256], check=True)
        return archive

    def unpacked(self, folder, secret):
        """The suite in `folder`, with its few edits."""
        with tarfile.open(self.fetched()) as archive:
            members = [member for member in archive.getmembers() if "/tests/" in member.name or member.name.endswith("/pyproject.toml")]
            archive.extractall(folder, [member for member in members if member.isfile()])
        suite = Path(folder) / self.archive.removesuffix(".tar.gz")
        for name, edits in self.edits.items():
            file = suite / name
            text = file.read_text()
            for pattern, replacement, times in edits:
                text, fitted = re.subn(pattern, replacement.replace("SECRET", secret), text)
                assert fitted == times, f"{name}: {pattern} fits {fitted} times, not {times}"
            file.write_text(text)
        return suite

    def pytest(self, suite, *words, base_url="http://127.0.0.1:9"):
        environment = {**os.environ, "TEST_API_BASE_URL": base_url, "NO_PROXY": "127.0.0.1"}
        command = [sys.executable, "-m", "pytest", "-o", "addopts=", "-p", "no:cacheprovider", *words, *self.files]
        return subprocess.run(command, cwd=suite, env=environment, capture_output=True, text=True, timeout=RUN_S_MAX)

    def names_of(self, suite):
        """Every test of the files, as 'file::Class::test[…]'."""
        listed = self.pytest(suite, "--collect-only", "-q")
        names = [line for line in listed.stdout.splitlines() if "::" in line and line.startswith("tests/")]
        assert len(names) > 50, listed.stdout + listed.stderr
        return names

    def results(self, suite, base_url, left_out):
        """name → what went wrong ('' for nothing), of every test but those left out."""
        report = suite / "report.xml"
        done = self.pytest(suite, "-q", f"--junitxml={report}", *(f"--deselect={name}" for name in left_out), base_url=base_url)
        assert report.exists(), done.stdout + done.stderr
        found = {}
        for case in xml.etree.ElementTree.parse(report).getroot().iter("testcase"):
            path, _, class_name = case.get("classname").rpartition(".")
            name = f"{path.replace('.', '/')}.py::{class_name}::{case.get('name')}"
            wrong = next((case.find(kind) for kind in ("failure", "error", "skipped") if case.find(kind) is not None), None)
            found[name] = "" if wrong is None else (wrong.get("message") or wrong.text or "failed")
        return found

    def deselected(self):
        return deselected(self.deselected_file)


# Its key has spaces, which keys of ours never have. Its responses are asked for without model and input, which a mock
# server answers; here they are named.
OPENAI = SdkSuite(
    "openai", "3.54.0", "2e393e63f8a38be6452806f9ef0b6534fecd6d41ab3b2165180dfce3599249cd",
    ["tests/api_resources/test_models.py", "tests/api_resources/chat/test_completions.py",
     "tests/api_resources/test_completions.py", "tests/api_resources/test_embeddings.py",
     "tests/api_resources/test_responses.py", "tests/api_resources/responses"],
    {"tests/conftest.py": [(r'api_key = "My API Key"', 'api_key = "SECRET"', 1)],
     "tests/api_resources/test_responses.py": [
         (r"\.create\(\)", '.create(model="gpt-6-astra", input="string")', 6),
         (r"\.create\(\s+stream=True,\s+\)", '.create(model="gpt-6-astra", input="string", stream=True)', 6)],
     "tests/api_resources/responses/test_input_tokens.py": [(r"\.count\(\)", '.count(model="gpt-6-astra", input="string")', 6)]})

ANTHROPIC = SdkSuite(
    "anthropic", "2.12.0", "571e6d250bcd6bbaf5fd5f3c764b8e11af9901ad2e44b025f8e773c6cc7a7173",
    ["tests/api_resources/test_messages.py", "tests/api_resources/test_models.py"],
    {"tests/conftest.py": [(r'api_key = "my-anthropic-api-key"', 'api_key = "SECRET"', 1)]})


def deselected(file):
    """name → reason, from a list beside this file."""
    reasons = {}
    for line in file.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            name, _, reason = line.partition("  # ")
            assert reason.strip(), f"no reason is given for {name}"
            reasons[name.strip()] = reason.strip()
    return reasons


def is_left_out(name, reasons):
    return name in reasons or plain(name) in reasons


def plain(name):
    return re.sub(r"\[.*\]$", "", name)


def removed(folder):
    shutil.rmtree(folder, ignore_errors=True)
