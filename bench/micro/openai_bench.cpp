// What one request and one streamed chunk cost in the words of OpenAI's interface.
#include <benchmark/benchmark.h>

#include <string>

#include "json/document.hpp"
#include "openai/request.hpp"
#include "openai/stream_rewriter.hpp"

namespace faelled::openai {
namespace {

std::string chat_body(const std::string& more = {}) {
  return R"({"model":"gemma-3-270m","messages":[{"role":"system","content":"You answer briefly."},{"role":"user","content":")" +
         std::string(1800, 'x') + R"("}],"temperature":0.7,"max_tokens":200,"stream":true)" + more + "}";
}

void parsed_and_sent(benchmark::State& state, const std::string& body) {
  json::Document document;
  Upstream upstream;
  upstream.model = "engine";
  for (auto _ : state) {
    auto request = Request::parse(Endpoint::chat, body, document);
    std::string out;
    request->append_upstream_body(out, upstream);
    benchmark::DoNotOptimize(out);
  }
}

void ChatRequest(benchmark::State& state) { parsed_and_sent(state, chat_body()); }
BENCHMARK(ChatRequest);

void ChatRequestWithTools(benchmark::State& state) {
  std::string tools;
  for (int i = 0; i < 8; ++i) {
    if (i > 0) tools += ',';
    tools += R"({"type":"function","function":{"name":"tool)" + std::to_string(i) +
             R"(","description":"Does it.","parameters":{"type":"object","properties":{"city":{"type":"string"},)"
             R"("days":{"type":"integer","minimum":1}},"required":["city"]}}})";
  }
  parsed_and_sent(state, chat_body(R"(,"tools":[)" + tools + "]"));
}
BENCHMARK(ChatRequestWithTools);

void relayed(benchmark::State& state, const std::string& model) {
  const std::string chunk =
      R"({"choices":[{"finish_reason":null,"index":0,"delta":{"content":" Copenhagen"}}],"created":1795622917,)"
      R"("id":"chatcmpl-yiAWSMQAKPxmIDm0ycsGvY5VQWNfFfc6","model":")" +
      model + R"(","system_fingerprint":"b1-de3ff81","object":"chat.completion.chunk"})";
  json::Document document;
  StreamRewriter rewriter(Endpoint::chat, "gemma-3-270m", {});
  for (auto _ : state) {
    auto step = rewriter.step({.name = {}, .data = chunk}, document);
    benchmark::DoNotOptimize(step);
  }
}

void ChunkAsItCame(benchmark::State& state) { relayed(state, "gemma-3-270m"); }
BENCHMARK(ChunkAsItCame);

void ChunkOfAnotherName(benchmark::State& state) { relayed(state, "engine"); }
BENCHMARK(ChunkOfAnotherName);

}  // namespace
}  // namespace faelled::openai
