"""/v1/responses and /v1/messages with the official SDKs: the real engine's answers, and every promise that a chat keeps."""

import json
import time

import anthropic
import openai
import pytest
from anthropic import Anthropic
from openai import OpenAI

import tiny_models
from server import SECRET
from waiting import until
from wire import Wire

QUESTION = "What is the capital of Denmark?"
FREED_S_MAX = 1.0
RESPONSES, MESSAGES = "/v1/responses", "/v1/messages"
BOTH = [RESPONSES, MESSAGES]


@pytest.fixture(scope="module")
def server(module_server, tiny, real_model, fake):
    return module_server([real_model, tiny("tools", context_tokens=2048), fake.model(concurrency=1)])


@pytest.fixture(scope="module")
def theirs(server):
    with OpenAI(base_url=server.url + "/v1", api_key=SECRET, timeout=60, max_retries=0) as client:
        yield client.responses


@pytest.fixture(scope="module")
def claude(server):
    with Anthropic(base_url=server.url, api_key=SECRET, timeout=60, max_retries=0) as client:
        yield client.messages


def asked(path, what, **more):
    text = what if isinstance(what, str) else json.dumps(what)
    if path == RESPONSES:
        return {"model": "fake", "input": text, **more}
    return {"model": "fake", "max_tokens": 100, "messages": [{"role": "user", "content": text}], **more}


def test_the_small_model_answers_a_response(theirs, server):
    raw = theirs.with_raw_response.create(model="small", input=QUESTION, max_output_tokens=24, temperature=0)
    answer = raw.parse()
    assert "Copenhagen" in answer.output_text
    assert answer.status == "completed" and answer.store is False
    row = server.row_of(raw.headers["x-request-id"])
    assert row["outcome"] == "done"
    assert (row["input_tokens"], row["output_tokens"]) == (answer.usage.input_tokens, answer.usage.output_tokens)
    assert answer.id.removeprefix("resp_") == row["request_id"].removeprefix("req_")


def test_a_streamed_response_says_the_same_as_the_whole_one(theirs):
    fixed = {"model": "small", "input": [{"role": "user", "content": QUESTION}], "max_output_tokens": 24, "temperature": 0}
    whole = theirs.create(**fixed)
    with theirs.stream(**fixed) as stream:
        events = list(stream)
        last = stream.get_final_response()
    assert last.output_text == whole.output_text
    assert [event.sequence_number for event in events] == list(range(len(events)))
    kinds = [event.type for event in events]
    assert kinds[:4] == ["response.created", "response.in_progress", "response.output_item.added", "response.content_part.added"]
    assert kinds[-4:] == ["response.output_text.done", "response.content_part.done", "response.output_item.done",
                          "response.completed"]
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == whole.output_text


def test_the_small_model_answers_a_message(claude, server):
    fixed = {"model": "small", "max_tokens": 24, "messages": [{"role": "user", "content": QUESTION}],
             "extra_body": {"temperature": 0}}  # still in the protocol, no longer in this SDK
    raw = claude.with_raw_response.create(**fixed)
    answer = raw.parse()
    assert "Copenhagen" in answer.content[0].text
    assert answer.stop_reason == "end_turn"
    row = server.row_of(raw.headers["request-id"])
    assert row["outcome"] == "done" and row["output_tokens"] == answer.usage.output_tokens
    assert row["input_tokens"] == answer.usage.input_tokens + answer.usage.cache_read_input_tokens
    with claude.stream(**fixed) as stream:
        assert stream.get_final_text() == answer.content[0].text
        assert stream.get_final_message().usage.output_tokens == answer.usage.output_tokens


SCHEMA = {"type": "object", "properties": {"city": {"enum": ["Aarhus", "Odense"]}}, "required": ["city"], "additionalProperties": False}

CALLING = {"logit_bias": {tiny_models.CALL_TOKEN: 100}}  # the model of random weights calls where it is told to


def test_the_real_engine_calls_a_tool_in_a_response(theirs):
    asked = {"model": "tools", "input": "How is the weather?", "max_output_tokens": 300, "temperature": 0, "tool_choice": "required",
             "parallel_tool_calls": False, "extra_body": CALLING,
             "tools": [{"type": "function", "name": "weather", "parameters": SCHEMA, "strict": True}]}
    with theirs.stream(**asked) as stream:
        last = stream.get_final_response()
    for answer in (last, theirs.create(**asked)):
        (call,) = [item for item in answer.output if item.type == "function_call"]
        assert call.name == "weather" and json.loads(call.arguments)["city"] in ("Aarhus", "Odense")
    again = theirs.create(model="tools", max_output_tokens=5, tools=asked["tools"], input=[
        {"role": "user", "content": asked["input"]}, call.model_dump(exclude_none=True),
        {"type": "function_call_output", "call_id": call.call_id, "output": "rain"}])
    assert again.output_text


def test_the_real_engine_calls_a_tool_in_a_message(claude):
    asked = {"model": "tools", "max_tokens": 300, "messages": [{"role": "user", "content": "How is the weather?"}],
             "tools": [{"name": "weather", "input_schema": SCHEMA}], "extra_body": {"temperature": 0, **CALLING}}
    with claude.stream(**asked, tool_choice={"type": "any", "disable_parallel_tool_use": True}) as stream:
        last = stream.get_final_message()
    for answer in (last, claude.create(**asked, tool_choice={"type": "tool", "name": "weather"})):
        assert answer.stop_reason == "tool_use"
        (use,) = [block for block in answer.content if block.type == "tool_use"]
        assert use.name == "weather" and use.input["city"] in ("Aarhus", "Odense")
    again = claude.create(model="tools", max_tokens=5, tools=asked["tools"], messages=[
        *asked["messages"], {"role": "assistant", "content": [use.model_dump(exclude_none=True)]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": use.id, "content": "rain"}]}])
    assert again.content[0].text


def test_answers_keep_to_a_schema(theirs, claude):
    answer = theirs.create(model="small", input=QUESTION, max_output_tokens=250, temperature=0,
                           text={"format": {"type": "json_schema", "name": "place", "schema": SCHEMA, "strict": True}})
    assert json.loads(answer.output_text)["city"] in ("Aarhus", "Odense")
    message = claude.create(model="small", max_tokens=250, extra_body={"temperature": 0}, messages=[{"role": "user", "content": QUESTION}],
                            output_config={"format": {"type": "json_schema", "schema": SCHEMA}})
    assert json.loads(message.content[0].text)["city"] in ("Aarhus", "Odense")


def test_what_went_before_reaches_the_engine_as_a_chat(theirs, claude, fake):
    theirs.create(model="fake", instructions="rule-r", input=[
        {"role": "user", "content": "first-r"}, {"role": "assistant", "content": [{"type": "output_text", "text": "second-r"}]},
        {"role": "user", "content": [{"type": "input_text", "text": "third-r"}]}])
    claude.create(model="fake", max_tokens=9, system="rule-m", stop_sequences=["x"], messages=[
        {"role": "user", "content": "first-m"}, {"role": "assistant", "content": [{"type": "text", "text": "second-m"}]},
        {"role": "user", "content": "third-m"}])
    for end in "rm":
        (call,) = fake.calls_about(f"rule-{end}")
        assert call.path == "/v1/chat/completions"
        assert [(each["role"], each["content"]) for each in call.json["messages"]] == [
            ("system", f"rule-{end}"), ("user", f"first-{end}"), ("assistant", f"second-{end}"), ("user", f"third-{end}")]
    assert call.json["stop"] == ["x"] and call.json["max_tokens"] == 9


@pytest.mark.parametrize("how", ["break", "no_done", "error_event"])
def test_an_answer_that_breaks_is_raised_by_the_sdk_and_never_whole(theirs, claude, server, how):
    what = json.dumps({"do": how, "pieces": 2})
    seen = []
    with pytest.raises(openai.APIError):
        for event in theirs.create(model="fake", input=what, stream=True):
            seen.append(event.type)
    assert "response.output_text.delta" in seen and "response.completed" not in seen
    with pytest.raises(anthropic.APIError):
        with claude.stream(model="fake", max_tokens=9, messages=[{"role": "user", "content": what}]) as stream:
            seen = [event.type for event in stream]
    assert "message_stop" not in seen
    assert all(row["outcome"] == "failed" for row in server.rows()[-2:])


@pytest.mark.parametrize("path", BOTH)
@pytest.mark.parametrize("stream,what", [(True, {"do": "silent"}), (False, {"do": "silent"}), (True, {"do": "stall", "pieces": 2})])
def test_hanging_up_frees_the_engine_and_leaves_one_row(server, fake, path, stream, what):
    before = {row["request_id"] for row in server.rows()}
    mark = f"mark-{path[4:]}-{stream}-{what['do']}"
    wire = Wire(server.url).request("POST", path, asked(path, {**what, "mark": mark}, stream=stream))
    (call,) = until("the engine is asked", lambda: fake.calls_about(mark))
    left = time.monotonic()
    wire.close()
    until("the engine is free", lambda: call.hung_up, 5)
    assert call.hung_up - left < FREED_S_MAX

    def new():
        return [row for row in server.rows() if row["request_id"] not in before]

    until("a new ledger row", new, 5)
    (row,) = new()
    assert row["outcome"] == "cancelled"


@pytest.mark.parametrize("path", BOTH)
def test_no_field_steers_the_engine(server, fake, path):
    steering = {"id_slot": 1, "cache_prompt": True, "lora": [], "priority": -1, "chat_template": "x", "grammar": "x", "n_predict": 1}
    assert server.post(path, asked(path, f"steer-{path[4:]}", **steering)).status_code == 200
    (call,) = fake.calls_about(f"steer-{path[4:]}")
    assert not set(steering) & set(call.json)


def test_stored_responses_are_refused_in_plain_words(theirs):
    for field in ({"previous_response_id": "resp_1"}, {"conversation": "conv_1"}, {"background": True}):
        with pytest.raises(openai.BadRequestError, match="not stored"):
            theirs.create(model="fake", input="u", **field)
    for forbidden in (theirs.retrieve, theirs.delete, theirs.cancel, theirs.input_items.list):
        with pytest.raises(openai.NotFoundError, match="not stored"):
            forbidden("resp_1")
