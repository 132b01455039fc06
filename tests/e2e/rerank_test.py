"""/v1/rerank: the real engine with a tiny model that orders documents, and an upstream."""

import pytest


@pytest.fixture(scope="module")
def server(module_server, tiny, fake):
    return module_server([tiny("ranks"), tiny("chat"), fake.model(rerank=True)])


DOCUMENTS = ["fogo nuka", "deba fiti", "bade bade"]


def rank(server, **more):
    return server.post("/v1/rerank", {"model": "ranks", "query": "bade", "documents": DOCUMENTS, **more})


def test_documents_come_back_best_first(server):
    answer = rank(server)
    body = answer.json()
    assert sorted(result["index"] for result in body["results"]) == [0, 1, 2]
    scores = [result["relevance_score"] for result in body["results"]]
    assert scores == sorted(scores, reverse=True) and len(set(scores)) == 3
    assert all(set(result) == {"index", "relevance_score"} for result in body["results"])
    assert (body["object"], body["model"]) == ("list", "ranks")
    row = server.row_of(answer.headers["x-request-id"])
    assert (row["outcome"], row["model"], row["output_tokens"]) == ("done", "ranks", 0)
    assert row["input_tokens"] == body["usage"]["prompt_tokens"] == body["usage"]["total_tokens"] > 0


def test_the_best_few_with_their_texts(server):
    body = rank(server, top_n=2, return_documents=True, documents=[DOCUMENTS[0], {"text": DOCUMENTS[1]}, DOCUMENTS[2]]).json()
    assert [result["document"]["text"] for result in body["results"]] == [DOCUMENTS[result["index"]] for result in body["results"]]
    assert len(body["results"]) == 2


def test_an_upstream_ranks_too(server, fake):
    body = server.post("/v1/rerank", {"model": "fake", "query": "q", "documents": ["a", "b"]}).json()
    assert [result["index"] for result in body["results"]] == [1, 0]
    assert fake.calls[-1].path == "/v1/rerank" and fake.calls[-1].json == {"model": "inner", "query": "q", "documents": ["a", "b"]}


@pytest.mark.parametrize(("asked", "param"), [
    ({"documents": []}, "documents"), ({"documents": [1]}, "documents[0]"), ({"query": ""}, "query"), ({"query": None}, "query"),
    ({"top_n": 0}, "top_n"), ({"model": "chat"}, "model"), ({"query": "ba " * 3000}, "documents"),
])
def test_wrong_questions_are_refused(server, asked, param):
    answer = rank(server, **asked)
    assert answer.status_code == 400 and answer.json()["error"]["param"] == param


def test_a_model_that_ranks_does_nothing_else(server):
    assert server.chat("ranks").status_code == 400
    assert server.post("/v1/embeddings", {"model": "ranks", "input": "a"}).status_code == 400
