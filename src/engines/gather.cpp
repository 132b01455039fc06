#include "engines/gather.hpp"

#include <algorithm>

#include "base/limits.hpp"
#include "json/writer.hpp"
#include "openai/delta.hpp"

namespace faelled::engines {

namespace {

std::string text_of(json::Value object, std::string_view name) {
  auto value = object.find(name);
  return value ? value->text().value_or("") : "";
}

}  // namespace

Expected<bool> Gather::add(std::string_view data, json::Document& document) {
  if (data == "[DONE]") return false;
  bytes_ += data.size();
  if (bytes_ > limits::upstream_body_bytes_max) return fail(Errc::too_large, "the engine's answer is too long");
  auto root = document.parse(data);
  if (!root || root->kind() != json::Kind::object)
    return fail(Errc::io, "the engine sent what is no chunk of an answer");
  if (auto error = root->find("error"); error && !error->is_null()) {
    error_event_ = data;
    return fail(Errc::unavailable, "the engine broke the answer off");
  }
  if (id_.empty()) {
    id_ = text_of(*root, "id");
    model_ = text_of(*root, "model");
    fingerprint_ = text_of(*root, "system_fingerprint");
    if (auto created = root->find("created")) created_ = created->integer().value_or(0);
  }
  if (auto usage = root->find("usage"); usage && usage->kind() == json::Kind::object) usage_ = usage->raw();
  if (auto choices = root->find("choices")) {
    bool token = false;
    for (auto choice : choices->items()) {
      add_choice(choice);
      token |= has_token(choice);
    }
    deltas_ += token ? 1 : 0;
  }
  return true;
}

bool Gather::has_token(json::Value choice) {
  if (const auto text = choice.find("text")) return openai::is_token(*text);
  const auto delta = choice.find("delta");
  if (!delta || delta->kind() != json::Kind::object) return false;
  for (const auto [name, value] : delta->members())
    if (openai::is_token(name, value)) return true;
  return false;
}

void Gather::add_choice(json::Value from) {
  auto index = from.find("index");
  auto& choice = choices_[index ? index->integer().value_or(0) : 0];
  if (auto reason = from.find("finish_reason"); reason && !reason->is_null()) {
    choice.finish_reason = reason->text().value_or("stop");
  }
  if (auto text = from.find("text")) choice.text += text->text().value_or("");
  if (auto logprobs = from.find("logprobs"); logprobs && logprobs->kind() == json::Kind::object) {
    if (auto content = logprobs->find("content")) {
      for (auto item : content->items()) {
        if (!choice.logprobs.empty()) choice.logprobs += ',';
        choice.logprobs += item.raw();
      }
    }
  }
  if (auto delta = from.find("delta"); delta && delta->kind() == json::Kind::object) add_delta(choice, *delta);
}

void Gather::add_delta(Choice& choice, json::Value delta) {
  if (auto content = delta.find("content"); content && content->kind() == json::Kind::text) {
    choice.text += content->text().value_or("");
    choice.has_text = true;
  }
  choice.reasoning += text_of(delta, "reasoning_content");
  auto calls = delta.find("tool_calls");
  if (!calls) return;
  for (auto part : calls->items()) {
    auto index = part.find("index");
    auto& call = choice.tool_calls[index ? index->integer().value_or(0) : 0];
    call.id += text_of(part, "id");
    if (auto function = part.find("function")) {
      call.name += text_of(*function, "name");
      call.arguments += text_of(*function, "arguments");
    }
  }
}

bool Gather::complete() const {
  return !choices_.empty() &&
         std::ranges::all_of(choices_, [](const auto& c) { return !c.second.finish_reason.empty(); });
}

std::string Gather::body() const {
  const bool chat = endpoint_ == openai::Endpoint::chat;
  std::string out;
  json::Writer writer(out);
  writer.object().member("id", id_).member("object", chat ? "chat.completion" : "text_completion");
  writer.member("created", created_).member("model", model_).key("choices").array();
  for (const auto& [index, choice] : choices_) {
    writer.object().member("index", index);
    if (chat) {
      writer.key("message").object().member("role", "assistant").key("content");
      if (choice.has_text || choice.tool_calls.empty()) {
        writer.text(choice.text);
      } else {
        writer.null();
      }
      writer.member("refusal", nullptr);  // OpenAI's description asks for it
      if (!choice.reasoning.empty()) writer.member("reasoning_content", choice.reasoning);
      if (!choice.tool_calls.empty()) {
        writer.key("tool_calls").array();
        for (const auto& [number, call] : choice.tool_calls) {
          writer.object().member("id", call.id).member("type", "function").key("function").object();
          writer.member("name", call.name).member("arguments", call.arguments).close_object().close_object();
        }
        writer.close_array();
      }
      writer.close_object();
    } else {
      writer.member("text", choice.text);
    }
    writer.key("logprobs");
    if (choice.logprobs.empty()) {
      writer.null();
    } else {
      writer.object().member_raw("content", "[" + choice.logprobs + "]").close_object();
    }
    writer.member_or_null("finish_reason", choice.finish_reason).close_object();
  }
  writer.close_array();
  if (!usage_.empty()) writer.member_raw("usage", usage_);
  if (!fingerprint_.empty()) writer.member("system_fingerprint", fingerprint_);
  writer.close_object();
  return out;
}

}  // namespace faelled::engines
