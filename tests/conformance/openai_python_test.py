"""openai-python's own tests for models, chat, completions and embeddings, against the gateway with real engines. Each of
its tests is one here; those left out stand in openai_python_deselected.txt by name, with the reason."""

import tempfile

import pytest

import openai_python
import tiny_models
from server import SECRET, Server

folder = tempfile.mkdtemp(prefix="faelled-openai-python-")
suite = openai_python.unpacked(folder, SECRET)
all_names = openai_python.names_of(suite)
left_out = openai_python.deselected()
chosen = [name for name in all_names if not openai_python.is_left_out(name, left_out)]


@pytest.fixture(scope="session", autouse=True)
def clean_up():
    yield
    openai_python.removed(folder)


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
        yield openai_python.results(suite, server.url + "/v1", [name for name in all_names if openai_python.is_left_out(name, left_out)])
    finally:
        server.end()


@pytest.mark.parametrize("name", chosen, ids=[name.removeprefix("tests/api_resources/") for name in chosen])
def test_openai_python(outcome, name):
    assert name in outcome, "it was not run"
    assert not outcome[name], outcome[name]


def test_the_list_of_those_left_out_names_tests_that_exist():
    known = {openai_python.plain(name) for name in all_names} | set(all_names)
    assert not set(left_out) - known
    assert len(chosen) > 80
