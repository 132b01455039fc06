"""What an answer looks like: JSON by a schema, log probabilities, tier, shorter vectors; whole and streamed, real engine."""

import json
import math

import openai
import pytest
from openai import OpenAI

from server import SECRET


@pytest.fixture(scope="module")
def server(module_server, tiny, fake):
    return module_server([tiny("chat"), tiny("vectors"), tiny("vectors", id="matryoshka", shorter_vectors=True), fake.model()])


@pytest.fixture(scope="module")
def sdk(server):
    with OpenAI(base_url=server.url + "/v1", api_key=SECRET, timeout=60, max_retries=0) as client:
        yield client


ASKED = {"model": "chat", "messages": [{"role": "user", "content": "Which?"}], "max_tokens": 200, "temperature": 0}
SCHEMA = {"type": "object", "required": ["city", "sure"], "additionalProperties": False,
          "properties": {"city": {"enum": ["Aarhus", "Odense"]}, "sure": {"type": "boolean"},
                         "code": {"type": "string", "pattern": "^[0-9]{4}$"}}}


def format_of(schema, **more):
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, **more}}


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_keeps_to_its_schema(sdk, stream):
    answer = sdk.chat.completions.create(**ASKED, response_format=format_of(SCHEMA, strict=True), stream=stream)
    text = "".join(c.choices[0].delta.content or "" for c in answer if c.choices) if stream else answer.choices[0].message.content
    said = json.loads(text)
    assert said["city"] in ("Aarhus", "Odense") and isinstance(said["sure"], bool)


def test_any_json_object(sdk):
    answer = sdk.chat.completions.create(**{**ASKED, "max_tokens": 8}, response_format={"type": "json_object"})
    assert answer.choices[0].message.content.lstrip().startswith("{")


def test_the_largest_schema_allowed_does_not_hold_the_engine_up(sdk, server):
    wide = {"type": "object", "properties": {f"p{i}": {"type": "string"} for i in range(199)}}
    largest = {"type": "object", "properties": {f"o{i}": wide for i in range(9)}}
    sdk.chat.completions.create(**{**ASKED, "max_tokens": 2}, response_format=format_of(largest))
    assert server.chat("chat", max_tokens=2).status_code == 200


@pytest.mark.parametrize(("schema", "strict"), [
    ({"$ref": "https://example.org/schema"}, False),
    ({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}, False),
    ({"allOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"$ref": "#/$defs/a"}}}, False),
    ({"type": "string", "pattern": "^(a" + "a" * 300 + ")$"}, False),
    ({"type": "array", "items": {"type": "array", "items": {"type": "string", "maxLength": 2000}, "maxItems": 2000}, "maxItems": 2000}, False),
    ({"type": "object", "properties": {f"p{i}": {} for i in range(300)}}, False),
    ({"type": "nothing"}, False),
    ({"type": "array", "items": {"type": "integer"}, "uniqueItems": True}, True),
    ({"type": "string", "pattern": "^(?=a)b$"}, True),
])
def test_a_schema_that_cannot_be_followed_is_refused(sdk, server, schema, strict):
    with pytest.raises(openai.BadRequestError) as caught:
        sdk.chat.completions.create(**ASKED, response_format=format_of(schema, strict=strict))
    assert caught.value.param.startswith("response_format")
    assert server.chat("chat", max_tokens=2).status_code == 200  # the engine lives


@pytest.mark.parametrize("most", [0, 3])
def test_log_probabilities_of_a_chat(sdk, most):
    asked = {**ASKED, "max_tokens": 5, "logprobs": True, "top_logprobs": most}
    whole = sdk.chat.completions.create(**asked).choices[0]
    chunks = [c.choices[0] for c in sdk.chat.completions.create(**asked, stream=True) if c.choices]
    streamed = [token for choice in chunks if choice.logprobs for token in choice.logprobs.content]
    assert [token.token for token in streamed] == [token.token for token in whole.logprobs.content]
    assert "".join(token.token for token in streamed) == whole.message.content and len(streamed) == 5
    for token in whole.logprobs.content:
        assert token.logprob <= 0 and bytes(token.bytes).decode() == token.token and len(token.top_logprobs) == most
        assert not token.model_extra


def test_log_probabilities_of_a_completion(sdk):
    asked = {"model": "chat", "prompt": "once", "max_tokens": 4, "temperature": 0, "logprobs": 2}
    whole = sdk.completions.create(**asked).choices[0]
    chunks = [c.choices[0] for c in sdk.completions.create(**asked, stream=True) if c.choices]
    assert "".join(whole.logprobs.tokens) == whole.text and len(whole.logprobs.token_logprobs) == 4
    assert all(len(alternatives) == 2 for alternatives in whole.logprobs.top_logprobs)
    assert [whole.text[offset:offset + len(token)] for offset, token in
            zip(whole.logprobs.text_offset, whole.logprobs.tokens, strict=True)] == whole.logprobs.tokens
    streamed = [offset for choice in chunks if choice.logprobs for offset in choice.logprobs.text_offset]
    assert streamed == whole.logprobs.text_offset


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("asked", "had"), [("flex", "flex"), ("auto", "default")])
def test_the_answer_says_its_tier(sdk, asked, had, stream):
    answer = sdk.chat.completions.create(**{**ASKED, "max_tokens": 3}, service_tier=asked, stream=stream)
    assert {chunk.service_tier for chunk in (answer if stream else [answer])} == {had}


def test_effort_reaches_the_engine(sdk, fake):
    sdk.chat.completions.create(model="fake", messages=[{"role": "user", "content": "effort-mark"}], reasoning_effort="low",
                                service_tier="flex", verbosity="low")
    call = fake.calls_about("effort-mark")[-1].json
    assert call["reasoning_effort"] == "low" and "service_tier" not in call and "verbosity" not in call


def test_shorter_vectors_where_the_model_is_made_for_them(sdk):
    whole = sdk.embeddings.create(model="matryoshka", input="bade fogo", encoding_format="float").data[0].embedding
    for form in ("float", "base64"):
        short = sdk.embeddings.create(model="matryoshka", input="bade fogo", dimensions=8, encoding_format=form).data[0].embedding
        if form == "float":
            assert len(short) == 8 and math.isclose(math.hypot(*short), 1, abs_tol=1e-5)
            length = math.hypot(*whole[:8])
            assert short == pytest.approx([x / length for x in whole[:8]], abs=1e-5)
    with pytest.raises(openai.BadRequestError) as caught:
        sdk.embeddings.create(model="matryoshka", input="bade", dimensions=100)
    assert caught.value.param == "dimensions" and "64" in caught.value.message
    with pytest.raises(openai.BadRequestError) as caught:
        sdk.embeddings.create(model="vectors", input="bade", dimensions=8)
    assert caught.value.param == "dimensions"


@pytest.mark.parametrize("stream", [False, True])
def test_every_parameter_that_makes_sense_at_once(sdk, stream):
    asked = {
        "messages": [{"role": "developer", "content": "string", "name": "name"}], "frequency_penalty": -2, "function_call": "none",
        "logit_bias": {"300": 0}, "logprobs": True, "top_logprobs": 1, "max_completion_tokens": 4, "metadata": {"foo": "string"},
        "modalities": ["text"], "n": 1, "parallel_tool_calls": True, "prediction": {"content": "string", "type": "content"},
        "presence_penalty": -2, "prompt_cache_key": "key", "prompt_cache_retention": "in_memory", "reasoning_effort": "none",
        "response_format": {"type": "text"}, "safety_identifier": "somebody", "seed": -9007199254740991, "service_tier": "auto",
        "stop": "\n", "store": True, "temperature": 1, "tool_choice": "none", "tools": [], "top_p": 1, "user": "user-1234",
        "verbosity": "low", "stream": stream, **({"stream_options": {"include_usage": True}} if stream else {})}
    answer = sdk.chat.completions.create(model="chat", **asked)
    usage = list(answer)[-1].usage if stream else answer.usage
    assert usage.completion_tokens == 4
    completion = sdk.completions.create(model="chat", prompt="This is a test.", best_of=0, echo=False, frequency_penalty=-2,
                                        logit_bias={"300": 0}, logprobs=0, max_tokens=4, n=1, presence_penalty=-2, seed=0, stop="\n",
                                        suffix="", temperature=1, top_p=1, user="user-1234")
    assert completion.usage.completion_tokens == 4
