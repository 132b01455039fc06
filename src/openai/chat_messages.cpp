#include "openai/chat_messages.hpp"

namespace faelled::openai {

void ChatMessages::say(std::string_view role, const Texts& texts) {
  end_turn();
  ++count_;
  if (role == "assistant") {
    assistant_ = true;
    texts_ = texts;
    return;
  }
  writer_.object().member("role", role).key("content");
  write_content(texts);
  writer_.close_object();
}

void ChatMessages::call(std::string_view id, std::string_view name, std::string arguments) {
  if (!assistant_) say("assistant", {});
  text_bytes_ += arguments.size();
  calls_.push_back({id, name, std::move(arguments)});
}

void ChatMessages::result(std::string_view call_id, const Texts& texts) {
  end_turn();
  ++count_;
  writer_.object().member("role", "tool").member_raw("tool_call_id", call_id).key("content");
  write_content(texts);
  writer_.close_object();
}

std::string_view ChatMessages::take() {
  end_turn();
  writer_.close_array();
  return out_;
}

std::uint32_t ChatMessages::tokens_estimate() const {
  constexpr std::size_t turn_tokens = 4;
  return static_cast<std::uint32_t>(text_bytes_ / 4 + count_ * turn_tokens);
}

void ChatMessages::write_content(const Texts& texts) {
  for (const std::string_view text : texts) text_bytes_ += text.size() - 2;
  if (texts.empty()) {
    writer_.text("");
  } else if (texts.size() == 1) {
    writer_.raw(texts.front());
  } else {
    writer_.array();
    for (const std::string_view text : texts)
      writer_.object().member("type", "text").member_raw("text", text).close_object();
    writer_.close_array();
  }
}

void ChatMessages::end_turn() {
  if (!assistant_) return;
  assistant_ = false;
  writer_.object().member("role", "assistant").key("content");
  if (texts_.empty() && !calls_.empty()) {
    writer_.null();
  } else {
    write_content(texts_);
  }
  if (!calls_.empty()) {
    writer_.key("tool_calls").array();
    for (const Call& call : calls_) {
      writer_.object().member_raw("id", call.id).member("type", "function").key("function").object();
      writer_.member_raw("name", call.name).member_raw("arguments", call.arguments).close_object().close_object();
    }
    writer_.close_array();
    calls_.clear();
  }
  writer_.close_object();
}

}  // namespace faelled::openai
