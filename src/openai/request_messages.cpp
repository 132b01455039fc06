// Chat messages: the checks. An array in which every message holds role, content and name alone is spliced as it came;
// any other is rebuilt (request_rebuild.cpp), so that a chat template never sees a member that we have not looked at.
#include "base/limits.hpp"
#include "openai/request_parser.hpp"

namespace faelled::openai {
namespace {

using json::Kind;
using json::Member;
using json::Value;

constexpr std::size_t message_overhead_tokens = 4;  // role and turn marks of usual templates

std::string path_of_message(std::size_t number) { return "messages[" + std::to_string(number) + "]"; }

bool used(const std::optional<Value>& value) { return value && !value->is_null() && !value->is_empty(); }

}  // namespace

bool RequestParser::read_messages(const Field& field, Value value) {
  if (value.kind() != Kind::array) return wrong_kind("messages", "an array", value);
  if (value.is_empty()) return refuse(Cause::invalid_value, "messages", "'messages' must not be empty.");
  std::size_t number = 0;
  for (const Value message : value.items()) {
    if (number == limits::chat_messages_max) {
      return refuse(Cause::invalid_value, "messages",
                    "'messages' takes at most " + std::to_string(limits::chat_messages_max) + " messages.");
    }
    if (!read_message(number++, message)) return false;
  }
  if (!messages_pass_as_are_) rebuild_messages(value);
  tokens_ += number * message_overhead_tokens;
  subject_given_ = true;
  pass(field, value);
  return true;
}

bool RequestParser::read_message(std::size_t number, Value message) {
  if (message.kind() != Kind::object) return wrong_kind(path_of_message(number), "an object", message);
  std::optional<Value> role, content;
  bool plain = true;
  for (const Member member : message.members()) {
    const std::string_view name = member.name.text_view(scratch_);
    if (name == "role") {
      role = member.value;
    } else if (name == "content") {
      content = member.value;
    } else if (name == "name") {
      if (member.value.is_null())
        messages_pass_as_are_ = false;
      else if (member.value.kind() != Kind::text)
        return wrong_kind(path_of_message(number) + ".name", "a string", member.value);
    } else {
      plain = messages_pass_as_are_ = false;
      if (name == "audio" && used(member.value)) {
        return refuse(Cause::unsupported_parameter, path_of_message(number) + ".audio",
                      "'audio' in a message is not supported.");
      }
    }
  }
  if (!role) return refuse(Cause::missing_value, path_of_message(number) + ".role", "A message must have a role.");
  if (!read_role(number, *role)) return false;
  bool calls = false;
  if ((!plain || role->text_is("tool") || role->text_is("function")) && !read_tool_words(number, message, calls))
    return false;
  if (!content || content->is_null()) {
    if (calls || role->text_is("function")) return true;
    return refuse(Cause::missing_value, path_of_message(number) + ".content", "A message must have content.");
  }
  // An assistant that called a tool may have said nothing beside it.
  return (calls && content->is_empty()) || read_content(number, *content);
}

// What goes with the role beside content and name. `calls`: the message calls tools.
bool RequestParser::read_tool_words(std::size_t number, Value message, bool& calls) {
  const std::string path = path_of_message(number);
  const Value role = *message.find("role");
  const bool assistant = role.text_is("assistant");
  const auto tool_calls = message.find("tool_calls"), function_call = message.find("function_call");
  const auto id = message.find("tool_call_id"), reasoning = message.find("reasoning_content");
  for (const auto& [name, value] : {std::pair("tool_calls", tool_calls), std::pair("function_call", function_call)}) {
    if (used(value) && !assistant)
      return refuse(Cause::invalid_value, path + "." + name, "Only an assistant's message may call tools.");
  }
  if (assistant && reasoning && !reasoning->is_null()) {
    if (reasoning->kind() != Kind::text) return wrong_kind(path + ".reasoning_content", "a string", *reasoning);
    count_text(*reasoning);
  }
  if (used(tool_calls)) {
    if (tool_calls->kind() != Kind::array) return wrong_kind(path + ".tool_calls", "an array", *tool_calls);
    std::size_t call_number = 0;
    for (const Value call : tool_calls->items()) {
      if (call_number == limits::tool_calls_max) {
        return refuse(Cause::invalid_value, path + ".tool_calls",
                      "A message may call at most " + std::to_string(limits::tool_calls_max) + " tools.");
      }
      if (!read_call(path + ".tool_calls[" + std::to_string(call_number++) + "]", call, false)) return false;
    }
  }
  if (used(function_call) && !read_call(path + ".function_call", *function_call, true)) return false;
  if (role.text_is("tool") && (!id || id->kind() != Kind::text || id->is_empty())) {
    return refuse(Cause::missing_value, path + ".tool_call_id", "A tool's message must say which call it answers.");
  }
  if (const auto name = message.find("name"); role.text_is("function") && (!name || !used(*name))) {
    return refuse(Cause::missing_value, path + ".name", "A function's message must have its name.");
  }
  calls = used(tool_calls) || used(function_call);
  if (calls || role.text_is("tool") || role.text_is("function")) {
    messages_of_tools_ = true;
    messages_pass_as_are_ = false;
  }
  return true;
}

bool RequestParser::read_call(const std::string& path, Value call, bool old) {
  if (call.kind() != Kind::object) return wrong_kind(path, "an object", call);
  std::optional<Value> function = call;
  std::string inside = path;
  if (!old) {
    const auto id = call.find("id"), type = call.find("type");
    if (!id || id->kind() != Kind::text || id->is_empty())
      return refuse(Cause::missing_value, path + ".id", "A tool call must have an id.");
    if (type && !type->is_null() && !type->text_is("function"))
      return refuse(Cause::unsupported_value, path + ".type", "Only calls of type \"function\" are supported.");
    function = call.find("function");
    inside += ".function";
    if (!function || function->kind() != Kind::object)
      return refuse(Cause::missing_value, inside, "A tool call must have a function.");
  }
  for (const char* name : {"name", "arguments"}) {
    const auto value = function->find(name);
    if (!value || value->kind() != Kind::text) {
      return refuse(Cause::missing_value, inside + "." + name,
                    "A call must have a function's name and its arguments, both strings.");
    }
    count_text(*value);
  }
  return true;
}

bool RequestParser::read_role(std::size_t number, Value role) {
  const std::string_view name = role.text_view(scratch_);
  if (name == "user" || name == "assistant" || name == "system") return true;
  if (name == "developer") {
    messages_pass_as_are_ = false;
    return true;
  }
  if (name == "tool" || name == "function") return true;
  return refuse(Cause::invalid_value, path_of_message(number) + ".role",
                "The role of a message must be system, developer, user, assistant or tool.");
}

bool RequestParser::read_content(std::size_t number, Value content) {
  if (content.kind() == Kind::text) {
    count_text(content);
    return true;
  }
  const std::string path = path_of_message(number) + ".content";
  if (content.kind() != Kind::array) return wrong_kind(path, "a string or an array of parts", content);
  if (content.is_empty())
    return refuse(Cause::invalid_value, path, "The content of a message must have at least one part.");
  std::size_t part_number = 0;
  for (const Value part : content.items()) {
    if (!read_part(path + "[" + std::to_string(part_number++) + "]", part)) return false;
  }
  return true;
}

bool RequestParser::read_part(const std::string& path, Value part) {
  if (part.kind() != Kind::object) return wrong_kind(path, "an object", part);
  const auto type = part.find("type");
  if (!type) return refuse(Cause::missing_value, path + ".type", "A part of a message must have a type.");
  if (type->text_is("image_url")) {
    const auto image = part.find("image_url");
    const auto url = image ? image->find("url") : std::nullopt;
    const std::string_view address = url ? url->text_view(scratch_) : std::string_view();
    const bool remote = !address.empty() && !address.starts_with("data:");
    return refuse(Cause::unsupported_value, path + ".image_url",
                  remote ? "Images at an address are never fetched, and images are not supported yet."
                         : "Images are not supported yet.");
  }
  if (!type->text_is("text")) {
    return refuse(type->kind() == Kind::text ? Cause::unsupported_value : Cause::invalid_value, path + ".type",
                  "Parts of a message must be text; other kinds are not supported yet.");
  }
  const auto text = part.find("text");
  if (!text) return refuse(Cause::missing_value, path + ".text", "A text part must have a text.");
  if (text->kind() != Kind::text) return wrong_kind(path + ".text", "a string", *text);
  if (part.count() != 2) messages_pass_as_are_ = false;
  count_text(*text);
  return true;
}

}  // namespace faelled::openai
