// 10,000 damaged requests: each is refused with a cause, or becomes a body that holds allowed fields only.
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <set>

#include "base/random.hpp"
#include "openai/request.hpp"
#include "openai/upstream_body_testing.hpp"

namespace faelled::openai {
namespace {

constexpr std::string_view valid[] = {
    R"({"model":"m","messages":[{"role":"user","content":"Hej \u00e5 \ud83d\ude00"}],"stream":true,"stream_options":{"include_usage":true}})",
    R"({"model":"m","messages":[{"role":"developer","content":[{"type":"text","text":"a"}]},{"role":"assistant","content":"b","refusal":null}],"temperature":0.5,"top_p":1,"seed":7})",
    R"({"model":"m","messages":[{"role":"system","content":"x","name":"n"}],"max_tokens":5,"stop":["a","b"],"logit_bias":{"5":-1.5},"n":1,"tools":[],"user":"u","metadata":{"k":"v"}})",
    R"({"model":"m","messages":[{"role":"user","content":"x"},{"role":"assistant","content":null,"reasoning_content":"r","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"y"}],"tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object","properties":{"a":{"$ref":"#/$defs/b"}},"$defs":{"b":{"anyOf":[{"type":"string","pattern":"^a{2,9}$"},{"type":"null"}]}}},"strict":true}}],"tool_choice":{"type":"function","function":{"name":"f"}},"parallel_tool_calls":false})",
    R"({"model":"m","messages":[{"role":"assistant","function_call":{"name":"f","arguments":"{}"}},{"role":"function","name":"f","content":"y"}],"functions":[{"name":"f"}],"function_call":"auto"})",
    R"({"model":"m","prompt":"One, two","max_tokens":3,"echo":false,"best_of":1,"stop":"x","presence_penalty":-2,"frequency_penalty":2})",
    R"({"model":"m","prompt":[1,2,3],"stream":false,"suffix":null,"top_k":40,"min_p":0.1})",
    R"({"model":"m","messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_schema","json_schema":{"name":"n","strict":true,"schema":{"type":["object","null"],"properties":{"a":{"enum":[1,null]}},"required":["a"]}}},"logprobs":true,"top_logprobs":2,"service_tier":"flex","reasoning_effort":"low"})",
    R"({"model":"m","prompt":"One","logprobs":3})",
    R"({"model":"m","prompt":["a","b"],"n":2,"best_of":2,"seed":3})",
    R"({"model":"m","query":"q","documents":["a",{"text":"b"}],"top_n":1,"return_documents":true})",
    R"({"model":"m","input":"a","dimensions":8,"encoding_format":"float"})",
    R"({"model":"m","input":["a","b"],"encoding_format":"base64"})",
    R"({"model":"m","input":[[1,2],[3]],"user":"x"})",
};
constexpr std::string_view scraps[] = {"{",
                                       "}",
                                       "[",
                                       "]",
                                       ",",
                                       ":",
                                       "\"",
                                       "\\",
                                       "null",
                                       "true",
                                       "-1",
                                       "1e9",
                                       "\\u0000",
                                       "\\ud800",
                                       "\xff",
                                       "\"id_slot\":1,",
                                       "\"model\":\"x\",",
                                       "\"lora\":[],",
                                       "{\"role\":\"user\",\"content\":\"z\"},",
                                       "\"image_url\":{\"url\":\"http://x\"},",
                                       "[[[[",
                                       "\"priority\":-9,",
                                       "\"type\":\"image_url\",",
                                       "\"prompt\":\"p\",",
                                       "\"$ref\":\"http://x\",",
                                       "\"role\":\"tool\",",
                                       "\"tool_call_id\":\"c\",",
                                       "\"cache_control\":{},",
                                       "\"stream\":true,",
                                       "\"\\u006dodel\":1,"};

std::string mutate(std::string text, SeededRandom& random) {
  for (auto rounds = 1 + random.below(3); rounds > 0; --rounds) {
    const auto at = random.below(text.size() + 1), bytes = random.below(12);
    switch (random.below(6)) {
      case 0:
        if (at < text.size()) text[at] = static_cast<char>(random.below(256));
        break;
      case 1:
        text.erase(at, bytes);
        break;
      case 2:
        text.insert(at, text.substr(at, bytes));
        break;
      case 3:
      case 4:
        text.insert(at, scraps[random.below(std::size(scraps))]);
        break;
      default: {
        const std::string_view other = valid[random.below(std::size(valid))];
        text = text.substr(0, at) +
               std::string(other.substr(std::min<std::size_t>(random.below(other.size()), other.size())));
      }
    }
  }
  return text;
}

// Invariant: allow-list
TEST(Request, damaged_in_10000_ways_is_refused_or_harmless) {
  const char* wanted = std::getenv("FAELLED_SEED");
  const std::uint64_t seed = wanted ? std::strtoull(wanted, nullptr, 10) : std::random_device{}();
  std::printf("seed %llu (again: FAELLED_SEED=%llu)\n", static_cast<unsigned long long>(seed),
              static_cast<unsigned long long>(seed));
  SeededRandom random(seed);
  json::Document document;
  int accepted = 0;
  for (int round = 0; round < 10'000; ++round) {
    const std::string text = mutate(std::string(valid[random.below(std::size(valid))]), random);
    const auto endpoint = endpoints[random.below(std::size(endpoints))];
    SCOPED_TRACE(text);
    const auto request = Request::parse(endpoint, text, document);
    if (request) {
      ++accepted;
      ASSERT_EQ(fault_of_upstream_body(*request), "");
      continue;
    }
    ASSERT_EQ(request.error().status(), 400);
    ASSERT_FALSE(request.error().message.empty());
    if (request.error().cause != Cause::invalid_json && document.parse(text)->kind() == json::Kind::object) {
      ASSERT_FALSE(request.error().param.empty());
    }
    ASSERT_TRUE(document.parse(error_body(request.error())));
  }
  EXPECT_GT(accepted, 100) << "the mutations are so wild that they test the first check alone";
}

}  // namespace
}  // namespace faelled::openai
