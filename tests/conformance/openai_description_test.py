"""The /v1 paths that we serve, as OpenAI's own description says them. It is large and lies beside the source tree."""

import json
from pathlib import Path

import pytest

import described
import tiny_models
from server import SECRET, Server

DESCRIPTION = Path(__file__).resolve().parents[3] / "shared/judges/openai-openapi.yaml"
OURS = ("POST /chat/completions", "POST /completions", "POST /embeddings", "GET /models", "GET /models/{model}", "POST /responses",
        "POST /responses/input_tokens")
PATHS = {operation.partition(" ")[2] for operation in OURS}
MODEL_OF = {"/embeddings": "vectors"}
# The only error that it describes is 429. These are judged too, as what it calls an ErrorResponse.
REFUSALS = {"post": "400", "/models/{model}": "404"}


def operations():
    if not DESCRIPTION.exists():
        return []
    import schemathesis.openapi
    import yaml

    whole = yaml.load(DESCRIPTION.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    whole["paths"] = {path: whole["paths"][path] for path in PATHS}
    refused = {"description": "refused", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorResponse"}}}}
    for path, methods in whole["paths"].items():
        for method, operation in methods.items():
            operation["responses"] |= {status: refused for named, status in REFUSALS.items() if named in (path, method)}
    schema = schemathesis.openapi.from_dict(described.without_security(json.loads(json.dumps(whole, default=str))))
    return [each for each in (result.ok() for result in schema.get_all_operations()) if each.label in OURS]


OPERATIONS = operations()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    place = tmp_path_factory.mktemp("described")
    models = [{"id": "chat", "engine": "llama", "file": str(tiny_models.make(place / "chat.gguf"))},
              {"id": "vectors", "engine": "llama", "embeddings": True,
               "file": str(tiny_models.make(place / "vectors.gguf", pooling=tiny_models.gguf.PoolingType.MEAN))}]
    server = Server(place, [{**model, "concurrency": 2, "context_tokens": 128, "threads": 1} for model in models])
    try:
        yield server.start()
    finally:
        server.end()


if OPERATIONS:
    @pytest.mark.parametrize("kind", ["positive", "negative"])
    @pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.label)
    def test_openai_describes_what_we_answer(server, operation, kind):
        def send(case):
            # What is described leaves the model open; one that exists makes the rest of the body count, right or wrong.
            if isinstance(case.body, dict) and (kind == "positive" or isinstance(case.body.get("model"), str)):
                case.body["model"] = MODEL_OF.get(operation.path, "chat")
            return case.call(base_url=server.url + "/v1", headers={"Authorization": f"Bearer {SECRET}"}, timeout=described.CALL_S_MAX)

        described.asked("v1", operation, kind, send)
        assert server.alive()

    def test_every_path_that_is_ours_is_described():
        assert {each.label for each in OPERATIONS} == set(OURS)

    def test_a_model_that_is_there_is_told_as_described(server):
        operation = next(each for each in OPERATIONS if each.label == "GET /models/{model}")
        case = operation.Case(path_parameters={"model": "chat"})
        answer = case.call(base_url=server.url + "/v1", headers={"Authorization": f"Bearer {SECRET}"}, timeout=described.CALL_S_MAX)
        assert answer.status_code == 200
        case.validate_response(answer, checks=described.judges())
else:
    def test_needs_shared_data_openai_description():
        pytest.skip("shared/judges/openai-openapi.yaml does not lie beside the repository")
