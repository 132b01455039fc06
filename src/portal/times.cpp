#include "portal/times.hpp"

#include "base/error_words.hpp"
#include "base/time_text.hpp"
#include "http/message.hpp"

namespace faelled::portal {
namespace {

using openai::ApiError;
using openai::Cause;

std::expected<WallTime, ApiError> read(std::string_view text, std::string_view name) {
  const auto time = parse_time(text);
  if (!time) return std::unexpected(ApiError{Cause::invalid_value, in_words(time.error()), std::string(name)});
  return *time;
}

}  // namespace

std::expected<std::optional<std::optional<WallTime>>, ApiError> time_of(json::Fields& fields, std::string_view name) {
  if (fields.says_null(name)) return std::optional(std::optional<WallTime>());
  const auto text = fields.maybe_text(name);
  if (!text) return std::unexpected(ApiError{Cause::invalid_value, text.error().message, std::string(name)});
  if (!*text) return std::nullopt;
  const auto time = read(**text, name);
  if (!time) return std::unexpected(time.error());
  return std::optional(std::optional(*time));
}

std::expected<std::optional<WallTime>, ApiError> time_of(std::string_view query, std::string_view name) {
  const std::string text = http::query_value(query, name);
  if (text.empty()) return std::nullopt;
  return read(text, name);
}

}  // namespace faelled::portal
