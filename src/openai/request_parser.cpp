#include "openai/request_parser.hpp"

#include <algorithm>
#include <limits>

#include "base/limits.hpp"

namespace faelled::openai {

using json::Kind;
using json::Member;
using json::Value;

bool RequestParser::refuse(Cause cause, std::string param, std::string message) {
  error_ = {.cause = cause, .message = std::move(message), .param = std::move(param), .retry_after = {}};
  return false;
}

bool RequestParser::wrong_kind(std::string param, const char* wanted, Value got) {
  std::string message = "'" + param + "' must be " + wanted + ", not " + json::kind_name(got.kind()) + ".";
  return refuse(Cause::invalid_value, std::move(param), std::move(message));
}

Slice RequestParser::slice_of(Value value) const {
  const std::string_view raw = value.raw();
  return {static_cast<std::uint32_t>(raw.data() - request_.body_.data()), static_cast<std::uint32_t>(raw.size())};
}

void RequestParser::pass(const Field& field, Value value) { request_.passed_.push_back({&field, slice_of(value)}); }

bool RequestParser::parse(Value root) {
  if (root.kind() != Kind::object) {
    return refuse(Cause::invalid_value, "body",
                  std::string("The body must be an object, not ") + json::kind_name(root.kind()) + ".");
  }
  request_.passed_.reserve(8);
  for (const Member field : root.members()) {
    if (!member(field.name.text_view(scratch_), field.value)) return false;
  }
  return finish();
}

bool RequestParser::member(std::string_view name, Value value) {
  const Field* field = find_field(name);
  const Fate fate = field ? field->fate(request_.endpoint) : Fate::ignored;
  switch (fate) {
    case Fate::ignored:
    case Fate::never:
      ++request_.fields_ignored;
      return true;
    case Fate::refused:
      return refuse_unless_idle(*field, value);
    case Fate::passed:
    case Fate::ours:
      break;
  }
  // null means "not given", except for what cannot be left out; finish() finds those missing.
  return value.is_null() || read(*field, value);
}

bool RequestParser::read(const Field& field, Value value) {
  constexpr double infinite = 2147483647;
  switch (field.number) {
    case FieldName::model:
      return read_model(value);
    case FieldName::messages:
      return read_messages(field, value);
    case FieldName::prompt:
      return read_prompt(field, value);
    case FieldName::input:
      return read_input(field, value);
    case FieldName::stream:
      return read_bool(field, value, request_.stream);
    case FieldName::stream_options:
      return read_stream_options(value);
    case FieldName::max_tokens:
      max_tokens_given_ = true;
      return read_output_tokens(field, value);
    case FieldName::max_completion_tokens:
      max_completion_tokens_given_ = true;
      return read_output_tokens(field, value);
    case FieldName::temperature:
      return read_number(field, value, 0, 2);
    case FieldName::top_p:
    case FieldName::min_p:
      return read_number(field, value, 0, 1);
    case FieldName::top_k:
      return read_integer(field, value, -1, static_cast<std::int64_t>(infinite));
    case FieldName::frequency_penalty:
    case FieldName::presence_penalty:
      return read_number(field, value, -2, 2);
    case FieldName::seed:
      return read_seed(value);
    case FieldName::stop:
      return read_stop(value);
    case FieldName::logit_bias:
      return read_logit_bias(field, value);
    case FieldName::n:
      return read_n(value);
    case FieldName::best_of:
      return read_best_of(value);
    case FieldName::logprobs:
      return read_logprobs(field, value);
    case FieldName::top_logprobs:
      return read_top_logprobs(value);
    case FieldName::response_format:
      return read_response_format(field, value);
    case FieldName::service_tier:
      return read_service_tier(value);
    case FieldName::reasoning_effort:
      return read_reasoning_effort(field, value);
    case FieldName::dimensions:
      return read_dimensions(value);
    case FieldName::query:
      return read_query(field, value);
    case FieldName::documents:
      return read_documents(value);
    case FieldName::top_n:
      return read_top_n(value);
    case FieldName::return_documents:
      return read_bool(field, value, request_.form.return_documents);
    case FieldName::tools:
      tools_ = value;
      return true;
    case FieldName::tool_choice:
      tool_choice_ = value;
      return true;
    case FieldName::parallel_tool_calls:
      return read_bool(field, value, request_.parallel_tool_calls_.emplace());
    case FieldName::functions:
      functions_ = value;
      return true;
    case FieldName::function_call:
      function_call_ = value;
      return true;
    case FieldName::encoding_format:
      return read_encoding_format(field, value);
    default:
      return true;
  }
}

bool RequestParser::finish() {
  if (request_.model.empty()) return refuse(Cause::missing_value, "model", "The request must name a model.");
  if (!subject_given_) {
    const char* subject = request_.endpoint == Endpoint::chat          ? "messages"
                          : request_.endpoint == Endpoint::completions ? "prompt"
                          : request_.endpoint == Endpoint::rerank      ? "documents"
                                                                       : "input";
    return refuse(Cause::missing_value, subject, std::string("'") + subject + "' is missing.");
  }
  if (stream_options_given_ && !request_.stream) {
    return refuse(Cause::invalid_value, "stream_options", "'stream_options' is only allowed when 'stream' is true.");
  }
  if (max_tokens_given_ && max_completion_tokens_given_) {
    return refuse(Cause::invalid_value, "max_tokens", "'max_tokens' and 'max_completion_tokens' cannot both be set.");
  }
  if (request_.endpoint == Endpoint::rerank && !query_given_)
    return refuse(Cause::missing_value, "query", "'query' is missing.");
  if (top_logprobs_ && *top_logprobs_ > 0 && !request_.form.logprobs)
    return refuse(Cause::invalid_value, "top_logprobs", "'top_logprobs' is only allowed when 'logprobs' is true.");
  if (request_.form.logprobs && top_logprobs_) request_.form.logprobs = top_logprobs_;
  if (!finish_tools() || !finish_choices()) return false;
  const std::size_t estimate = std::max<std::size_t>(1, text_bytes_ / 4 + tokens_);
  request_.prompt_tokens_estimate =
      static_cast<std::uint32_t>(std::min<std::size_t>(estimate, std::numeric_limits<std::uint32_t>::max()));
  return true;
}

bool RequestParser::read_bool(const Field& field, Value value, bool& out) {
  const auto boolean = value.boolean();
  if (!boolean) return wrong_kind(std::string(field.name), "true or false", value);
  out = *boolean;
  return true;
}

bool RequestParser::read_number(const Field& field, Value value, double min, double max) {
  const auto number = value.number();
  if (!number) return wrong_kind(std::string(field.name), "a number", value);
  if (*number < min || *number > max) {
    return refuse(
        Cause::invalid_value, std::string(field.name),
        "'" + std::string(field.name) + "' must be " + std::string(field.note.substr(0, field.note.find(';'))) + ".");
  }
  pass(field, value);
  return true;
}

bool RequestParser::read_integer(const Field& field, Value value, std::int64_t min, std::int64_t max) {
  const auto number = value.integer();
  if (!number) return wrong_kind(std::string(field.name), "a whole number", value);
  if (*number < min || *number > max) {
    return refuse(
        Cause::invalid_value, std::string(field.name),
        "'" + std::string(field.name) + "' must be from " + std::to_string(min) + " to " + std::to_string(max) + ".");
  }
  pass(field, value);
  return true;
}

bool RequestParser::read_model(Value value) {
  auto name = value.text();
  if (!name) return wrong_kind("model", "a string", value);
  if (name->size() > limits::name_bytes_max) {
    return refuse(Cause::invalid_value, "model",
                  "'model' is longer than " + std::to_string(limits::name_bytes_max) + " bytes.");
  }
  request_.model = std::move(*name);
  return true;
}

bool RequestParser::read_stream_options(Value value) {
  if (value.kind() != Kind::object) return wrong_kind("stream_options", "an object", value);
  stream_options_given_ = true;
  const auto include_usage = value.find("include_usage");
  if (!include_usage || include_usage->is_null()) return true;
  const auto wanted = include_usage->boolean();
  if (!wanted) return wrong_kind("stream_options.include_usage", "true or false", *include_usage);
  request_.form.include_usage = *wanted;
  return true;
}

bool RequestParser::read_encoding_format(const Field& field, Value value) {
  if (!value.text_is("float") && !value.text_is("base64")) {
    return refuse(Cause::invalid_value, "encoding_format", "'encoding_format' must be \"float\" or \"base64\".");
  }
  request_.base64 = value.text_is("base64");
  pass(field, value);
  return true;
}

bool RequestParser::read_service_tier(Value value) {
  if (value.text_is("flex")) {
    request_.form.tier = ServiceTier::flex;
  } else if (value.text_is("auto") || value.text_is("default")) {
    request_.form.tier = ServiceTier::standard;
  } else {
    return refuse(value.kind() == Kind::text ? Cause::unsupported_value : Cause::invalid_value, "service_tier",
                  R"('service_tier' must be "auto", "default" or "flex"; nobody can buy a place in front.)");
  }
  return true;
}

bool RequestParser::read_reasoning_effort(const Field& field, Value value) {
  for (const char* known : {"none", "minimal", "low", "medium", "high", "xhigh", "max"}) {
    if (!value.text_is(known)) continue;
    pass(field, value);
    return true;
  }
  return refuse(Cause::invalid_value, "reasoning_effort",
                "'reasoning_effort' must be none, minimal, low, medium, high, xhigh or max.");
}

bool RequestParser::read_dimensions(Value value) {
  const auto wanted = value.integer();
  if (!wanted || *wanted < 1 || *wanted > limits::dimensions_max) {
    return refuse(Cause::invalid_value, "dimensions",
                  "'dimensions' must be a whole number from 1 to " + std::to_string(limits::dimensions_max) + ".");
  }
  request_.form.dimensions = static_cast<std::uint32_t>(*wanted);
  return true;
}

// What a refused field may hold without asking for anything.
bool RequestParser::refuse_unless_idle(const Field& field, Value value) {
  const auto idle = [&] {
    if (value.is_null()) return true;
    switch (field.number) {
      case FieldName::echo:
        return value.boolean() == false;
      case FieldName::suffix:
        return value.is_empty();
      case FieldName::response_format: {
        const auto type = value.find("type");
        return type && type->text_is("text");
      }
      case FieldName::modalities: {
        return value.kind() == Kind::array && value.count() == 1 && (*value.items().begin()).text_is("text");
      }
      default:
        return false;
    }
  };
  if (idle()) return true;
  std::string message = "'" + std::string(field.name) + "' is not supported yet";
  message += field.note.empty() ? "." : "; accepted: " + std::string(field.note) + ".";
  return refuse(Cause::unsupported_parameter, std::string(field.name), std::move(message));
}

}  // namespace faelled::openai
