"""anthropic-python's own tests for messages and models, against the gateway with real engines. Each of its tests is one
here; those left out stand in anthropic_python_deselected.txt by name, with the reason."""

import tempfile

import pytest

import sdk_suite
import tiny_models
from sdk_suite import ANTHROPIC
from server import SECRET, Server

folder = tempfile.mkdtemp(prefix="faelled-anthropic-python-")
suite = ANTHROPIC.unpacked(folder, SECRET)
all_names = ANTHROPIC.names_of(suite)
left_out = ANTHROPIC.deselected()
chosen = [name for name in all_names if not sdk_suite.is_left_out(name, left_out)]


@pytest.fixture(scope="session", autouse=True)
def clean_up():
    yield
    sdk_suite.removed(folder)


@pytest.fixture(scope="session")
def outcome(tmp_path_factory):
    """What became of each test; the suite runs once."""
    place = tmp_path_factory.mktemp("conformance")
    file = tiny_models.make(place / "tiny.gguf")
    models = [{"id": name, "engine": "llama", "file": str(file), "concurrency": 2, "context_tokens": 256, "threads": 1}
              for name in ("claude-opus-5-5", "model_id")]
    server = Server(place, models)
    try:
        server.start()
        yield ANTHROPIC.results(suite, server.url, [name for name in all_names if sdk_suite.is_left_out(name, left_out)])
    finally:
        server.end()


@pytest.mark.parametrize("name", chosen, ids=[name.removeprefix("tests/api_resources/") for name in chosen])
def test_anthropic_python(outcome, name):
    assert name in outcome, "it was not run"
    assert not outcome[name], outcome[name]


def test_the_list_of_those_left_out_names_tests_that_exist():
    known = {sdk_suite.plain(name) for name in all_names} | set(all_names)
    assert not set(left_out) - known
    assert len(chosen) > 60
