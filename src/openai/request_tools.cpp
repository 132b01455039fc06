// Tools: what the model may call, and whether it may or must. The deprecated `functions` are read into the same form.
#include <algorithm>

#include "base/limits.hpp"
#include "openai/request_parser.hpp"
#include "openai/schema_bounds.hpp"

namespace faelled::openai {
namespace {

using json::Kind;
using json::Value;

std::string path_of(const char* list, std::size_t number) {
  return std::string(list) + "[" + std::to_string(number) + "]";
}

bool is_tool_name(std::string_view name) {
  return !name.empty() && name.size() <= limits::tool_name_bytes_max && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

}  // namespace

bool RequestParser::read_tools(Value value) {
  if (value.kind() != Kind::array) return wrong_kind("tools", "an array", value);
  std::size_t number = 0;
  for (const Value tool : value.items()) {
    const std::string path = path_of("tools", number++);
    if (number > limits::tools_max) break;
    if (tool.kind() != Kind::object) return wrong_kind(path, "an object", tool);
    const auto type = tool.find("type");
    if (!type) return refuse(Cause::missing_value, path + ".type", "A tool must have a type.");
    if (!type->text_is("function")) {
      return refuse(type->kind() == Kind::text ? Cause::unsupported_value : Cause::invalid_value, path + ".type",
                    "Only tools of type \"function\" are supported.");
    }
    const auto function = tool.find("function");
    if (!function) return refuse(Cause::missing_value, path + ".function", "A tool must have a function.");
    if (!read_function(path + ".function", *function)) return false;
  }
  return true;
}

bool RequestParser::read_functions(Value value) {
  if (value.kind() != Kind::array) return wrong_kind("functions", "an array", value);
  std::size_t number = 0;
  for (const Value function : value.items()) {
    if (number == limits::tools_max) break;
    if (!read_function(path_of("functions", number++), function)) return false;
  }
  request_.form.old_functions = !request_.tools_.empty();
  return true;
}

bool RequestParser::read_function(const std::string& path, Value function) {
  if (function.kind() != Kind::object) return wrong_kind(path, "an object", function);
  const auto name = function.find("name");
  if (!name) return refuse(Cause::missing_value, path + ".name", "A function must have a name.");
  // Without escapes, so that two names can be compared as they stand.
  if (!is_tool_name(name->text_view(scratch_)) || name->raw().find('\\') != std::string_view::npos) {
    return refuse(Cause::invalid_value, path + ".name",
                  "The name of a function must be 1 to " + std::to_string(limits::tool_name_bytes_max) +
                      " letters, digits, '_' or '-'.");
  }
  const auto same = [&](const Tool& other) {
    return name->text_is(request_.slice(other.name).substr(1, other.name.bytes - 2));
  };
  if (std::ranges::any_of(request_.tools_, same)) {
    return refuse(Cause::invalid_value, path + ".name", "Two functions have the same name.");
  }
  Tool tool;
  tool.name = slice_of(*name);
  if (const auto text = function.find("description"); text && !text->is_null()) {
    if (text->kind() != Kind::text) return wrong_kind(path + ".description", "a string", *text);
    tool.description = slice_of(*text);
  }
  if (const auto strict = function.find("strict"); strict && !strict->is_null()) {
    tool.strict = strict->boolean();
    if (!tool.strict) return wrong_kind(path + ".strict", "true or false", *strict);
  }
  const auto schema = function.find("parameters");
  if (schema && !schema->is_null() && !read_parameters(path + ".parameters", *schema, tool)) return false;
  text_bytes_ += function.raw().size();
  request_.tools_.push_back(tool);
  return true;
}

bool RequestParser::read_parameters(const std::string& path, Value schema, Tool& tool) {
  SchemaBounds bounds(schema, path);
  if (auto fault = bounds.check()) return refuse(Cause::invalid_value, std::move(fault->path), std::move(fault->what));
  tool.parameters = slice_of(schema);
  return true;
}

// `name`: as the client wrote it, empty where it is missing.
bool RequestParser::choose_tool(const std::string& param, std::optional<Value> name) {
  if (!name || name->kind() != Kind::text)
    return refuse(Cause::invalid_value, param, "'" + param + "' must name a function.");
  for (Tool& tool : request_.tools_) {
    if (!name->text_is(request_.slice(tool.name).substr(1, tool.name.bytes - 2))) continue;
    tool.chosen = true;
    return true;
  }
  return refuse(Cause::invalid_value, param, "'" + param + "' names a function that is not offered.");
}

bool RequestParser::read_tool_choice(Value value) {
  ToolChoice& choice = request_.tool_choice_;
  if (value.text_is("none")) {
    choice = ToolChoice::none;
  } else if (value.text_is("auto")) {
    choice = ToolChoice::automatic;
  } else if (value.text_is("required")) {
    choice = ToolChoice::required;
  } else if (const auto type = value.find("type"); type && type->text_is("function")) {
    choice = ToolChoice::named;
    const auto function = value.find("function");
    return choose_tool("tool_choice", function ? function->find("name") : std::nullopt);
  } else if (type && type->text_is("allowed_tools")) {
    const auto allowed = value.find("allowed_tools");
    return read_allowed_tools(allowed.value_or(Value()));
  } else {
    return refuse(Cause::invalid_value, "tool_choice",
                  R"('tool_choice' must be "none", "auto", "required", a function or allowed_tools.)");
  }
  return true;
}

bool RequestParser::read_allowed_tools(Value allowed) {
  const auto mode = allowed.find("mode"), tools = allowed.find("tools");
  const bool required = mode && mode->text_is("required");
  if (!mode || (!required && !mode->text_is("auto")))
    return refuse(Cause::invalid_value, "tool_choice", R"(The mode of allowed_tools must be "auto" or "required".)");
  if (!tools || tools->kind() != Kind::array || tools->is_empty())
    return refuse(Cause::invalid_value, "tool_choice", "allowed_tools must name at least one tool.");
  if (tools->count() > limits::tools_max)
    return refuse(Cause::invalid_value, "tool_choice",
                  "allowed_tools may name at most " + std::to_string(limits::tools_max) + " tools.");
  for (const Value tool : tools->items()) {
    const auto function = tool.find("function");
    if (!choose_tool("tool_choice", function ? function->find("name") : std::nullopt)) return false;
  }
  request_.tool_choice_ = required ? ToolChoice::required : ToolChoice::automatic;
  request_.chosen_tools_alone_ = true;
  return true;
}

bool RequestParser::read_function_call(Value value) {
  if (value.text_is("none")) {
    request_.tool_choice_ = ToolChoice::none;
  } else if (value.text_is("auto")) {
    request_.tool_choice_ = ToolChoice::automatic;
  } else {
    request_.tool_choice_ = ToolChoice::named;
    return choose_tool("function_call", value.find("name"));
  }
  return true;
}

// Once every field is known: they may come in any order.
bool RequestParser::finish_tools() {
  const char* list = functions_ ? "functions" : "tools";
  const std::optional<Value> offered = functions_ ? functions_ : tools_;
  if (offered && offered->kind() == Kind::array) {
    if (offered->count() > limits::tools_max) {
      return refuse(Cause::invalid_value, list,
                    "'" + std::string(list) + "' takes at most " + std::to_string(limits::tools_max) + " functions.");
    }
    if (offered->raw().size() > limits::tools_bytes_max) {
      return refuse(
          Cause::invalid_value, list,
          "'" + std::string(list) + "' may have at most " + std::to_string(limits::tools_bytes_max) + " bytes.");
    }
  }
  if (tools_ && !read_tools(*tools_)) return false;
  if (functions_) {
    if (!request_.tools_.empty() && !functions_->is_empty())
      return refuse(Cause::invalid_value, "functions", "'tools' and 'functions' cannot both be set.");
    if (!read_functions(*functions_)) return false;
  }
  const bool any = !request_.tools_.empty();
  const auto asks = [](const std::optional<Value>& choice) {
    return choice && !choice->text_is("none") && !choice->text_is("auto");
  };
  if (!any && asks(tool_choice_))
    return refuse(Cause::invalid_value, "tool_choice", "'tool_choice' is only allowed with 'tools'.");
  if (!any && asks(function_call_))
    return refuse(Cause::invalid_value, "function_call", "'function_call' is only allowed with 'functions'.");
  if (any && tool_choice_ && !read_tool_choice(*tool_choice_)) return false;
  if (any && function_call_ && request_.form.old_functions && !read_function_call(*function_call_)) return false;
  request_.uses_tools = any || messages_of_tools_;
  request_.may_call_tools = any && request_.tool_choice_ != ToolChoice::none;
  // A stop text of the client's own may end an answer before its call.
  const bool must = request_.tool_choice_ == ToolChoice::required || request_.tool_choice_ == ToolChoice::named;
  request_.form.must_call_a_tool = must && request_.stop_.empty();
  return true;
}

}  // namespace faelled::openai
