// Chat messages. An array in which every message holds role, content and name alone is spliced as it came; any other is
// rebuilt from those three, so that a chat template never sees a member that we have not looked at.
#include "base/limits.hpp"
#include "json/writer.hpp"
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
      messages_pass_as_are_ = false;
      const bool meaning = name == "tool_calls" || name == "function_call" || name == "audio" || name == "tool_call_id";
      if (meaning && used(member.value)) {
        return refuse(Cause::unsupported_parameter, path_of_message(number) + "." + std::string(name),
                      "'" + std::string(name) + "' in a message is not supported yet.");
      }
    }
  }
  if (!role) return refuse(Cause::missing_value, path_of_message(number) + ".role", "A message must have a role.");
  if (!read_role(number, *role)) return false;
  if (!content || content->is_null()) {
    return refuse(Cause::missing_value, path_of_message(number) + ".content", "A message must have content.");
  }
  return read_content(number, *content);
}

bool RequestParser::read_role(std::size_t number, Value role) {
  const std::string_view name = role.text_view(scratch_);
  if (name == "user" || name == "assistant" || name == "system") return true;
  if (name == "developer") {
    messages_pass_as_are_ = false;
    return true;
  }
  if (name == "tool" || name == "function") {
    return refuse(Cause::unsupported_value, path_of_message(number) + ".role",
                  "Messages of tools are not supported yet.");
  }
  return refuse(Cause::invalid_value, path_of_message(number) + ".role",
                "The role of a message must be system, developer, user or assistant.");
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

void RequestParser::rebuild_messages(Value messages) {
  json::Writer writer(request_.messages_);
  writer.array();
  for (const Value message : messages.items()) {
    const Value role = *message.find("role");
    writer.object().member_raw("role", role.text_is("developer") ? R"("system")" : role.raw());
    const Value content = *message.find("content");
    if (content.kind() == Kind::text) {
      writer.member_raw("content", content.raw());
    } else {
      writer.key("content").array();
      for (const Value part : content.items()) {
        writer.object().member("type", "text").member_raw("text", part.find("text")->raw()).close_object();
      }
      writer.close_array();
    }
    if (const auto name = message.find("name"); name && !name->is_null()) writer.member_raw("name", name->raw());
    writer.close_object();
  }
  writer.close_array();
}

}  // namespace faelled::openai
