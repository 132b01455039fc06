// Chat messages, written again from the members that were checked. Calls in the deprecated form (`function_call`, role
// function) become tool calls; a function's answer belongs to the call before it.
#include "json/writer.hpp"
#include "openai/request_parser.hpp"

namespace faelled::openai {
namespace {

using json::Kind;
using json::Value;

void append_content(json::Writer& writer, Value content) {
  if (content.kind() == Kind::text || content.is_empty()) {
    writer.member_raw("content", content.kind() == Kind::text ? content.raw() : R"("")");
    return;
  }
  writer.key("content").array();
  for (const Value part : content.items()) {
    writer.object().member("type", "text").member_raw("text", part.find("text")->raw()).close_object();
  }
  writer.close_array();
}

void append_call(json::Writer& writer, std::string_view id, Value function) {
  writer.object().member_raw("id", id).member("type", "function").key("function").object();
  writer.member_raw("name", function.find("name")->raw()).member_raw("arguments", function.find("arguments")->raw());
  writer.close_object().close_object();
}

// Of messages that `used` members only; what it leaves out is not there for an engine.
bool used(const std::optional<Value>& value) { return value && !value->is_null() && !value->is_empty(); }

std::string_view role_for_engine(Value role) {
  if (role.text_is("developer")) return R"("system")";
  return role.text_is("function") ? R"("tool")" : role.raw();
}

}  // namespace

void RequestParser::rebuild_messages(Value messages) {
  json::Writer writer(request_.messages_);
  writer.array();
  std::size_t old_calls = 0;  // so far: names of calls that had no id
  const auto old_id = [&] { return "\"call_" + std::to_string(old_calls) + "\""; };
  for (const Value message : messages.items()) {
    const Value role = *message.find("role");
    writer.object().member_raw("role", role_for_engine(role));
    if (const auto content = message.find("content"); content && !content->is_null()) {
      append_content(writer, *content);
    } else if (role.text_is("function")) {
      writer.member("content", "");
    }
    if (const auto name = message.find("name"); name && !name->is_null()) writer.member_raw("name", name->raw());
    if (role.text_is("assistant")) {
      if (const auto thought = message.find("reasoning_content"); thought && !thought->is_null())
        writer.member_raw("reasoning_content", thought->raw());
      const auto calls = message.find("tool_calls"), old_call = message.find("function_call");
      if (used(calls) || used(old_call)) writer.key("tool_calls").array();
      if (used(calls)) {
        for (const Value call : calls->items()) append_call(writer, call.find("id")->raw(), *call.find("function"));
      }
      if (used(old_call)) {
        ++old_calls;
        append_call(writer, old_id(), *old_call);
      }
      if (used(calls) || used(old_call)) writer.close_array();
    } else if (role.text_is("tool")) {
      writer.member_raw("tool_call_id", message.find("tool_call_id")->raw());
    } else if (role.text_is("function")) {
      writer.member_raw("tool_call_id", old_id());
    }
    writer.close_object();
  }
  writer.close_array();
}

}  // namespace faelled::openai
