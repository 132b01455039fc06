#include "openai/api_error.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "json/document.hpp"

namespace faelled::openai {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

struct Row {
  Cause cause;
  int status;
  const char* type;
  const char* code;
  const char* should_retry;
  std::optional<std::int64_t> retry_after_s;
};

class CauseTable : public testing::TestWithParam<Row> {};

TEST_P(CauseTable, says_status_type_code_and_retry) {
  const Row& row = GetParam();
  const ApiError error{.cause = row.cause, .message = "m", .param = {}, .retry_after = {}};
  EXPECT_EQ(error.status(), row.status);
  EXPECT_EQ(should_retry_header(error), row.should_retry);
  EXPECT_EQ(retry_after_header_s(error), row.retry_after_s);
  json::Document document;
  const std::string body = error_body(error);
  const json::Value inner = *document.parse(body)->find("error");
  EXPECT_TRUE(inner.find("message")->text_is("m"));
  EXPECT_TRUE(inner.find("type")->text_is(row.type));
  EXPECT_TRUE(inner.find("code")->text_is(row.code));
  EXPECT_TRUE(inner.find("param")->is_null());
  EXPECT_FALSE(inner.find("message_da")->is_empty());
}

constexpr const char* request = "invalid_request_error";
constexpr const char* server = "server_error";
constexpr const char* limit = "rate_limit_error";
constexpr auto none = std::nullopt;

INSTANTIATE_TEST_SUITE_P(
    Rows, CauseTable,
    testing::Values(Row{Cause::invalid_json, 400, request, "invalid_json", "false", none},
                    Row{Cause::invalid_value, 400, request, "invalid_value", "false", none},
                    Row{Cause::missing_value, 400, request, "missing_required_parameter", "false", none},
                    Row{Cause::unsupported_parameter, 400, request, "unsupported_parameter", "false", none},
                    Row{Cause::unsupported_value, 400, request, "unsupported_value", "false", none},
                    Row{Cause::context_length_exceeded, 400, request, "context_length_exceeded", "false", none},
                    Row{Cause::body_too_large, 413, request, "request_too_large", "false", none},
                    Row{Cause::method_not_allowed, 405, request, "method_not_allowed", "false", none},
                    Row{Cause::wrong_content_type, 415, request, "unsupported_media_type", "false", none},
                    Row{Cause::request_timeout, 408, request, "request_timeout", "true", none},
                    Row{Cause::missing_api_key, 401, request, "missing_api_key", "false", none},
                    Row{Cause::invalid_api_key, 401, request, "invalid_api_key", "false", none},
                    Row{Cause::invalid_user_token, 401, request, "invalid_user_token", "false", none},
                    Row{Cause::forbidden, 403, "permission_error", "forbidden", "false", none},
                    Row{Cause::model_not_found, 404, request, "model_not_found", "false", none},
                    Row{Cause::not_found, 404, request, "not_found", "false", none},
                    Row{Cause::conflict, 409, request, "conflict", "false", none},
                    Row{Cause::queue_full, 429, limit, "rate_limit_exceeded", "true", 5},
                    Row{Cause::waited_too_long, 429, limit, "rate_limit_exceeded", "true", 15},
                    Row{Cause::model_unavailable, 503, server, "model_unavailable", "true", 30},
                    Row{Cause::shutting_down, 503, server, "shutting_down", "true", 5},
                    Row{Cause::maintenance, 503, server, "maintenance", "true", 60},
                    Row{Cause::overloaded, 503, server, "overloaded", "true", 1},
                    Row{Cause::store_unavailable, 503, server, "store_unavailable", "true", 5},
                    Row{Cause::engine_failed, 502, server, "engine_failed", "true", 1},
                    Row{Cause::engine_timeout, 504, server, "engine_timeout", "false", none},
                    Row{Cause::internal, 500, server, "internal_error", "true", 1}),
    [](const auto& info) { return std::string(row_of(info.param.cause).code) + "_" + std::to_string(info.index); });

TEST(ApiError, asks_for_no_wait_over_120_seconds) {
  EXPECT_EQ(retry_after_header_s({.cause = Cause::queue_full, .message = {}, .param = {}, .retry_after = 1h}), 120);
  EXPECT_EQ(retry_after_header_s({.cause = Cause::queue_full, .message = {}, .param = {}, .retry_after = 1200ms}), 2);
}

TEST(ApiError, every_error_of_ours_has_a_status) {
  const std::pair<Errc, int> rows[] = {{Errc::invalid, 400},   {Errc::unauthorized, 401}, {Errc::forbidden, 403},
                                       {Errc::not_found, 404}, {Errc::exists, 409},       {Errc::conflict, 409},
                                       {Errc::too_large, 413}, {Errc::exhausted, 429},    {Errc::unavailable, 503},
                                       {Errc::timeout, 504},   {Errc::cancelled, 503},    {Errc::incompatible, 500},
                                       {Errc::io, 500},        {Errc::internal, 500}};
  for (const auto& [code, status] : rows) EXPECT_EQ(row_of(cause_of(code)).status, status);
  EXPECT_EQ(api_error_of({Errc::invalid, "What.", "Do this."}).message, "What. Do this.");
}

std::string recorded(const std::string& name) {
  std::ifstream file(std::string(FAELLED_SOURCE_DIR) + "/src/openai/testdata/" + name);
  EXPECT_TRUE(file) << name;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(EngineError, a_prompt_too_long_is_the_clients) {
  const ApiError llama = engine_error(400, recorded("llama_context_error.json"));
  EXPECT_EQ(llama.cause, Cause::context_length_exceeded);
  EXPECT_THAT(llama.message, HasSubstr("907 tokens; this model takes 512 tokens"));
  EXPECT_EQ(
      engine_error(400, R"({"error":{"message":"This model's maximum context length is 512 tokens.","code":400}})")
          .cause,
      Cause::context_length_exceeded);
}

TEST(EngineError, a_bad_request_is_the_clients_and_all_else_is_ours) {
  EXPECT_THAT(engine_error(400, recorded("llama_bad_role.json")).message, HasSubstr("must contain 'content'"));
  EXPECT_EQ(engine_error(400, "<html>").cause, Cause::invalid_value);
  EXPECT_EQ(engine_error(401, "{}").cause, Cause::engine_failed);
  EXPECT_EQ(engine_error(404, "{}").cause, Cause::engine_failed);
  EXPECT_EQ(engine_error(429, "{}").cause, Cause::model_unavailable);
  EXPECT_EQ(engine_error(503, "{}").cause, Cause::model_unavailable);
  EXPECT_EQ(engine_error(504, "{}").cause, Cause::engine_timeout);
  EXPECT_THAT(engine_error(500, R"({"error":{"message":"/models/secret"}})").message, Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace faelled::openai
