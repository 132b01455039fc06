"""n, and several prompts: each choice by itself at the engine and in the ledger, one answer for the client."""

import openai
import pytest
from openai import OpenAI

from server import SECRET
from waiting import until


@pytest.fixture(scope="module")
def server(module_server, tiny):
    return module_server([tiny("chat"), tiny("slow", context_tokens=4096)])


@pytest.fixture(scope="module")
def sdk(server):
    with OpenAI(base_url=server.url + "/v1", api_key=SECRET, timeout=60, max_retries=0) as client:
        yield client


ASKED = {"model": "chat", "messages": [{"role": "user", "content": "Which?"}], "max_tokens": 6, "temperature": 1.5, "seed": 7}


def rows_of(server, request_id, wanted):
    names = [request_id, *(f"{request_id}-{number}" for number in range(1, wanted))]

    def there():
        rows = [row for row in server.rows() if row["request_id"].startswith(request_id)]
        return len(rows) == wanted and rows

    rows = until("a row for each choice", there, 10)
    assert sorted(row["request_id"] for row in rows) == sorted(names)
    return rows


def test_three_choices_are_three_answers(sdk, server):
    asked = sdk.chat.completions.with_raw_response.create(**ASKED, n=3)
    answer = asked.parse()
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    assert len({choice.message.content for choice in answer.choices}) > 1, "each has a seed of its own"
    assert answer.usage.completion_tokens == 18
    rows = rows_of(server, asked.headers["x-request-id"], 3)
    assert {row["outcome"] for row in rows} == {"done"}
    assert sum(row["input_tokens"] for row in rows) == answer.usage.prompt_tokens
    assert sum(row["output_tokens"] for row in rows) == answer.usage.completion_tokens


def test_a_stream_of_choices_says_the_same_with_one_end(sdk):
    whole = sdk.chat.completions.create(**ASKED, n=3)
    chunks = list(sdk.chat.completions.create(**ASKED, n=3, stream=True, stream_options={"include_usage": True}))
    said, ends = {}, []
    for choice in (chunk.choices[0] for chunk in chunks if chunk.choices):
        said[choice.index] = said.get(choice.index, "") + (choice.delta.content or "")
        ends += [choice.index] if choice.finish_reason else []
    assert said == {choice.index: choice.message.content for choice in whole.choices}
    assert sorted(ends) == [0, 1, 2] and len({chunk.id for chunk in chunks}) == 1
    assert chunks[-1].choices == [] and chunks[-1].usage == whole.usage.model_copy(update={
        "prompt_tokens_details": chunks[-1].usage.prompt_tokens_details})


def test_prompts_times_n(sdk):
    fixed = {"model": "chat", "max_tokens": 4, "temperature": 0}
    answer = sdk.completions.create(**fixed, prompt=["bade", "fogo"], n=2)
    alone = [sdk.completions.create(**fixed, prompt=prompt).choices[0].text for prompt in ("bade", "fogo")]
    assert [choice.index for choice in answer.choices] == [0, 1, 2, 3]
    assert [choice.text for choice in answer.choices] == [alone[0], alone[0], alone[1], alone[1]]
    assert sdk.completions.create(**fixed, prompt=[[260, 261], [262]]).choices[1].index == 1


@pytest.mark.parametrize(("asked", "param"), [({"n": 9}, "n"), ({"n": 0}, "n")])
def test_choices_are_bounded(sdk, asked, param):
    with pytest.raises(openai.BadRequestError) as caught:
        sdk.chat.completions.create(**{**ASKED, **asked})
    assert caught.value.param == param


def test_a_client_that_leaves_frees_every_place(sdk, server):
    stream = sdk.chat.completions.with_raw_response.create(**{**ASKED, "model": "slow", "max_tokens": 3000}, n=4, stream=True)
    next(iter(stream.parse())).model_dump()
    stream.http_response.close()
    rows = rows_of(server, stream.headers["x-request-id"], 4)
    assert {row["outcome"] for row in rows} == {"cancelled"}
