#include "gateway/paths.hpp"

namespace faelled::gateway {

std::string model_of(std::string_view path) {
  constexpr std::string_view root = "/v1/models/";
  return path.size() > root.size() ? http::percent_decoded(path.substr(root.size())) : std::string();
}

std::string traceparent_of(const http::Request& request) {
  const std::string_view header = request.header("traceparent");
  if (header.size() != 55 || !header.starts_with("00-") || header[35] != '-' || header[52] != '-') return {};
  const std::string_view trace = header.substr(3, 32);
  const std::string_view span = header.substr(36, 16);
  const std::string_view flags = header.substr(53);
  const auto hex = [](std::string_view text) {
    return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  };
  const auto zero = [](std::string_view text) { return text.find_first_not_of('0') == std::string_view::npos; };
  const bool valid = hex(trace) && hex(span) && hex(flags) && !zero(trace) && !zero(span);
  return valid ? std::string(header) : std::string();
}

}  // namespace faelled::gateway
