import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import tiny_models  # noqa: E402
from fake_engine import FakeEngine  # noqa: E402
from mirror import Mirror  # noqa: E402
from server import Server, named_by  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
TEST_S_MAX = 120


def pytest_collection_modifyitems(items):
    for item in items:
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(TEST_S_MAX))


@pytest.fixture(scope="session")
def model_files(tmp_path_factory):
    """Random-weight models: `chat` is quick, `slow` takes a while for a long answer, `vectors` makes embeddings,
    `tools` calls tools (see tiny_models), `ranks` orders documents."""
    folder = tmp_path_factory.mktemp("models")
    return {"chat": tiny_models.make(folder / "chat.gguf"),
            "slow": tiny_models.make(folder / "slow.gguf", seed=2, width=256, layers=6, context=8192),
            "vectors": tiny_models.make(folder / "vectors.gguf", seed=3, pooling=tiny_models.gguf.PoolingType.MEAN),
            "tools": tiny_models.make(folder / "tools.gguf", template=tiny_models.TOOL_TEMPLATE),
            "ranks": tiny_models.make(folder / "ranks.gguf", seed=4, pooling=tiny_models.gguf.PoolingType.RANK)}


@pytest.fixture(scope="session")
def tiny(model_files):
    """tiny("chat", id=…, …): a model for a configuration."""
    def model(kind, **more):
        extra = {"vectors": {"embeddings": True}, "ranks": {"rerank": True}}.get(kind, {})
        return {"id": kind, "engine": "llama", "file": str(model_files[kind]), "concurrency": 2, "context_tokens": 512,
                "threads": 1, **extra, **more}
    return model


@pytest.fixture(scope="session")
def real_model():
    """The small model that ./run shows."""
    return {"id": "small", "engine": "llama", "file": named_by("FAELLED_MODEL"), "concurrency": 2, "context_tokens": 1024,
            "threads": 1, "chat_template_file": str(ROOT / "share/templates/two-examples.jinja"), "stop": ["\nPerson:"]}


@pytest.fixture(scope="module")
def fake():
    """The engine that fails on demand; one for a file of tests."""
    engine = FakeEngine()
    yield engine
    engine.close()


@pytest.fixture
def mirror():
    """A server of model files, and a hub."""
    mirror = Mirror()
    yield mirror
    mirror.close()


@pytest.fixture
def make_server(tmp_path):
    """make_server(models, …): a server that is not started yet; ended after the test."""
    made = []

    def make(models, folder=None, **config):
        place = folder or tmp_path / f"server{len(made)}"
        place.mkdir(parents=True, exist_ok=True)
        made.append(Server(place, models, **config))
        return made[-1]

    yield make
    for server in made:
        server.end()


@pytest.fixture(scope="module")
def module_server(tmp_path_factory):
    """The same for a file of tests."""
    made = []

    def make(models, demo=False, **config):
        made.append(Server(tmp_path_factory.mktemp("server"), models, **config))
        return made[-1].start(demo=demo)

    yield make
    for server in made:
        server.end()
