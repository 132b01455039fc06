// What every body for an engine must be, whatever the client sent. Shared by the mutation test and the fuzz target.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <string>
#include <vector>

#include "base/limits.hpp"
#include "json/document.hpp"
#include "openai/request.hpp"

namespace faelled::openai {

// The name of the first member that is not in `allowed`; empty: there is none.
inline std::string foreign_member(json::Value object, std::initializer_list<std::string_view> allowed) {
  std::string scratch;
  for (const auto [key, value] : object.members()) {
    if (std::ranges::find(allowed, key.text_view(scratch)) == allowed.end()) return *key.text();
  }
  return object.kind() == json::Kind::object ? "" : "it is no object";
}

inline std::vector<json::Kind> texts_of(json::Value array) {
  std::vector<json::Kind> kinds;
  for (const json::Value item : array.items()) kinds.push_back(item.kind());
  return kinds;
}

inline std::string fault_of_messages(json::Value messages) {
  for (const json::Value message : messages.items()) {
    std::string foreign =
        foreign_member(message, {"role", "content", "name", "tool_calls", "tool_call_id", "reasoning_content"});
    for (const json::Value part : message.find("content").value_or(json::Value()).items()) {
      if (part.count() != 2 || !part.find("type")->text_is("text")) foreign = "in a part";
    }
    for (const json::Value call : message.find("tool_calls").value_or(json::Value()).items()) {
      foreign += foreign_member(call, {"id", "type", "function"});
      foreign += foreign_member(*call.find("function"), {"name", "arguments"});
    }
    if (!foreign.empty()) return "foreign member in a message: " + foreign;
  }
  return {};
}

inline std::string fault_of_tools(json::Value tools) {
  if (tools.count() > limits::tools_max) return "too many tools";
  for (const json::Value tool : tools.items()) {
    std::string foreign = foreign_member(tool, {"type", "function"});
    foreign += foreign_member(*tool.find("function"), {"name", "description", "parameters", "strict"});
    if (!foreign.empty()) return "foreign member in a tool: " + foreign;
  }
  return {};
}

// Empty where the body holds; else what is wrong with it.
inline std::string fault_of_upstream_body(const Request& request) {
  for (std::uint32_t number = 0; request.choices() > 1 && number < request.choices(); ++number) {
    if (std::string fault = fault_of_upstream_body(request.choice(number)); !fault.empty()) return fault;
  }
  const std::string own_stop[] = {"\nPerson:"};
  std::string body;
  request.append_upstream_body(body, {.model = "engine's \"own\" name", .stop = own_stop});
  body += '}';
  json::Document document;
  const auto root = document.parse(body);
  if (!root) return "not JSON: " + root.error().message;
  for (const auto [name, value] : root->members()) {
    const std::string text = *name.text();
    const Field* field = find_field(text);
    if (!field) return "unknown field " + text;
    const Fate fate = field->fate(request.endpoint);
    if (fate != Fate::passed && fate != Fate::ours) return "field that must not pass: " + text;
    if (value.is_null()) return "null passed: " + text;
    if (text == "messages") {
      if (std::string fault = fault_of_messages(value); !fault.empty()) return fault;
    }
    if (text == "documents" &&
        !std::ranges::all_of(texts_of(value), [](json::Kind kind) { return kind == json::Kind::text; }))
      return "a document that is no text";
    if (text == "response_format") {
      std::string foreign = foreign_member(value, {"type", "json_schema"});
      if (const auto schema = value.find("json_schema"))
        foreign += foreign_member(*schema, {"name", "schema", "strict"});
      if (!foreign.empty()) return "foreign member in a format: " + foreign;
    }
    if (text == "tools") {
      if (std::string fault = fault_of_tools(value); !fault.empty()) return fault;
    }
  }
  if (!root->find("model")->text_is("engine's \"own\" name")) return "the engine's name for the model is missing";
  if (request.stream) {
    const auto options = root->find("stream_options");
    if (!options || options->find("include_usage")->boolean() != true) return "usage is not asked for";
  }
  return {};
}

}  // namespace faelled::openai
