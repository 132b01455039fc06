"""The SDKs of npm in scripts (tests/sdk): `openai`, `@anthropic-ai/sdk`, and `ai` with `@ai-sdk/openai-compatible`, against
a real engine and one that fails on demand: whole, streamed, tools, errors, and leaving frees the engine."""

import os
import re
import subprocess
import xml.etree.ElementTree
from pathlib import Path

import pytest

import tiny_models
from fake_engine import FakeEngine
from server import SECRET, Server
from waiting import until

FOLDER = Path(__file__).resolve().parents[1] / "sdk"
RUN_S_MAX = 100
NAMES = {script.name.removesuffix(".test.mjs"): re.findall(r'^test\("([^"]+)"', script.read_text(), re.MULTILINE)
         for script in sorted(FOLDER.glob("*.test.mjs"))}


@pytest.fixture(scope="module")
def engine():
    engine = FakeEngine()
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def server(engine, tmp_path_factory):
    place = tmp_path_factory.mktemp("sdk")
    chat = {"id": "chat", "engine": "llama", "file": str(tiny_models.make(place / "chat.gguf")), "concurrency": 2,
            "context_tokens": 512, "threads": 1}
    server = Server(place, [chat, engine.model()])
    try:
        yield server.start()
    finally:
        server.end()


@pytest.fixture(scope="module")
def outcome(server, tmp_path_factory):
    """outcome(sdk): test → what went wrong ('' for nothing). Each script runs once."""
    done = {}

    def run(sdk):
        if sdk not in done:
            report = tmp_path_factory.mktemp(sdk) / "report.xml"
            said = subprocess.run(["node", "--test", "--test-reporter=junit", f"--test-reporter-destination={report}",
                                   f"{sdk}.test.mjs"], cwd=FOLDER, capture_output=True, text=True, timeout=RUN_S_MAX,
                                  env={**os.environ, "FAELLED_URL": server.url, "FAELLED_KEY": SECRET, "NO_PROXY": "127.0.0.1"})
            assert report.exists(), said.stdout + said.stderr
            cases = xml.etree.ElementTree.parse(report).getroot().iter("testcase")
            done[sdk] = {case.get("name"): "" if case.find("failure") is None else case.find("failure").text for case in cases}
        return done[sdk]

    return run


@pytest.mark.parametrize("sdk,name", [(sdk, name) for sdk, names in NAMES.items() for name in names])
def test_sdk(outcome, sdk, name):
    assert name in outcome(sdk), outcome(sdk)
    assert not outcome(sdk)[name], outcome(sdk)[name]


@pytest.mark.parametrize("sdk", NAMES)
def test_leaving_frees_the_engine_and_leaves_a_row(outcome, server, engine, sdk):
    outcome(sdk)
    (call,) = until("the engine was asked", lambda: engine.calls_about(f"leaves-{sdk}"))
    until("the engine is free", lambda: call.hung_up)
    assert not call.ended
    assert server.row_of(call.headers["x-request-id"])["outcome"] == "cancelled"
