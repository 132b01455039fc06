#include "openai/responses/translation.hpp"

#include <algorithm>
#include <array>

#include "base/limits.hpp"

namespace faelled::openai::responses {

using json::Kind;
using json::Member;
using json::Value;

namespace {

// Nothing, or what asks for nothing.
bool idle(const std::optional<Value>& value) { return !given(value) || value->boolean() == false || value->is_empty(); }

constexpr Renamed names[] = {
    {"messages", "input", true},
    {"max_completion_tokens", "max_output_tokens"},
    {"max_tokens", "max_output_tokens"},
    {"response_format", "text.format"},
};

}  // namespace

std::expected<Asked, ApiError> translate(std::string_view body, json::Document& document, bool counting) {
  return translated<Translation, Asked>(body, document, counting);
}

ApiError in_own_names(ApiError error) { return renamed(std::move(error), names); }

bool Translation::run(Value root) {
  if (root.kind() != Kind::object) return wrong_kind("body", "an object", root);
  if (!refuse_what_is_stored(root) || !refuse_what_is_not_done(root)) return false;
  if (!read_model(root, asked_.model)) return false;
  if (!read_input(root) || !read_fields(root)) return false;
  out_.close_object();
  write_echo(root);
  return true;
}

bool Translation::refuse_what_is_stored(Value root) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 3> fields = {{
      {"previous_response_id",
       "responses are not stored, so there is none to go on from; send the whole conversation "
       "as 'input'"},
      {"conversation", "conversations are not stored; send the whole conversation as 'input'"},
      {"background", "responses are not stored, so none can be fetched later; stream it instead"},
  }};
  for (const auto& [name, why] : fields) {
    if (!idle(root.find(name))) return unsupported(std::string(name), why);
  }
  return true;
}

bool Translation::refuse_what_is_not_done(Value root) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 3> fields = {{
      {"prompt", "prompts are not stored; send the text as 'instructions' and 'input'"},
      {"moderation", "there is no moderation model"},
      {"context_management", "the conversation is passed on as it is; shorten it before you send it"},
  }};
  for (const auto& [name, why] : fields) {
    if (!idle(root.find(name))) return unsupported(std::string(name), why);
  }
  if (const auto truncation = root.find("truncation"); given(truncation)) {
    if (truncation->text_is("auto"))
      return refuse(Cause::unsupported_value, "truncation",
                    "'truncation' can only be \"disabled\" here: nothing is cut away unseen.");
    if (!truncation->text_is("disabled"))
      return refuse(Cause::invalid_value, "truncation", "'truncation' must be \"disabled\".");
  }
  const auto top_logprobs = root.find("top_logprobs");
  if (!idle(top_logprobs) && top_logprobs->integer() != 0)
    return unsupported("top_logprobs", "ask /v1/chat/completions for logprobs");
  const auto include = root.find("include");
  if (!given(include)) return true;
  if (include->kind() != Kind::array) return wrong_kind("include", "an array", *include);
  for (const Value wanted : include->items()) {
    if (wanted.text_is("message.output_text.logprobs"))
      return unsupported("include", "ask /v1/chat/completions for logprobs");
  }
  return true;
}

bool Translation::read_fields(Value root) {
  // Checked by Request::parse, under the name that chat has for them.
  constexpr std::array<std::pair<std::string_view, std::string_view>, 11> alike = {{
      {"max_output_tokens", "max_completion_tokens"},
      {"temperature", "temperature"},
      {"top_p", "top_p"},
      {"parallel_tool_calls", "parallel_tool_calls"},
      {"service_tier", "service_tier"},
      // Not in this API, but some clients send them.
      {"top_k", "top_k"},
      {"seed", "seed"},
      {"stop", "stop"},
      {"logit_bias", "logit_bias"},
      {"frequency_penalty", "frequency_penalty"},
      {"presence_penalty", "presence_penalty"},
  }};
  for (const auto& [own, chat] : alike) {
    if (const auto value = root.find(own); given(value)) out_.member_raw(chat, value->raw());
  }
  if (!read_stream(root, asked_.stream)) return false;
  if (const auto metadata = root.find("metadata"); given(metadata) && !read_metadata(*metadata)) return false;
  if (const auto tools = root.find("tools"); given(tools) && !read_tools(*tools)) return false;
  // Some clients say "auto" where there is nothing to choose.
  const bool needless = idle(root.find("tools"));
  if (const auto choice = root.find("tool_choice");
      given(choice) && !(needless && (choice->text_is("auto") || choice->text_is("none"))) &&
      !read_tool_choice(*choice))
    return false;
  const auto text = root.find("text");
  if (!given(text)) return true;
  if (text->kind() != Kind::object) return wrong_kind("text", "an object", *text);
  const auto format = text->find("format");
  return !given(format) || read_format(*format);
}

bool Translation::read_format(Value format) {
  if (format.kind() != Kind::object) return wrong_kind("text.format", "an object", format);
  std::string_view type;
  if (!read_text(format, "type", "text.format", type)) return false;
  if (type == R"("text")") return true;
  out_.key("response_format").object().member_raw("type", type);
  if (type == R"("json_schema")") {
    out_.key("json_schema").object();
    for (const char* name : {"name", "description", "schema", "strict"}) {
      if (const auto value = format.find(name); given(value)) out_.member_raw(name, value->raw());
    }
    out_.close_object();
  }
  out_.close_object();
  return true;
}

bool Translation::read_metadata(Value metadata) {
  if (metadata.kind() != Kind::object) return wrong_kind("metadata", "an object", metadata);
  if (metadata.count() > limits::metadata_pairs_max)
    return refuse(Cause::invalid_value, "metadata",
                  "'metadata' takes at most " + std::to_string(limits::metadata_pairs_max) + " pairs.");
  for (const Member pair : metadata.members()) {
    if (pair.value.kind() != Kind::text) return wrong_kind("metadata", "an object of strings", pair.value);
    if (pair.name.raw().size() > limits::metadata_name_bytes_max ||
        pair.value.raw().size() > limits::metadata_value_bytes_max)
      return refuse(Cause::invalid_value, "metadata",
                    "A name in 'metadata' has at most 64 characters, a value at most 512.");
  }
  return true;
}

// Big ones are left out: every event about the response as a whole says them again.
void Translation::write_echo(Value root) {
  json::Writer echo = json::Writer::continuing(asked_.echo);
  const auto say = [&](std::string_view name, Kind kind, std::string_view otherwise) {
    const auto value = root.find(name);
    const bool said = value && value->kind() == kind && value->raw().size() <= limits::echoed_field_bytes_max;
    echo.member_raw(name, said ? value->raw() : otherwise);
  };
  for (const char* name : {"max_output_tokens", "max_tool_calls", "temperature", "top_p"})
    say(name, Kind::number, "null");
  for (const char* name : {"instructions", "user", "safety_identifier", "prompt_cache_key"})
    say(name, Kind::text, "null");
  say("metadata", Kind::object, "{}");
  say("reasoning", Kind::object, "null");
  say("parallel_tool_calls", Kind::boolean, "true");
  say("tools", Kind::array, "[]");
  const auto choice = root.find("tool_choice");
  say("tool_choice", choice ? choice->kind() : Kind::text, R"("auto")");
  const auto text = root.find("text");
  const auto format = text ? text->find("format") : std::nullopt;
  const bool said = given(format) && format->raw().size() <= limits::echoed_field_bytes_max;
  echo.key("text").object().member_raw("format", said ? format->raw() : R"({"type":"text"})").close_object();
  echo.member("previous_response_id", nullptr).member("background", false).member("store", false);
  const auto tier = root.find("service_tier");
  echo.member("service_tier", tier && tier->text_is("flex") ? "flex" : "default")
      .member("truncation", "disabled")
      .member("top_logprobs", 0);
  std::ranges::replace_if(asked_.echo, [](char c) { return c == '\n' || c == '\r'; }, ' ');
}

}  // namespace faelled::openai::responses
