// The conversation: `system` and the blocks of `messages`. A user's message with results of tools becomes one message
// for each result and one for what is said beside them, in their order.
#include "base/limits.hpp"
#include "openai/anthropic/translation.hpp"

namespace faelled::openai::anthropic {

using json::Kind;
using json::Value;

bool Translation::read_messages(Value root) {
  if (const auto system = root.find("system"); given(system) && !system->is_empty()) {
    ChatMessages::Texts texts;
    if (!read_texts("system", *system, texts)) return false;
    messages_.say("system", texts);
  }
  const auto messages = root.find("messages");
  if (!given(messages)) return missing("messages");
  if (messages->kind() != Kind::array) return wrong_kind("messages", "an array", *messages);
  if (messages->is_empty()) return refuse(Cause::invalid_value, "messages", "'messages' must not be empty.");
  if (messages->count() > limits::chat_messages_max)
    return refuse(Cause::invalid_value, "messages",
                  "'messages' takes at most " + std::to_string(limits::chat_messages_max) + " messages.");
  std::size_t number = 0;
  for (const Value message : messages->items()) {
    if (!read_message("messages[" + std::to_string(number++) + "]", message)) return false;
  }
  out_.member_raw("messages", messages_.take());
  asked_.prompt_tokens_estimate = messages_.tokens_estimate();
  return true;
}

bool Translation::read_message(const std::string& path, Value message) {
  if (message.kind() != Kind::object) return wrong_kind(path, "an object", message);
  const auto role = message.find("role");
  if (!given(role)) return missing(path + ".role");
  const char* known = role->text_is("user")        ? "user"
                      : role->text_is("assistant") ? "assistant"
                      : role->text_is("system")    ? "system"
                                                   : nullptr;
  if (!known) return refuse(Cause::invalid_value, path + ".role", "The role of a message must be user or assistant.");
  const auto content = message.find("content");
  if (!given(content)) return missing(path + ".content");
  const std::string here = path + ".content";
  if (content->kind() == Kind::text) {
    messages_.say(known, {content->raw()});
    return true;
  }
  if (content->kind() != Kind::array) return wrong_kind(here, "a string or an array of blocks", *content);
  if (content->is_empty()) return refuse(Cause::invalid_value, here, "'" + here + "' must have at least one block.");
  if (role->text_is("user")) return read_user(here, *content);
  if (role->text_is("assistant")) return read_assistant(here, *content);
  ChatMessages::Texts texts;
  if (!read_texts(here, *content, texts)) return false;
  messages_.say(known, texts);
  return true;
}

bool Translation::read_user(const std::string& path, Value blocks) {
  ChatMessages::Texts texts;
  const auto say = [&] {
    if (!texts.empty()) messages_.say("user", texts);
    texts.clear();
  };
  std::size_t number = 0;
  for (const Value block : blocks.items()) {
    const std::string here = path + "[" + std::to_string(number++) + "]";
    std::string_view type, text;
    if (!read_type(here, block, type)) return false;
    if (type == R"("text")") {
      if (!read_text(block, "text", here, text)) return false;
      texts.push_back(text);
    } else if (type == R"("tool_result")") {
      say();
      if (!read_result(here, block)) return false;
    } else {
      return refuse_block(here, type);
    }
  }
  say();
  return true;
}

bool Translation::read_assistant(const std::string& path, Value blocks) {
  struct Call {
    std::string_view id, name;
    std::string arguments;
  };
  ChatMessages::Texts texts;
  std::vector<Call> calls;
  std::size_t number = 0;
  for (const Value block : blocks.items()) {
    const std::string here = path + "[" + std::to_string(number++) + "]";
    std::string_view type, text;
    if (!read_type(here, block, type)) return false;
    if (type == R"("text")") {
      if (!read_text(block, "text", here, text)) return false;
      texts.push_back(text);
    } else if (type == R"("tool_use")") {
      Call& call = calls.emplace_back();
      if (!read_text(block, "id", here, call.id) || !read_text(block, "name", here, call.name)) return false;
      const auto input = block.find("input");
      if (!given(input)) return missing(here + ".input");
      if (input->kind() != Kind::object) return wrong_kind(here + ".input", "an object", *input);
      json::append_text(call.arguments, input->raw());
    } else if (type != R"("thinking")" && type != R"("redacted_thinking")") {  // not shown to a model again
      return refuse_block(here, type);
    }
  }
  messages_.say("assistant", texts);
  for (Call& call : calls) messages_.call(call.id, call.name, std::move(call.arguments));
  return true;
}

bool Translation::read_result(const std::string& path, Value block) {
  std::string_view id;
  if (!read_text(block, "tool_use_id", path, id)) return false;
  ChatMessages::Texts texts;
  const auto content = block.find("content");
  if (given(content) && !content->is_empty() && !read_texts(path + ".content", *content, texts)) return false;
  messages_.result(id, texts);
  return true;
}

bool Translation::read_texts(const std::string& path, Value content, ChatMessages::Texts& texts) {
  if (content.kind() == Kind::text) {
    texts.push_back(content.raw());
    return true;
  }
  if (content.kind() != Kind::array) return wrong_kind(path, "a string or an array of blocks", content);
  std::size_t number = 0;
  for (const Value block : content.items()) {
    const std::string here = path + "[" + std::to_string(number++) + "]";
    std::string_view type, text;
    if (!read_type(here, block, type)) return false;
    if (type != R"("text")") return refuse_block(here, type);
    if (!read_text(block, "text", here, text)) return false;
    texts.push_back(text);
  }
  return true;
}

bool Translation::read_type(const std::string& path, Value block, std::string_view& type) {
  if (block.kind() != Kind::object) return wrong_kind(path, "an object", block);
  return read_text(block, "type", path, type);
}

bool Translation::refuse_block(const std::string& path, std::string_view type) {
  if (type == R"("image")" || type == R"("document")")
    return refuse(Cause::unsupported_value, path + ".type", "Images and documents are not supported yet.");
  return refuse(Cause::unsupported_value, path + ".type", "This kind of block is not supported here.");
}

}  // namespace faelled::openai::anthropic
