// An engine's stream: whole or split, the same events come out; what the rewriter forwards is one line of JSON with our
// model's name; nothing is forwarded after an error. The first byte holds the flags and the size of the splits.
#include <cstdlib>
#include <string>
#include <vector>

#include "openai/sse_parser.hpp"
#include "openai/stream_rewriter.hpp"

namespace {

using namespace faelled;

void require(bool holds) {
  if (!holds) std::abort();
}

std::vector<std::string> events_of(std::string_view stream, std::size_t split) {
  openai::SseParser parser;
  std::vector<std::string> out;
  for (std::size_t at = 0; at < stream.size(); at += split) {
    parser.push(stream.substr(at, split));
    while (true) {
      const auto event = parser.next();
      if (!event) return out;
      if (!*event) break;
      out.push_back(std::string((*event)->name) + '\0' + std::string((*event)->data));
    }
  }
  return out;
}

void relay(std::string_view stream, openai::Endpoint endpoint, const openai::AnswerForm& form) {
  static json::Document document, check;
  openai::SseParser parser;
  openai::StreamRewriter rewriter(endpoint, "m\"", form);
  parser.push(stream);
  while (true) {
    const auto event = parser.next();
    if (!event || !*event) return;
    const bool over = rewriter.failed();
    const auto step = rewriter.step(**event, document);
    if (step.data.empty()) continue;
    require(!over);
    require(step.data.find_first_of("\r\n") == step.data.npos);
    const auto root = check.parse(step.data);
    require(root.has_value());
    if (const auto model = root->find("model")) require(model->text_is("m\""));
    require(!root->find("timings") && !root->find("error"));
    if (!form.include_usage) require(!root->find("usage"));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t bytes) {
  if (bytes == 0) return 0;
  const std::string_view stream(reinterpret_cast<const char*>(data) + 1, bytes - 1);
  require(events_of(stream, bytes) == events_of(stream, 1 + data[0] / 4));
  const bool other = data[0] & 4;
  openai::AnswerForm form{.include_usage = (data[0] & 2) != 0, .old_functions = other};
  if (other) {
    form.logprobs = 1;
    form.tier = openai::ServiceTier::flex;
    form.index = 7;
    form.must_call_a_tool = (data[0] & 8) != 0;
  }
  relay(stream, data[0] & 1 ? openai::Endpoint::chat : openai::Endpoint::completions, form);
  return 0;
}
