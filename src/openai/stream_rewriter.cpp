#include "openai/stream_rewriter.hpp"

#include <algorithm>

#include "json/writer.hpp"
#include "openai/choices.hpp"
#include "openai/delta.hpp"
#include "openai/members.hpp"

namespace faelled::openai {

using json::Kind;
using json::Member;
using json::Value;

struct StreamRewriter::Chunk {
  std::optional<Value> error, usage, choices;
  bool drop_usage = false;  // the usage member does not go to the client in this chunk
  bool as_it_came = true;
  bool token = false;
  bool forgot_its_call = false;
  bool progress = false;  // llama-server tells how far it is with the prompt; clients did not ask
};

StreamRewriter::StreamRewriter(Endpoint endpoint, std::string_view public_model, const AnswerForm& form)
    : endpoint_(endpoint), public_model_(public_model), form_(form) {
  json::append_text(model_json_, public_model_);
}

StreamRewriter::Step StreamRewriter::fail(ApiError error) {
  failed_ = true;
  error_ = std::move(error);
  return {.verdict = Verdict::failed, .data = {}};
}

StreamRewriter::Step StreamRewriter::step(const SseEvent& event, json::Document& document) {
  if (failed_ || done_) return {};
  if (event.name == "error") return fail(engine_error(0, event.data));
  if (event.data == "[DONE]") return finish();
  const auto root = document.parse(event.data);
  Chunk chunk;
  chunk.as_it_came = !form_.rewrites_all();
  if (!root || root->kind() != Kind::object || !read(*root, chunk)) return fail(engine_error(0, {}));
  if (chunk.error) return fail(engine_error(0, event.data));
  if (chunk.forgot_its_call) {
    return fail({.cause = Cause::engine_failed,
                 .message = "The model did not call the tool that was required.",
                 .param = {},
                 .retry_after = {}});
  }
  if (chunk.progress && !chunk.token) return {};
  if (!chunk.choices || chunk.choices->is_empty()) {
    if (!form_.include_usage || !chunk.usage || chunk.usage->kind() != Kind::object) return {};
    held_usage_.clear();
  } else if (chunk.drop_usage && form_.include_usage && usage_.known) {
    held_usage_.clear();
    rewrite(*root, {.error = {}, .usage = chunk.usage, .choices = {}});
    held_usage_ = scratch_;
  }
  Step step{.verdict = Verdict::forward, .data = event.data};
  step.token = chunk.token;
  step.first_token = chunk.token && deltas_ == 0;
  if (chunk.token) ++deltas_;
  // A payload of several lines would fall apart as one "data:" line.
  const bool one_line = event.data.find('\n') == event.data.npos;
  if (chunk.as_it_came && one_line) return step;
  rewrite(*root, chunk);
  if (!one_line) std::ranges::replace(scratch_, '\n', ' ');
  step.data = scratch_;
  return step;
}

StreamRewriter::Step StreamRewriter::finish() {
  done_ = true;
  scratch_ = std::move(held_usage_);
  std::ranges::replace(scratch_, '\n', ' ');
  return {.verdict = Verdict::done, .data = scratch_};
}

// False where the chunk is not what a stream of this endpoint holds.
bool StreamRewriter::read(Value root, Chunk& chunk) {
  for (const auto [name, value] : root.members()) {
    switch (answer_member(name.text_view(scratch_))) {
      case AnswerMember::plain:
        break;
      case AnswerMember::model:
        if (!value.text_is(public_model_)) chunk.as_it_came = false;
        break;
      case AnswerMember::choices:
        if (value.kind() != Kind::array) return false;
        chunk.choices = value;
        for (const Value choice : value.items()) read_choice(choice, chunk);
        break;
      case AnswerMember::usage:
        chunk.usage = value;
        break;
      case AnswerMember::error:
        if (!value.is_null()) chunk.error = value;
        chunk.as_it_came = false;
        break;
      case AnswerMember::data:
      case AnswerMember::foreign:
        chunk.as_it_came = false;
        if (name.text_is("prompt_progress")) chunk.progress = true;
        break;
    }
  }
  if (!chunk.usage) return true;
  if (const Usage usage = read_usage(*chunk.usage); usage.known) usage_ = usage;
  const bool has_choices = chunk.choices && !chunk.choices->is_empty();
  chunk.drop_usage = !form_.include_usage || (has_choices && !chunk.usage->is_null());
  if (chunk.drop_usage) chunk.as_it_came = false;
  return true;
}

void StreamRewriter::read_choice(Value choice, Chunk& chunk) {
  bool stopped = false;
  for (const auto [name, value] : choice.members()) {
    if (name.text_is("finish_reason")) {
      if (value.is_null()) continue;
      finished_ = true;
      stopped = value.text_is("stop");
    } else if (endpoint_ == Endpoint::completions && name.text_is("text")) {
      chunk.token |= is_token(value);
    } else if (endpoint_ == Endpoint::chat && name.text_is("delta")) {
      for (const auto [part, content] : value.members()) {
        if (!is_token(part, content)) continue;
        chunk.token = true;
        if (part.text_is("tool_calls")) called_a_tool_ = true;
      }
    }
  }
  if (stopped && form_.must_call_a_tool && !called_a_tool_) chunk.forgot_its_call = true;
}

// Into scratch_: the members a client may see. Without choices in `chunk`: the same chunk with none, for usage alone.
void StreamRewriter::rewrite(Value root, const Chunk& chunk) {
  scratch_.clear();
  json::Writer writer(scratch_);
  writer.object();
  for (const auto [name, value] : root.members()) {
    std::string unescaped;
    switch (answer_member(name.text_view(unescaped))) {
      case AnswerMember::plain:
        append_plain(writer, name.text_view(unescaped), value, form_);
        break;
      case AnswerMember::model:
        writer.key("model").raw(model_json_);
        break;
      case AnswerMember::choices:
        writer.key("choices");
        if (chunk.choices && form_.rewrites_choices()) {
          append_choices(writer, value, endpoint_, form_, "delta", text_offset_);
        } else {
          writer.raw(chunk.choices ? value.raw() : "[]");
        }
        break;
      case AnswerMember::usage:
        if (!chunk.drop_usage) writer.key("usage").raw(value.raw());
        break;
      default:
        break;
    }
  }
  append_tier(writer, form_);
  writer.close_object();
}

}  // namespace faelled::openai
