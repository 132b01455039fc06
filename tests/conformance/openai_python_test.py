"""openai-python's own tests for models, chat, completions, embeddings and responses, against the gateway with real
engines. Each of its tests is one here; those left out stand in openai_python_deselected.txt by name, with the reason."""

import tempfile

import pytest

import sdk_suite
import tiny_models
from sdk_suite import OPENAI
from server import SECRET, Server

folder = tempfile.mkdtemp(prefix="faelled-openai-python-")
suite = OPENAI.unpacked(folder, SECRET)
all_names = OPENAI.names_of(suite)
left_out = OPENAI.deselected()
chosen = [name for name in all_names if not sdk_suite.is_left_out(name, left_out)]


@pytest.fixture(scope="session", autouse=True)
def clean_up():
    yield
    sdk_suite.removed(folder)


@pytest.fixture(scope="session")
def outcome(tmp_path_factory):
    """What became of each test; the suite runs once."""
    place = tmp_path_factory.mktemp("conformance")

    def model(name, **more):
        file = tiny_models.make(place / f"{name}.gguf", pooling=tiny_models.gguf.PoolingType.MEAN if "embeddings" in more else None)
        return {"id": name, "engine": "llama", "file": str(file), "concurrency": 2, "context_tokens": 256, "threads": 1, **more}

    server = Server(place, [model("gpt-6-astra"), model("gpt-3.5-turbo-instruct"), model("text-embedding-3-small", embeddings=True, shorter_vectors=True)])
    try:
        server.start()
        yield OPENAI.results(suite, server.url + "/v1", [name for name in all_names if sdk_suite.is_left_out(name, left_out)])
    finally:
        server.end()


@pytest.mark.parametrize("name", chosen, ids=[name.removeprefix("tests/api_resources/") for name in chosen])
def test_openai_python(outcome, name):
    assert name in outcome, "it was not run"
    assert not outcome[name], outcome[name]


def test_the_list_of_those_left_out_names_tests_that_exist():
    known = {sdk_suite.plain(name) for name in all_names} | set(all_names)
    assert not set(left_out) - known
    assert len(chosen) > 120
