// How tokens are chosen, how many, and how many answers.
#include <algorithm>

#include "base/limits.hpp"
#include "openai/request_parser.hpp"

namespace faelled::openai {

using json::Kind;
using json::Member;
using json::Value;

bool RequestParser::read_output_tokens(const Field& field, Value value) {
  const auto tokens = value.integer();
  if (!tokens) return wrong_kind(std::string(field.name), "a whole number", value);
  if (*tokens < 1 || *tokens > static_cast<std::int64_t>(limits::output_tokens_max)) {
    return refuse(
        Cause::invalid_value, std::string(field.name),
        "'" + std::string(field.name) + "' must be from 1 to " + std::to_string(limits::output_tokens_max) + ".");
  }
  request_.output_tokens_max = static_cast<std::uint32_t>(*tokens);
  return true;
}

// llama-server keeps 32 bits of a seed and takes the last value for "by chance".
bool RequestParser::read_seed(Value value) {
  const auto seed = value.integer();
  if (!seed) return wrong_kind("seed", "a whole number", value);
  const auto bits = static_cast<std::uint64_t>(*seed);
  const auto folded = static_cast<std::uint32_t>(bits ^ (bits >> 32));
  request_.seed_ = folded & 0x7FFFFFFF;
  return true;
}

bool RequestParser::read_stop(Value value) {
  const auto read_one = [&](Value stop) {
    if (stop.kind() != Kind::text) return wrong_kind("stop", "a string or an array of strings", stop);
    if (stop.is_empty()) return refuse(Cause::invalid_value, "stop", "A stop sequence must not be empty.");
    request_.stop_.push_back(slice_of(stop));
    return true;
  };
  if (value.kind() != Kind::array) return read_one(value);
  if (value.count() > limits::stop_sequences_max) {
    return refuse(Cause::invalid_value, "stop",
                  "'stop' takes at most " + std::to_string(limits::stop_sequences_max) + " sequences.");
  }
  for (const Value stop : value.items()) {
    if (!read_one(stop)) return false;
  }
  return true;
}

bool RequestParser::read_logit_bias(const Field& field, Value value) {
  if (value.kind() != Kind::object) return wrong_kind("logit_bias", "an object", value);
  if (value.count() > limits::logit_biases_max) {
    return refuse(Cause::invalid_value, "logit_bias",
                  "'logit_bias' takes at most " + std::to_string(limits::logit_biases_max) + " tokens.");
  }
  for (const Member bias : value.members()) {
    const std::string_view token = bias.name.text_view(scratch_);
    constexpr std::size_t digits_max = 9;
    if (token.empty() || token.size() > digits_max ||
        !std::ranges::all_of(token, [](char c) { return c >= '0' && c <= '9'; })) {
      return refuse(Cause::invalid_value, "logit_bias", "The names in 'logit_bias' must be token numbers.");
    }
    const auto amount = bias.value.number();
    if (!amount || *amount < -100 || *amount > 100) {
      return refuse(Cause::invalid_value, "logit_bias", "The values in 'logit_bias' must be numbers from -100 to 100.");
    }
  }
  pass(field, value);
  return true;
}

bool RequestParser::read_n(Value value) {
  const auto n = value.integer();
  if (!n) return wrong_kind("n", "a whole number", value);
  if (*n < 1) return refuse(Cause::invalid_value, "n", "'n' must be at least 1.");
  if (*n > static_cast<std::int64_t>(limits::choices_max))
    return refuse(Cause::invalid_value, "n", "'n' must be at most " + std::to_string(limits::choices_max) + ".");
  request_.n_ = static_cast<std::uint32_t>(*n);
  return true;
}

bool RequestParser::read_best_of(Value value) {
  const auto number = value.integer();
  if (!number || *number < 0) return wrong_kind("best_of", "a whole number", value);
  best_of_ = *number;
  return true;
}

bool RequestParser::finish_choices() {
  if (best_of_ > 1 && best_of_ != request_.n_) {
    return refuse(Cause::unsupported_value, "best_of",
                  "'best_of' must be the same as 'n': no answer is made to be thrown away.");
  }
  const std::uint32_t choices = request_.choices();
  if (choices > limits::choices_max) {
    return refuse(Cause::invalid_value, request_.prompts_.empty() ? "n" : "prompt",
                  "A request may have at most " + std::to_string(limits::choices_max) + " choices: prompts times 'n'.");
  }
  if (choices > 1 && choices * request_.body_.size() > limits::http_body_bytes_max) {
    return refuse(Cause::invalid_value, "n",
                  "The request is too large to be answered more than once; ask again with 1.");
  }
  return true;
}

// true or false of a chat, a number of alternatives of a completion.
bool RequestParser::read_logprobs(const Field& field, Value value) {
  if (request_.endpoint == Endpoint::chat) {
    bool wanted = false;
    if (!read_bool(field, value, wanted)) return false;
    if (wanted) request_.form.logprobs = 0;
    return true;
  }
  if (value.boolean() == false) return true;
  const auto most = value.integer();
  if (!most || *most < 0 || *most > limits::top_logprobs_max) {
    return refuse(Cause::invalid_value, "logprobs",
                  "'logprobs' must be a whole number from 0 to " + std::to_string(limits::top_logprobs_max) + ".");
  }
  request_.form.logprobs = static_cast<std::uint32_t>(*most);
  return true;
}

bool RequestParser::read_top_logprobs(Value value) {
  const auto most = value.integer();
  if (!most || *most < 0 || *most > limits::top_logprobs_max) {
    return refuse(Cause::invalid_value, "top_logprobs",
                  "'top_logprobs' must be a whole number from 0 to " + std::to_string(limits::top_logprobs_max) + ".");
  }
  top_logprobs_ = static_cast<std::uint32_t>(*most);
  return true;
}

}  // namespace faelled::openai
