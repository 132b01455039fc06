"""What a client gets: through the official SDK, from the real engine and the small model, from tiny ones and a fake."""

import base64
import struct
import time

import openai
import pytest
from openai import OpenAI

from server import SECRET


@pytest.fixture(scope="module")
def server(module_server, tiny, real_model, fake):
    return module_server([real_model, tiny("chat"), tiny("vectors"), fake.model()])


@pytest.fixture(scope="module")
def sdk(server):
    with OpenAI(base_url=server.url + "/v1", api_key=SECRET, timeout=60, max_retries=0) as client:
        yield client


QUESTION = [{"role": "user", "content": "What is the capital of Denmark?"}]


def test_the_small_model_answers(sdk, server):
    answer = sdk.chat.completions.with_raw_response.create(model="small", messages=QUESTION, max_tokens=24, temperature=0)
    words = answer.parse()
    assert "Copenhagen" in words.choices[0].message.content
    assert "Person:" not in words.choices[0].message.content
    assert words.model == "small"
    assert words.choices[0].finish_reason == "stop"
    row = server.row_of(answer.headers["x-request-id"])
    assert row["outcome"] == "done"
    assert (row["input_tokens"], row["output_tokens"]) == (words.usage.prompt_tokens, words.usage.completion_tokens)
    assert row["member"] == "demo" and row["model"] == "small"
    assert int(answer.headers["openai-processing-ms"]) >= 0


def test_a_stream_says_the_same_as_the_whole_answer(sdk):
    fixed = {"model": "small", "messages": QUESTION, "max_tokens": 24, "temperature": 0, "seed": 1}
    whole = sdk.chat.completions.create(**fixed)
    chunks = list(sdk.chat.completions.create(**fixed, stream=True, stream_options={"include_usage": True}))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert chunks[-1].choices == [] and chunks[-1].usage.completion_tokens == whole.usage.completion_tokens
    assert all(chunk.usage is None for chunk in chunks[:-1])
    finishes = [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices]
    assert finishes[-1] == "stop" and set(finishes[:-1]) == {None}
    assert len({chunk.id for chunk in chunks}) == 1


def test_usage_is_hidden_from_those_who_did_not_ask(sdk, server):
    stream = sdk.chat.completions.with_raw_response.create(
        model="chat", messages=QUESTION, max_tokens=8, stream=True)
    chunks = list(stream.parse())
    assert all(chunk.usage is None and chunk.choices for chunk in chunks)
    assert server.row_of(stream.headers["x-request-id"])["output_tokens"] == 8


def test_the_same_seed_gives_the_same_answer(sdk):
    def ask(seed):
        return sdk.chat.completions.create(model="chat", messages=QUESTION, max_tokens=12, temperature=1.5, seed=seed).choices[0].message.content
    assert ask(42) == ask(42)
    assert len({ask(seed) for seed in (42, 43, 44, 2**62)}) > 1


def test_an_answer_ends_at_a_stop_text_of_the_client(sdk):
    fixed = {"model": "chat", "messages": QUESTION, "max_tokens": 30, "temperature": 0}
    whole = sdk.chat.completions.create(**fixed).choices[0].message.content
    stop = whole.split()[3]
    short = sdk.chat.completions.create(**fixed, stop=[stop])
    assert stop not in short.choices[0].message.content
    assert short.choices[0].finish_reason == "stop"


def test_completions_whole_and_streamed(sdk):
    fixed = {"model": "chat", "prompt": "once", "max_tokens": 10, "temperature": 0}
    whole = sdk.completions.create(**fixed)
    assert whole.usage.completion_tokens == 10 and whole.choices[0].finish_reason == "length"
    streamed = "".join(chunk.choices[0].text for chunk in sdk.completions.create(**fixed, stream=True) if chunk.choices)
    assert streamed == whole.choices[0].text


def test_embeddings_in_base64_and_as_numbers_are_the_same(sdk, server):
    texts = ["bade", "fogo nuka"]
    numbers = sdk.embeddings.create(model="vectors", input=texts, encoding_format="float")
    asked = server.post("/v1/embeddings", {"model": "vectors", "input": texts, "encoding_format": "base64"}).json()
    for plain, coded in zip(numbers.data, asked["data"], strict=True):
        raw = base64.b64decode(coded["embedding"])
        decoded = struct.unpack(f"<{len(raw) // 4}f", raw)
        assert decoded == pytest.approx(plain.embedding, abs=1e-6)
    by_default = sdk.embeddings.create(model="vectors", input=texts)  # the SDK asks for base64 then
    assert by_default.data[1].embedding == pytest.approx(numbers.data[1].embedding, abs=1e-6)
    assert by_default.usage.prompt_tokens > 0
    assert numbers.data[0].embedding != numbers.data[1].embedding


def test_models_are_listed_and_found(sdk):
    assert [model.id for model in sdk.models.list()] == ["small", "chat", "vectors", "fake"]
    model = sdk.models.retrieve("small")
    assert model.id == "small" and model.object == "model" and abs(model.created - time.time()) < 3600


@pytest.mark.parametrize(("asked", "kind", "code"), [
    ({"model": "smal"}, openai.NotFoundError, "model_not_found"),
    ({"messages": []}, openai.BadRequestError, "invalid_value"),
    ({"temperature": 9}, openai.BadRequestError, "invalid_value"),
    ({"n": 9}, openai.BadRequestError, "invalid_value"),
    ({"messages": [{"role": "user", "content": "ba " * 3000}]}, openai.BadRequestError, "context_length_exceeded"),
    ({"model": "fake", "messages": [{"role": "user", "content": '{"do":"status","status":500}'}]}, openai.InternalServerError, "engine_failed"),
    ({"model": "fake", "messages": [{"role": "user", "content": '{"do":"garbage"}'}]}, openai.InternalServerError, "engine_failed"),
])
def test_errors_are_the_exceptions_that_clients_catch(sdk, asked, kind, code):
    with pytest.raises(kind) as caught:
        sdk.chat.completions.create(**{"model": "chat", "messages": QUESTION, "max_tokens": 4, **asked})
    assert caught.value.code == code
    assert caught.value.request_id.startswith("req_") or caught.value.request_id


def test_a_wrong_key_is_an_authentication_error(server):
    with OpenAI(base_url=server.url + "/v1", api_key="sk-wrong000000000000000000", max_retries=0) as wrong:
        with pytest.raises(openai.AuthenticationError) as caught:
            wrong.models.list()
    assert caught.value.code == "invalid_api_key"


def test_an_error_in_mid_stream_is_raised_and_the_stream_has_no_clean_end(sdk):
    stream = sdk.chat.completions.create(model="fake", stream=True, messages=[{"role": "user", "content": '{"do":"break","pieces":2}'}])
    seen = []
    with pytest.raises(openai.APIError):
        for chunk in stream:
            seen.append(chunk.choices[0].delta.content)
    assert seen[:2] == ["piece0 ", "piece1 "]


@pytest.mark.parametrize(("status", "tries"), [(400, 1), (500, 2)])
def test_the_sdk_retries_what_the_headers_allow(server, fake, status, tries):
    mark = f"retry-{status}"
    with OpenAI(base_url=server.url + "/v1", api_key=SECRET, timeout=30, max_retries=1) as client:
        with pytest.raises(openai.APIStatusError) as caught:
            client.chat.completions.create(model="fake", messages=[{"role": "system", "content": mark},
                                           {"role": "user", "content": f'{{"do":"status","status":{status}}}'}])
    assert caught.value.response.headers["x-should-retry"] == ("true" if tries > 1 else "false")
    assert len(fake.calls_about(mark)) == tries


def test_the_engine_sees_its_own_name_for_the_model_and_no_field_that_steers_it(sdk, fake):
    sdk.chat.completions.create(model="fake", messages=[{"role": "user", "content": "steer me"}], user="somebody", metadata={"a": "b"},
                                extra_body={"priority": 9, "cache_salt": "x", "id_slot": 1, "lora": [{"id": 0}], "chat_template": "x",
                                            "kv_transfer_params": {"a": 1}, "n_predict": 9999})
    (call,) = fake.calls_about("steer me")
    assert set(call.json) == {"model", "messages"}
    assert call.json["model"] == "inner"
    assert "authorization" not in call.headers
