// The bodies are what llama-server 0.5.0 answered, word for word but for shortened lists.
#include "engines/dialect.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engines/member_salts.hpp"

namespace faelled::engines {
namespace {

using openai::Cause;
using openai::Endpoint;
using testing::HasSubstr;
using testing::Not;

class Dialect : public testing::Test {
 protected:
  static std::string members(rpc::Grant grant, Endpoint endpoint, bool stream = true,
                             rpc::Lane lane = rpc::Lane::interactive) {
    std::string body = R"({"model":"small")";
    append_engine_members(body, grant, endpoint, stream, {"a-salt", lane});
    return body + "}";
  }
  openai::ApiError error(int status, std::string_view body, Endpoint endpoint = Endpoint::chat) {
    return error_from("llama", endpoint, status, body, document);
  }
  json::Document document;
};

TEST_F(Dialect, PinsEachRequestToItsPlaceAndErasesWhenTheMemberChanges) {
  rpc::Grant grant;
  grant.engine_kind = "llama";
  grant.place = 3;
  EXPECT_EQ(members(grant, Endpoint::chat),
            R"({"model":"small","id_slot":3,"cache_prompt":false,"lora":[],"return_progress":true})");
  grant.place_changed_member = false;
  EXPECT_EQ(members(grant, Endpoint::completions),
            R"({"model":"small","id_slot":3,"cache_prompt":true,"lora":[],"return_progress":true})");
}

// An empty list is none to an engine that has adapters, and would be answered with those it was begun with.
TEST_F(Dialect, NamesAnAdapterInEachRequestToAnEngineThatHasSome) {
  rpc::Grant grant;
  grant.engine_kind = "llama";
  grant.adapters = 3;
  EXPECT_THAT(members(grant, Endpoint::chat), HasSubstr(R"("lora":[{"id":0,"scale":0}],)"));
  grant.adapter = 2;
  EXPECT_THAT(members(grant, Endpoint::chat), HasSubstr(R"("lora":[{"id":2,"scale":1}],)"));
}

TEST_F(Dialect, AsksForAStreamEvenWhereTheClientDidNot) {
  rpc::Grant grant;
  grant.engine_kind = "llama";
  EXPECT_THAT(members(grant, Endpoint::chat, false),
              HasSubstr(R"("stream":true,"stream_options":{"include_usage":true})"));
  EXPECT_TRUE(always_streams("llama", Endpoint::chat));
  EXPECT_FALSE(always_streams("llama", Endpoint::embeddings));
  EXPECT_FALSE(always_streams("openai", Endpoint::chat));
}

TEST_F(Dialect, AddsNothingForEmbeddingsAndOtherEngines) {
  rpc::Grant grant;
  grant.engine_kind = "llama";
  EXPECT_EQ(members(grant, Endpoint::embeddings), R"({"model":"small"})");
  grant.engine_kind = "openai";
  EXPECT_EQ(members(grant, Endpoint::chat), R"({"model":"small"})");
}

TEST_F(Dialect, TellsVllmWhoseCacheItIsAndWhatMayWait) {
  rpc::Grant grant;
  grant.engine_kind = "vllm";
  EXPECT_EQ(members(grant, Endpoint::chat), R"({"model":"small","cache_salt":"a-salt","priority":0})");
  EXPECT_EQ(members(grant, Endpoint::completions, false, rpc::Lane::batch),
            R"({"model":"small","cache_salt":"a-salt","priority":10})");
}

TEST_F(Dialect, PassesNoWordOfVllmsErrorsOn) {
  const auto long_one = error_from(
      "vllm", Endpoint::chat, 400,
      R"({"error":{"message":"This model's maximum context length is 512 tokens. CANARY","code":400}})", document);
  EXPECT_EQ(long_one.cause, Cause::context_length_exceeded);
  EXPECT_EQ(long_one.param, "messages");
  EXPECT_THAT(long_one.message, Not(HasSubstr("CANARY")));
  for (const int status : {400, 404, 422, 500, 503}) {
    const auto e = error_from("vllm", Endpoint::chat, status,
                              R"({"error":{"message":"CANARY","type":"BadRequestError","code":400}})", document);
    EXPECT_THAT(e.message, Not(HasSubstr("CANARY"))) << status;
  }
}

TEST(MemberSalts, AreEachMembersOwnAndOfThisProcessAlone) {
  const MemberSalts salts, others;
  EXPECT_EQ(salts.of("aarhus"), salts.of("aarhus"));
  EXPECT_NE(salts.of("aarhus"), salts.of("odense"));
  EXPECT_NE(salts.of("aarhus"), others.of("aarhus"));
  EXPECT_EQ(salts.of("").size(), 64U);
}

TEST_F(Dialect, SaysHowMuchTooLongARequestIs) {
  auto e = error(
      400, R"({"error":{"code":400,"message":"request (1207 tokens) exceeds the available context size (1024 tokens), )"
           R"(try increasing it","type":"exceed_context_size_error","n_prompt_tokens":1207,"n_ctx":1024}})");
  EXPECT_EQ(e.cause, Cause::context_length_exceeded);
  EXPECT_EQ(e.status(), 400);
  EXPECT_EQ(e.param, "messages");
  EXPECT_THAT(e.message, HasSubstr("1207"));
  EXPECT_THAT(e.message, HasSubstr("1024"));
}

TEST_F(Dialect, NamesTheFieldOfTheEndpointThatIsTooLong) {
  constexpr auto body =
      R"({"error":{"code":400,"message":"request (1202 tokens) exceeds","type":"exceed_context_size_error"}})";
  EXPECT_EQ(error(400, body, Endpoint::completions).param, "prompt");
  constexpr auto large =
      R"j({"error":{"code":500,"message":"input (700 tokens) is too large to process. increase the )j"
      R"j(physical batch size (current batch size: 512)","type":"server_error"}})j";
  EXPECT_EQ(error(500, large, Endpoint::embeddings).param, "input");
  constexpr auto upstream = R"({"error":{"message":"This model's maximum context length is 512 tokens.","code":400}})";
  EXPECT_EQ(error_from("openai", Endpoint::chat, 400, upstream, document).param, "messages");
}

TEST_F(Dialect, SaysThatASchemaCannotBeFollowed) {
  auto e = error(
      400, R"({"error":{"code":400,"message":"Unable to generate parser for this template. Automatic parser )"
           R"(generation failed: JSON schema error at #: unrecognized type CANARY","type":"invalid_request_error"}})");
  EXPECT_EQ(e.status(), 400);
  EXPECT_EQ(e.param, "response_format");
  EXPECT_THAT(e.message, Not(HasSubstr("CANARY")));
}

TEST_F(Dialect, BlamesTheToolsForASchemaWhereThereAreSome) {
  constexpr auto body =
      R"({"error":{"code":400,"message":"JSON schema conversion failed: Unresolved $ref","type":"invalid_request_error"}})";
  EXPECT_EQ(error_from("llama", Endpoint::chat, 400, body, document, true).param, "tools");
}

TEST_F(Dialect, AsksLlamaServerInItsOwnWords) {
  rpc::Grant llama, other;
  llama.engine_kind = "llama";
  other.engine_kind = "openai";
  EXPECT_FALSE(upstream_of(llama, {}).takes_tool_by_name);
  EXPECT_TRUE(upstream_of(other, {}).takes_tool_by_name);
  EXPECT_EQ(upstream_of(llama, {}).top_logprobs_min, 1U);
  EXPECT_EQ(upstream_of(other, {}).top_logprobs_min, 0U);
}

// What llama-server 0.5.0 does without a word: ignores tools that its template does not know, ignores them beside a
// response_format, and leaves keywords out of its grammar.
TEST_F(Dialect, RefusesWhatWouldSilentlyBeDoneOtherwise) {
  const auto asked = [&](const std::string& more, bool tools, const char* kind = "llama") {
    auto request = openai::Request::parse(
        Endpoint::chat, R"({"model":"m","messages":[{"role":"user","content":"a"}])" + more + "}", document);
    EXPECT_TRUE(request) << more;
    rpc::Grant grant;
    grant.engine_kind = kind;
    grant.tools = tools;
    const auto error = beyond(grant, {}, *request);
    EXPECT_TRUE(!error || error->status() == 400);
    return error ? error->param : "";
  };
  const std::string tools = R"(,"tools":[{"type":"function","function":{"name":"f"}}])";
  const std::string format = R"(,"response_format":{"type":"json_object"})";
  const std::string strict = R"(,"response_format":{"type":"json_schema","json_schema":{"name":"n","strict":true,)"
                             R"("schema":{"type":"number","minimum":1}}})";
  EXPECT_EQ(asked("", false), "");
  EXPECT_EQ(asked(tools, false), "tools");
  EXPECT_EQ(asked(tools, false, "openai"), "tools");
  EXPECT_EQ(asked(tools, true), "");
  EXPECT_EQ(asked(tools + format, true), "response_format");
  EXPECT_EQ(asked(tools + format + R"(,"tool_choice":"none")", true), "");
  EXPECT_EQ(asked(tools + format, true, "openai"), "");
  EXPECT_EQ(asked(tools + R"(,"logprobs":true)", true), "logprobs");
  EXPECT_EQ(asked(strict, true), "response_format.json_schema.schema.minimum");
  EXPECT_EQ(asked(strict, true, "openai"), "");
}

TEST_F(Dialect, KeepsTheEnginesInsidesToItself) {
  for (auto [status, body] : {
           std::pair(
               400,
               R"({"error":{"code":400,"message":"Field 'max_tokens': [json.exception.type_error.302] type must be )"
               R"(number, but is string","type":"invalid_request_error"}})"),
           std::pair(
               500,
               R"({"error":{"code":500,"message":"[json.exception.parse_error.101] parse error at line 1, column 2: )"
               R"(last read: '{CANARY'","type":"server_error"}})"),
           std::pair(404, R"({"error":{"message":"File Not Found","type":"not_found_error","code":404}})"),
           std::pair(500, "/srv/models/secret.gguf: Internal Server Error"),
           std::pair(502, ""),
           std::pair(400, "{\"error\":\"CANARY\"}"),
       }) {
    auto e = error(status, body);
    EXPECT_GE(e.status(), 400) << body;
    for (auto inside : {"CANARY", "json.exception", "/srv", "File"}) EXPECT_THAT(e.message, Not(HasSubstr(inside)));
  }
}

TEST_F(Dialect, AnEnginesOwnFailureIsNotTheClientsDoing) {
  EXPECT_EQ(error(500, R"({"error":{"code":500,"message":"Compute error.","type":"server_error"}})").cause,
            Cause::engine_failed);
  EXPECT_EQ(error(503, R"({"error":{"message":"Loading model","type":"unavailable_error","code":503}})").cause,
            Cause::model_unavailable);
}

TEST_F(Dialect, AChatModelMakesNoEmbeddings) {
  auto e =
      error(501,
            R"({"error":{"code":501,"message":"This server does not support embeddings. Start it with `--embeddings`",)"
            R"("type":"not_supported_error"}})",
            Endpoint::embeddings);
  EXPECT_EQ(e.status(), 400);
  EXPECT_EQ(e.param, "model");
  EXPECT_THAT(e.message, Not(HasSubstr("--embeddings")));
}

}  // namespace
}  // namespace faelled::engines
