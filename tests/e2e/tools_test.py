"""Tools: through the official SDK, with the real engine and a model that calls where it is told to."""

import json

import openai
import pytest
from openai import OpenAI

import tiny_models
from server import SECRET


@pytest.fixture(scope="module")
def server(module_server, tiny, fake):
    return module_server([tiny("tools", context_tokens=2048), tiny("chat"), fake.model()])


@pytest.fixture(scope="module")
def sdk(server):
    with OpenAI(base_url=server.url + "/v1", api_key=SECRET, timeout=60, max_retries=0) as client:
        yield client


def function(name, **properties):
    return {"type": "function", "function": {
        "name": name, "description": "Says what it is told.",
        "parameters": {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}}}


WEATHER = function("weather", city={"enum": ["Aarhus", "Odense"]}, days={"type": "integer", "minimum": 1, "maximum": 3})
CLOCK = function("clock", zone={"enum": ["CET"]})
ASKED = {"model": "tools", "messages": [{"role": "user", "content": "How is the weather?"}], "max_tokens": 300, "temperature": 0,
         "logit_bias": {tiny_models.CALL_TOKEN: 100}, "parallel_tool_calls": False}


def check(call, name="weather"):
    assert call.function.name == name and call.id and call.type == "function"
    arguments = json.loads(call.function.arguments)
    if name == "weather":
        assert arguments["city"] in ("Aarhus", "Odense") and arguments["days"] in (1, 2, 3)
    else:
        assert arguments == {"zone": "CET"}


@pytest.mark.parametrize("choice", ["auto", "required", {"type": "function", "function": {"name": "weather"}}])
def test_a_tool_is_called(sdk, server, choice):
    asked = sdk.chat.completions.with_raw_response.create(**ASKED, tools=[WEATHER], tool_choice=choice)
    answer = asked.parse()
    assert answer.choices[0].finish_reason == "tool_calls" and not answer.choices[0].message.content
    check(answer.choices[0].message.tool_calls[0])
    row = server.row_of(asked.headers["x-request-id"])
    assert (row["outcome"], row["output_tokens"]) == ("done", answer.usage.completion_tokens)


def test_the_named_tool_is_called_and_no_other(sdk):
    for tool in (WEATHER, CLOCK):
        name = tool["function"]["name"]
        answer = sdk.chat.completions.create(**ASKED, tools=[WEATHER, CLOCK], tool_choice={"type": "function", "function": {"name": name}})
        assert len(answer.choices[0].message.tool_calls) == 1
        check(answer.choices[0].message.tool_calls[0], name)


def test_a_call_is_streamed_in_deltas(sdk):
    chunks = list(sdk.chat.completions.create(**ASKED, tools=[WEATHER], tool_choice="required", stream=True))
    deltas = [call for chunk in chunks if chunk.choices for call in chunk.choices[0].delta.tool_calls or []]
    assert (deltas[0].index, deltas[0].type, deltas[0].function.name) == (0, "function", "weather") and deltas[0].id
    assert {delta.index for delta in deltas} == {0} and all(delta.id is None for delta in deltas[1:])
    assert json.loads("".join(delta.function.arguments or "" for delta in deltas))["city"] in ("Aarhus", "Odense")
    assert chunks[-1].choices[0].finish_reason == "tool_calls"


def test_the_result_of_a_call_is_read(sdk, server):
    first = sdk.chat.completions.create(**ASKED, tools=[WEATHER], tool_choice="required").choices[0].message
    history = [*ASKED["messages"], first.model_dump(exclude_none=True),
               {"role": "tool", "tool_call_id": first.tool_calls[0].id, "content": "sunny"}]
    asked = {**ASKED, "messages": history, "logit_bias": None, "max_tokens": 5}
    longer = sdk.chat.completions.create(**asked, tools=[WEATHER]).usage.prompt_tokens
    without = sdk.chat.completions.create(**{**asked, "messages": history[:1]}, tools=[WEATHER]).usage.prompt_tokens
    assert longer > without


@pytest.mark.parametrize("stream", [False, True])
def test_the_old_functions_are_tools_too(sdk, stream):
    asked = {**ASKED, "functions": [WEATHER["function"]], "function_call": {"name": "weather"}, "stream": stream}
    del asked["parallel_tool_calls"]
    answer = sdk.chat.completions.create(**asked)
    if stream:
        chunks = [chunk.choices[0] for chunk in answer if chunk.choices]
        assert next(c.delta.function_call for c in chunks if c.delta.function_call).name == "weather"
        said = "".join(c.delta.function_call.arguments or "" for c in chunks if c.delta.function_call)
        assert chunks[-1].finish_reason == "function_call" and not any(c.delta.tool_calls for c in chunks)
    else:
        said = answer.choices[0].message.function_call.arguments
        assert answer.choices[0].finish_reason == "function_call" and answer.choices[0].message.tool_calls is None
    assert json.loads(said)["city"] in ("Aarhus", "Odense")


@pytest.mark.parametrize("choice", ["auto", "none", "required"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_model_that_knows_no_tools_says_so(sdk, server, choice, stream):
    with pytest.raises(openai.BadRequestError) as caught:
        sdk.chat.completions.create(**{**ASKED, "model": "chat"}, tools=[WEATHER], tool_choice=choice, stream=stream)
    assert caught.value.code == "unsupported_parameter" and caught.value.param == "tools"
    assert "does not know tools" in caught.value.message
    assert server.row_of(caught.value.response.headers["x-request-id"])["outcome"] == "refused"


def test_an_upstream_that_ignores_a_required_tool_is_found_out(sdk):
    asked = {**ASKED, "model": "fake", "tools": [WEATHER], "tool_choice": "required"}
    with pytest.raises(openai.InternalServerError) as caught:
        sdk.chat.completions.create(**asked)
    assert caught.value.code == "engine_failed"
    with pytest.raises(openai.APIError):
        list(sdk.chat.completions.create(**asked, stream=True))


@pytest.mark.parametrize("tools", [
    [{**WEATHER, "type": "web_search"}],
    [function("a b")],
    [function("f", x={"$ref": "http://169.254.169.254/latest"})],
    [function("f", x={"type": "string", "maxLength": 100_000})],
    [function(f"f{i}") for i in range(129)],
])
def test_tools_out_of_bounds_are_refused(sdk, tools):
    with pytest.raises(openai.BadRequestError) as caught:
        sdk.chat.completions.create(**ASKED, tools=tools)
    assert caught.value.param.startswith("tools")
