#include "openai/anthropic/translation.hpp"

#include <array>

namespace faelled::openai::anthropic {

using json::Kind;
using json::Value;

namespace {

constexpr Renamed names[] = {
    {"messages", "messages", true}, {"stop", "stop_sequences"}, {"response_format", "output_config.format", true}};

}  // namespace

std::expected<Asked, ApiError> translate(std::string_view body, json::Document& document, bool counting) {
  return translated<Translation, Asked>(body, document, counting);
}

ApiError in_own_names(ApiError error) { return renamed(std::move(error), names); }

bool Translation::run(Value root) {
  if (root.kind() != Kind::object) return wrong_kind("body", "an object", root);
  if (!refuse_what_is_not_done(root)) return false;
  if (!read_model(root, asked_.model)) return false;
  const auto tokens = root.find("max_tokens");
  if (!given(tokens) && !counting_) return missing("max_tokens");
  if (given(tokens)) out_.member_raw("max_tokens", tokens->raw());
  if (!read_messages(root) || !read_fields(root)) return false;
  out_.close_object();
  return true;
}

bool Translation::refuse_what_is_not_done(Value root) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 2> fields = {{
      {"container", "no code is run here"},
      {"mcp_servers", "no server is called from here; call it yourself and hand in its tools"},
  }};
  for (const auto& [name, why] : fields) {
    const auto value = root.find(name);
    if (given(value) && !value->is_empty()) return unsupported(std::string(name), why);
  }
  return true;
}

bool Translation::read_fields(Value root) {
  // Checked by Request::parse. The last two are not in this API, but some clients send them.
  for (const char* name : {"temperature", "top_p", "top_k", "seed", "logit_bias"}) {
    if (const auto value = root.find(name); given(value)) out_.member_raw(name, value->raw());
  }
  if (const auto stop = root.find("stop_sequences"); given(stop) && !stop->is_empty()) {
    if (stop->kind() != Kind::array) return wrong_kind("stop_sequences", "an array of strings", *stop);
    out_.member_raw("stop", stop->raw());
  }
  if (!read_stream(root, asked_.stream)) return false;
  const auto thinking = root.find("thinking");
  if (given(thinking) && !read_thinking(*thinking)) return false;
  const auto config = root.find("output_config");
  if (given(config) && !read_output_config(*config)) return false;
  const auto tools = root.find("tools");
  if (given(tools) && !read_tools(*tools)) return false;
  const auto choice = root.find("tool_choice");
  const bool choosing = given(tools) && !tools->is_empty();
  if (!given(choice) ||
      (!choosing && (choice->kind() == Kind::object && choice->find("type") &&
                     (choice->find("type")->text_is("auto") || choice->find("type")->text_is("none")))))
    return true;
  return read_tool_choice(*choice);
}

// A hint: whether a model thinks is its own affair. It says whether the client wants to see it.
bool Translation::read_thinking(Value thinking) {
  if (thinking.kind() != Kind::object) return wrong_kind("thinking", "an object", thinking);
  std::string_view type;
  if (!read_text(thinking, "type", "thinking", type)) return false;
  asked_.thinking = type != R"("disabled")";
  return true;
}

bool Translation::read_output_config(Value config) {
  if (config.kind() != Kind::object) return wrong_kind("output_config", "an object", config);
  const auto format = config.find("format");
  return !given(format) || read_format("output_config.format", *format);
}

bool Translation::read_format(const std::string& path, Value format) {
  if (format.kind() != Kind::object) return wrong_kind(path, "an object", format);
  std::string_view type;
  if (!read_text(format, "type", path, type)) return false;
  if (type != R"("json_schema")")
    return refuse(Cause::unsupported_value, path + ".type", "'" + path + ".type' must be \"json_schema\".");
  const auto schema = format.find("schema");
  if (!given(schema)) return missing(path + ".schema");
  out_.key("response_format").object().member("type", "json_schema").key("json_schema").object();
  out_.member("name", "answer").member_raw("schema", schema->raw()).close_object().close_object();
  return true;
}

bool Translation::read_tool(const std::string& path, Value tool) {
  if (tool.kind() != Kind::object) return wrong_kind(path, "an object", tool);
  if (const auto type = tool.find("type"); given(type) && !type->text_is("custom"))
    return refuse(
        Cause::unsupported_value, path + ".type",
        "Only tools with an 'input_schema' of their own (type \"custom\") are supported; no other tool is known "
        "here.");
  std::string_view name;
  if (!read_text(tool, "name", path, name)) return false;
  const auto schema = tool.find("input_schema");
  if (!given(schema)) return missing(path + ".input_schema");
  out_.object().member("type", "function").key("function").object().member_raw("name", name);
  if (const auto value = tool.find("description"); given(value)) out_.member_raw("description", value->raw());
  out_.member_raw("parameters", schema->raw());
  if (const auto value = tool.find("strict"); given(value)) out_.member_raw("strict", value->raw());
  out_.close_object().close_object();
  return true;
}

bool Translation::read_tool_choice(Value choice) {
  if (choice.kind() != Kind::object) return wrong_kind("tool_choice", "an object", choice);
  std::string_view type;
  if (!read_text(choice, "type", "tool_choice", type)) return false;
  if (type == R"("auto")" || type == R"("none")") {
    out_.member_raw("tool_choice", type);
  } else if (type == R"("any")") {
    out_.member("tool_choice", "required");
  } else if (type == R"("tool")") {
    std::string_view name;
    if (!read_text(choice, "name", "tool_choice", name)) return false;
    out_.key("tool_choice").object().member("type", "function").key("function").object();
    out_.member_raw("name", name).close_object().close_object();
  } else {
    return refuse(Cause::invalid_value, "tool_choice.type", "'tool_choice.type' must be auto, any, tool or none.");
  }
  const auto alone = choice.find("disable_parallel_tool_use");
  if (!given(alone)) return true;
  const auto wanted = alone->boolean();
  if (!wanted) return wrong_kind("tool_choice.disable_parallel_tool_use", "true or false", *alone);
  if (*wanted) out_.member("parallel_tool_calls", false);
  return true;
}

}  // namespace faelled::openai::anthropic
