// RequestParser: the checks behind Request::parse. Lives for one parse; stops at the first fault and keeps it in
// error_. Internal to src/openai.
#pragma once

#include <string>
#include <string_view>

#include "json/value.hpp"
#include "openai/request.hpp"

namespace faelled::openai {

class RequestParser {
 public:
  RequestParser(Request& request) : request_(request) {}

  bool parse(json::Value root);
  ApiError& error() { return error_; }

 private:
  // All of these return false with error_ set.
  bool refuse(Cause cause, std::string param, std::string message);
  bool wrong_kind(std::string param, const char* wanted, json::Value got);

  bool member(std::string_view name, json::Value value);
  bool read(const Field& field, json::Value value);
  bool finish();

  bool read_bool(const Field& field, json::Value value, bool& out);
  bool read_number(const Field& field, json::Value value, double min, double max);
  bool read_integer(const Field& field, json::Value value, std::int64_t min, std::int64_t max);
  bool read_output_tokens(const Field& field, json::Value value);
  bool read_model(json::Value value);
  bool read_seed(json::Value value);
  bool read_stop(json::Value value);
  bool read_stream_options(json::Value value);
  bool read_logit_bias(const Field& field, json::Value value);
  bool read_encoding_format(const Field& field, json::Value value);
  bool read_n(json::Value value);
  bool read_best_of(json::Value value);
  bool finish_choices();
  bool refuse_unless_idle(const Field& field, json::Value value);

  bool read_logprobs(const Field& field, json::Value value);
  bool read_top_logprobs(json::Value value);
  bool read_service_tier(json::Value value);
  bool read_reasoning_effort(const Field& field, json::Value value);
  bool read_dimensions(json::Value value);

  // request_format.cpp
  bool read_response_format(const Field& field, json::Value value);
  bool read_json_schema(json::Value wrapper);

  // request_rerank.cpp
  bool read_query(const Field& field, json::Value value);
  bool read_documents(json::Value value);
  bool read_top_n(json::Value value);

  // request_messages.cpp
  bool read_messages(const Field& field, json::Value value);
  bool read_message(std::size_t number, json::Value message);
  bool read_role(std::size_t number, json::Value role);
  bool read_content(std::size_t number, json::Value content);
  bool read_part(const std::string& path, json::Value part);
  bool read_tool_words(std::size_t number, json::Value message, bool& calls);
  bool read_call(const std::string& path, json::Value call, bool old);

  // request_rebuild.cpp
  void rebuild_messages(json::Value messages);

  // request_tools.cpp
  bool read_tools(json::Value value);
  bool read_functions(json::Value value);
  bool read_function(const std::string& path, json::Value function);
  bool read_parameters(const std::string& path, json::Value schema, Tool& tool);
  bool read_tool_choice(json::Value value);
  bool read_allowed_tools(json::Value allowed);
  bool read_function_call(json::Value value);
  bool choose_tool(const std::string& param, std::optional<json::Value> name);
  bool finish_tools();

  // request_texts.cpp
  bool read_prompt(const Field& field, json::Value value);
  bool read_prompts(const Field& field, json::Value array);
  bool read_one_prompt(json::Value value);
  bool read_input(const Field& field, json::Value value);
  bool read_tokens(std::string_view param, json::Value array);

  void pass(const Field& field, json::Value value);
  Slice slice_of(json::Value value) const;
  void count_text(json::Value text) { text_bytes_ += text.raw().size() - 2; }

  Request& request_;
  ApiError error_;
  std::string scratch_;
  bool stream_options_given_ = false;
  bool max_tokens_given_ = false, max_completion_tokens_given_ = false;
  bool subject_given_ = false;  // messages, prompt or input
  bool messages_pass_as_are_ = true;
  std::optional<json::Value> tools_, tool_choice_, functions_, function_call_;  // read last: they refer to each other
  bool messages_of_tools_ = false;
  std::optional<std::uint32_t> top_logprobs_;
  bool query_given_ = false;
  std::int64_t best_of_ = 0;
  std::size_t text_bytes_ = 0;  // of text that will be prompt
  std::size_t tokens_ = 0;      // given as tokens, or known overhead
};

}  // namespace faelled::openai
