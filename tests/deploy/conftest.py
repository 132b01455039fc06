import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))

from fake_engine import FakeEngine  # noqa: E402
from server import Server  # noqa: E402


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="module")
def metrics(tmp_path_factory):
    """What a running server shows, after one request of each kind."""
    engine = FakeEngine()
    server = Server(tmp_path_factory.mktemp("server"), [engine.model()])
    try:
        server.start()
        server.chat("fake")
        server.get("/v1/models", "sk-wrong0000000000000000000")
        yield server.metrics()
    finally:
        server.end()
        engine.close()
