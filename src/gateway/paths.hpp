// What the gateway reads out of a request's path and headers before it looks at the body. Pure.
#pragma once

#include <string>
#include <string_view>

#include "http/message.hpp"

namespace faelled::gateway {

// `root` itself or what lies under it.
inline bool is_under(std::string_view path, std::string_view root) {
  return path.starts_with(root) && (path.size() == root.size() || path[root.size()] == '/');
}

// The model's name in "/v1/models/NAME", decoded; empty: none.
std::string model_of(std::string_view path);

// The client's trace in the one form that cannot carry anything else (W3C Trace Context, section 3.2), or nothing.
std::string traceparent_of(const http::Request& request);

}  // namespace faelled::gateway
