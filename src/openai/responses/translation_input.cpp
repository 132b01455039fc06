// The conversation: `instructions` and the items of `input`.
#include "base/limits.hpp"
#include "openai/responses/translation.hpp"

namespace faelled::openai::responses {

using json::Kind;
using json::Value;

bool Translation::read_input(Value root) {
  if (const auto instructions = root.find("instructions"); given(instructions)) {
    if (instructions->kind() != Kind::text) return wrong_kind("instructions", "a string", *instructions);
    if (!instructions->is_empty()) messages_.say("system", {instructions->raw()});
  }
  const auto input = root.find("input");
  if (!given(input)) return missing("input");
  if (input->kind() == Kind::text) {
    messages_.say("user", {input->raw()});
  } else if (input->kind() == Kind::array) {
    if (input->is_empty()) return refuse(Cause::invalid_value, "input", "'input' must not be empty.");
    if (input->count() > limits::chat_messages_max)
      return refuse(Cause::invalid_value, "input",
                    "'input' takes at most " + std::to_string(limits::chat_messages_max) + " items.");
    std::size_t number = 0;
    for (const Value item : input->items()) {
      if (!read_item("input[" + std::to_string(number++) + "]", item)) return false;
    }
  } else {
    return wrong_kind("input", "a string or an array of items", *input);
  }
  if (messages_.empty()) return refuse(Cause::invalid_value, "input", "'input' holds nothing for the model to read.");
  out_.member_raw("messages", messages_.take());
  return true;
}

bool Translation::read_item(const std::string& path, Value item) {
  if (item.kind() != Kind::object) return wrong_kind(path, "an object", item);
  const auto type = item.find("type");
  if (!given(type) || type->text_is("message")) return read_message(path, item);
  if (type->text_is("function_call")) return read_call(path, item);
  if (type->text_is("function_call_output")) return read_output(path, item);
  if (type->text_is("reasoning")) return true;  // what a model thought before is not shown to it again
  if (type->kind() != Kind::text) return wrong_kind(path + ".type", "a string", *type);
  if (type->text_is("item_reference"))
    return refuse(Cause::unsupported_value, path + ".type", "Items are not stored; send the item itself.");
  return refuse(
      Cause::unsupported_value, path + ".type",
      "Items must be of the type message, function_call, function_call_output or reasoning; other kinds are not "
      "supported.");
}

bool Translation::read_message(const std::string& path, Value item) {
  const auto role = item.find("role");
  if (!given(role)) return missing(path + ".role");
  const std::string_view name = role->text_view(scratch_);
  if (name != "user" && name != "assistant" && name != "system" && name != "developer")
    return refuse(Cause::invalid_value, path + ".role",
                  "The role of a message must be system, developer, user or assistant.");
  const auto content = item.find("content");
  if (!given(content)) return missing(path + ".content");
  ChatMessages::Texts texts;
  if (!read_texts(path + ".content", *content, texts)) return false;
  messages_.say(name, texts);
  return true;
}

bool Translation::read_texts(const std::string& path, Value content, ChatMessages::Texts& texts) {
  if (content.kind() == Kind::text) {
    texts.push_back(content.raw());
    return true;
  }
  if (content.kind() != Kind::array) return wrong_kind(path, "a string or an array of parts", content);
  if (content.is_empty()) return refuse(Cause::invalid_value, path, "'" + path + "' must have at least one part.");
  std::size_t number = 0;
  for (const Value part : content.items()) {
    const std::string here = path + "[" + std::to_string(number++) + "]";
    if (part.kind() != Kind::object) return wrong_kind(here, "an object", part);
    std::string_view type, text;
    if (!read_text(part, "type", here, type)) return false;
    const bool refusal = type == R"("refusal")";
    if (type == R"("input_image")" || type == R"("input_file")" || type == R"("input_audio")")
      return refuse(Cause::unsupported_value, here + ".type", "Images, files and sound are not supported yet.");
    if (!refusal && type != R"("input_text")" && type != R"("output_text")" && type != R"("text")")
      return refuse(Cause::unsupported_value, here + ".type", "Parts must be input_text, output_text or refusal.");
    if (!read_text(part, refusal ? "refusal" : "text", here, text)) return false;
    texts.push_back(text);
  }
  return true;
}

bool Translation::read_call(const std::string& path, Value item) {
  std::string_view id, name, arguments;
  if (!read_text(item, "call_id", path, id) || !read_text(item, "name", path, name) ||
      !read_text(item, "arguments", path, arguments))
    return false;
  messages_.call(id, name, std::string(arguments));
  return true;
}

bool Translation::read_output(const std::string& path, Value item) {
  std::string_view id;
  if (!read_text(item, "call_id", path, id)) return false;
  const auto output = item.find("output");
  if (!given(output)) return missing(path + ".output");
  ChatMessages::Texts texts;
  if (!read_texts(path + ".output", *output, texts)) return false;
  messages_.result(id, texts);
  return true;
}

}  // namespace faelled::openai::responses
