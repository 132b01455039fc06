import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))

from fake_engine import FakeEngine  # noqa: E402
from server import Server  # noqa: E402
from waiting import until  # noqa: E402


@pytest.fixture(scope="session")
def root():
    return ROOT


def vllm_folder(folder):
    """A model for vLLM's double."""
    folder.mkdir()
    shape = {"architectures": ["Qwen3ForCausalLM"], "dtype": "bfloat16", "max_position_embeddings": 512, "num_hidden_layers": 1,
             "num_attention_heads": 1, "hidden_size": 32}
    (folder / "config.json").write_text(json.dumps(shape))
    (folder / "tokenizer.json").write_text("{}")
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    header = json.dumps({"a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}}).encode()
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"x")
    (folder / "faults").write_text("")
    return folder


@pytest.fixture(scope="module")
def metrics(tmp_path_factory):
    """What a running server shows, after one request of each kind and with a vLLM that has said what it measures."""
    engine = FakeEngine()
    folder = tmp_path_factory.mktemp("server")
    vllm = {"id": "vllm", "engine": "vllm", "device": "host", "folder": str(vllm_folder(folder / "model"))}
    server = Server(folder, [engine.model(), vllm], vllm=str(ROOT / "tests/fake_vllm/bin/vllm"), residency={"memory_gb": 4})
    try:
        server.start()
        server.chat("fake")
        server.get("/v1/models", "sk-wrong0000000000000000000")
        until("the engine has said what it measures", lambda: "faelled_engine_requests_running" in server.metrics(), 30)
        yield server.metrics()
    finally:
        server.end()
        engine.close()
