#include "openai/choices.hpp"

#include "openai/logprobs.hpp"

namespace faelled::openai {
namespace {

using json::Kind;
using json::Value;

// The old form knows one call, so `parallel_tool_calls` was off and the first is all there is.
void append_call(json::Writer& writer, Value calls) {
  if (calls.is_empty() || calls.is_null()) return;
  const auto function = (*calls.items().begin()).find("function");
  if (!function) return;
  writer.key("function_call").object();
  for (const char* name : {"name", "arguments"}) {
    if (const auto value = function->find(name)) writer.member_raw(name, value->raw());
  }
  writer.close_object();
}

void append_said(json::Writer& writer, Value said) {
  std::string scratch;
  writer.object();
  for (const auto [name, value] : said.members()) {
    if (name.text_is("tool_calls")) {
      append_call(writer, value);
    } else if (!name.text_is("function_call")) {
      writer.member_raw(name.text_view(scratch), value.raw());
    }
  }
  writer.close_object();
}

}  // namespace

void append_choices(json::Writer& writer, Value choices, Endpoint endpoint, const AnswerForm& form,
                    std::string_view said, std::size_t& text_offset) {
  std::string scratch;
  writer.array();
  for (const Value choice : choices.items()) {
    writer.object();
    for (const auto [name, value] : choice.members()) {
      writer.key(name.text_view(scratch));
      if (form.index && name.text_is("index")) {
        writer.unsigned_integer(*form.index);
      } else if (form.old_functions && name.text_is(said)) {
        append_said(writer, value);
      } else if (form.old_functions && name.text_is("finish_reason") && value.text_is("tool_calls")) {
        writer.text("function_call");
      } else if (form.logprobs && name.text_is("logprobs") && value.kind() == Kind::object) {
        if (endpoint == Endpoint::chat) {
          append_chat_logprobs(writer, value, *form.logprobs);
        } else {
          append_completion_logprobs(writer, value, *form.logprobs, text_offset);
        }
      } else {
        writer.raw(value.raw());
      }
    }
    writer.close_object();
  }
  writer.close_array();
}

}  // namespace faelled::openai
