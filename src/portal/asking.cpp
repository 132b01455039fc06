#include "portal/asking.hpp"

#include <fmt/format.h>

#include "base/limits.hpp"
#include "json/writer.hpp"
#include "portal/branch.hpp"

namespace faelled::portal {
namespace {

using openai::ApiError;
using openai::Cause;
using store::Message;
using store::MessageRole;

constexpr std::uint32_t answer_tokens_max = 1024;
constexpr std::uint32_t answer_tokens_min = 64;  // less is no answer

// What the model reads and the page does not show. Danish, as most questions are; it answers in the conversation's own.
constexpr std::string_view go_on = "Fortsæt præcis dér, hvor dit svar slap. Gentag intet, og indled ikke.";
constexpr std::string_view sum_up =
    "Herunder står en samtale mellem en medarbejder og en assistent. Skriv et kort resumé på samtalens eget sprog, så "
    "den kan fortsætte ud fra resuméet alene: hvad det drejer sig om, hvad der er fundet ud af, og hvad der er åbent. "
    "Skriv kun resuméet.";

// The end of the conversation, as much as leaves room for what is made of it.
std::string transcript(const std::vector<Message>& branch, std::uint32_t context_tokens) {
  std::string out;
  for (const Message& message : branch)
    if (!message.content.empty())
      out += (message.role == MessageRole::user ? "\n\nSpørgsmål: " : "\n\nSvar: ") + message.content;
  const std::size_t bytes_max =
      context_tokens == 0 ? limits::prompt_text_bytes_max : context_tokens * std::size_t{7} / 4;
  if (out.size() <= bytes_max) return out;
  std::size_t begin = out.size() - bytes_max;
  while (begin < out.size() && (static_cast<unsigned char>(out[begin]) & 0xC0U) == 0x80U) ++begin;
  return "\n\n…" + out.substr(begin);
}

Message user_words(std::string content) {
  Message out;
  out.content = std::move(content);
  return out;
}

std::vector<Message> summary_prompt(const std::vector<Message>& branch, std::uint32_t context_tokens) {
  return {user_words(std::string(sum_up) + transcript(branch, context_tokens))};
}

}  // namespace

std::expected<Asking, ApiError> Asking::read(json::Fields& fields) {
  Asking out;
  std::size_t ways = 0;
  for (const auto& [name, into] : {std::pair("again", &out.again), std::pair("further", &out.further)}) {
    auto text = fields.maybe_text(name);
    if (!text) return std::unexpected(ApiError{Cause::invalid_value, text.error().message, name});
    ways += text->has_value() ? 1 : 0;
    *into = text->value_or("");
  }
  auto content = fields.maybe_text("content");
  auto after = fields.maybe_text("after");
  auto model = fields.maybe_text("model");
  auto summary_of = fields.maybe_text("summary_of");
  for (const auto& [name, read] : {std::pair("content", &content), std::pair("after", &after),
                                   std::pair("model", &model), std::pair("summary_of", &summary_of)})
    if (!*read) return std::unexpected(ApiError{Cause::invalid_value, read->error().message, name});
  out.after = std::move(*after);
  out.model = std::move(*model);
  out.summary_of = summary_of->value_or("");
  out.content = content->value_or("");
  ways += *content ? 1 : 0;
  if (ways == 0) return std::unexpected(ApiError{Cause::missing_value, "content is missing", "content"});
  if (ways > 1)
    return std::unexpected(ApiError{Cause::invalid_value, "give one of content, again and further", "content"});
  if (content->has_value() && out.content.empty())
    return std::unexpected(ApiError{Cause::invalid_value, "the question is empty", "content"});
  if (out.content.size() > limits::prompt_text_bytes_max)
    return std::unexpected(ApiError{Cause::body_too_large, "the question is too long", "content"});
  return out;
}

Expected<Asked> asked(const Asking& asking, const std::string& leaf, const std::vector<Message>& all,
                      const std::vector<Message>& earlier, std::uint32_t context_tokens, Message question,
                      Message answer) {
  const auto none = [] { return fail(Errc::not_found, "there is no such message in this conversation"); };
  Asked out;
  out.sums_up = !asking.summary_of.empty() && asking.further.empty();
  if (!asking.again.empty() || !asking.further.empty()) {
    const Message* old = message_of(all, asking.again.empty() ? asking.further : asking.again);
    if (old == nullptr) return none();
    if (old->role != MessageRole::assistant) return fail(Errc::invalid, "only an answer can be written again");
    out.prompt = branch_to(all, asking.again.empty() ? old->id : old->parent);
    if (asking.again.empty()) {
      if (old->content.empty()) return fail(Errc::invalid, "there is nothing to go on from; ask again");
      out.answer = *old;
      out.answer.state = answer.state;
      out.answer.request_id = answer.request_id;
      out.answer.limit = store::MessageLimit::none;
      out.answer.input_tokens = out.answer.output_tokens = 0;  // of what it was, and of its model then
      out.answer.error_message.clear();
      out.answer.error_message_da.clear();
      out.prompt.push_back(user_words(std::string(go_on)));
    } else {
      out.answer = std::move(answer);
      out.answer.parent = old->parent;
      if (out.answer.parent.empty()) out.prompt.clear();
      if (out.sums_up) out.prompt = summary_prompt(earlier, context_tokens);
    }
    return out;
  }
  if (asking.after && !asking.after->empty()) {
    if (message_of(all, *asking.after) == nullptr) return none();
    out.prompt = branch_to(all, *asking.after);
  } else if (!asking.after) {
    out.prompt = branch_to(all, leaf);
  }
  question.content = asking.content;
  question.parent = out.prompt.empty() ? "" : out.prompt.back().id;
  answer.parent = question.id;
  out.prompt.push_back(question);
  if (out.sums_up) out.prompt = summary_prompt(earlier, context_tokens);
  out.question = std::move(question);
  out.answer = std::move(answer);
  return out;
}

std::expected<std::vector<Message>, ApiError> loose_prompt(json::Value messages) {
  const auto wrong = [](std::string message) {
    return std::unexpected(ApiError{Cause::invalid_value, std::move(message), "messages"});
  };
  std::vector<Message> out;
  std::size_t bytes = 0;
  for (const json::Value value : messages.items()) {
    if (out.size() == limits::chat_messages_max) return wrong("there are too many messages");
    auto fields = json::Fields::of(value, fmt::format("messages[{}]", out.size()));
    if (!fields) return wrong(fields.error().message);
    auto role = fields->text("role");
    auto content = fields->text("content");
    if (!role) return wrong(role.error().message);
    if (!content) return wrong(content.error().message);
    if (auto all = fields->finish(); !all) return wrong(all.error().message);
    if (*role != "user" && *role != "assistant") return wrong("a role is user or assistant");
    Message message;
    message.role = *role == "user" ? MessageRole::user : MessageRole::assistant;
    bytes += content->size();
    message.content = std::move(*content);
    out.push_back(std::move(message));
  }
  if (out.empty() || out.back().content.empty()) return wrong("the last message is empty");
  if (bytes > limits::http_body_bytes_max / 2)
    return std::unexpected(ApiError{Cause::body_too_large, "the conversation is too long", "messages"});
  return out;
}

std::vector<Message> loose_asked(std::vector<Message> branch, bool further, bool sums_up,
                                 std::uint32_t context_tokens) {
  if (sums_up) return summary_prompt(branch, context_tokens);
  if (further) branch.push_back(user_words(std::string(go_on)));
  return branch;
}

std::uint32_t answer_tokens(const std::vector<Message>& prompt, const std::string& model,
                            std::uint32_t context_tokens) {
  if (context_tokens == 0) return answer_tokens_max;
  const std::uint32_t taken = tokens_in(prompt, model);
  if (taken + std::min(answer_tokens_min, context_tokens / 4) > context_tokens) return 0;
  return std::min(answer_tokens_max, context_tokens - taken);
}

std::string chat_body(const std::string& model, const std::vector<Message>& prompt, std::uint32_t tokens_max) {
  std::string body;
  json::Writer out(body);
  out.object().member("model", model).member("stream", true).member("max_tokens", tokens_max);
  out.key("stream_options").object().member("include_usage", true).close_object();
  out.key("messages").array();
  // Many models refuse two questions in a row, as where an answer failed: they are put together.
  for (std::size_t i = 0; i < prompt.size();) {
    const MessageRole role = prompt[i].role;
    std::string content;
    for (; i < prompt.size() && (prompt[i].role == role || prompt[i].content.empty()); ++i) {
      if (prompt[i].content.empty()) continue;
      content += (content.empty() ? "" : "\n\n") + prompt[i].content;
    }
    if (content.empty()) continue;
    out.object().member("role", role == MessageRole::user ? "user" : "assistant").member("content", content);
    out.close_object();
  }
  out.close_array().close_object();
  return body;
}

}  // namespace faelled::portal
