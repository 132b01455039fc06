"""openai-python's own tests, from its source distribution: fetched once, pinned by hash, never committed."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import xml.etree.ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VERSION = "3.54.0"
ARCHIVE = f"openai-{VERSION}.tar.gz"
SHA256 = "2e393e63f8a38be6452806f9ef0b6534fecd6d41ab3b2165180dfce3599249cd"
FILES = ["tests/api_resources/test_models.py", "tests/api_resources/chat/test_completions.py",
         "tests/api_resources/test_completions.py", "tests/api_resources/test_embeddings.py"]
DESELECTED = Path(__file__).with_name("openai_python_deselected.txt")
RUN_S_MAX = 240


def cache():
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "faelled"


def fetched():
    archive = cache() / ARCHIVE
    subprocess.run([sys.executable, ROOT / "scripts/fetch.py", "pypi", "openai", ARCHIVE, archive, "--sha256", SHA256], check=True)
    return archive


def unpacked(folder, secret):
    """The suite in `folder`. One line of it is changed: its key has spaces, which keys of ours never have."""
    with tarfile.open(fetched()) as archive:
        members = [member for member in archive.getmembers() if "/tests/" in member.name or member.name.endswith("/pyproject.toml")]
        archive.extractall(folder, [member for member in members if member.isfile()])
    suite = Path(folder) / ARCHIVE.removesuffix(".tar.gz")
    conftest = suite / "tests/conftest.py"
    text = conftest.read_text()
    assert text.count('api_key = "My API Key"') == 1
    conftest.write_text(text.replace('api_key = "My API Key"', f'api_key = "{secret}"'))
    return suite


def names_of(suite):
    """Every test of the four files, as 'file::Class::test[…]'."""
    listed = pytest(suite, "--collect-only", "-q")
    names = [line for line in listed.stdout.splitlines() if "::" in line and line.startswith("tests/")]
    assert len(names) > 100, listed.stdout + listed.stderr
    return names


def pytest(suite, *words, base_url="http://127.0.0.1:9"):
    environment = {**os.environ, "TEST_API_BASE_URL": base_url, "NO_PROXY": "127.0.0.1"}
    command = [sys.executable, "-m", "pytest", "-o", "addopts=", "-p", "no:cacheprovider", *words, *FILES]
    return subprocess.run(command, cwd=suite, env=environment, capture_output=True, text=True, timeout=RUN_S_MAX)


def results(suite, base_url, left_out):
    """name → what went wrong ('' for nothing), of every test but those left out."""
    report = suite / "report.xml"
    done = pytest(suite, "-q", f"--junitxml={report}", *(f"--deselect={name}" for name in left_out), base_url=base_url)
    assert report.exists(), done.stdout + done.stderr
    found = {}
    for case in xml.etree.ElementTree.parse(report).getroot().iter("testcase"):
        path, _, class_name = case.get("classname").rpartition(".")
        name = f"{path.replace('.', '/')}.py::{class_name}::{case.get('name')}"
        wrong = next((case.find(kind) for kind in ("failure", "error", "skipped") if case.find(kind) is not None), None)
        found[name] = "" if wrong is None else (wrong.get("message") or wrong.text or "failed")
    return found


def deselected(file=DESELECTED):
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
