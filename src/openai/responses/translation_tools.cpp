// Function tools. Tools that the provider runs itself (web search, files, code, …) do not exist here.
#include "openai/responses/translation.hpp"

namespace faelled::openai::responses {

using json::Kind;
using json::Value;

bool Translation::read_tool(const std::string& path, Value tool) {
  if (tool.kind() != Kind::object) return wrong_kind(path, "an object", tool);
  std::string_view type, name;
  if (!read_text(tool, "type", path, type)) return false;
  if (type != R"("function")")
    return refuse(Cause::unsupported_value, path + ".type",
                  "Only tools of the type function are supported; no other tool is run here.");
  if (!read_text(tool, "name", path, name)) return false;
  out_.object().member("type", "function").key("function").object().member_raw("name", name);
  for (const char* more : {"description", "parameters", "strict"}) {
    if (const auto value = tool.find(more); given(value)) out_.member_raw(more, value->raw());
  }
  out_.close_object().close_object();
  return true;
}

bool Translation::read_tool_choice(Value choice) {
  if (choice.kind() == Kind::text) {
    out_.member_raw("tool_choice", choice.raw());
    return true;
  }
  if (choice.kind() != Kind::object) return wrong_kind("tool_choice", "a string or an object", choice);
  std::string_view type, name;
  if (!read_text(choice, "type", "tool_choice", type)) return false;
  if (type != R"("function")")
    return refuse(Cause::unsupported_value, "tool_choice.type",
                  "'tool_choice' must be \"none\", \"auto\", \"required\" or name a function.");
  if (!read_text(choice, "name", "tool_choice", name)) return false;
  out_.key("tool_choice").object().member("type", "function").key("function").object().member_raw("name", name);
  out_.close_object().close_object();
  return true;
}

}  // namespace faelled::openai::responses
