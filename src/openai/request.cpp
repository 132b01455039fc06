#include "openai/request.hpp"

#include <algorithm>

#include "base/limits.hpp"
#include "json/writer.hpp"
#include "openai/request_parser.hpp"

namespace faelled::openai {

std::expected<Request, ApiError> Request::parse(Endpoint endpoint, std::string body, json::Document& document) {
  Request request;
  request.endpoint = endpoint;
  request.body_ = std::move(body);
  const auto root = document.parse(request.body_);
  if (!root) {
    const std::string& twice = document.name_that_stands_twice();
    return std::unexpected(ApiError{.cause = Cause::invalid_json,
                                    .message = root.error().message,
                                    .param = twice.empty() || twice.size() > limits::name_bytes_max ? "body" : twice,
                                    .retry_after = {}});
  }
  RequestParser parser(request);
  if (!parser.parse(*root)) return std::unexpected(std::move(parser.error()));
  return request;
}

void Request::append_upstream_body(std::string& out, const Upstream& upstream) const {
  out.reserve(out.size() + body_.size() + messages_.size() + 256);
  json::Writer writer(out);
  writer.object().member("model", upstream.model);
  for (const auto& [field, value] : passed_) {
    if (field->number == FieldName::encoding_format && form.dimensions > 0) continue;  // cut here, as numbers
    const bool rebuilt = field->number == FieldName::messages && !messages_.empty();
    writer.key(field->name).raw(rebuilt ? std::string_view(messages_) : slice(value));
  }
  if (endpoint == Endpoint::rerank) {
    writer.key("documents").array();
    for (const Slice document : documents_) writer.raw(slice(document));
    writer.close_array();
  }
  if (endpoint == Endpoint::embeddings && form.dimensions > 0) writer.member("encoding_format", "float");
  if (endpoint == Endpoint::embeddings || endpoint == Endpoint::rerank) return;
  if (seed_) writer.member("seed", *seed_);
  if (!stop_.empty() || !upstream.stop.empty()) {
    writer.key("stop").array();
    for (const Slice stop : stop_) writer.raw(slice(stop));
    for (const std::string& stop : upstream.stop) writer.text(stop);
    writer.close_array();
  }
  if (!tools_.empty()) append_tools(writer, upstream);
  if (!response_format_.empty()) writer.member_raw("response_format", response_format_);
  if (form.logprobs) append_logprobs(writer, upstream);
  const std::uint32_t tokens = output_tokens_max > 0 ? output_tokens_max : upstream.output_tokens_max;
  if (tokens > 0) writer.member("max_tokens", tokens);
  if (stream) writer.member("stream", true).member_raw("stream_options", R"({"include_usage":true})");
}

Request Request::choice(std::uint32_t number) const {
  Request one = *this;
  one.n_ = 1;
  one.prompts_.clear();
  one.form.index = number;
  one.form.include_usage = false;
  if (seed_) one.seed_ = (*seed_ + number) & 0x7FFFFFFF;
  if (prompts_.empty()) return one;
  one.prompt_tokens_estimate =
      std::max<std::uint32_t>(1, prompt_tokens_estimate / static_cast<std::uint32_t>(prompts_.size()));
  for (PassedField& passed : one.passed_) {
    if (passed.field->number == FieldName::prompt) passed.value = prompts_[number / n_];
  }
  return one;
}

void Request::append_logprobs(json::Writer& writer, const Upstream& upstream) const {
  const std::uint32_t most = std::max(*form.logprobs, upstream.top_logprobs_min);
  if (endpoint == Endpoint::completions) {
    writer.member("logprobs", most);
  } else {
    writer.member("logprobs", true).member("top_logprobs", most);
  }
}

void Request::append_tools(json::Writer& writer, const Upstream& upstream) const {
  const bool by_name = tool_choice_ == ToolChoice::named && upstream.takes_tool_by_name;
  const bool chosen_alone = chosen_tools_alone_ || (tool_choice_ == ToolChoice::named && !by_name);
  writer.key("tools").array();
  for (const Tool& tool : tools_) {
    if (chosen_alone && !tool.chosen) continue;
    writer.object().member("type", "function").key("function").object().member_raw("name", slice(tool.name));
    if (tool.description.bytes > 0) writer.member_raw("description", slice(tool.description));
    if (tool.parameters.bytes > 0) writer.member_raw("parameters", slice(tool.parameters));
    if (tool.strict) writer.member("strict", *tool.strict);
    writer.close_object().close_object();
  }
  writer.close_array();
  if (by_name) {
    const auto chosen = std::ranges::find_if(tools_, &Tool::chosen);
    writer.key("tool_choice").object().member("type", "function").key("function").object();
    writer.member_raw("name", slice(chosen->name)).close_object().close_object();
  } else if (tool_choice_ == ToolChoice::named || tool_choice_ == ToolChoice::required) {
    writer.member("tool_choice", "required");
  } else if (tool_choice_ != ToolChoice::unsaid) {
    writer.member("tool_choice", tool_choice_ == ToolChoice::none ? "none" : "auto");
  }
  // A tool by name, and the old form, mean one call.
  const bool one = tool_choice_ == ToolChoice::named || form.old_functions;
  if (one || parallel_tool_calls_) writer.member("parallel_tool_calls", !one && *parallel_tool_calls_);
}

}  // namespace faelled::openai
