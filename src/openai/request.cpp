#include "openai/request.hpp"

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
    const bool rebuilt = field->number == FieldName::messages && !messages_.empty();
    writer.key(field->name).raw(rebuilt ? std::string_view(messages_) : slice(value));
  }
  if (endpoint == Endpoint::embeddings) return;
  if (seed_) writer.member("seed", *seed_);
  if (!stop_.empty() || !upstream.stop.empty()) {
    writer.key("stop").array();
    for (const Slice stop : stop_) writer.raw(slice(stop));
    for (const std::string& stop : upstream.stop) writer.text(stop);
    writer.close_array();
  }
  const std::uint32_t tokens = output_tokens_max > 0 ? output_tokens_max : upstream.output_tokens_max;
  if (tokens > 0) writer.member("max_tokens", tokens);
  if (stream) writer.member("stream", true).member_raw("stream_options", R"({"include_usage":true})");
}

}  // namespace faelled::openai
