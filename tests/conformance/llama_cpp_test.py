"""llama.cpp's own server tests against the gateway with real engines and models of random weights. Each of its tests is
one here; those left out stand in llama_cpp_deselected.txt by name, with the reason."""

import tempfile
from urllib.parse import urlsplit

import pytest

import llama_cpp
import sdk_suite
import tiny_models
from server import SECRET, Server

folder = tempfile.mkdtemp(prefix="faelled-llama-cpp-")
suite = llama_cpp.unpacked(folder, SECRET)
all_names = llama_cpp.names_of(suite)
left_out = sdk_suite.deselected(llama_cpp.DESELECTED)
chosen = [name for name in all_names if not sdk_suite.is_left_out(name, left_out)]


@pytest.fixture(scope="session", autouse=True)
def clean_up():
    yield
    sdk_suite.removed(folder)


def models(place):
    """What its presets would download, by the names it gives them."""
    pooling = tiny_models.gguf.PoolingType

    def model(name, aliases=(), kind=None, **more):
        file = tiny_models.make(place / f"{name}.gguf", pooling=kind, template=tiny_models.TOOL_TEMPLATE)
        return {"id": name, "engine": "llama", "file": str(file), "concurrency": 2, "context_tokens": 1024, "threads": 1,
                "aliases": [{"name": alias} for alias in aliases], **more}

    return [model("tinyllama-2", ["tinyllama-2-tool-call", "llama-test-model", "gpt-3.5-turbo-instruct", "davinci-002"]),
            model("bert-bge-small", ["text-embedding-3-small"], pooling.MEAN, embeddings=True),
            model("jina-reranker", [], pooling.RANK, rerank=True)]


@pytest.fixture(scope="session")
def outcome(tmp_path_factory):
    """What became of each test; the suite runs once."""
    place = tmp_path_factory.mktemp("conformance")
    server = Server(place, models(place))
    try:
        server.start()
        yield llama_cpp.results(suite, urlsplit(server.url).port, SECRET, chosen)
    finally:
        server.end()


@pytest.mark.parametrize("name", chosen, ids=[name.removeprefix("unit/") for name in chosen])
def test_llama_cpp(outcome, name):
    assert name in outcome, "it was not run"
    assert not outcome[name], outcome[name]


def test_the_list_of_those_left_out_names_tests_that_exist():
    known = {sdk_suite.plain(name) for name in all_names} | set(all_names)
    assert not set(left_out) - known
    assert len(chosen) > 30
